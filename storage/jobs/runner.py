"""Does the jobs: one process of the node runs it, every job in a greenlet of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Protocol

import gevent
import msgspec
from gevent import Greenlet
from gevent.lock import Semaphore

from storage.errors import OutOfSpace, VolumeFailed
from storage.index import IndexClosed
from storage.jobs.jobs import Jobs, NoSuchJob
from storage.jobs.kinds import KINDS, LINGER, Trait
from storage.jobs.progress import Progress
from storage.jobs.records import Job, Request, State
from storage.jobs.run import Aborted, Body, Run, Step, Told

TURN_SECONDS = 0.5  # between two looks at the jobs when nobody rings
PRUNE_SECONDS = 60.0
MOST_DEATHS = 5  # of processes that did a job and came nowhere
AT_ONCE = 64  # jobs; the others wait for their turn
PATIENCE_SECONDS = 0.3  # that an aborted job is given to come to its next step by itself
SLICE_SECONDS = 0.005  # that a job may compute before others get their turn

log = logging.getLogger(__name__)


class Stop(Protocol):
    def is_set(self) -> bool: ...


class Hears(Protocol):
    def wait(self, seconds: float) -> bool: ...


class Underway:
    """A job in this process."""

    def __init__(self) -> None:
        self.stopped = False
        self.greenlet: Greenlet[..., None] | None = None

    def stop(self) -> None:
        """Let it come to its next step, then cut it off; it goes on where it was when it is run again."""
        self.stopped = True
        if self.greenlet is not None:
            gevent.spawn_later(PATIENCE_SECONDS, self.greenlet.kill, block=False)


class Runner:
    """Does what is asked of the jobs of a node.

    `bodies` are by kind. `describe` puts an exception into words for clients; one for which it has none is logged.
    """

    def __init__(
        self,
        jobs: Jobs,
        bell: Hears,
        bodies: Mapping[str, Body],
        *,
        describe: Callable[[Exception], Told],
        clock: Callable[[], int],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        assert bodies.keys() <= KINDS.keys(), bodies.keys() - KINDS.keys()
        self._jobs = jobs
        self._bell = bell
        self._bodies = bodies
        self._describe = describe
        self._clock = clock
        self._monotonic = monotonic
        self._under_way: dict[str, Underway] = {}
        self._room = Semaphore(AT_ONCE)
        self._prune_at = 0.0

    def run(self, stop: Stop) -> None:
        """Do jobs until `stop` is set. What is not done by then, or when this process is killed, is gone on with by
        the next run, here or in another process."""
        while not stop.is_set():
            try:
                self.turn()
            except (OutOfSpace, VolumeFailed) as error:
                log.error("jobs cannot be recorded, trying again: %s", error)
            self._bell.wait(TURN_SECONDS)
        for one in self._under_way.values():
            one.stop()
        gevent.joinall([one.greenlet for one in self._under_way.values() if one.greenlet is not None])

    def turn(self) -> None:
        """Look at every job that lives: begin, stop or end it."""
        for job in self._jobs.live():
            under_way = self._under_way.get(job.id)
            if under_way is not None:
                if job.state.aborted and not under_way.stopped:
                    under_way.stop()
            elif job.state.aborted:
                self._end(job, "")
            elif job.waiting and Trait.ATTENDED not in KINDS[job.kind].traits:
                self._begin(job)
            else:
                self._end_if_idle(job)
        if self._monotonic() >= self._prune_at:
            self._prune_at = self._monotonic() + PRUNE_SECONDS
            self._jobs.prune()

    def _begin(self, job: Job) -> None:
        one = self._under_way[job.id] = Underway()
        one.greenlet = gevent.spawn(self._do, job, one)

    def _end(self, job: Job, error: str) -> None:
        self._progress(job).job_over(error)

    def _progress(self, job: Job) -> Progress:
        return Progress(self._jobs, job.id, clock=self._clock, monotonic=self._monotonic)

    def _end_if_idle(self, job: Job) -> None:
        if self._clock() - job.state.touched < LINGER * 1e9:
            return
        now = self._clock()

        def end(state: State) -> State:
            idle = state.touched == job.state.touched  # nobody has joined it since
            return msgspec.structs.replace(state, ended=now, done=state.requests) if idle else state

        self._jobs.change(job.id, end)

    def _do(self, job: Job, one: Underway) -> None:
        """Do the requests of a job, one after the other."""
        try:
            with self._room:
                if job.state.deaths >= MOST_DEATHS:
                    self._end(job, f"given up: {job.state.deaths} processes have died of it")
                    return
                self._progress(job).begin()
                while self._do_request(job, one):
                    pass
        except (OutOfSpace, VolumeFailed) as error:
            log.error("job %s[%s] is put off: %s", job.kind, job.id, error)
            gevent.sleep(TURN_SECONDS)
        except IndexClosed:
            pass
        finally:
            del self._under_way[job.id]

    def _do_request(self, job: Job, one: Underway) -> bool:
        """Do the next request of the job; whether there is another one to look for."""
        found = self._next(job)
        if found is None:
            return False
        state, request = found
        progress = self._progress(job)
        run = Run(
            job.definition, request.owner, request.value, state.cursor,
            stopped=lambda: one.stopped, describe=self._told, record=partial(self._save, progress),
        )
        try:
            error = self._walk(run, progress)
        except (Aborted, gevent.GreenletExit):
            left = progress.record()
            if left is not None and left.aborted:
                progress.job_over("")
            return False
        if Trait.IDLES in KINDS[job.kind].traits:
            progress.request_over(error)
            return True
        progress.job_over(error)
        return False

    def _next(self, job: Job) -> tuple[State, Request] | None:
        """Where the job stands now, and the request that is next; None when there is nothing to do."""
        try:
            state = self._jobs.get(job.id).state
            if state.ended or state.aborted or state.done == state.requests:
                return None
            return state, self._jobs.request(job.id, state.done)
        except NoSuchJob:
            return None

    def _walk(self, run: Run, progress: Progress) -> str:
        """Take the body's steps to its end; the error that it ended with, "" for none."""
        yielded = self._monotonic()
        for step in self._steps(run):
            if isinstance(step, str):
                return step
            progress.count(step)
            if step.error is not None and not run.tolerant:
                return step.error.words
            if self._monotonic() - yielded > SLICE_SECONDS:
                gevent.sleep(0)
                yielded = self._monotonic()
        return ""

    def _steps(self, run: Run) -> Iterator[Step | str]:
        """The body's steps, then the error that it ended with, if it did."""
        body = self._bodies.get(run.job.kind)
        if body is None:  # a later release's
            yield f"{run.job.kind} - operation not supported"
            return
        try:
            yield from body(run)
        except Aborted:
            raise
        except Exception as error:  # whatever it is: what the request ends with
            yield self._told(error).words

    def _told(self, error: Exception) -> Told:
        told = self._describe(error)
        if told.words:
            return told
        log.error("a job failed", exc_info=error)
        return Told("internal error", 500)

    @staticmethod
    def _save(progress: Progress, step: Step) -> None:
        progress.count(step)
        progress.record()
