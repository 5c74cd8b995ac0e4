"""Jobs that copy objects through a transform."""

from __future__ import annotations

from storage.jobs.copying import Look, computed, drained
from storage.jobs.records import Value

from etl.lens import Lenses


def through(lenses: Lenses, value: Value) -> Look:
    """Objects as the transform `id` of a job's value makes them."""
    return Look(lenses.open(value["id"], value.get("etl_args") or ""), computed, drained)
