"""Many transfers at once, in threads, with a bounded number waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import click

from appliance.terminal.failures import REFUSED, SILENT, Unwritable, explained
from appliance.terminal.progress import Meter
from nativeapi.client import Refused, Unreachable
from nativeapi.client_http import Unreadable

WINDOW = 4  # tasks handed out for each worker
FIRST_PAUSE = 0.5  # seconds before a second attempt

FAILURES = (Refused, Unreachable, Unreadable, Unwritable)

Task = TypeVar("Task")


class Stopped(Exception):
    """The user, or a failure elsewhere, has ended everything."""


@dataclass(slots=True)
class Tally:
    """What came of the transfers."""

    done: int = 0
    skipped: int = 0
    bytes: int = 0
    failures: list[dict[str, str]] = field(default_factory=list)
    silent: bool = False  # the node did not answer

    @property
    def json(self) -> dict[str, Any]:
        return {"done": self.done, "skipped": self.skipped, "bytes": self.bytes, "failures": self.failures}

    def end(self) -> None:
        """End the command with the exit code that the failures mean, if there are any."""
        if self.failures:
            raise SystemExit(SILENT if self.silent else REFUSED)


@dataclass(frozen=True, slots=True)
class Pool(Generic[Task]):
    """How transfers run. `work` returns the bytes moved, or None when there was nothing to do; threads call it."""

    work: Callable[[Task], int | None]
    label: Callable[[Task], str]  # what failed, for people
    meter: Meter
    workers: int = 8
    retries: int = 2  # after silence
    keep_going: bool = False
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self, tasks: Iterable[Task]) -> Tally:
        """All of them; after a failure, unless `keep_going`, those that have begun and no others."""
        tally = Tally()
        pending: set[Future[int | None]] = set()
        names: dict[Future[int | None], Task] = {}
        pool = ThreadPoolExecutor(self.workers)
        try:
            for task in tasks:
                if self.stop.is_set():
                    break
                future = pool.submit(self._done, task)
                names[future] = task
                pending.add(future)
                if len(pending) >= self.workers * WINDOW:
                    ended, pending = wait(pending, return_when=FIRST_COMPLETED)
                    self._count(ended, names, tally)
            self._count(wait(pending).done, names, tally)
        except BaseException:
            self.stop.set()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
        return tally

    def _done(self, task: Task) -> int | None:
        try:
            return self._attempts(task)
        except FAILURES:
            if not self.keep_going:
                self.stop.set()
            raise

    def _attempts(self, task: Task) -> int | None:
        pause = FIRST_PAUSE
        for attempt in range(self.retries + 1):
            if self.stop.is_set():
                raise Stopped
            try:
                return self.work(task)
            except Unreachable:
                if attempt == self.retries:
                    raise
            time.sleep(pause)
            pause *= 2
        raise AssertionError("the last attempt returns or raises")

    def _count(self, ended: Iterable[Future[int | None]], names: dict[Future[int | None], Task], tally: Tally) -> None:
        for future in ended:
            task = names.pop(future)
            try:
                moved = future.result()
            except FAILURES as error:
                self._failed(task, error, tally)
            except Stopped:
                continue
            else:
                tally.skipped += moved is None
                tally.done += moved is not None
                tally.bytes += moved or 0
                self.meter.add(1, 0)

    def _failed(self, task: Task, error: Exception, tally: Tally) -> None:
        reason = explained(error) if isinstance(error, Refused) else str(error)
        tally.failures.append({"name": self.label(task), "error": reason})
        tally.silent = tally.silent or isinstance(error, Unreachable)
        if self.keep_going or len(tally.failures) == 1:
            click.echo(f"sluice: {self.label(task)}: {reason}", err=True)
