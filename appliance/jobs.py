"""What the node's jobs do: a body for each kind that it offers."""

from __future__ import annotations

from collections.abc import Mapping

from etl.lens import Lenses
from storage.jobs import Body
from storage.store import Store


def bodies(store: Store, lenses: Lenses) -> Mapping[str, Body]:
    """By kind, as `storage.jobs.kinds` calls it."""
    return {}
