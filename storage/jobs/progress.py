"""How far a request of a job is: counted step by step, recorded from time to time."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from storage.jobs.jobs import Jobs
from storage.jobs.records import MOST_ERRORS, ObjectError, State
from storage.jobs.run import Step

RECORD_SECONDS = 0.5  # how far the record may be behind


class Progress:
    """The counts of one request since they were recorded last, in the process that does the job."""

    def __init__(self, jobs: Jobs, job: str, *, clock: Callable[[], int], monotonic: Callable[[], float]) -> None:
        self._jobs = jobs
        self._job = job
        self._clock = clock
        self._monotonic = monotonic
        self._cursor = self._note = ""
        self._errors: tuple[ObjectError, ...] = ()
        self._due = 0.0
        self._clear()

    def count(self, step: Step) -> None:
        """Add a step; recorded with the others when the last record is old."""
        self._objects += step.objects
        self._size += step.size
        self._cursor = step.cursor or self._cursor
        self._note = step.note or self._note
        if step.error is not None:
            self._failed += 1
            self._errors = (*self._errors, step.error)[-MOST_ERRORS:]
        if self._monotonic() >= self._due:
            self.record()

    def begin(self) -> None:
        """Make known that a process begins: unless it records anything later, it has died of it."""
        self._jobs.change(self._job, lambda state: replace(state, deaths=state.deaths + 1))

    def record(self) -> State | None:
        """Make what was counted durable, with the cursor it belongs to."""
        return self._record(lambda state: state)

    def request_over(self, error: str) -> State | None:
        """The same, and the request is over."""
        state = self._record(lambda state: replace(state, done=state.done + 1, cursor="", error=state.error or error))
        self._cursor = ""
        return state

    def job_over(self, error: str) -> State | None:
        """The same, and the job has ended, with an error aborted."""
        ended = self._clock()

        def end(state: State) -> State:
            return replace(
                state, done=state.requests, ended=ended, error=state.error or error, aborted=state.aborted or error
            )

        return self._record(end)

    def _record(self, change: Callable[[State], State]) -> State | None:
        counted = self._counted()
        self._clear()
        return self._jobs.change(self._job, lambda state: change(counted(state)))

    def _counted(self) -> Callable[[State], State]:
        objects, size, failed, errors = self._objects, self._size, self._failed, self._errors
        cursor, note = self._cursor, self._note
        first = errors[0].words if errors else ""
        touched = self._clock()
        return lambda state: replace(
            state,
            touched=touched,
            objects=state.objects + objects,
            size=state.size + size,
            failed=state.failed + failed,
            errors=(*state.errors, *errors)[-MOST_ERRORS:],
            error=state.error or first,
            cursor=cursor or state.cursor,
            note=note or state.note,
            deaths=0,
        )

    def _clear(self) -> None:
        self._objects = self._size = self._failed = 0
        self._errors = ()
        self._due = self._monotonic() + RECORD_SECONDS
