"""What the process for background jobs does by itself: the sweep, at the start and then from time to time."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Protocol

from appliance.clock import WallClock
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
    """`clock` was made by the node's first process, before any of its workers: what is older and no record names can
    only be a crash's."""

    store: Store
    clock: WallClock

    def run(self, stop: Stop) -> None:
        """Sweep now and every six hours, until `stop` is set."""
        self.sweep(stop, before=self.clock.started - COARSE)
        while not stop.wait(INTERVAL_SECONDS):
            self.sweep(stop, before=self.clock() - GRACE)

    def sweep(self, stop: Stop, *, before: int) -> None:
        """One sweep; a volume that fails it is reported and looked at again by the next one.

        It ends, without removing any more, when the clock turns out to have been set since the sweep before.
        """
        records = files = size = 0
        if self._put_off():
            return
        try:
            for step in sweep(self.store, before=before, clock=self.clock):
                records, files, size = records + step.records, files + step.files, size + step.size
                report(step)
                pause(0)
                if stop.is_set() or self._put_off():
                    return
        except StorageError as error:
            log.error("the sweep for leftovers ended early: %r", error)
            return
        level = logging.INFO if records or files else logging.DEBUG
        log.log(level, "swept: %d records and %d files with %d bytes were left over and are gone", records, files, size)

    def _put_off(self) -> bool:
        if not self.clock.was_set():
            return False
        log.warning("the system's clock was set; the sweep for leftovers is put off, lest it take new files for old")
        self.clock.accept()
        return True


def report(step: Swept) -> None:
    if step.records or step.files:
        log.debug("volume %s: removed %d records, %d files", step.volume, step.records, step.files)
