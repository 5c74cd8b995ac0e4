"""Jobs that copy objects through a transform."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from storage.buckets import Buckets
from storage.jobs import Run, Step, Value
from storage.jobs.copying import Copying, Look, computed, drained
from storage.objects import Objects

from etl.lens import Lenses, Purpose, Use


def through(lenses: Lenses, value: Value) -> Look:
    """Objects as the transform `id` of a job's value, and those of its `pipeline` after it, make them."""
    purpose = Purpose.SHOW if value.get("dry_run") else Purpose.STORE
    use = Use(value["id"], value.get("etl_args") or "", tuple(value.get("pipeline") or ()), purpose)
    return Look(lenses.open(use), computed, drained)


@dataclass(frozen=True, slots=True)
class Transforming:
    """Copies what its value selects through the transform `id`. When that is stopped or deleted meanwhile, the job ends
    with an error, whatever it is told about objects that fail."""

    buckets: Buckets
    objects: Objects
    lenses: Lenses

    def __call__(self, run: Run) -> Iterator[Step]:
        copying = Copying(self.buckets, self.objects, partial(through, self.lenses))
        for step in copying(run):
            yield step
            if step.error is not None:
                for name in (run.value["id"], *(run.value.get("pipeline") or ())):
                    self.lenses.require(name)
