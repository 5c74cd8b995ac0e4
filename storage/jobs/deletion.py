"""The job that deletes many objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from storage.buckets import Buckets
from storage.conditions import ALWAYS
from storage.errors import StorageError
from storage.jobs.run import Run, Step
from storage.jobs.selection import units
from storage.objects import Objects
from storage.records import ObjectRecord

AT_ONCE = 100  # keys, in one commit for each partition


@dataclass(frozen=True, slots=True)
class Deletion:
    """Deletes what its value selects. What does not exist is none of its business."""

    buckets: Buckets
    objects: Objects

    def __call__(self, run: Run) -> Iterator[Step]:
        bucket = self.buckets.get(run.bucket)
        left = units(self.objects, bucket, run.value, run.cursor)
        while some := list(islice(left, AT_ONCE)):
            run.check()
            outcomes = self.objects.delete_many(bucket, [(unit.name, ALWAYS) for unit in some])
            for unit, outcome in zip(some, outcomes, strict=True):
                yield step(run, unit.name, unit.cursor, outcome)


def step(run: Run, name: str, cursor: str, outcome: ObjectRecord | None | StorageError) -> Step:
    if isinstance(outcome, ObjectRecord):
        return Step(objects=1, size=outcome.size, cursor=cursor)
    error = None if outcome is None else run.failed(name, outcome)
    return Step(cursor=cursor, error=error)
