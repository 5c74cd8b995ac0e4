"""`make memory`: what a worker holds at rest, and its growth while eight clients move 2 GiB objects both ways."""

from __future__ import annotations

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import mkdtemp
from threading import Event, Thread
from subprocess import run

import click
import psutil
from tabulate import tabulate

from tests.bench.cpu import MIB
from tests.node import Node

CLIENTS = 8
REST_LIMIT, GROWTH_LIMIT = 90, 40  # MiB


def workers(node: Node) -> list[psutil.Process]:
    """The processes below the arbiter."""
    return [child for child in psutil.Process(node.pid).children() if child.is_running()]


class Watch(Thread):
    """Samples the resident memory of processes until stopped; `peak` in MiB by process id."""

    def __init__(self, processes: list[psutil.Process]) -> None:
        super().__init__(daemon=True)
        self.processes = processes
        self.peak = {process.pid: 0.0 for process in processes}
        self.ended = Event()

    def run(self) -> None:
        while not self.ended.wait(0.05):
            for process in self.processes:
                self.peak[process.pid] = max(self.peak[process.pid], process.memory_info().rss / MIB)

    def stop(self) -> dict[int, float]:
        self.ended.set()
        self.join()
        return self.peak


def move(node: Node, file: Path) -> None:
    """Upload the file as eight objects at once, then download them at once."""
    s3 = node.client()
    named = [{"Bucket": "memory", "Key": f"large-{i}"} for i in range(CLIENTS)]
    puts = [s3.generate_presigned_url("put_object", Params=name) for name in named]
    gets = [s3.generate_presigned_url("get_object", Params=name) for name in named]
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(lambda url: run(["curl", "-fsS", "-o", "/dev/null", "-T", file, url], check=True), puts))
        list(pool.map(lambda url: run(["curl", "-fsS", "-o", "/dev/null", url], check=True), gets))


@click.command(help=__doc__)
@click.option("--size", default=2048, show_default=True, help="Size of the objects, in MiB.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where the node keeps its data.")
def main(size: int, folder: Path | None) -> None:
    root = Path(mkdtemp(prefix="sluice-memory-", dir=folder))
    node = Node(root).start()
    try:
        node.client().create_bucket(Bucket="memory")
        file = root / "source"
        with file.open("wb") as out:
            out.truncate(size * MIB)
        for _ in range(50):
            node.client().list_buckets()
        time.sleep(2)
        rest = {process.pid: process.memory_info().rss / MIB for process in workers(node)}
        watch = Watch(workers(node))
        watch.start()
        move(node, file)
        peak = watch.stop()
    finally:
        node.stop()
        shutil.rmtree(root)
    rows = [[pid, f"{rest[pid]:.1f}", f"{peak[pid]:.1f}", f"{peak[pid] - rest[pid]:.1f}"] for pid in rest]
    click.echo(tabulate(rows, ["process", "MiB at rest", "MiB at most", "growth"]))
    if max(rest.values()) >= REST_LIMIT or max(peak[pid] - rest[pid] for pid in rest) >= GROWTH_LIMIT:
        raise click.ClickException(f"a worker may hold {REST_LIMIT} MiB at rest and grow by {GROWTH_LIMIT} MiB")


if __name__ == "__main__":
    main()
