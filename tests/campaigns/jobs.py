"""`make jobs`: a job over 100,000 small objects. How many it copies a second, how soon an abort ends it, and whether
after `kill -9` of everything in its midst it ends with exactly the right objects and counts."""

from __future__ import annotations

import random
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

import click
import gevent.monkey
from aistore import Client
from aistore.sdk import Bucket
from aistore.sdk.job import Job
from gevent.pool import Pool

from storage.attributes import Attributes
from storage.layout import claim
from storage.payload import BytesPayload
from storage.store import Store
from tests.node import Node

SIZES = range(200, 4096)  # bytes
WRITERS = 64
LEAST_RATE = 5000  # objects a second
LONGEST_ABORT = 1.0  # s
LONGEST_SINGLE = 0.150  # s


def fill(data: Path, name: str, count: int) -> int:
    """Make a bucket of `count` small objects in a stopped node's store; how many bytes they have."""
    chance = random.Random(1)
    noise = chance.randbytes(max(SIZES))
    sizes = [chance.choice(SIZES) for _ in range(count)]
    with claim([data]) as held, Store(held.layout) as store:
        bucket = store.buckets.create(name, owner="campaign")
        pool = Pool(WRITERS)
        for number, size in enumerate(sizes):
            payload = BytesPayload(noise[:size])
            pool.spawn(store.objects.put, bucket, f"small/{number:08d}", payload, Attributes(owner="campaign"))
        pool.join(raise_error=True)
    return sum(sizes)


class Campaign:
    """The node with its bucket of `count` objects and `size` bytes; `failures` says what did not hold."""

    def __init__(self, root: Path, count: int) -> None:
        self.root = root
        self.count = count
        self.node = Node(root)
        self.size = 0
        self.failures: list[str] = []

    @property
    def client(self) -> Client:
        return Client(self.node.endpoint, token=self.node.token, timeout=60)

    @property
    def source(self) -> Bucket:
        return self.client.bucket("source")

    def check(self, name: str, found: object, holds: bool) -> None:
        click.echo(f"{name}: {found}{'' if holds else '   FAILED'}")
        if not holds:
            self.failures.append(name)

    def run(self) -> None:
        self.node.start().stop()
        self.size = fill(self.root / "data", "source", self.count)
        self.node.start()
        for step in (self.rate, self.single, self.abort, self.crash, self.deletion, self.destruction):
            step()
        self.node.stop()

    def copy(self, name: str, **options: object) -> Job:
        return self.client.job(self.source.copy(self.client.bucket(name), **options), "copy-bck")

    def counts(self, job: Job) -> tuple[int, int]:
        (snapshot,) = job.get_details().list_snapshots()
        return int(snapshot.stats.objects), int(snapshot.stats.bytes)

    def rate(self) -> None:
        job = self.copy("copied")
        seconds = until(lambda: bool(job.status().end_time))
        rate = self.count / seconds
        self.check("objects a second", round(rate), rate >= LEAST_RATE)
        self.check("counted", self.counts(job), self.counts(job) == (self.count, self.size))

    def single(self) -> None:
        began = time.monotonic()
        job = self.copy("one", prefix_filter="small/00000007")
        until(lambda: bool(job.status().end_time))
        seconds = time.monotonic() - began
        self.check("ms for a job over one object", round(seconds * 1000), seconds < LONGEST_SINGLE)

    def abort(self) -> None:
        job = self.copy("aborted")
        until(lambda: self.counts(job)[0] > 0)
        job.abort()
        seconds = until(lambda: bool(job.status().end_time))
        self.check("ms until an aborted job has ended", round(seconds * 1000), seconds < LONGEST_ABORT)
        before = self.counts(job)
        time.sleep(1)
        held = len(self.client.bucket("aborted").list_all_objects())
        self.check("objects that it leaves, and counts", (held, before[0]), held == before[0] < self.count)

    def crash(self) -> None:
        job = self.copy("crashed")
        for part in (4, 2):
            until(lambda: self.counts(job)[0] > self.count // (part * 2))
            self.node.kill()
            self.node.start()
        until(lambda: bool(job.status().end_time))
        self.check("counted across two crashes", self.counts(job), self.counts(job) == (self.count, self.size))
        names = [{entry.name: entry.size for entry in bucket.list_all_objects()}
                 for bucket in (self.source, self.client.bucket("crashed"))]
        self.check("the same objects", len(names[1]), names[0] == names[1])

    def deletion(self) -> None:
        bucket = self.client.bucket("crashed")
        job = self.client.job(bucket.objects(obj_template="small/").delete(), "delete-listrange")
        until(lambda: self.counts(job)[0] > self.count // 3)
        self.node.kill()
        self.node.start()
        until(lambda: bool(job.status().end_time))
        self.check("deleted across a crash", self.counts(job), self.counts(job) == (self.count, self.size))
        self.check("objects left", len(bucket.list_all_objects()), not bucket.list_all_objects())

    def destruction(self) -> None:
        began = time.monotonic()
        self.client.bucket("copied").delete()
        seconds = time.monotonic() - began
        self.check("ms for the destruction of all", round(seconds * 1000), seconds < 5)


def until(condition: Callable[[], bool], *, limit: float = 300) -> float:
    """Ask again and again; how long (s) that took."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > limit:
            raise TimeoutError
        time.sleep(0.01)
    return time.monotonic() - began


@click.command()
@click.option("--objects", default=100_000, show_default=True)
def main(objects: int) -> None:
    root = Path(mkdtemp(prefix="sluice-jobs-"))
    campaign = Campaign(root, objects)
    try:
        campaign.run()
    finally:
        campaign.node.kill()
        shutil.rmtree(root, ignore_errors=True)
    sys.exit(bool(campaign.failures))


if __name__ == "__main__":
    gevent.monkey.patch_all(ssl=False)  # boto3 was imported first
    main()
