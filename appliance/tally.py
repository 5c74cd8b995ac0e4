"""The line of the log that tells from time to time what the node has done, in AIStore's form."""

from __future__ import annotations

import logging
from time import monotonic
from typing import Protocol

from nativeapi.native import Native

SECOND = 1_000_000_000  # ns
PERIOD = "log.stats_time"
LOOK_SECONDS = 1.0  # between two looks at how long the period is

log = logging.getLogger("sluice.statistics")


class Stop(Protocol):
    def wait(self, timeout: float) -> bool: ...


def tally(native: Native, stop: Stop) -> None:
    """Write the sums after each period in which one of them has changed, until `stop` is set."""
    told: dict[str, int] = {}
    began = monotonic()
    while not stop.wait(LOOK_SECONDS):
        period = native.configuration.values()[PERIOD] / SECOND
        if not period or monotonic() - began < period:
            continue
        began = monotonic()
        sums = {name: value for name, value in native.statistics.since_reset(native.machine.counts()).items() if value}
        if sums != told:
            log.info("{%s}", ",".join(f"{name}:{value}" for name, value in sums.items()))
            told = sums
