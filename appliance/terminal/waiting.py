"""Following a job of the node until it is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import wraps
from typing import Any

import click

from appliance.terminal.failures import REFUSED, TIMED_OUT, fail
from appliance.terminal.kinds import DURATION
from appliance.terminal.output import duration
from appliance.terminal.progress import Meter, Silent, meter
from appliance.terminal.view import View
from nativeapi.client import NativeClient, Refused, Unreachable

ZERO = "0001-01-01T00:00:00Z"
# Kinds that other requests may join: they are done when idle, twice in a row.
IDLE = frozenset(
    "ec-get ec-put ec-resp put-copies archive copy-listrange copy-objects etl-listrange etl-objects download list "
    "get-batch".split()
)
UNKNOWN = (None, None)  # objects, bytes
FIRST_PAUSE, LAST_PAUSE = 0.03, 1.0  # seconds between looks
RESTART_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job stands."""

    id: str
    kind: str
    objects: int
    bytes: int
    state: str  # running, idle, finished, aborted, failed
    error: str

    @property
    def json(self) -> dict[str, Any]:
        return asdict(self)


def snapshots(client: NativeClient, **message: Any) -> list[dict[str, Any]]:
    """The snapshots that the message asks for, of all nodes; [] when there are none, or no such job."""
    try:
        found = client.json("GET", "cluster", query={"what": "qryxstats"}, message=message) or {}
    except Refused as error:
        if error.status != 404:
            raise
        return []
    return [{**snap, "node": node} for node, snaps in found.items() for snap in snaps or ()]


def state(snap: dict[str, Any]) -> str:
    if snap.get("aborted") or snap.get("abort-err"):
        return "aborted"
    if snap.get("end-time", ZERO) != ZERO:
        return "failed" if snap.get("err") else "finished"
    return "idle" if snap.get("is_idle") else "running"


def outcome(job: str, snaps: Sequence[dict[str, Any]]) -> Outcome:
    """The job's state in all: the worst of its nodes' states, the sum of their counts."""
    states = [state(snap) for snap in snaps]
    worst = next(word for word in ("running", "aborted", "failed", "idle", "finished") if word in states)
    stats = [snap.get("stats") or {} for snap in snaps]
    errors = [snap.get("abort-err") or snap.get("err") or "" for snap in snaps]
    return Outcome(
        job,
        str(snaps[0].get("kind", "")),
        sum(int(one.get("loc-objs") or 0) for one in stats),
        sum(int(one.get("loc-bytes") or 0) for one in stats),
        worst,
        next(filter(None, errors), ""),
    )


def looked_at(client: NativeClient, job: str) -> Outcome:
    """How the job stands. A node that starts again does not answer for some seconds, and its jobs go on then."""
    deadline = time.monotonic() + RESTART_SECONDS
    while True:
        try:
            snaps = snapshots(client, ID=job)
            break
        except Unreachable:
            if time.monotonic() >= deadline:
                raise
            time.sleep(LAST_PAUSE)
    if not snaps:
        raise Refused(404, f'"x-[{job}]" not found')
    return outcome(job, snaps)


def follow(client: NativeClient, job: str, timeout: float | None, watcher: Meter = Silent()) -> Outcome:
    """Return when the job has ended or is idle; `TimeoutError` when it is not after `timeout` seconds."""
    deadline = None if timeout is None else time.monotonic() + timeout
    pause, idle = FIRST_PAUSE, 0
    while True:
        found = looked_at(client, job)
        watcher.reach(found.objects, found.bytes)
        idle = idle + 1 if found.state == "idle" and found.kind in IDLE else 0
        if found.state not in ("running", "idle") or idle == 2:
            return found
        if deadline is not None and time.monotonic() >= deadline:
            raise TimeoutError(job)
        time.sleep(pause)
        pause = min(pause * 1.5, LAST_PAUSE)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Whether the user waits for jobs, for how long, and what he sees meanwhile."""

    wait: bool
    timeout: float | None  # seconds
    progress: bool

    def end(
        self, client: NativeClient, job: str, view: View, done: str, expect: tuple[int | None, int | None] = UNKNOWN
    ) -> None:
        """Say that the job has started; or wait for it and say `done`. A job that fails ends the command."""
        self.end_all(client, {job: done}, view, expect)

    def end_all(
        self, client: NativeClient, jobs: dict[str, str], view: View, expect: tuple[int | None, int | None] = UNKNOWN
    ) -> None:
        """The same for several jobs, ids to what is said when they have ended."""
        if not (self.wait or self.progress):
            words = [f"Started job {job}; `sluice wait {job}` waits for it" for job in jobs]
            view.show(one_or_all([{"job": job} for job in jobs]), lambda: view.say("\n".join(words)))
            return
        report([(self.outcome(client, job, expect), done) for job, done in jobs.items()], view)

    def outcome(
        self, client: NativeClient, job: str, expect: tuple[int | None, int | None] = UNKNOWN
    ) -> tuple[Outcome, float]:
        """How a job ended, and the seconds that it was waited for. Ends the command when the time has passed."""
        begun = time.monotonic()
        try:
            with meter(job, self.progress) as watcher:
                watcher.expect(*expect)
                found = follow(client, job, self.timeout, watcher)
        except TimeoutError:
            fail(f"{job} still runs; `sluice wait {job}` waits on, `sluice stop {job}` ends it", status=TIMED_OUT)
        return found, time.monotonic() - begun


def one_or_all(values: list[dict[str, Any]]) -> Any:
    return values[0] if len(values) == 1 else values


def report(ended: Sequence[tuple[tuple[Outcome, float], str]], view: View) -> None:
    """Say how jobs ended, of each what was `done`; anything but success ends the command."""
    if view.as_json:
        view.show(one_or_all([found.json for (found, _), _ in ended]), lambda: None)
    failures = []
    for (found, seconds), done in ended:
        if found.error or found.state in ("aborted", "failed"):
            reason = found.error or "it was stopped"
            word = "was stopped" if found.state == "aborted" else "failed"
            failures.append(f"{found.kind} {found.id} {word}: {reason}; see `sluice show job {found.id}`")
            continue
        size = f", {view.size(found.bytes)}" if found.bytes else ""
        view.say(f"{done} ({found.objects:,} objects{size}, {duration(seconds)})")
    if failures:
        fail("\nsluice: ".join(failures), status=REFUSED)


def awaited(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --wait, --timeout and --progress; the command gets a `waiting`."""

    @wraps(command)
    def run(*given: Any, wait: bool, timeout: float | None, progress: bool, **named: Any) -> Any:
        return command(*given, waiting=Waiting(wait, timeout, progress), **named)

    for add in (
        click.option("--progress", is_flag=True, help="Show a progress bar; implies --wait."),
        click.option("--timeout", type=DURATION, metavar="TIME", help="With --wait: not longer than 30s, 5m, …"),
        click.option("--wait", is_flag=True, help="Return when the job has ended."),
    ):
        run = add(run)
    return run
