"""Room on the volumes: when a job must make some, and how much."""

from __future__ import annotations

import logging
from typing import Protocol

from nativeapi.configuration import Configuration
from nativeapi.native import Native
from storage.errors import StorageError
from storage.jobs.eviction import KIND, Watermarks, used
from storage.properties import evictable

SECOND = 1_000_000_000  # ns
NODE = "node"  # whose job it is when nobody has asked for it

log = logging.getLogger("sluice.room")


class Stop(Protocol):
    def wait(self, timeout: float) -> bool: ...


def watermarks(configuration: Configuration) -> Watermarks:
    values = configuration.values()
    return Watermarks(values["space.highwm"], values["space.lowwm"])


def keep_room(native: Native, stop: Stop) -> None:
    """Start an eviction whenever a volume is fuller than it may be and a bucket allows one, until `stop` is set."""
    while not stop.wait(native.configuration.values()["lru.capacity_upd_time"] / SECOND):
        try:
            if is_wanted(native):
                native.jobs.start(KIND, owner=NODE)
        except StorageError as error:
            log.error("an eviction cannot be started: %s", error)


def is_wanted(native: Native) -> bool:
    high = watermarks(native.configuration).high
    return (
        any(used(volume.path) > high for volume in native.store.partitions.present)
        and any(evictable(bucket) for bucket in native.store.buckets.all())
        and not any(job.kind == KIND for job in native.jobs.live())
    )
