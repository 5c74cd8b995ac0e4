"""Jobs about the TARs of a bucket: index their members, and sum up how much of them is indexed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from storage.archives.shards import Shards, version_of
from storage.buckets import Buckets
from storage.errors import NoSuchKey
from storage.jobs.buckets import source
from storage.jobs.records import Job
from storage.jobs.run import Run, Step, Unit
from storage.jobs.selection import units
from storage.objects import Objects
from storage.records import Bucket

INDEX, SUMMARY = "index-shard", "summary-shard"
SUFFIX = ".tar"
PAGE = 1000  # keys


class Sums(msgspec.Struct):
    """What a bucket has of TARs, by AIStore's names; sizes in bytes."""

    after: str = ""  # the last key that is counted
    tars: int = msgspec.field(default=0, name="tar-objs")
    tar_size: int = msgspec.field(default=0, name="tar-size")
    shards: int = 0  # TARs that are indexed as they are
    shard_size: int = msgspec.field(default=0, name="shard-size")
    members: int = msgspec.field(default=0, name="archived-objs")
    stale: int = msgspec.field(default=0, name="stale-indexes")  # of what was there before
    invalid: int = msgspec.field(default=0, name="invalid-indexes")


DECODE, ENCODE = msgspec.json.Decoder(Sums).decode, msgspec.json.Encoder().encode


def sums_of(job: Job) -> Sums:
    """What the job has counted so far."""
    return DECODE(job.state.cursor) if job.state.cursor else Sums()


@dataclass(frozen=True, slots=True)
class Indexing:
    """Indexes every TAR of the bucket behind `prefix`; with `skip-verify` those that are indexed are left as they are,
    else they are read and indexed again."""

    buckets: Buckets
    objects: Objects
    shards: Shards

    def __call__(self, run: Run) -> Iterator[Step]:
        bucket = source(self.buckets, run)

        def work(key: str) -> Step:
            try:
                if run.value.get("skip-verify") and self._is_indexed(bucket, key):
                    return Step()
                return Step(objects=1, size=self.shards.index(bucket, key).size)
            except NoSuchKey:
                return Step()

        found = units(self.objects, bucket, run.value, run.cursor)
        yield from run.each((Unit(name, cursor) for name, cursor in found if name.endswith(SUFFIX)), work)
        self.shards.forget_missing(bucket)

    def _is_indexed(self, bucket: Bucket, key: str) -> bool:
        shard = self.shards.shard(bucket, key)
        return shard is not None and shard.version == version_of(self.objects.head(bucket, key))


@dataclass(frozen=True, slots=True)
class Counting:
    """Sums up the TARs of the bucket behind `prefix`."""

    buckets: Buckets
    objects: Objects
    shards: Shards

    def __call__(self, run: Run) -> Iterator[Step]:
        bucket = source(self.buckets, run)
        sums, more = DECODE(run.cursor) if run.cursor else Sums(), True
        while more:
            page = self.objects.list(bucket, prefix=run.value["prefix"], after=sums.after, limit=PAGE)
            for key, listed in page.entries:
                if key.endswith(SUFFIX):
                    self._add(sums, bucket, key, listed.size, f"{listed.modified}-{listed.etag}")
            sums.after, more = page.last or sums.after, page.truncated
            yield Step(objects=len(page.entries), cursor=ENCODE(sums).decode())

    def _add(self, sums: Sums, bucket: Bucket, key: str, size: int, version: str) -> None:
        sums.tars += 1
        sums.tar_size += size
        try:
            shard = self.shards.shard(bucket, key)
        except msgspec.DecodeError:
            sums.invalid += 1
            return
        if shard is None:
            return
        if shard.version != version:
            sums.stale += 1
            return
        sums.shards += 1
        sums.shard_size += shard.size
        sums.members += shard.members
