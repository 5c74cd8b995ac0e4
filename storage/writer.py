"""Committing a key's new version: into an open bucket only, under conditions, atomically across processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from storage.conditions import ALWAYS, Conditions
from storage.errors import Conflict
from storage.index import Check, CheckFailed, Put
from storage.keys import PREFIX_SIZE
from storage.markers import Markers
from storage.records import OBJECT, Bucket, ObjectRecord
from storage.volume import Volume

ATTEMPTS = 64  # each of them lost to a commit that another writer made meanwhile

Guard = Callable[[Conditions, ObjectRecord | None], None]


class Lost(Exception):
    """The caller's own check of `key` failed; nothing was changed."""

    def __init__(self, key: bytes) -> None:
        super().__init__(key)
        self.key = key


class Writer:
    """Commits of records into partitions."""

    def __init__(self, markers: Markers) -> None:
        self._markers = markers

    def commit(
        self,
        bucket: Bucket,
        volume: Volume,
        *,
        checks: Sequence[Check] = (),
        puts: Sequence[Put] = (),
        deletes: Sequence[bytes] = (),
    ) -> list[bytes | None]:
        """Commit while the bucket is open, waiting for a deletion that may fail; the values replaced.

        `NoSuchBucket` when the bucket is deleted, `Lost` when one of `checks` fails.
        """
        marker = self._markers.check(bucket)
        while True:
            try:
                return volume.index.commit(checks=(marker, *checks), puts=puts, deletes=deletes)
            except CheckFailed as failed:
                if failed.key != marker[0]:
                    raise Lost(failed.key) from failed
                self._markers.settle(bucket, volume)

    def replace(
        self,
        bucket: Bucket,
        volume: Volume,
        object_key: bytes,
        given: Conditions,
        guard: Guard,
        *,
        checks: Sequence[Check] = (),
        puts: Sequence[Put] = (),
        deletes: Sequence[bytes] = (),
    ) -> list[bytes | None]:
        """Commit if `guard`, asked about the version that is replaced, lets it; it raises what stops the write.

        `Lost` when one of `checks` fails, `Conflict` when other writers kept winning; otherwise like `commit`.
        """
        if given is ALWAYS:
            return self.commit(bucket, volume, checks=checks, puts=puts, deletes=deletes)
        for _ in range(ATTEMPTS):
            raw = volume.index.get(object_key)
            guard(given, None if raw is None else OBJECT.decode(raw))
            try:
                return self.commit(bucket, volume, checks=((object_key, raw), *checks), puts=puts, deletes=deletes)
            except Lost as lost:
                if lost.key != object_key:
                    raise
        raise Conflict(object_key[PREFIX_SIZE:].decode())
