"""Which filesystem a directory is on."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import psutil


class Mount(NamedTuple):
    device: str
    kind: str  # of the filesystem, "ext4"


@lru_cache(1024)
def mount_of(path: Path) -> Mount:
    """What the table of mounts said about the directory when it was first asked; empty strings when nothing."""
    resolved = path.resolve()
    mounts = [part for part in psutil.disk_partitions(all=True) if resolved.is_relative_to(part.mountpoint)]
    found = max(mounts, key=lambda part: len(part.mountpoint), default=None)
    return Mount("", "") if found is None else Mount(found.device, found.fstype)
