"""Counters and histograms by operation that add up over all processes of the node.

prometheus_client's own multi-process mode costs a lock, a dictionary and a packed write for each of the five values
that a request changes, and keeps a file for every process that ever lived. Here the processes share one anonymous
memory, made before the fork: each counts in a slot of its own, so a request costs a few additions, and whoever is asked
adds up all slots. A process that takes the slot of a dead one goes on from its counts.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)  # seconds

ROW = 256  # bytes
ROWS = 512  # a slot's; the operations and statuses that exist take about a third
SLOT = ROW * ROWS
LABEL = 96  # bytes of a row for its length, operation and status; the numbers begin after them
FIRST_CELL = LABEL // 8  # they are signed 64-bit
RECEIVED, SENT, NANOSECONDS, BUCKETS = range(FIRST_CELL, FIRST_CELL + 4)
OTHER = ("other", 0)  # counts what no row was left for

Environ = dict[str, Any]


class Key(NamedTuple):
    operation: str
    status: int


@dataclass(slots=True)
class Total:
    """The sum over all processes for one operation and status."""

    received: int = 0  # bytes
    sent: int = 0  # bytes
    nanoseconds: int = 0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))

    @property
    def count(self) -> int:
        return sum(self.buckets)


class Shared:
    """The memory of all processes. Made before the fork and never closed: that would give back the process's slot."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._descriptor = os.memfd_create("sluice-metrics")
        os.ftruncate(self._descriptor, slots * SLOT)
        self._memory = memoryview(mmap.mmap(self._descriptor, slots * SLOT))

    def claim(self) -> memoryview:
        """The first slot that no living process has; the kernel gives it back when this process ends."""
        for slot in range(self._slots):
            try:
                fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, slot)
            except OSError:
                continue
            return self._memory[slot * SLOT : (slot + 1) * SLOT]
        raise RuntimeError(f"all {self._slots} slots for the metrics of a process are taken")

    def rows(self) -> Iterator[tuple[Key, memoryview]]:
        """The rows in use of all slots, each with its numbers."""
        for start in range(0, self._slots * SLOT, SLOT):
            yield from rows_of(self._memory[start : start + SLOT])


def rows_of(slot: memoryview) -> Iterator[tuple[Key, memoryview]]:
    for start in range(0, SLOT, ROW):
        length = slot[start]
        if not length:
            return
        operation, status = bytes(slot[start + 1 : start + 1 + length]).decode().rsplit(" ", 1)
        yield Key(operation, int(status)), slot[start : start + ROW].cast("q")


class Counters:
    """What one process counts, in its slot."""

    def __init__(self, slot: memoryview) -> None:
        self._slot = slot
        self._rows = {tuple(key): row for key, row in rows_of(slot)}

    def observe(self, environ: Environ, status: int, sent: int, seconds: float) -> None:
        key = (environ.get("sluice.operation") or "none", status)
        row = self._rows.get(key) or self._add(key)
        row[SENT] += sent
        row[NANOSECONDS] += int(seconds * 1e9)
        row[BUCKETS + bisect_left(BOUNDS, seconds)] += 1
        received = environ["wsgi.input"].received
        if received:
            row[RECEIVED] += received

    def _add(self, key: tuple[str, int]) -> memoryview:
        """The row of a new key; the last one serves all for which there is none left."""
        index = len(self._rows)
        if index >= ROWS - 1 and key != OTHER:
            return self._rows.get(OTHER) or self._add(OTHER)
        label = f"{key[0][: LABEL - 16]} {key[1]}".encode()[: LABEL - 1]
        start = index * ROW
        self._slot[start + 1 : start + 1 + len(label)] = label
        self._slot[start] = len(label)  # last: from now on other processes see the row
        row = self._rows[key] = self._slot[start : start + ROW].cast("q")
        return row


def totals(shared: Shared) -> dict[Key, Total]:
    found: dict[Key, Total] = {}
    for key, cells in shared.rows():
        total = found.setdefault(key, Total())
        total.received += cells[RECEIVED]
        total.sent += cells[SENT]
        total.nanoseconds += cells[NANOSECONDS]
        for index in range(len(BOUNDS) + 1):
            total.buckets[index] += cells[BUCKETS + index]
    return found


class Requests(Collector):
    """The totals as Prometheus knows metrics. Labels are operations and statuses, never names of buckets or keys."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    def collect(self) -> Iterable[Metric]:
        found = sorted(totals(self._shared).items())
        requests = CounterMetricFamily("sluice_requests", "Requests answered.", labels=("operation", "status"))
        for key, total in found:
            requests.add_metric((key.operation, str(key.status)), total.count)
        yield requests
        yield from _by_operation(found)


def _by_operation(found: list[tuple[Key, Total]]) -> Iterator[Metric]:
    labels = ("operation",)
    received = CounterMetricFamily("sluice_received_bytes", "Bytes of request bodies read.", labels=labels)
    sent = CounterMetricFamily("sluice_sent_bytes", "Bytes of reply bodies sent.", labels=labels)
    latency = HistogramMetricFamily("sluice_request_seconds", "From the head to the reply's end.", labels=labels)
    for operation in sorted({key.operation for key, _ in found}):
        rows = [total for key, total in found if key.operation == operation]
        received.add_metric((operation,), sum(row.received for row in rows))
        sent.add_metric((operation,), sum(row.sent for row in rows))
        latency.add_metric((operation,), _cumulative(rows), sum(row.nanoseconds for row in rows) / 1e9)
    yield from (received, sent, latency)


def _cumulative(rows: list[Total]) -> list[tuple[str, float]]:
    so_far = 0
    buckets = []
    for index, bound in enumerate((*map(str, BOUNDS), "+Inf")):
        so_far += sum(row.buckets[index] for row in rows)
        buckets.append((bound, float(so_far)))
    return buckets


def exposition(registry: CollectorRegistry) -> bytes:
    """The registry's metrics in Prometheus' text format."""
    return generate_latest(registry)
