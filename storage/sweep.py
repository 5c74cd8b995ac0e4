"""The sweep: removes what crashes leave over, and never what a record names.

Left over can be: blobs that no record names, everything of buckets that the catalog does not name, parts whose upload
has ended, completions that have expired, and appends that nobody went on with.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from storage.blobs import FANOUT, translated
from storage.buckets import created_at
from storage.index import CheckFailed
from storage.keys import (
    APPENDS, COMPLETIONS, MARKERS, OBJECTS, OF_BUCKETS, PARTS, UPLOADS, after_prefix, bucket_of, marker_key,
    suffix_of_part,
)
from storage.purge import append_blobs, drop, object_blobs, part_blobs, purge_bucket
from storage.records import APPEND, COMPLETION, Blob
from storage.store import Store
from storage.threads import run
from storage.volume import Volume

CANDIDATES = 100_000  # files held in memory at a time
BATCH = 1000  # records or files in one step
ABANDONED = 24 * 3600 * 1_000_000_000  # ns


@dataclass(frozen=True, slots=True)
class Swept:
    """One step: what was looked at and removed since the step before."""

    volume: str
    seen: int = 0  # files and records
    records: int = 0  # removed
    files: int = 0  # removed
    size: int = 0  # bytes of the removed files


def sweep(store: Store, *, before: int, clock: Callable[[], int]) -> Iterator[Swept]:
    """Remove what is left over from before `before` (ns), step by step; stopping between two steps is fine.

    While the node runs, `before` must lie further back than any write takes to become visible (an hour does); before
    its workers start, everything is old enough. With a volume missing, records of unknown buckets stay: what is known
    of the buckets may not be the newest.
    """
    for volume in store.partitions.present:
        if store.partitions.complete:
            yield from _unknown_buckets(store, volume, before)
        yield from _ended_uploads(volume)
        yield from _expired_completions(volume, clock())
        yield from _abandoned_appends(volume, clock())
        yield from _unnamed_blobs(volume, before)


def bucket_ids(store: Store) -> set[int]:
    return {bucket.id for bucket in store.buckets.all()}


def _unknown_buckets(store: Store, volume: Volume, before: int) -> Iterator[Swept]:
    """Remove everything of buckets that the catalog does not name; younger ones may be about to be named."""
    known = bucket_ids(store)
    for space in (MARKERS, *OF_BUCKETS):
        start, stop = space, after_prefix(space)
        while (found := next(volume.index.scan(start, stop, batch=1, decode=len), None)) is not None:
            bucket_id = bucket_of(found[0])
            if bucket_id not in known and created_at(bucket_id) < before and bucket_id not in bucket_ids(store):
                volume.index.commit(deletes=[marker_key(bucket_id)])
                for removed in purge_bucket(volume, bucket_id):
                    yield Swept(volume.id, seen=removed, records=removed)
            start = space + (bucket_id + 1).to_bytes(8, "big")
            yield Swept(volume.id, seen=1)


def _ended_uploads(volume: Volume) -> Iterator[Swept]:
    """Remove parts whose upload is not there; both spaces are in the same order."""
    known = b""
    doomed: list[bytes] = []
    for key, _ in volume.index.scan(PARTS, after_prefix(PARTS), decode=len):
        suffix = suffix_of_part(key)
        if suffix == known:
            continue
        if volume.index.get(UPLOADS + suffix) is None:
            doomed.append(key)
        else:
            known = suffix
        if len(doomed) == BATCH:
            yield _drop_parts(volume, doomed)
            doomed.clear()
    yield _drop_parts(volume, doomed)


def _drop_parts(volume: Volume, keys: list[bytes]) -> Swept:
    blobs = [blob for raw in volume.index.commit(deletes=keys) for blob in part_blobs(raw)]
    drop(volume, blobs)
    return Swept(volume.id, len(keys), len(keys), len(blobs), sum(blob.size for blob in blobs))


def _expired_completions(volume: Volume, now: int) -> Iterator[Swept]:
    doomed = []
    seen = 0
    for key, completion in volume.index.scan(COMPLETIONS, after_prefix(COMPLETIONS), decode=COMPLETION.decode):
        seen += 1
        if completion.expires <= now:
            doomed.append(key)
        if len(doomed) == BATCH:
            volume.index.commit(deletes=doomed)
            yield Swept(volume.id, seen, len(doomed))
            doomed.clear()
            seen = 0
    if doomed:
        volume.index.commit(deletes=doomed)
    yield Swept(volume.id, seen, len(doomed))


def _abandoned_appends(volume: Volume, now: int) -> Iterator[Swept]:
    """Remove appends that nobody has gone on with for a day, unless somebody does right now."""
    for key, raw in volume.index.scan(APPENDS, after_prefix(APPENDS)):
        if APPEND.decode(raw).touched + ABANDONED > now:
            yield Swept(volume.id, seen=1)
            continue
        try:
            volume.index.commit(checks=[(key, raw)], deletes=[key])
        except CheckFailed:
            continue
        blobs = append_blobs(raw)
        drop(volume, blobs)
        yield Swept(volume.id, 1, 1, len(blobs), sum(blob.size for blob in blobs))


def _unnamed_blobs(volume: Volume, before: int) -> Iterator[Swept]:
    """Remove the files that no record names: first the old files are listed, a bounded number at a time, then whatever
    the records name is taken off the list.

    Parts and appends are read before objects, since ending them moves blobs to objects and never back.
    """
    candidates: dict[bytes, int] = {}
    for directory in FANOUT:
        found = run(_old_files, volume, directory, before)
        candidates.update(found)
        yield Swept(volume.id, seen=len(found))
        if len(candidates) >= CANDIDATES:
            yield from _remove_unnamed(volume, candidates)
            candidates.clear()
    yield from _remove_unnamed(volume, candidates)


def _old_files(volume: Volume, directory: str, before: int) -> dict[bytes, int]:
    """The sizes, by id, of a fan-out directory's blobs that were last written or linked before `before`."""
    found = {}
    with translated(volume.path), os.scandir(volume.blobs.directory(directory)) as entries:
        for entry in entries:
            try:
                status = entry.stat(follow_symlinks=False)
                blob_id = bytes.fromhex(entry.name)
            except (FileNotFoundError, ValueError):  # deleted meanwhile; not ours
                continue
            if status.st_ctime_ns < before:
                found[blob_id] = status.st_size
    return found


def _remove_unnamed(volume: Volume, candidates: dict[bytes, int]) -> Iterator[Swept]:
    if not candidates:
        return
    for space, blobs_of in ((PARTS, part_blobs), (APPENDS, append_blobs), (OBJECTS, object_blobs)):
        seen = 0
        for _, blobs in volume.index.scan(space, after_prefix(space), decode=blobs_of):
            for blob in blobs:
                candidates.pop(bytes.fromhex(blob.id), None)
            seen += 1
            if not seen % BATCH:
                yield Swept(volume.id, seen=BATCH)
    unnamed = [Blob(blob_id.hex(), size) for blob_id, size in candidates.items()]
    for first in range(0, len(unnamed), BATCH):
        doomed = unnamed[first:first + BATCH]
        drop(volume, doomed)
        yield Swept(volume.id, files=len(doomed), size=sum(blob.size for blob in doomed))
