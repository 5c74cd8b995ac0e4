"""How far a download is: what AIStore's clients are shown, link by link."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from storage.jobs import Jobs
from storage.records import Codec

TELL_SECONDS = 1.0
MOST_FINISHED = 256  # that are shown, the latest


class Task(msgspec.Struct, array_like=True):
    """A link on its way, or at its end."""

    name: str  # the object's
    started: int  # ns
    downloaded: int = 0  # bytes
    total: int = -1  # bytes; -1: not known
    ended: int = 0  # ns


class Downloads(msgspec.Struct, array_like=True):
    """What the index holds of a download beside its job."""

    description: str
    total: int  # links
    skipped: int = 0  # that were there already
    current: list[Task] = []
    finished: list[Task] = []


DOWNLOADS = Codec(Downloads)


class Board:
    """The progress of one download in the process that does it, told to all about once a second."""

    def __init__(
        self, jobs: Jobs, job: str, fresh: Downloads, *, clock: Callable[[], int], monotonic: Callable[[], float]
    ) -> None:
        """`fresh` is how a download begins; one that goes on after a crash has what was told last."""
        self._jobs = jobs
        self._job = job
        self._clock = clock
        self._monotonic = monotonic
        raw = jobs.details(job)
        self._state = fresh if raw is None else DOWNLOADS.decode(raw)
        self._state.current = []
        self._due = 0.0

    def begin(self, name: str) -> Task:
        task = Task(name, self._clock())
        self._state.current.append(task)
        self.tell_in_time()
        return task

    def took(self, task: Task, size: int) -> None:
        task.downloaded += size
        self.tell_in_time()

    def done(self, task: Task) -> None:
        task.ended = self._clock()
        self._state.finished = [*self._state.finished, task][-MOST_FINISHED:]

    def skip(self) -> None:
        self._state.skipped += 1

    def leave(self, task: Task) -> None:
        """The link is not on its way any more, whatever became of it."""
        self._state.current.remove(task)
        self.tell_in_time()

    def tell_in_time(self) -> None:
        if self._monotonic() >= self._due:
            self.tell()

    def tell(self) -> None:
        self._due = self._monotonic() + TELL_SECONDS
        self._jobs.detail(self._job, DOWNLOADS.encode(self._state))
