"""The node's counters under AIStore's names, which its clients compute rates and averages from.

S3 requests count beside the native ones: both read and write the same objects.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

import msgspec

from nativeapi.figures import Count, DiskRates
from storage.catalog import Catalog
from storage.records import Codec

NATIVE = "native."
ABSENT = 404  # AIStore does not count what is not there as an error
KIND = "statistics"  # of the one record in the catalog, and its name

Tracker = dict[str, int]


class Bytes(Enum):
    """Which of a request's bodies is the object."""

    RECEIVED = "received"
    SENT = "sent"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Tracked:
    """A row: AIStore's name of an operation, ours, and what its bytes are. `proxy`: a proxy counts it, too."""

    name: str
    operations: frozenset[str]
    bytes: Bytes = Bytes.NEITHER
    proxy: bool = True


def tracked(name: str, *operations: str, bytes: Bytes = Bytes.NEITHER, proxy: bool = True) -> Tracked:
    return Tracked(name, frozenset(operations), bytes, proxy)


TRACKED = (
    tracked("get", "GetObject", "GetArchived", bytes=Bytes.SENT),
    tracked("put", "PutObject", "UploadPart", "PostObject", bytes=Bytes.RECEIVED),
    tracked("append", "AppendObject", "AppendArchive", bytes=Bytes.RECEIVED, proxy=False),
    tracked("del", "DeleteObject", "DeleteObjects"),
    tracked("ren", "rename-obj", "RenameObject"),
    tracked("head", "HeadObject", proxy=False),
    tracked("lst", "list", "ListObjects", "ListObjectsV2", "ListObjectVersions"),
    tracked("getbatch", "get-batch", bytes=Bytes.SENT, proxy=False),
)
BY_OPERATION = {operation: row for row in TRACKED for operation in row.operations}
assert len(BY_OPERATION) == sum(len(row.operations) for row in TRACKED), "an operation is tracked twice"

KINDS = {
    f"{name}{suffix}": kind
    for row in TRACKED
    for name, suffix, kind in (
        (row.name, ".n", "counter"),
        (row.name, ".ns", "latency"),
        (row.name, ".ns.total", "total"),
        (f"err.{row.name}", ".n", "counter"),
        *([(row.name, ".size", "size")] if row.bytes is not Bytes.NEITHER else []),
    )
} | {"state.flags": "gauge", "up.ns.time": "special"}
DISK_KINDS = {"read.bps": "compbw", "avg.rsize": "gauge", "write.bps": "compbw", "avg.wsize": "gauge", "util": "gauge"}


def count(counts: Iterable[Count]) -> Tracker:
    """The sums by AIStore's names; every name that counts is there, also when it is nought."""
    found = {name: 0 for name, kind in KINDS.items() if kind in ("counter", "total", "size")}
    for one in counts:
        row = BY_OPERATION.get(one.operation.removeprefix(NATIVE))
        if row is None:
            continue
        if one.status >= 400:
            found[f"err.{row.name}.n"] += one.requests if one.status != ABSENT else 0
            continue
        found[f"{row.name}.n"] += one.requests
        found[f"{row.name}.ns.total"] += one.nanoseconds
        if row.bytes is not Bytes.NEITHER:
            found[f"{row.name}.size"] += one.sent if row.bytes is Bytes.SENT else one.received
    return found


def averages(sums: Tracker) -> Tracker:
    """The mean latency (ns) of each operation."""
    return {f"{row.name}.ns": sums[f"{row.name}.ns.total"] // max(1, sums[f"{row.name}.n"]) for row in TRACKED}


def of_proxy(sums: Tracker) -> Tracker:
    """What a proxy tracks: how often, and how often in vain."""
    names = {f"{prefix}{row.name}.n" for row in TRACKED if row.proxy for prefix in ("", "err.")}
    return {name: value for name, value in sums.items() if name in names}


def of_disks(disks: dict[str, DiskRates]) -> Tracker:
    return {
        f"disk.{name}.{field}": value
        for name, rates in disks.items()
        for field, value in zip(
            DISK_KINDS, (rates.read, rates.read_size, rates.written, rates.write_size, rates.util)
        )
    }


class Since(msgspec.Struct, array_like=True, frozen=True):
    """What had been counted when the statistics were last reset, in the node's run of that name."""

    run: str
    sums: dict[str, int]


SINCE = Codec(Since)


class Statistics:
    """The sums since the node's start, or since they were reset: a reset remembers them and changes no counter."""

    def __init__(self, catalog: Catalog, *, run: str) -> None:
        self._catalog = catalog
        self._run = run

    def since_reset(self, counts: Iterable[Count]) -> Tracker:
        sums, before = count(counts), self._before()
        return {name: max(0, value - before.get(name, 0)) for name, value in sums.items()}

    def reset(self, counts: Iterable[Count]) -> None:
        self._remember(count(counts))

    def reset_errors(self, counts: Iterable[Count]) -> None:
        errors = {name: value for name, value in count(counts).items() if name.startswith("err.")}
        self._remember(self._before() | errors)

    def _remember(self, sums: Tracker) -> None:
        self._catalog.put(KIND, KIND, SINCE.encode(Since(self._run, sums)))

    def _before(self) -> Tracker:
        raw = self._catalog.get(KIND, KIND)
        since = Since("", {}) if raw is None else SINCE.decode(raw)
        return since.sums if since.run == self._run else {}
