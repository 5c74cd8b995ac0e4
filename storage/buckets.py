"""Buckets: created, found, listed and deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from types import MappingProxyType

from msgspec.structs import replace

from storage.catalog import Catalog, Changed
from storage.errors import BucketExists, BucketNotEmpty, Conflict, NoSuchBucket
from storage.index import CheckFailed
from storage.keys import BUCKETS, OBJECTS, marker_key, space_of
from storage.markers import Markers
from storage.properties import plain
from storage.purge import purge_bucket
from storage.records import BUCKET, Bucket, Value
from storage.volume import Partitions, Volume

MILLISECOND = 1_000_000  # ns
RANDOM_BITS = 20
NO_PROPERTIES: Mapping[str, Value] = MappingProxyType({})
REMEMBERED = 10_000  # decoded records


def new_bucket_id(now: int, random: Callable[[int], bytes]) -> int:
    """63 bits: milliseconds since the epoch, then 20 random bits.

    A counter would have to come from the catalog, and could repeat where a volume that held its newest version is
    missing; the time cannot, and tells the sweep how old a bucket is of which nothing else is known.
    """
    return now // MILLISECOND << RANDOM_BITS | int.from_bytes(random(4), "big") >> (32 - RANDOM_BITS)


def created_at(bucket_id: int) -> int:
    """When (ns) an id was made."""
    return (bucket_id >> RANDOM_BITS) * MILLISECOND


class Buckets:
    """Every bucket of the node. Changes are durable, and seen by every process, when a call returns."""

    def __init__(
        self,
        partitions: Partitions,
        catalog: Catalog,
        markers: Markers,
        *,
        clock: Callable[[], int],
        random: Callable[[int], bytes],
    ) -> None:
        self._partitions = partitions
        self._catalog = catalog
        self._markers = markers
        self._clock = clock
        self._random = random
        self._known: dict[str, tuple[bytes, Bucket]] = {}  # decoded records, by name

    def get(self, name: str) -> Bucket:
        """The bucket as it is now; `NoSuchBucket`."""
        raw = self._catalog.get(BUCKETS, name)
        known = self._known.get(name)
        if known is not None and known[0] == raw:
            return known[1]
        if raw is None:
            raise NoSuchBucket(name)
        bucket = BUCKET.decode(raw)
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[name] = (raw, bucket)
        return bucket

    def create(
        self, name: str, *, owner: str, region: str = "", properties: Mapping[str, Value] = NO_PROPERTIES
    ) -> Bucket:
        """A new, empty bucket; `BucketExists` when the name is taken, `VolumeFailed` while a volume is missing.

        `properties` are those that differ from their defaults.
        """
        self._refuse_existing(name)
        now = self._clock()
        bucket = Bucket(self._new_id(now), name, owner, now, region, properties=plain(properties))
        try:
            self._catalog.put(BUCKETS, name, BUCKET.encode(bucket), expected=None)
        except Changed as lost:
            self._markers.remove(bucket.id)
            owner = owner if lost.found is None else BUCKET.decode(lost.found).owner
            raise BucketExists(name, owner) from lost
        return bucket

    def update(
        self, bucket: Bucket, change: Callable[[Mapping[str, Value]], Mapping[str, Value]]
    ) -> tuple[Bucket, Bucket]:
        """Put what `change` makes of the properties in their place; the bucket before and after.

        `change` is asked again when somebody else changed the bucket meanwhile, and may raise. `NoSuchBucket` when the
        bucket is gone, also when another one has its name by now.
        """
        while True:
            raw = self._catalog.get(BUCKETS, bucket.name)
            before = None if raw is None else BUCKET.decode(raw)
            if before is None or before.id != bucket.id:
                raise NoSuchBucket(bucket.name)
            after = replace(before, generation=before.generation + 1, properties=plain(change(before.properties)))
            try:
                self._catalog.put(BUCKETS, bucket.name, BUCKET.encode(after), expected=raw)
                return before, after
            except Changed:
                continue

    def rename(self, bucket: Bucket, name: str) -> Bucket:
        """Give the bucket another name, at once and with all that is in it; writes under way arrive under that name.

        `BucketExists` when the name is taken, `NoSuchBucket` when the bucket is gone.
        """
        while True:
            raw = self._catalog.get(BUCKETS, bucket.name)
            before = None if raw is None else BUCKET.decode(raw)
            if raw is None or before is None or before.id != bucket.id:
                raise NoSuchBucket(bucket.name)
            after = replace(before, name=name, generation=before.generation + 1)
            try:
                self._catalog.move(BUCKETS, bucket.name, name, BUCKET.encode(after), expected=raw)
                return after
            except Changed as changed:
                if changed.name == name and changed.found is not None:
                    raise BucketExists(name, BUCKET.decode(changed.found).owner) from changed

    def delete(self, bucket: Bucket) -> None:
        """Remove an empty bucket and the uploads pending in it.

        `BucketNotEmpty`, `NoSuchBucket`, `VolumeFailed` while a volume is missing, and `Conflict` when it took so
        long that a writer cancelled it; in all of these cases the bucket is as before.
        """
        for volume in self._partitions.all():
            refuse_objects(bucket, volume)
        self._remove(bucket, refuse_objects)
        for _ in self.purge(bucket.id):
            pass

    def abandon(self, bucket: Bucket) -> None:
        """Remove a bucket with all that is in it: gone when this returns, its bytes once `purge` has been walked to
        its end. Raises as `delete`, but for `BucketNotEmpty`."""
        self._remove(bucket, accept)

    def purge(self, bucket_id: int) -> Iterator[int]:
        """Remove what is left of a bucket that is gone; yields the number of records removed, batch by batch. Where
        it is broken off it can be done again, and the sweep does it in the end."""
        for volume in self._partitions.all():
            yield from purge_bucket(volume, bucket_id)
        self._markers.remove(bucket_id)

    def _remove(self, bucket: Bucket, check: Callable[[Bucket, Volume], None]) -> None:
        """Take the bucket out of the catalog, if `check` lets it once nobody writes to the volume any more."""
        deletion = self._markers.deletion()
        try:
            for volume in self._partitions.all():
                self._markers.close(bucket, volume, deletion)
                check(bucket, volume)
            self._forget(bucket, deletion)
        except BaseException:
            self._markers.reopen(bucket, deletion)
            raise

    def owned(
        self,
        owner: str,
        *,
        prefix: str = "",
        after: str = "",
        limit: int | None = None,
        named: Callable[[str], bool] = bool,
    ) -> list[Bucket]:
        """The account's buckets, by name: those whose names begin with `prefix`, come after `after` and are `named`."""
        found = (bucket for bucket in self._scan(prefix, after) if bucket.owner == owner and named(bucket.name))
        return list(islice(found, limit))

    def all(self, *, prefix: str = "", after: str = "", limit: int | None = None) -> list[Bucket]:
        """The same over every account's."""
        return list(islice(self._scan(prefix, after), limit))

    def _scan(self, prefix: str, after: str) -> Iterator[Bucket]:
        return (BUCKET.decode(raw) for _, raw in self._catalog.all(BUCKETS, prefix=prefix, after=after))

    def _refuse_existing(self, name: str) -> None:
        raw = self._catalog.get(BUCKETS, name)
        if raw is not None:
            raise BucketExists(name, BUCKET.decode(raw).owner)

    def _new_id(self, now: int) -> int:
        """An id whose markers are open in every partition."""
        while True:
            bucket_id = new_bucket_id(now, self._random)
            try:
                self._markers.create(bucket_id)
                return bucket_id
            except CheckFailed:
                continue

    def _forget(self, bucket: Bucket, deletion: bytes) -> None:
        """Remove the record from the catalog while the deletion holds: the point at which the bucket is gone."""
        while True:
            raw = self._catalog.get(BUCKETS, bucket.name)
            if raw is None or BUCKET.decode(raw).id != bucket.id:
                raise NoSuchBucket(bucket.name)
            marker = marker_key(bucket.id)
            try:
                self._catalog.delete(BUCKETS, bucket.name, expected=raw, checks=[(marker, deletion)], also=[marker])
                return
            except Changed:
                continue
            except CheckFailed as failed:
                raise Conflict(bucket.name) from failed


def accept(bucket: Bucket, volume: Volume) -> None:
    """Whatever the volume has of the bucket."""


def refuse_objects(bucket: Bucket, volume: Volume) -> None:
    for _ in volume.index.scan(*space_of(OBJECTS, bucket.id), batch=1):
        raise BucketNotEmpty(bucket.name)
