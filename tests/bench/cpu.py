"""CPU time of a server: of its root process and everything descending from it."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

MIB = 1024 * 1024


def cpu_seconds(root: int) -> float:
    """User and system seconds used so far by the process `root`, its descendants and those already reaped."""
    top = psutil.Process(root)
    total = 0.0
    for process in [top, *top.children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


@dataclass(slots=True)
class Usage:
    """What a measured block took; filled in when the block ends."""

    wall: float = 0.0  # seconds
    cpu: float = 0.0  # seconds, of the server


@contextmanager
def measured(root: int) -> Iterator[Usage]:
    """Measure the server `root` while the block runs."""
    usage = Usage()
    cpu, wall = cpu_seconds(root), time.perf_counter()
    yield usage
    usage.wall = time.perf_counter() - wall
    usage.cpu = cpu_seconds(root) - cpu


def md5_microseconds_per_mib(size: int = 64 * MIB) -> float:
    """CPU time of one MD5 over `size` random bytes, per MiB: what S3's ETag costs on this machine right now."""
    data = os.urandom(size)
    before = time.process_time()
    hashlib.md5(data, usedforsecurity=False).digest()
    return (time.process_time() - before) * 1e6 / (size / MIB)
