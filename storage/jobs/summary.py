"""Summaries of buckets: how many objects, how large, and what they take on disk. Counted in the process that does jobs,
since a bucket may hold millions. What was found stays in the job's cursor, where any process reads it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from storage.buckets import Buckets
from storage.errors import NoSuchBucket
from storage.jobs.records import Job
from storage.jobs.run import Run, Step
from storage.objects import Objects
from storage.records import REFERENCED

KIND = "summary-bck"
BUCKETS, PREFIX = "buckets", "prefix"  # of the value: which buckets, and which of their keys
PAGE = 1000  # keys
BLOCK = 4096  # bytes that files grow by


class Totals(msgspec.Struct, array_like=True):
    """Of the objects counted so far; sizes in bytes."""

    count: int = 0
    size: int = 0
    smallest: int = 0
    largest: int = 0
    on_disk: int = 0

    def add(self, size: int, on_disk: int) -> None:
        self.smallest = min(self.smallest, size) if self.count else size
        self.largest = max(self.largest, size)
        self.count += 1
        self.size += size
        self.on_disk += on_disk


class Found(msgspec.Struct, array_like=True):
    """The totals by bucket, and up to where the last one of them is counted."""

    totals: dict[str, Totals]
    after: str = ""


DECODE, ENCODE = msgspec.json.Decoder(Found).decode, msgspec.json.Encoder().encode


def found_by(job: Job) -> dict[str, Totals]:
    """What the job has counted so far, by bucket."""
    return DECODE(job.state.cursor).totals if job.state.cursor else {}


def measured(raw: memoryview) -> tuple[int, int]:
    """An object's size, and the bytes on disk of its record and files; what is shared with copies counts for each."""
    record = REFERENCED.decode(raw)
    return record.size, len(raw) + sum(-(-blob.size // BLOCK) * BLOCK for blob in record.blobs)


class Summing:
    """The body of the job."""

    def __init__(self, buckets: Buckets, objects: Objects) -> None:
        self._buckets = buckets
        self._objects = objects

    def __call__(self, run: Run) -> Iterator[Step]:
        found = DECODE(run.cursor) if run.cursor else Found({})
        counted = list(found.totals)[:-1]
        for name in run.value[BUCKETS]:
            if name not in counted:
                yield from self._count(name, run.value[PREFIX], found)
                found.after = ""

    def _count(self, name: str, prefix: str, found: Found) -> Iterator[Step]:
        """Count a bucket, from where `found` ends; one that is gone has what was counted before."""
        totals = found.totals.setdefault(name, Totals())
        more = True
        while more:
            try:
                bucket = self._buckets.get(name)
            except NoSuchBucket:
                return
            page = self._objects.list_as(measured, bucket, prefix=prefix, after=found.after, limit=PAGE)
            for _, (size, on_disk) in page.entries:
                totals.add(size, on_disk)
            found.after, more = page.last, page.truncated
            size = sum(entry[1][0] for entry in page.entries)
            yield Step(objects=len(page.entries), size=size, cursor=ENCODE(found).decode())
