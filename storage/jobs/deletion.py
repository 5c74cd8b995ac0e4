"""The job that deletes many objects, and counts each of them once whatever happens to the process that does it.

What is gone cannot be counted any more. So a batch is counted before it is deleted, as far as it is there: the counts
and that the batch is about to go are recorded at once. After a crash it is deleted again, and not counted again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, takewhile

import msgspec

from storage.buckets import Buckets
from storage.conditions import ALWAYS
from storage.errors import NoSuchKey, StorageError
from storage.jobs.buckets import source
from storage.jobs.run import Run, Step, Unit
from storage.jobs.selection import is_up_to, units
from storage.objects import Objects
from storage.records import Bucket, ObjectRecord

AT_ONCE = 200  # keys, in one commit for each partition


class Place(msgspec.Struct, frozen=True, array_like=True):
    """How far a deletion is, as its cursor has it: units up to `after` are over, those up to `until` are counted."""

    after: str = ""
    until: str = ""

    def __str__(self) -> str:
        return msgspec.json.encode(self).decode()


@dataclass(frozen=True, slots=True)
class Deletion:
    """Deletes what its value selects. What does not exist is none of its business."""

    buckets: Buckets
    objects: Objects

    def __call__(self, run: Run) -> Iterator[Step]:
        bucket = source(self.buckets, run)
        place = msgspec.json.decode(run.cursor, type=Place) if run.cursor else Place()
        if place.until:
            left = units(self.objects, bucket, run.value, place.after)
            counted = takewhile(lambda unit: is_up_to(run.value, unit.cursor, place.until), left)
            while again := list(islice(counted, AT_ONCE)):
                yield from self._refused(run, bucket, again)
            place = Place(place.until)
        left = units(self.objects, bucket, run.value, place.after)
        while some := list(islice(left, AT_ONCE)):
            run.check()
            yield from self._delete(run, bucket, place, some)
            place = Place(some[-1].cursor)
            yield Step(cursor=str(place))

    def _delete(self, run: Run, bucket: Bucket, place: Place, some: list[Unit]) -> Iterator[Step]:
        """Count and delete; the steps put right what has changed in between, and tell what could not be deleted."""
        sizes = [self._size(bucket, unit.name) for unit in some]
        there = [size for size in sizes if size is not None]
        run.save(str(Place(place.after, some[-1].cursor)), objects=len(there), size=sum(there))
        outcomes = self.objects.delete_many(bucket, [(unit.name, ALWAYS) for unit in some])
        objects = sum(isinstance(outcome, ObjectRecord) for outcome in outcomes)
        size = sum(outcome.size for outcome in outcomes if isinstance(outcome, ObjectRecord))
        yield Step(objects - len(there), size - sum(there))
        yield from refused(run, some, outcomes)

    def _refused(self, run: Run, bucket: Bucket, some: list[Unit]) -> Iterator[Step]:
        """Delete what is counted already."""
        run.check()
        return refused(run, some, self.objects.delete_many(bucket, [(unit.name, ALWAYS) for unit in some]))

    def _size(self, bucket: Bucket, name: str) -> int | None:
        """In bytes; None when there is no such object."""
        try:
            return self.objects.head(bucket, name).size
        except NoSuchKey:
            return None


def refused(run: Run, some: list[Unit], outcomes: list[ObjectRecord | None | StorageError]) -> Iterator[Step]:
    """A step for each that could not be deleted."""
    for unit, outcome in zip(some, outcomes, strict=True):
        if isinstance(outcome, StorageError):
            yield Step(error=run.failed(unit.name, outcome))
