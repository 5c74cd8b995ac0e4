"""Where the members of TARs lie, kept beside the objects so that one member is found without reading what is before it.

    s id key NUL NUL            of which version of the object this tells, and what is in that
    s id key NUL NUL digest     a member: its name and where its bytes are

A member tells of which version it is, too: one that is looked up while the object is indexed anew is either of the
version that is open, or none. What is kept of an object that has changed since is stale, and nobody believes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import msgspec
from xxhash import xxh3_128_digest

from storage.archives.reading import Member, in_tar
from storage.content import Segments, Span
from storage.errors import CorruptArchive
from storage.keys import END, SHARDS, after_prefix, escaped, object_key, shard_of, space_of
from storage.objects import Objects
from storage.purge import no_blobs, purge
from storage.records import Bucket, Codec, ObjectRecord
from storage.source import close_content
from storage.threads import run
from storage.volume import Partitions, Volume

BATCH = 1000  # members in one commit


class Shard(msgspec.Struct, array_like=True, frozen=True):
    """A TAR that is indexed."""

    version: str
    size: int  # bytes
    members: int


class Place(msgspec.Struct, array_like=True, frozen=True):
    """Where a member's bytes lie in the object."""

    version: str
    name: str
    start: int
    stop: int


SHARD, PLACE = Codec(Shard), Codec(Place)


def version_of(record: ObjectRecord) -> str:
    return f"{record.modified}-{record.etag}"


def shard_prefix(bucket: Bucket, key: str) -> bytes:
    start, _ = space_of(SHARDS, bucket.id)
    return start + escaped(key) + END


def member_key(prefix: bytes, name: str) -> bytes:
    return prefix + xxh3_128_digest(name.encode())


class Shards:
    """The indexes of a node's TARs."""

    def __init__(self, partitions: Partitions, objects: Objects) -> None:
        self._partitions = partitions
        self._objects = objects

    def find(self, bucket: Bucket, key: str, record: ObjectRecord, name: str) -> Span | None:
        """Where the member lies in this version of the object; None when that is not known."""
        own = name.removeprefix("/")
        raw = self._volume(bucket, key).index.get(member_key(shard_prefix(bucket, key), own))
        if raw is None:
            return None
        place = PLACE.decode(raw)
        return Span(place.start, place.stop) if (place.version, place.name) == (version_of(record), own) else None

    def shard(self, bucket: Bucket, key: str) -> Shard | None:
        """What is known of the object, of whatever version."""
        raw = self._volume(bucket, key).index.get(shard_prefix(bucket, key))
        return None if raw is None else SHARD.decode(raw)

    def index(self, bucket: Bucket, key: str) -> ObjectRecord:
        """Index the object as it is now, in place of what was known of it; `CorruptArchive`, and what opening raises.

        It is not indexed any more before it is indexed anew, and not before all of its members are.
        """
        with self._objects.open(bucket, key) as source:
            content = source.content()
            try:
                if isinstance(content, Segments | bytes):
                    self._write(bucket, key, source.record, in_tar(content))
            finally:
                close_content(content)
            return source.record

    def forget_missing(self, bucket: Bucket) -> None:
        """Forget what is known of objects that are gone."""
        for volume in self._partitions.all():
            position, stop = space_of(SHARDS, bucket.id)
            while (found := next(volume.index.scan(position, stop, batch=1), None)) is not None:
                key = shard_of(found[0])
                prefix = shard_prefix(bucket, key)
                position = after_prefix(prefix)
                if volume.index.get(object_key(bucket.id, key)) is None:
                    self._forget(volume, prefix)

    def _volume(self, bucket: Bucket, key: str) -> Volume:
        return self._partitions.of(object_key(bucket.id, key))

    def _write(self, bucket: Bucket, key: str, record: ObjectRecord, members: Iterator[Member]) -> None:
        volume, prefix, version = self._volume(bucket, key), shard_prefix(bucket, key), version_of(record)
        self._forget(volume, prefix)
        seen: set[bytes] = set()
        while some := run(list, islice(members, BATCH)):
            places = {member_key(prefix, place.name): place for place in placed(some, version)}
            new = places.keys() - seen
            seen |= new
            volume.index.commit(puts=[(raw_key, PLACE.encode(places[raw_key])) for raw_key in new])
        volume.index.commit(puts=[(prefix, SHARD.encode(Shard(version, record.size, len(seen))))])

    @staticmethod
    def _forget(volume: Volume, prefix: bytes) -> None:
        for _ in purge(volume, prefix, after_prefix(prefix), no_blobs):
            pass


def placed(members: list[Member], version: str) -> Iterator[Place]:
    """Where the members are; of several with one name the first comes last, so that a dictionary of them has that."""
    for member in reversed(members):
        if member.stored is None:
            raise CorruptArchive("its members do not lie in it as they are")
        yield Place(version, member.name.removeprefix("/"), member.stored.start, member.stored.stop)
