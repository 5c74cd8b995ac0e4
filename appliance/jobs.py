"""What the node's jobs do: a body for each kind that it offers."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.clock import WallClock
from appliance.housekeeping import Sweeping
from etl.lens import Lenses
from storage.jobs import Body
from storage.jobs.buckets import nothing, purge, rename, warm_up
from storage.store import Store

NO_MOVES = nothing("objects stay where they were put: there is nothing to move")
NO_EVICTION = nothing("no bucket has a backend: there is nothing that could be had again")


def bodies(store: Store, lenses: Lenses, clock: WallClock) -> Mapping[str, Body]:
    """By kind, as `storage.jobs.kinds` calls it."""
    buckets, objects = store.buckets, store.objects
    return {
        "cleanup-store": Sweeping(store, clock),
        "destroy-bck": purge(buckets),
        "load-lom-cache": warm_up(buckets, objects),
        "lru": NO_EVICTION,
        "move-bck": rename(buckets),
        "rebalance": NO_MOVES,
        "resilver": NO_MOVES,
    }
