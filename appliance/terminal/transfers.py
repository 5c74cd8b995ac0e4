"""Many transfers at once, in threads, with a bounded number waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Generic, TypeVar

import click

from appliance.terminal.failures import REFUSED, SILENT, Unwritable, explained
from appliance.terminal.progress import Meter, meter
from appliance.terminal.view import dry_run_option, progress_option
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
class Manner:
    """How the user wants transfers to run."""

    workers: int  # at a time
    retries: int  # after silence
    keep_going: bool  # after one that failed
    progress: bool
    verbose: bool
    dry_run: bool


def carried(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --num-workers, --retries, --cont-on-err, --progress, --verbose, --dry-run; the command gets a `manner`."""

    @wraps(command)
    def run(
        *given: Any,
        workers: int,
        retries: int,
        keep_going: bool,
        progress: bool,
        verbose: bool,
        dry_run: bool,
        **named: Any,
    ) -> Any:
        return command(*given, manner=Manner(workers, retries, keep_going, progress, verbose, dry_run), **named)

    for add in (
        dry_run_option,
        progress_option,
        click.option("--verbose", "-v", is_flag=True, help="A line a file."),
        click.option("--cont-on-err", "keep_going", is_flag=True, help="Go on after one that fails."),
        click.option("--retries", type=click.IntRange(0, 20), metavar="N", default=2, help="After silence; 2."),
        click.option(
            "--num-workers", "workers", type=click.IntRange(1, 64), metavar="N", default=8, help="So many at a time; 8."
        ),
    ):
        run = add(run)
    return run


@dataclass(frozen=True, slots=True)
class Transfer(Generic[Task]):
    """What is done with each task. `work` gets a function that hears of the bytes moved, and returns how many they
    were, or None when there was nothing to do; threads call it."""

    word: str  # PUT, GET
    work: Callable[[Task, Callable[[int], None]], int | None]
    name: Callable[[Task], str]  # of what failed, for people
    size: Callable[[Task], int | None]  # bytes, where they are known before


def carry(transfer: Transfer[Task], tasks: Iterable[Task], manner: Manner) -> Tally:
    """Do it for all tasks. Only with a progress bar are they counted before, and all in memory."""
    with meter(transfer.word, manner.progress) as watcher:
        if manner.progress:
            tasks = list(tasks)
            sizes = [transfer.size(task) for task in tasks]
            watcher.expect(len(tasks), None if None in sizes else sum(size or 0 for size in sizes))
        return Pool(transfer, manner, watcher).run(tasks)


@dataclass(frozen=True, slots=True)
class Pool(Generic[Task]):
    transfer: Transfer[Task]
    manner: Manner
    meter: Meter
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self, tasks: Iterable[Task]) -> Tally:
        """All of them; after a failure, unless the user wants to go on, those that have begun and no others."""
        tally = Tally()
        pending: set[Future[int | None]] = set()
        names: dict[Future[int | None], Task] = {}
        pool = ThreadPoolExecutor(self.manner.workers)
        try:
            for task in tasks:
                if self.stop.is_set():
                    break
                future = pool.submit(self._done, task)
                names[future] = task
                pending.add(future)
                if len(pending) >= self.manner.workers * WINDOW:
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
            if not self.manner.keep_going:
                self.stop.set()
            raise

    def _moved(self, count: int) -> None:
        if self.stop.is_set():
            raise Stopped
        self.meter.add(0, count)

    def _attempts(self, task: Task) -> int | None:
        pause = FIRST_PAUSE
        for attempt in range(self.manner.retries + 1):
            if self.stop.is_set():
                raise Stopped
            try:
                return self.transfer.work(task, self._moved)
            except Unreachable:
                if attempt == self.manner.retries:
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
        name = self.transfer.name(task)
        tally.failures.append({"name": name, "error": reason})
        tally.silent = tally.silent or isinstance(error, Unreachable)
        if self.manner.keep_going or len(tally.failures) == 1:
            click.echo(f"sluice: {name}: {reason}", err=True)
