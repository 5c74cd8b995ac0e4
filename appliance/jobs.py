"""What the node's jobs do: a body for each kind that it offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from appliance.clock import WallClock
from appliance.housekeeping import Sweeping
from etl.jobs import Transforming
from etl.lens import Lenses
from nativeapi.download.egress import Guard
from nativeapi.download.job import Download
from storage.jobs import Body, Jobs, eviction, shards, summary
from storage.jobs.archiving import Archiving
from storage.jobs.buckets import nothing, purge, rename, warm_up
from storage.jobs.copying import Copying, as_stored
from storage.jobs.deletion import Deletion
from storage.jobs.promotion import Promotion
from storage.promotion import Promoter
from storage.store import Store

NO_MOVES = nothing("objects stay where they were put: there is nothing to move")


def bodies(
    store: Store, lenses: Lenses, promoter: Promoter, clock: WallClock, jobs: Jobs, guard: Guard,
    watermarks: Callable[[], eviction.Watermarks],
) -> Mapping[str, Body]:
    """By kind, as `storage.jobs.kinds` calls it."""
    buckets, objects = store.buckets, store.objects
    copying = Copying(buckets, objects, as_stored(objects))
    transforming = Transforming(buckets, objects, lenses)
    return {
        "archive": Archiving(buckets, objects),
        "cleanup-store": Sweeping(store, clock),
        "copy-bck": copying,
        "copy-listrange": copying,
        "delete-listrange": Deletion(buckets, objects),
        "destroy-bck": purge(buckets),
        "download": Download(buckets, objects, jobs, guard),
        "etl-bck": transforming,
        "etl-listrange": transforming,
        "load-lom-cache": warm_up(buckets, objects),
        eviction.KIND: eviction.Evicting(store.partitions, buckets, objects, watermarks, clock),
        shards.INDEX: shards.Indexing(buckets, objects, store.shards),
        shards.SUMMARY: shards.Counting(buckets, objects, store.shards),
        "move-bck": rename(buckets),
        "promote": Promotion(buckets, promoter),
        "rebalance": NO_MOVES,
        "resilver": NO_MOVES,
        summary.KIND: summary.Summing(buckets, objects),
    }
