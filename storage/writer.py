"""Committing a key's new version: into an open bucket only, under conditions, atomically across processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

from msgspec.structs import replace

from storage.conditions import ALWAYS, Conditions, check_delete, check_write
from storage.errors import Conflict
from storage.index import Check, CheckFailed, Put
from storage.keys import PREFIX_SIZE
from storage.markers import Markers
from storage.properties import next_version, numbers_versions
from storage.records import OBJECT, Bucket, ObjectRecord
from storage.volume import Volume

ATTEMPTS = 64  # each of them lost to a commit that another writer made meanwhile


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

    def put(
        self,
        bucket: Bucket,
        volume: Volume,
        object_key: bytes,
        record: ObjectRecord,
        given: Conditions,
        *,
        checks: Sequence[Check] = (),
        puts: Sequence[Put] = (),
        deletes: Sequence[bytes] = (),
    ) -> tuple[ObjectRecord, list[bytes | None]]:
        """Commit the record as the key's current version, if `check_write` lets it replace the one there is, numbered
        after that one where the bucket counts and the record has no number; the record and the values replaced, the
        object's first.

        `Lost` when one of `checks` fails, `Conflict` when other writers kept winning; otherwise like `commit`.
        """
        numbered = not record.version and numbers_versions(bucket)
        if given is ALWAYS and not numbered:
            written = ((object_key, OBJECT.encode(record)), *puts)
            return record, self.commit(bucket, volume, checks=checks, puts=written, deletes=deletes)
        for raw in self._current(volume, object_key, given):
            current = None if raw is None else OBJECT.decode(raw)
            check_write(given, current)
            if numbered:
                record = replace(record, version=next_version("" if current is None else current.version))
            written = ((object_key, OBJECT.encode(record)), *puts)
            try:
                replaced = self.commit(
                    bucket, volume, checks=((object_key, raw), *checks), puts=written, deletes=deletes
                )
                return record, replaced
            except Lost as lost:
                if lost.key != object_key:
                    raise
        raise Conflict(object_key[PREFIX_SIZE:].decode())

    def delete(self, bucket: Bucket, volume: Volume, object_key: bytes, given: Conditions) -> bytes | None:
        """Take the key away if its current version, if there is one, meets the conditions; what it was.

        `PreconditionFailed`, `Conflict` when other writers kept winning; otherwise like `commit`.
        """
        for raw in self._current(volume, object_key, given):
            if raw is not None:
                check_delete(given, OBJECT.decode(raw))
            try:
                (removed,) = self.commit(bucket, volume, checks=((object_key, raw),), deletes=(object_key,))
                return removed
            except Lost:
                continue
        raise Conflict(object_key[PREFIX_SIZE:].decode())

    @staticmethod
    def _current(volume: Volume, object_key: bytes, given: Conditions) -> Iterator[bytes | None]:
        """What is there, looked up before each attempt. A write without conditions never gives up: of those that meet,
        one wins each time."""
        for _ in count() if given is ALWAYS else range(ATTEMPTS):
            yield volume.index.get(object_key)
