"""Jobs as every process of the node sees them: started, joined, looked at, aborted, and told how far they are."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import msgspec

from storage.index import CheckFailed, Index
from storage.jobs.kinds import KINDS, Kind, Trait
from storage.jobs.records import (
    DEFINITION, DEFINITIONS, DETAILS, ENDED, LIVE, REQUEST, STATE, Definition, Job, Request, State, Value, key,
    request_key, requests_of,
)
from storage.keys import after_prefix

KEPT = 1000  # ended jobs
KEPT_SECONDS = 24 * 3600  # that they are kept; of more than `KEPT` the oldest go earlier
LETTERS = string.ascii_letters
ENDS = LETTERS + string.digits
SYMBOLS = ENDS + "-_"
LENGTH = 9  # of an id after its prefix
USER_ABORT = "user abort"

Change = Callable[[State], State]


class NoSuchJob(Exception):
    """No job has this id, or it ended so long ago that nobody remembers it."""

    def __init__(self, job: str) -> None:
        super().__init__(job)
        self.job = job


class Rings(Protocol):
    def ring(self) -> None: ...


class Jobs:
    """The jobs of a node. Changes are durable, and seen by every process, when a call returns.

    `index` is the primary volume's; `bell` wakes whoever does the jobs; `clock` gives ns since the epoch.
    """

    def __init__(
        self, index: Index, bell: Rings, *, clock: Callable[[], int], random: Callable[[int], bytes]
    ) -> None:
        self._index = index
        self._bell = bell
        self._clock = clock
        self._random = random

    def start(
        self, kind: str, *, owner: str, bucket: str = "", destination: str = "", value: Value | None = None
    ) -> str:
        """Have `value` done by a job of this kind; the job's id.

        A new job, unless the kind idles and one with the same buckets lives: the request joins that. `value` is the
        action's, as JSON has it; "num-workers" (how many units of work at a time) and "coer" (objects that fail are
        skipped) mean the same for every kind.
        """
        assert kind in KINDS, f"no kind is called {kind}"
        request = Request(owner, value or {})
        joined = self._join(kind, bucket, destination, request) if Trait.IDLES in KINDS[kind].traits else None
        job = joined or self._create(kind, owner, bucket, destination, request)
        self._bell.ring()
        return job

    def get(self, job: str) -> Job:
        """The job as it stands; `NoSuchJob`."""
        raw = self._index.get(key(DEFINITIONS, job))
        state = self._state(job)
        if raw is None or state is None:
            raise NoSuchJob(job)
        return Job(DEFINITION.decode(raw), state)

    def lives(self, job: str) -> bool:
        """Whether the job goes on: it has neither ended nor been aborted."""
        raw = self._index.get(key(LIVE, job))
        return raw is not None and not STATE.decode(raw).aborted

    def live(self) -> list[Job]:
        """The jobs that have not ended, idle ones too, the newest first."""
        return self._all(LIVE)

    def all(self) -> list[Job]:
        """Every job that is remembered, the newest first."""
        found = {job.id: job for job in self._all(LIVE)}
        found |= {job.id: job for job in self._all(ENDED)}  # of one that ended meanwhile this is the newer state
        return newest_first(found.values())

    def abort(self, job: str, reason: str = USER_ABORT) -> None:
        """Have the job end before its time, within a second; nothing happens to one that has ended, or to none.

        What it has done stays done.
        """
        if self.change(job, lambda state: state if state.aborted else msgspec.structs.replace(state, aborted=reason)):
            self._bell.ring()

    def age(self, job: Job) -> int:
        """How long (ns) ago it was started."""
        return self._clock() - job.definition.started

    def details(self, job: str) -> bytes | None:
        """What its kind has told of the job last."""
        return self._index.get(key(DETAILS, job))

    def value(self, job: str) -> Value:
        """What the first request asked that is not over, {} when all are."""
        for _, raw in self._index.scan(*requests_of(job), batch=1):
            return REQUEST.decode(raw).value
        return {}

    # -- for who does the jobs ---------------------------------------------------------------------------------------

    def change(self, job: str, change: Change) -> State | None:
        """Replace the state of a job that lives by what `change` makes of it, and return that; None when it does not
        live. `change` is called again when another process was faster. The requests that are over are forgotten, and
        a job that is given an end has ended, with all that it was asked."""
        while (raw := self._index.get(key(LIVE, job))) is not None:
            before = STATE.decode(raw)
            wanted = change(before)
            if wanted == before:
                return before
            try:
                self._move(job, raw, before, wanted)
                return wanted
            except CheckFailed:
                continue
        return None

    def request(self, job: str, number: int) -> Request:
        """What the request asks."""
        raw = self._index.get(request_key(job, number))
        if raw is None:
            raise NoSuchJob(job)
        return REQUEST.decode(raw)

    def prune(self) -> None:
        """Forget the oldest of those that have ended."""
        oldest = self._clock() - KEPT_SECONDS * 1_000_000_000
        ended = self._all(ENDED)
        for job in [*ended[KEPT:], *(job for job in ended[:KEPT] if job.state.ended < oldest)]:
            self.forget(job.id)

    def forget(self, job: str) -> None:
        """Forget a job that has ended."""
        self._index.commit(deletes=[key(space, job) for space in (DEFINITIONS, ENDED, DETAILS)])

    def detail(self, job: str, details: bytes) -> None:
        """Keep what its kind tells of the job, in place of what was told before."""
        self._index.commit(puts=[(key(DETAILS, job), details)])

    def _move(self, job: str, raw: bytes, before: State, wanted: State) -> None:
        old, new = key(LIVE, job), key(ENDED if wanted.ended else LIVE, job)
        over = range(before.done, wanted.requests if wanted.ended else wanted.done)
        deletes = [request_key(job, number) for number in over] + ([old] if wanted.ended else [])
        self._index.commit(checks=[(old, raw)], puts=[(new, STATE.encode(wanted))], deletes=deletes)

    def _create(self, kind: str, owner: str, bucket: str, destination: str, request: Request) -> str:
        now = self._clock()
        while True:
            job = self._new_id(KINDS[kind])
            made = key(DEFINITIONS, job)
            puts = [
                (made, DEFINITION.encode(Definition(job, kind, now, owner, bucket, destination))),
                (key(LIVE, job), STATE.encode(State(touched=now, workers=workers_of(request.value)))),
                (request_key(job, 0), REQUEST.encode(request)),
            ]
            try:
                self._index.commit(checks=[(made, None)], puts=puts)
                return job
            except CheckFailed:
                continue

    def _new_id(self, kind: Kind) -> str:
        if Trait.NUMBERED not in kind.traits:
            return kind.prefix + new_id(self._random)
        taken = (int(job.id.removeprefix(kind.prefix)) for job in self.all() if job.kind == kind.name)
        return f"{kind.prefix}{max(taken, default=0) + 1}"

    def _join(self, kind: str, bucket: str, destination: str, request: Request) -> str | None:
        """The id of the job that now has the request, too; None when there is none to join."""
        for job in self.live():
            made = job.definition
            if (made.kind, made.bucket, made.destination) == (kind, bucket, destination) and self._add(job.id, request):
                return job.id
        return None

    def _add(self, job: str, request: Request) -> bool:
        while (raw := self._index.get(key(LIVE, job))) is not None:
            before = STATE.decode(raw)
            if before.aborted:
                return False
            after = msgspec.structs.replace(before, requests=before.requests + 1, touched=self._clock())
            puts = [(key(LIVE, job), STATE.encode(after)), (request_key(job, before.requests), REQUEST.encode(request))]
            try:
                self._index.commit(checks=[(key(LIVE, job), raw)], puts=puts)
                return True
            except CheckFailed:
                continue
        return False

    def _state(self, job: str) -> State | None:
        raw = self._index.get(key(LIVE, job)) or self._index.get(key(ENDED, job))  # in the order in which it passes
        return None if raw is None else STATE.decode(raw)

    def _all(self, space: bytes) -> list[Job]:
        return newest_first(self._scan(space))

    def _scan(self, space: bytes) -> Iterator[Job]:
        for raw_key, state in self._index.scan(space, after_prefix(space), decode=STATE.decode):
            raw = self._index.get(DEFINITIONS + raw_key[len(space):])
            if raw is not None:  # forgotten meanwhile
                yield Job(DEFINITION.decode(raw), state)


def newest_first(jobs: Iterable[Job]) -> list[Job]:
    return sorted(jobs, key=lambda job: job.definition.started, reverse=True)


def new_id(random: Callable[[int], bytes]) -> str:
    """Nine characters, as AIStore's clients take them: the first a letter, the last a letter or a digit."""
    first, *middle, last = random(LENGTH)
    return one_of(LETTERS, first) + "".join(one_of(SYMBOLS, byte) for byte in middle) + one_of(ENDS, last)


def one_of(symbols: str, byte: int) -> str:
    return symbols[byte % len(symbols)]


def workers_of(value: Value) -> int:
    """How many workers a request asks for, 0 when it leaves that to the node."""
    asked = value.get("num-workers")
    return max(1, asked) if isinstance(asked, int) and asked else 0
