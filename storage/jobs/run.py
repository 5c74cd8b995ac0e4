"""What a kind's body works with: what is asked of it, where to go on, and how it tells what it has done."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import gevent
import msgspec
from gevent import Greenlet

from storage.jobs.records import LONGEST_ERROR, Definition, ObjectError, Value

WORKERS = 32  # units of work at a time, where a request leaves that to the node
MOST_WORKERS = 256  # whatever a request asks for: each may hold files and buffers


class Aborted(Exception):
    """The job was aborted, or its process is to end: no more may be begun. Not an error of the work."""


class Step(msgspec.Struct, frozen=True, gc=False):
    """One unit of work that is over. With `cursor`, everything up to it is: from there a later run goes on."""

    objects: int = 0
    size: int = 0  # bytes of these objects
    cursor: str = ""
    error: ObjectError | None = None  # why an object could not be processed
    note: str = ""  # for operators; it stays until there is another one


class Told(NamedTuple):
    """An exception in words for clients, "" when nobody knows any, and HTTP's status for it, 0 when there is none."""

    words: str
    status: int = 0


class Unit(NamedTuple):
    """A unit of work to be done: an object's name, and the cursor that holds once it and all before it are over."""

    name: str
    cursor: str


@dataclass(slots=True)
class Run:
    """A request on its way through its job's body, in the process that does the jobs.

    The body yields a `Step` for each unit of work that is over. Whatever it raises but `Aborted` ends the request with
    that as its error. After a crash it is run again from the last cursor that was recorded, at most half a second old:
    units between that and the crash are done again, so they must come to the same when done twice.
    """

    job: Definition
    owner: str  # canonical id of the account whose request it is
    value: Value  # the action's
    cursor: str  # where to go on, "" at the beginning
    stopped: Callable[[], bool]
    describe: Callable[[Exception], Told]
    record: Callable[[Step], None]

    @property
    def bucket(self) -> str:
        return self.job.bucket

    @property
    def destination(self) -> str:
        return self.job.destination

    @property
    def workers(self) -> int:
        """How many units of work at a time."""
        asked = self.value.get("num-workers")
        return min(max(1, asked), MOST_WORKERS) if isinstance(asked, int) and asked else WORKERS

    @property
    def tolerant(self) -> bool:
        """Whether objects that cannot be processed are passed over."""
        return bool(self.value.get("coer"))

    def check(self) -> None:
        """Raise `Aborted` when the job is to end; for bodies whose units take long."""
        if self.stopped():
            raise Aborted

    def save(self, cursor: str, *, objects: int = 0, size: int = 0) -> None:
        """Make everything yielded so far, this cursor and these counts durable before the call returns: for bodies that
        must know after a crash what they were about to do."""
        self.record(Step(objects, size, cursor))

    def each(self, units: Iterable[Unit], work: Callable[[str], Step]) -> Iterator[Step]:
        """Do `work` for the name of each unit, `workers` of them at a time; the steps, in the units' order.

        An exception of `work` becomes a step with an error; one that is not tolerated is the last. When the job is to
        end, or ends with an error, what has begun is finished first.
        """
        under_way: deque[Greenlet[..., Step]] = deque()
        try:
            for unit in units:
                if self.stopped():
                    break
                under_way.append(gevent.spawn(self._one, unit, work))
                if len(under_way) >= self.workers:
                    step = under_way.popleft().get()
                    if step.error is not None and not self.tolerant:
                        yield from (one for one in drained(under_way) if one.error is None)
                        yield step
                        return
                    yield step
            yield from drained(under_way)
            self.check()
        finally:
            gevent.killall(list(under_way))

    def failed(self, name: str, error: Exception) -> ObjectError:
        """What is told of an object whose processing raised this."""
        told = self.describe(error)
        return ObjectError(name, told.words[:LONGEST_ERROR], told.status)

    def _one(self, unit: Unit, work: Callable[[str], Step]) -> Step:
        try:
            step = work(unit.name)
        except Exception as error:  # whatever it is: this object's, and told as such
            step = Step(error=self.failed(unit.name, error))
        return msgspec.structs.replace(step, cursor=unit.cursor)


def drained(under_way: deque[Greenlet[..., Step]]) -> Iterator[Step]:
    """The steps of what has begun, in order."""
    while under_way:
        yield under_way.popleft().get()


Body: TypeAlias = Callable[[Run], Iterator[Step]]
