"""Moving what volumes hold to where it belongs in another set of volumes, while nobody else works on them.

First everything is copied, then the set is switched, then what was copied is deleted: at any moment in between all of
it can be done again from the beginning.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from storage.blobs import copy_range, translated
from storage.content import Segment
from storage.index import Put
from storage.keys import (
    APPENDS, COMPLETIONS, MARKERS, OBJECTS, PARTS, SHARDS, UPLOADS, after_prefix, bucket_of, object_key, shard_of,
    suffix_of_part, upload_of,
)
from storage.purge import SPACES, BlobsOf
from storage.records import Blob
from storage.volume import Partitions, Volume

BATCH = 1000  # records in one commit
BATCH_SIZE = 4 * 1024 * 1024  # bytes of their values


@dataclass(frozen=True, slots=True)
class Moved:
    """One step: how much was copied, or deleted where it has been."""

    records: int
    size: int  # bytes of files


def home_key(key: bytes) -> bytes:
    """The key of the object that a record is about, which decides where the record lies."""
    space = key[:1]
    if space == OBJECTS:
        return key
    if space == SHARDS:
        return object_key(bucket_of(key), shard_of(key))
    whole = UPLOADS + suffix_of_part(key) if space == PARTS else key
    assert space in (PARTS, UPLOADS, COMPLETIONS, APPENDS), space
    return object_key(bucket_of(key), upload_of(whole)[0])


def strays(source: Volume, homes: Partitions) -> Iterator[tuple[Volume, bytes, bytes, BlobsOf]]:
    """What the source holds and another volume should: that one, the record, and how to find its blobs."""
    for space, blobs_of in SPACES:
        for key, raw in source.index.scan(space, after_prefix(space)):
            home = homes.of(home_key(key))
            if home.id != source.id:
                yield home, key, raw, blobs_of


def copy_markers(primary: Volume, volume: Volume) -> None:
    """Give a new volume the markers that every volume of a set has."""
    markers = list(primary.index.scan(MARKERS, after_prefix(MARKERS)))
    for first in range(0, len(markers), BATCH):
        volume.index.commit(puts=markers[first : first + BATCH])


@dataclass(slots=True)
class Batch:
    """Records about to be written into a volume."""

    home: Volume
    puts: list[Put] = field(default_factory=list)
    size: int = 0  # bytes of their values

    def add(self, key: bytes, raw: bytes) -> None:
        self.puts.append((key, raw))
        self.size += len(raw)
        if len(self.puts) == BATCH or self.size > BATCH_SIZE:
            self.commit()

    def commit(self) -> None:
        self.home.index.commit(puts=self.puts)
        self.puts, self.size = [], 0


def copy_strays(source: Volume, homes: Partitions) -> Iterator[Moved]:
    """Copy everything to where it belongs: blobs first, records second; what has been copied already is left."""
    batches: dict[str, Batch] = {}
    for home, key, raw, blobs_of in strays(source, homes):
        if home.index.get(key) == raw:
            continue
        blobs = blobs_of(raw)
        copy_blobs(blobs, source, home)
        batches.setdefault(home.id, Batch(home)).add(key, raw)
        yield Moved(1, sum(blob.size for blob in blobs))
    for batch in batches.values():
        batch.commit()


def copy_blobs(blobs: Sequence[Blob], source: Volume, home: Volume) -> None:
    """Copy the files under the same names, durable; whatever a copy that was cut short has left is replaced."""
    for blob in blobs:
        with translated(home.path):
            home.blobs.remove([blob])
            descriptor = source.blobs.open(blob.id)
            try:
                size = os.fstat(descriptor).st_size
                home.space.admit(size)
                copy_file(descriptor, size, home, blob)
            finally:
                os.close(descriptor)
    for directory in {blob.id[:2] for blob in blobs}:
        home.blobs.sync_directory(directory)


def copy_file(descriptor: int, size: int, home: Volume, blob: Blob) -> None:
    to = home.blobs.make(blob.id)
    try:
        copy_range(Segment(descriptor, 0, size), to)
        os.fsync(to)
    finally:
        os.close(to)


def delete_strays(source: Volume, homes: Partitions) -> Iterator[Moved]:
    """Delete what belongs to other volumes and lies there: records first, files second."""
    doomed: list[bytes] = []
    blobs: list[Blob] = []
    for home, key, raw, blobs_of in strays(source, homes):
        assert home.index.get(key) == raw, "deleted before it was copied"
        doomed.append(key)
        blobs += blobs_of(raw)
        if len(doomed) == BATCH:
            yield _delete(source, doomed, blobs)
            doomed, blobs = [], []
    yield _delete(source, doomed, blobs)


def _delete(source: Volume, keys: list[bytes], blobs: list[Blob]) -> Moved:
    source.index.commit(deletes=keys)
    source.blobs.remove(blobs)
    return Moved(len(keys), sum(blob.size for blob in blobs))
