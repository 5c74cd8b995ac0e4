"""The job that sweeps, which the node starts by itself: as it starts, and then from time to time."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from appliance.clock import WallClock
from storage.errors import StorageError
from storage.jobs import Jobs, Run, Step
from storage.store import Store
from storage.sweep import Swept, sweep

SECOND = 1_000_000_000  # ns
COARSE = SECOND // 50  # files are stamped with the kernel's last tick, which lies up to this much before now
GRACE = 3600 * SECOND  # longer than any write takes from its first byte to being visible
INTERVAL_SECONDS = 6 * 3600.0
KIND = "cleanup-store"
NODE = "node"  # whose job it is when nobody has asked for it
AT_START = "at-start"  # in the job's value: of everything from before the node's start, not only of what is old
PUT_OFF = "the system's clock was set; the sweep for leftovers is put off, lest it take new files for old"

log = logging.getLogger("sluice.housekeeping")


class Stop(Protocol):
    def wait(self, timeout: float) -> bool: ...


def keep_house(jobs: Jobs, stop: Stop) -> None:
    """Start a sweep now and every six hours, until `stop` is set; one that was cut off goes on by itself instead."""
    value = {AT_START: True}
    while True:
        try:
            if not any(job.kind == KIND and jobs.value(job.id) == value for job in jobs.live()):
                jobs.start(KIND, owner=NODE, value=value)
        except StorageError as error:
            log.error("a sweep for leftovers cannot be started: %s", error)
        value = {}
        if stop.wait(INTERVAL_SECONDS):
            return


@dataclass(frozen=True, slots=True)
class Sweeping:
    """Removes what is left over; a volume that fails ends it, and is looked at again by the next one.

    `clock` was made by the node's first process, before any of its workers: what is older and no record names can only
    be a crash's. It ends, without removing any more, when the clock turns out to have been set since the sweep before.
    """

    store: Store
    clock: WallClock

    def __call__(self, run: Run) -> Iterator[Step]:
        before = self.clock.started - COARSE if run.value.get(AT_START) else self.clock() - GRACE
        if self._put_off():
            yield Step(note=PUT_OFF)
            return
        try:
            for swept in sweep(self.store, before=before, clock=self.clock):
                report(swept)
                yield Step(swept.records + swept.files, swept.size)
                if self._put_off():
                    yield Step(note=PUT_OFF)
                    return
        except StorageError as error:
            log.error("the sweep for leftovers ended early: %r", error)
            raise

    def _put_off(self) -> bool:
        if not self.clock.was_set():
            return False
        log.warning(PUT_OFF)
        self.clock.accept()
        return True


def report(swept: Swept) -> None:
    if swept.records or swept.files:
        log.info(
            "volume %s: %d records and %d files with %d bytes were left over and are gone",
            swept.volume, swept.records, swept.files, swept.size,
        )
