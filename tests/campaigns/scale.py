"""`make scale`: a million objects. Start-up, listing pages, small reads and writes, and the index's size after a
million overwrites of mixed sizes, each beside the same on a fresh node."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from tempfile import mkdtemp

import click
import gevent.monkey
from gevent.pool import Pool
from tabulate import tabulate

from storage.attributes import Attributes
from storage.layout import claim
from storage.payload import BytesPayload
from storage.store import Store
from tests.bench.cpu import measured
from tests.bench.servers import Server
from tests.bench.targets import BUCKET, NodeTarget
from tests.bench.workloads import WORKLOADS
from tests.node import Node

KIB = 1024
SIZES = [200, KIB, 2 * KIB, 4 * KIB, 8 * KIB, 16 * KIB, 32 * KIB, 64 * KIB]
FEW, MANY = 10_000, 1_000_000
WRITERS = 64


def write(data: Path, bucket: str, items: Iterable[tuple[str, int]]) -> None:
    """Put objects of the given sizes straight into a stopped node's store, synced like any others."""
    noise = random.Random(1).randbytes(max(SIZES))
    with claim([data]) as held, Store(held.layout) as store:
        target = store.buckets.get(bucket)
        owner = Attributes(owner=target.owner)
        pool = Pool(WRITERS)
        for key, size in items:
            pool.spawn(store.objects.put, target, key, BytesPayload(noise[:size]), owner)
        pool.join(raise_error=True)


def index_ratio(data: Path) -> float:
    """The size of the index file by that of its live data."""
    with claim([data]) as held, Store(held.layout) as store:
        (volume,) = store.partitions.present
        live = sum(len(key) + size for key, size in volume.index.scan(b"", b"\xff", decode=len))
    return sum(file.stat().st_size for file in (data / "index").glob("*.mdb")) / live


def page_cost(target: NodeTarget, keys: int, pages: int = 400) -> float:
    """CPU microseconds of a page of 1,000 keys from anywhere in the bucket."""
    link = HTTPConnection(target.server.base.removeprefix("http://"), timeout=60)
    starts = [f"many/{random.randrange(keys - 1000):09d}" for _ in range(pages)]
    signed = [target.signed("list_objects_v2", Prefix="many/", MaxKeys=1000, StartAfter=start) for start in starts]
    with measured(target.server.pid) as usage:
        for path in signed:
            link.request("GET", path)
            assert link.getresponse().read().count(b"<Key>") == 1000
    return usage.cpu / pages * 1e6


class Scale:
    """One node through the campaign; `rows` are its figures: name, fresh, grown, ratio, limit."""

    def __init__(self, root: Path, seconds: int) -> None:
        self.root = root
        self.seconds = seconds
        self.rows: list[tuple[str, str, str, float, float]] = []

    @contextmanager
    def started(self) -> Iterator[NodeTarget]:
        node = Node(self.root).start()
        try:
            yield NodeTarget(Server(node.endpoint, node.pid, self.root / "data", node))
            node.stop()
        finally:
            node.kill()

    def small(self) -> dict[str, float]:
        """CPU time of small reads and writes."""
        with self.started() as target:
            return {name: WORKLOADS[name].run(target, self.seconds).cpu for name in ("get4k", "put4k")}

    def compare(self, name: str, fresh: float, grown: float, limit: float) -> None:
        self.rows.append((name, f"{fresh:,.1f}", f"{grown:,.1f}", grown / fresh, limit))

    def run(self) -> None:
        before = self.small()
        click.echo(f"fresh: {before}", err=True)
        self.list_pages()
        self.overwrite(self.root / "data")
        after = self.small()
        for name, fresh in before.items():
            self.compare(f"{name}, CPU µs", fresh, after[name], 1.25)

    def list_pages(self) -> None:
        """Pages among few and among many objects, and the start with many."""
        data = self.root / "data"
        write(data, BUCKET, ((f"many/{i:09d}", 100) for i in range(FEW)))
        with self.started() as target:
            few = page_cost(target, FEW)
        began = time.perf_counter()
        write(data, BUCKET, ((f"many/{i:09d}", 100) for i in range(FEW, MANY)))
        click.echo(f"{MANY:,} objects written in {time.perf_counter() - began:.0f} s", err=True)
        began = time.perf_counter()
        with self.started() as target:
            took = time.perf_counter() - began
            self.rows.append(("seconds to start", "", f"{took:.2f}", took, 2))
            self.compare("list page, CPU µs", few, page_cost(target, MANY), 1.2)

    def overwrite(self, data: Path) -> None:
        source = random.Random(2)
        began = time.perf_counter()
        mixed = ((f"aged/{source.randrange(100_000):06d}", source.choice(SIZES)) for _ in range(MANY))
        write(data, BUCKET, mixed)
        click.echo(f"{MANY:,} overwrites in {time.perf_counter() - began:.0f} s", err=True)
        self.rows.append(("index file by its live data", "", "", index_ratio(data), 2.5))


@click.command(help=__doc__)
@click.option("--seconds", default=8, show_default=True, help="Length of each load of small requests.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where the node keeps its data.")
def main(seconds: int, folder: Path | None) -> None:
    root = Path(mkdtemp(prefix="sluice-scale-", dir=folder))
    scale = Scale(root, seconds)
    try:
        scale.run()
    finally:
        shutil.rmtree(root)
    click.echo(tabulate(scale.rows, ["figure", "fresh", "grown", "ratio", "at most"], floatfmt=".2f"))
    if late := [row[0] for row in scale.rows if row[3] > row[4]]:
        raise click.ClickException(f"over the limit: {', '.join(late)}")


if __name__ == "__main__":
    gevent.monkey.patch_all(ssl=False)  # boto3 was imported first
    main()
