"""`python -m tests.bench.copies`: one object copied in three ways, by size: the native API's single-object copy, a job
over a bucket that holds only this object, and a client that reads it and writes it again.

All three go through the official SDK, in one run against one node; the copies are checked. The table goes to standard
output and, with the figures and a plot, to .bench/.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import pygal
from aistore import Client
from aistore.sdk import Bucket
from tabulate import tabulate

from tests.bench.cpu import measured
from tests.bench.servers import node

KIB, MIB, GIB = 1024, 1024**2, 1024**3
SIZES = {"64 KiB": 64 * KIB, "1 MiB": MIB, "16 MiB": 16 * MIB, "256 MiB": 256 * MIB, "1 GiB": GIB}
LARGE = 256 * MIB  # from here on the client must be so many times slower:
TIMES_FASTER = 20
COPY_MS = 5.0
JOB_MS = 150.0
LOOK_SECONDS = 0.001
HEADINGS = ["size", "copy API ms", "its CPU ms", "job ms", "client ms", "client / API"]


@dataclass(frozen=True, slots=True)
class Ways:
    """Milliseconds that one object took: medians; `cpu` is the node's CPU time for a copy by the API, which other load
    on the machine does not change."""

    size: int  # bytes
    api: float
    cpu: float
    job: float
    client: float

    @property
    def ratio(self) -> float:
        return self.client / self.api

    def misses(self) -> list[str]:
        """What is not as fast as it should be."""
        found = []
        if self.api >= COPY_MS:
            found.append(f"{self.size} bytes: the copy took {self.api:.1f} ms, the bar is {COPY_MS} ms")
        if self.job >= JOB_MS:
            found.append(f"{self.size} bytes: the job took {self.job:.1f} ms, the bar is {JOB_MS} ms")
        if self.size >= LARGE and self.ratio < TIMES_FASTER:
            found.append(f"{self.size} bytes: {self.ratio:.0f} times faster than the client, the bar is {TIMES_FASTER}")
        return found


def timed(action: Callable[[], object], rounds: int) -> float:
    """The median of the milliseconds that the action takes."""
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        action()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


class Copies:
    """One size's object, and its copies in the three ways."""

    def __init__(self, client: Client, size: int, pid: int) -> None:
        self._client = client
        self._pid = pid
        self._size = size
        self._source = self._bucket()
        self._target = self._bucket()
        self._original = self._source.object("original")
        self._original.get_writer().put_content(os.urandom(size))
        os.sync()  # what the machine has still to write of this is no part of copying it

    def measure(self, rounds: int) -> Ways:
        many = rounds * 10
        with measured(self._pid) as usage:
            api = timed(self.by_api, many)
        cpu = usage.cpu * 1000 / many
        found = Ways(self._size, api, cpu, timed(self.by_job, rounds), timed(self.by_client, rounds))
        self._check()
        for bucket in (self._source, self._target):
            bucket.delete()
        return found

    def by_api(self) -> None:
        self._original.copy(self._target.object("api"))

    def by_job(self) -> None:
        """From the request to the end of the job. The SDK's own wait looks ten times a second at most."""
        job = self._source.copy(self._target, prepend="job-")
        message = {"ID": job, "Kind": "copy-bck", "DaemonID": "", "Bck": None, "Buckets": None}
        asked = self._client.cluster().client
        while not asked.request("GET", "cluster", params={"what": "status"}, json=message).json()["end_time"]:
            time.sleep(LOOK_SECONDS)

    def by_client(self) -> None:
        self._target.object("client").get_writer().put_content(self._original.get_reader().read_all())

    def _bucket(self) -> Bucket:
        return self._client.bucket(f"copies-{random.randrange(16**8):08x}").create()

    def _check(self) -> None:
        wanted = self._original.head("size,checksum").checksum_value
        for name in ("api", "job-original", "client"):
            found = self._target.object(name).head("size,checksum")
            if (found.size, found.checksum_value) != (self._size, wanted):
                raise click.ClickException(f"{name} is not the object that it was copied from")


def plot(found: dict[str, Ways]) -> pygal.Line:
    chart = pygal.Line(logarithmic=True, title="Copying one object", y_title="milliseconds", x_title="size")
    chart.x_labels = list(found)
    chart.add("client: GET and PUT", [ways.client for ways in found.values()])
    chart.add("job over a bucket", [ways.job for ways in found.values()])
    chart.add("single-object copy", [ways.api for ways in found.values()])
    return chart


@click.command()
@click.option("--sizes", default=",".join(SIZES), help="Which of the sizes, separated by commas.")
@click.option("--rounds", default=5, help="Copies of each size by job and by client; ten times as many by the API.")
@click.option("--scratch", type=click.Path(path_type=Path), help="Where the node's data go.")
@click.option("--out", type=click.Path(path_type=Path), default=Path(".bench"), help="Where figures and plot go.")
def main(sizes: str, rounds: int, scratch: Path | None, out: Path) -> None:
    """Measure, print the table, draw the plot; status 1 when a bar is missed."""
    found: dict[str, Ways] = {}
    with node(scratch) as server:
        assert server.node is not None
        client = Client(server.base, token=server.node.token, timeout=300)
        for name in sizes.split(","):
            found[name] = Copies(client, SIZES[name], server.pid).measure(rounds)
            click.echo(f"  {name}: done", err=True)
    rows = [[name, ways.api, ways.cpu, ways.job, ways.client, ways.ratio] for name, ways in found.items()]
    click.echo(tabulate(rows, HEADINGS, floatfmt=("", ".2f", ".2f", ".1f", ".1f", ".1f")))
    out.mkdir(exist_ok=True)
    (out / "copies.json").write_text(json.dumps({name: asdict(ways) for name, ways in found.items()}, indent=1))
    plot(found).render_to_file(str(out / "copies.svg"))
    click.echo(f"plot: {out / 'copies.svg'}")
    if missed := [line for ways in found.values() for line in ways.misses()]:
        raise click.ClickException("\n".join(missed))


if __name__ == "__main__":
    main()
