"""What the process for background jobs does by itself: the sweep, at the start and then from time to time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from storage.errors import StorageError
from storage.store import Store
from storage.sweep import Swept, sweep
from storage.threads import pause

SECOND = 1_000_000_000  # ns
COARSE = SECOND // 50  # files are stamped with the kernel's last tick, which lies up to this much before now
GRACE = 3600 * SECOND  # longer than any write takes from its first byte to being visible
INTERVAL_SECONDS = 6 * 3600.0

log = logging.getLogger("sluice.housekeeping")


class Stop(Protocol):
    def wait(self, timeout: float) -> bool: ...

    def is_set(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Housekeeping:
    """`started` is when the node's first process began, before any of its workers: what is older and no record names
    can only be a crash's."""

    store: Store
    started: int  # ns
    clock: Callable[[], int]

    def run(self, stop: Stop) -> None:
        """Sweep now and every six hours, until `stop` is set."""
        self.sweep(stop, before=self.started - COARSE)
        while not stop.wait(INTERVAL_SECONDS):
            self.sweep(stop, before=self.clock() - GRACE)

    def sweep(self, stop: Stop, *, before: int) -> None:
        """One sweep; a volume that fails it is reported and looked at again by the next one."""
        records = files = size = 0
        try:
            for step in sweep(self.store, before=before, clock=self.clock):
                records, files, size = records + step.records, files + step.files, size + step.size
                report(step)
                pause(0)
                if stop.is_set():
                    return
        except StorageError as error:
            log.error("the sweep for leftovers ended early: %r", error)
            return
        log.info("swept: %d records and %d files with %d bytes were left over and are gone", records, files, size)


def report(step: Swept) -> None:
    if step.records or step.files:
        log.debug("volume %s: removed %d records, %d files", step.volume, step.records, step.files)
