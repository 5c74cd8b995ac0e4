"""Making room: while a volume is fuller than it may be, objects of buckets that allow it (`lru.enabled`) are removed,
those written longest ago first. Reads are not recorded, so that an object's last write stands for its last use."""

from __future__ import annotations

import heapq
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from storage.buckets import Buckets
from storage.conditions import Conditions
from storage.errors import NoSuchBucket, PreconditionFailed
from storage.jobs.run import Run, Step
from storage.keys import OBJECTS, PREFIX_SIZE, space_of
from storage.objects import Objects
from storage.properties import evictable, evicted_at_once, safe_time
from storage.records import REFERENCED, Bucket
from storage.threads import pause
from storage.volume import Partitions, Volume

KIND = "lru"
SLICE = 1000  # keys between two pauses


class Watermarks(NamedTuple):
    """How full a volume may be, in percent: above `high` objects are removed until it is at `low`."""

    high: int
    low: int


class Candidate(NamedTuple):
    """An object that may go; the order is that in which they go."""

    modified: int  # ns
    name: str
    etag: str
    size: int  # bytes


def used(path: Path) -> float:
    """How full the filesystem is, in percent of what there is for files."""
    facts = os.statvfs(path)
    taken = facts.f_blocks - facts.f_bfree
    return 100.0 * taken / ((taken + facts.f_bavail) or 1)


@dataclass(frozen=True, slots=True)
class Evicting:
    """The body of the job; the value's `buckets`, if it names any, are the only ones looked at."""

    partitions: Partitions
    buckets: Buckets
    objects: Objects
    watermarks: Callable[[], Watermarks]
    clock: Callable[[], int]  # ns since the epoch
    used: Callable[[Path], float] = used

    def __call__(self, run: Run) -> Iterator[Step]:
        for volume in self.partitions.present:
            full = self.used(volume.path)
            marks = self.watermarks()
            if full <= marks.high:
                yield Step(note=f"{full:.0f}% of the room is taken, {marks.high}% may be: nothing is removed")
            else:
                yield from self._relieve(run, volume, marks.low)

    def _relieve(self, run: Run, volume: Volume, low: int) -> Iterator[Step]:
        """Remove objects of this volume until it is as empty as it is to be, or none may go."""
        for bucket in self._asked(run):
            while self.used(volume.path) > low:
                doomed = self._oldest(run, volume, bucket)
                if not doomed:
                    break
                for candidate in doomed:
                    yield self._remove(bucket, candidate)
                    if self.used(volume.path) <= low:
                        break
        left = self.used(volume.path)
        yield Step(note=f"{left:.0f}% of the room is taken" + (f", more than {low}%" if left > low else ""))

    def _asked(self, run: Run) -> list[Bucket]:
        """The buckets whose objects may go."""
        named = run.value.get("buckets") or [bucket.name for bucket in self.buckets.all()]
        found = []
        for name in named:
            try:
                found.append(self.buckets.get(name))
            except NoSuchBucket:
                continue
        return [bucket for bucket in found if evictable(bucket)]

    def _oldest(self, run: Run, volume: Volume, bucket: Bucket) -> list[Candidate]:
        """As many of a bucket's objects as are weighed at a time, the oldest first. What lies in the index is left out:
        no room comes back with it."""
        before = self.clock() - safe_time(bucket)
        limit = evicted_at_once(bucket)
        kept: list[tuple[int, Candidate]] = []  # a heap with the youngest on top
        pairs = volume.index.scan(*space_of(OBJECTS, bucket.id), decode=REFERENCED.decode)
        for number, (raw, record) in enumerate(pairs):
            if number % SLICE == SLICE - 1:
                run.check()
                pause(0)
            if not record.blobs or record.modified >= before:
                continue
            entry = -record.modified, Candidate(record.modified, raw[PREFIX_SIZE:].decode(), record.etag, record.size)
            if len(kept) < limit:
                heapq.heappush(kept, entry)
            else:
                heapq.heappushpop(kept, entry)
        return sorted(candidate for _, candidate in kept)

    def _remove(self, bucket: Bucket, candidate: Candidate) -> Step:
        """Take the object away unless it was written anew since it was looked at."""
        given = Conditions(if_match=(candidate.etag,), if_last_modified=candidate.modified)
        try:
            removed = self.objects.delete(bucket, candidate.name, given=given)
        except PreconditionFailed:
            return Step()
        return Step() if removed is None else Step(objects=1, size=removed.size)
