"""What the node measures of itself and its machine, in AIStore's names, and who measures it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec


class LoadAverage(msgspec.Struct, frozen=True, rename="pascal"):
    one: float
    five: float
    fifteen: float


class Memory(msgspec.Struct, frozen=True, rename="pascal"):
    """Of the machine; bytes."""

    total: int
    used: int
    free: int
    buff_cache: int
    actual_free: int
    actual_used: int
    swap_total: int
    swap_free: int
    swap_used: int


class ProcessMemory(msgspec.Struct, frozen=True, rename="pascal"):
    """Of all processes of the node; bytes."""

    size: int
    resident: int
    share: int


class ProcessTime(msgspec.Struct, frozen=True, rename="pascal"):
    """Of all processes of the node; milliseconds since they began."""

    user: int
    system: int
    total: int
    percent: float


class Process(msgspec.Struct, frozen=True, rename="pascal"):
    mem: ProcessMemory
    cpu: ProcessTime = msgspec.field(name="CPU")


class SystemInfo(msgspec.Struct, frozen=True):
    """The machine and the node's processes on it."""

    mem_used: int  # bytes
    mem_avail: int  # bytes
    pct_mem_used: float
    pct_cpu_used: float  # of one core, by the node
    load_avg: LoadAverage
    cpu_util: int  # of all cores, by everybody, in percent
    mem: Memory
    proc: Process


class Filesystem(msgspec.Struct, frozen=True, rename="pascal"):
    fs: str  # the device, or whatever the filesystem calls itself
    fs_type: str
    fs_ID: tuple[int, int] = msgspec.field(name="FsID")


class MountpathUse(msgspec.Struct, frozen=True):
    mountpath_label: str
    fs: Filesystem
    disks: list[str]
    used: str  # bytes
    avail: str  # bytes
    pct_used: int


class Capacity(msgspec.Struct, frozen=True):
    """Of the filesystems under the volumes; each filesystem counts once in the totals."""

    mountpaths: dict[str, MountpathUse] = {}
    cs_err: str = ""
    total_used: str = "0"  # bytes
    total_avail: str = "0"  # bytes
    pct_max: int = 0
    pct_avg: int = 0
    pct_min: int = 0


class DiskRates(msgspec.Struct, frozen=True):
    """What a disk did lately."""

    read: int = msgspec.field(name="RBps")
    read_size: int = msgspec.field(name="Ravg")
    written: int = msgspec.field(name="WBps")
    write_size: int = msgspec.field(name="Wavg")
    util: int = msgspec.field(name="Util")  # percent


class Certificate(msgspec.Struct, frozen=True):
    """What the node proves its name with."""

    issued_by: str
    issued_to: str
    valid: str
    not_before: int  # s since the epoch
    not_after: int
    serial_number: str


class Count(NamedTuple):
    """What all processes have counted for one operation ("GetObject", "native.GetObject") and status."""

    operation: str
    status: int
    requests: int
    received: int  # bytes
    sent: int  # bytes
    nanoseconds: int


class LogFile(Protocol):
    """A file of the node's log as it was when it was opened. Close it after use."""

    @property
    def size(self) -> int: ...

    def pieces(self, start: int) -> Iterator[bytes]: ...

    def close(self) -> None: ...


class Journal(Protocol):
    """The node's log in files; those of a severity ("info", "warning", "error") hold what is worse, too."""

    def open(self, severity: str) -> LogFile: ...

    def archive(self, severity: str) -> Iterator[bytes]:
        """All files of the severity, the old ones too, as a tar.gz."""
        ...

    def rotate(self) -> None:
        """Begin new files."""
        ...


class Machine(Protocol):
    """The node under the API."""

    @property
    def run(self) -> str:
        """Different after each start of the node."""
        ...

    @property
    def certificate(self) -> Certificate | None: ...

    @property
    def journal(self) -> Journal: ...

    def uptime(self) -> int:
        """ns since the node started."""
        ...

    def counts(self) -> Iterable[Count]: ...

    def system(self) -> SystemInfo: ...

    def disks(self, paths: Sequence[Path]) -> dict[str, DiskRates]:
        """The disks under the directories, over the last moments."""
        ...

    def capacity(self, paths: Sequence[Path]) -> Capacity: ...

    def failures(self, paths: Sequence[Path]) -> dict[str, str]:
        """Why no file can be made, by the directories where none can."""
        ...

    def stop(self) -> None:
        """End the node shortly, as SIGTERM does: after this reply, with requests under way finished."""
        ...
