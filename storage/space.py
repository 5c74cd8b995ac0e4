"""How much room a volume has left, and the reserve that writers leave to deletions and the index."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from storage.blobs import translated
from storage.errors import OutOfSpace

FRESH = 1.0  # seconds that a measurement is believed
OVERHEAD = 8192  # bytes that a write may take beside its own: pages of the index, the last block of a file


class Space:
    """The free bytes of a volume's filesystem, measured at most once a second and reckoned in between."""

    def __init__(self, path: Path, *, reserve: int, seconds: Callable[[], float] = monotonic) -> None:
        self._path = path
        self._reserve = reserve  # bytes
        self._seconds = seconds
        self._until = 0.0
        self._free = 0  # bytes

    def admit(self, size: int) -> None:
        """Raise `OutOfSpace` when a write of `size` bytes would leave less than the reserve."""
        now = self._seconds()
        if now >= self._until:
            self._measure()
            self._until = now + FRESH
        if self._free - size < self._reserve:
            raise OutOfSpace(self._path)
        self._free -= size + OVERHEAD

    def _measure(self) -> None:
        with translated(self._path):
            figures = os.statvfs(self._path)
        self._free = figures.f_bavail * figures.f_frsize
