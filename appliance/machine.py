"""What the node measures of itself and of the machine it runs on."""

from __future__ import annotations

import os
import signal
import struct
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import gevent
import psutil

from appliance.health import failing
from appliance.journal import FileJournal
from appliance.metrics import Shared, totals
from nativeapi.figures import (
    Capacity,
    Certificate,
    Count,
    DiskRates,
    Filesystem,
    LoadAverage,
    Memory,
    MountpathUse,
    Process,
    ProcessMemory,
    ProcessTime,
    SystemInfo,
)
from storage.threads import run

WINDOW_SECONDS = 0.1  # over which rates are measured
LAST_REPLY_SECONDS = 0.2  # between the reply to who stops the node and its end
BLOCKS = Path("/sys/dev/block")


class NodeMachine:
    """Made before the fork, in the node's first process; every process asks it."""

    def __init__(self, shared: Shared, journal: FileJournal, certificate: Certificate | None = None) -> None:
        self._shared = shared
        self._started = time.monotonic_ns()
        self._first = os.getpid()
        self.run = f"{time.time_ns():x}-{self._first:x}"
        self.journal = journal
        self.certificate = certificate

    def uptime(self) -> int:
        return time.monotonic_ns() - self._started

    def counts(self) -> Iterable[Count]:
        for key, total in totals(self._shared).items():
            yield Count(key.operation, key.status, total.count, total.received, total.sent, total.nanoseconds)

    def failures(self, paths: Sequence[Path]) -> dict[str, str]:
        return run(failing, list(paths))

    def stop(self) -> None:
        """SIGTERM to the first process, once the reply to this request has had time to leave."""

        def end() -> None:
            if os.getppid() == self._first:
                os.kill(self._first, signal.SIGTERM)

        gevent.spawn_later(LAST_REPLY_SECONDS, end)

    # -- the machine -------------------------------------------------------------------------------------------------

    def system(self) -> SystemInfo:
        """Takes a tenth of a second, over which the processors are watched."""
        memory = psutil.virtual_memory()
        processes = self._processes()
        before, start = spent(processes), time.monotonic()
        psutil.cpu_percent()
        gevent.sleep(WINDOW_SECONDS)
        used = (spent(processes) - before) / (time.monotonic() - start) * 100
        load = LoadAverage(*psutil.getloadavg())
        return SystemInfo(
            mem_used=memory.total - memory.available,
            mem_avail=memory.available,
            pct_mem_used=memory.percent,
            pct_cpu_used=round(used, 1),
            load_avg=load,
            cpu_util=round(psutil.cpu_percent()),
            mem=machine_memory(),
            proc=Process(process_memory(processes), process_time(processes, used)),
        )

    def disks(self, paths: Sequence[Path]) -> dict[str, DiskRates]:
        """Takes a tenth of a second, over which the disks are watched."""
        names = {name for path in paths for name in disks_under(path)}
        if not names:
            return {}
        before, start = psutil.disk_io_counters(perdisk=True), time.monotonic()
        gevent.sleep(WINDOW_SECONDS)
        after, seconds = psutil.disk_io_counters(perdisk=True), time.monotonic() - start
        measured = sorted(names & before.keys() & after.keys())
        return {name: rates(before[name], after[name], seconds) for name in measured}

    def capacity(self, paths: Sequence[Path]) -> Capacity:
        return run(capacity, list(paths))

    def _processes(self) -> list[psutil.Process]:
        try:
            first = psutil.Process(self._first)
            return [first, *first.children()]
        except psutil.NoSuchProcess:
            return [psutil.Process()]


def times(processes: Iterable[psutil.Process]) -> tuple[float, float]:
    """User and system seconds of the processes that are still there."""
    user = system = 0.0
    for process in processes:
        try:
            one = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        user, system = user + one.user, system + one.system
    return user, system


def spent(processes: Iterable[psutil.Process]) -> float:
    return sum(times(processes))


def process_time(processes: Iterable[psutil.Process], percent: float) -> ProcessTime:
    user, system = (round(seconds * 1000) for seconds in times(processes))
    return ProcessTime(user, system, user + system, round(percent, 1))


def process_memory(processes: Iterable[psutil.Process]) -> ProcessMemory:
    """The sums; memory that processes share counts for each."""
    size = resident = share = 0
    for process in processes:
        try:
            one = process.memory_info()
        except psutil.NoSuchProcess:
            continue
        size, resident, share = size + one.vms, resident + one.rss, share + one.shared
    return ProcessMemory(size, resident, share)


def machine_memory() -> Memory:
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    return Memory(
        total=memory.total,
        used=memory.total - memory.free,
        free=memory.free,
        buff_cache=memory.buffers + memory.cached,
        actual_free=memory.available,
        actual_used=memory.total - memory.available,
        swap_total=swap.total,
        swap_free=swap.free,
        swap_used=swap.used,
    )


def rates(before: psutil._ntuples.sdiskio, after: psutil._ntuples.sdiskio, seconds: float) -> DiskRates:
    reads, writes = after.read_count - before.read_count, after.write_count - before.write_count
    read, written = after.read_bytes - before.read_bytes, after.write_bytes - before.write_bytes
    busy = (after.busy_time - before.busy_time) / 1000 / seconds
    return DiskRates(
        read=round(read / seconds),
        read_size=read // max(1, reads),
        written=round(written / seconds),
        write_size=written // max(1, writes),
        util=min(100, round(busy * 100)),
    )


def disks_under(path: Path) -> list[str]:
    """The whole disk that holds the directory; none for a filesystem that no single disk is under."""
    try:
        device = os.stat(path).st_dev
        block = (BLOCKS / f"{os.major(device)}:{os.minor(device)}").resolve(strict=True)
    except OSError:
        return []
    return [block.parent.name if (block / "partition").exists() else block.name]


def filesystem(path: Path, identity: int) -> Filesystem:
    """The filesystem that the directory is on, as the table of mounts tells it."""
    resolved = path.resolve()
    mounts = [part for part in psutil.disk_partitions(all=True) if resolved.is_relative_to(part.mountpoint)]
    found = max(mounts, key=lambda part: len(part.mountpoint), default=None)
    low, high = struct.unpack("ii", struct.pack("Q", identity))
    return Filesystem(found.device if found else "", found.fstype if found else "", (low, high))


def capacity(paths: list[Path]) -> Capacity:
    """What the filesystems hold; of those that cannot be asked the reason."""
    used_by: dict[int, tuple[int, int]] = {}
    mountpaths: dict[str, MountpathUse] = {}
    failed = ""
    for path in paths:
        try:
            figures = os.statvfs(path)
        except OSError as error:
            failed = f"{path}: {error.strerror}"
            continue
        avail, used = figures.f_bavail * figures.f_frsize, (figures.f_blocks - figures.f_bfree) * figures.f_frsize
        used_by[figures.f_fsid or len(used_by)] = (used, avail)
        mountpaths[str(path)] = MountpathUse(
            "", filesystem(path, figures.f_fsid), disks_under(path), str(used), str(avail), percent(used, avail)
        )
    shares = [mountpath.pct_used for mountpath in mountpaths.values()] or [0]
    return Capacity(
        mountpaths,
        failed,
        str(sum(used for used, _ in used_by.values())),
        str(sum(avail for _, avail in used_by.values())),
        max(shares),
        round(sum(shares) / len(shares)),
        min(shares),
    )


def percent(used: int, avail: int) -> int:
    """Of what ordinary users may fill, as df has it: rounded up."""
    return -(-used * 100 // max(1, used + avail))
