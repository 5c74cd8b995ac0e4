"""Removing records together with the blobs that they name: the records first, the files second."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from storage.keys import APPENDS, COMPLETIONS, OBJECTS, PARTS, SHARDS, UPLOADS, space_of
from storage.records import APPEND, PART, REFERENCED, Blob
from storage.threads import run
from storage.volume import Volume

BATCH = 1000  # records in one commit


def object_blobs(raw: bytes | memoryview | None) -> tuple[Blob, ...]:
    """The blobs that an object's record names."""
    return () if raw is None else REFERENCED.decode(raw).blobs


def part_blobs(raw: bytes | memoryview | None) -> tuple[Blob, ...]:
    """The blob that a part's record names."""
    blob = None if raw is None else PART.decode(raw).blob
    return () if blob is None else (blob,)


def append_blobs(raw: bytes | memoryview | None) -> tuple[Blob, ...]:
    """The blobs that the record of an append names."""
    if raw is None:
        return ()
    record = APPEND.decode(raw)
    return (*record.base, record.tail)


def no_blobs(raw: bytes | memoryview | None) -> tuple[Blob, ...]:
    return ()


BlobsOf = Callable[[bytes | memoryview | None], tuple[Blob, ...]]

# In this order: with its upload gone a part cannot be added any more.
SPACES: tuple[tuple[bytes, BlobsOf], ...] = (
    (UPLOADS, no_blobs), (PARTS, part_blobs), (COMPLETIONS, no_blobs), (APPENDS, append_blobs), (SHARDS, no_blobs),
    (OBJECTS, object_blobs),
)


def drop(volume: Volume, blobs: Iterable[Blob]) -> None:
    """Remove files that no record names any more."""
    doomed = list(blobs)
    if doomed:
        run(volume.blobs.remove, doomed)


def purge(volume: Volume, start: bytes, stop: bytes, blobs_of: BlobsOf) -> Iterator[int]:
    """Remove the records of [start, stop) and their blobs, batch by batch; yields the number of records of each.

    Nobody may be adding records there.
    """
    pairs = volume.index.scan(start, stop, decode=blobs_of)
    while batch := list(islice(pairs, BATCH)):
        replaced = volume.index.commit(deletes=[key for key, _ in batch])
        drop(volume, (blob for raw in replaced for blob in blobs_of(raw)))
        yield len(batch)


def purge_bucket(volume: Volume, bucket_id: int) -> Iterator[int]:
    """Remove everything that a volume has about a bucket, except its marker, which must not be open."""
    for space, blobs_of in SPACES:
        yield from purge(volume, *space_of(space, bucket_id), blobs_of)
