"""The wall clock of a node, beside one that nobody sets.

Files and buckets are stamped by the wall clock. Where that was set meanwhile, as happens soon after a machine has
started, what is new may look old; so whoever removes what is old asks first whether the clock can be believed.
"""

from __future__ import annotations

import time
from collections.abc import Callable

TOLERANCE = 10_000_000  # ns
READINGS = 5  # of which the one that was interrupted least counts


def since_boot() -> int:
    """Nanoseconds, those of the machine's sleep included."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class WallClock:
    """Nanoseconds since the epoch; `started` is when this was made."""

    def __init__(self, wall: Callable[[], int] = time.time_ns, steady: Callable[[], int] = since_boot) -> None:
        self._wall = wall
        self._steady = steady
        self._offset = self._measured()
        self.started = wall()

    def __call__(self) -> int:
        return self._wall()

    def was_set(self) -> bool:
        """Whether somebody has set it since it was made, or since `accept`."""
        return abs(self._measured() - self._offset) > TOLERANCE

    def accept(self) -> None:
        """From now on what it shows is right."""
        self._offset = self._measured()

    def _measured(self) -> int:
        return max(self._wall() - self._steady() for _ in range(READINGS))
