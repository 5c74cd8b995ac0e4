"""`make crash`: kill the node at random moments under mixed traffic; every acknowledged write must be there afterwards.

Each round runs writers against the node and at a random moment sends SIGKILL, to all of its processes, which are then
started again, or to one of them alone. Then it compares: every key byte for byte with its history, uploads under way
with the parts that were acknowledged, the listing with the keys; at last the blobs on disk with the records. `--break`
runs the node with its order of commits deliberately wrong and ends with success only when the campaign catches that.

What a dead process had handed to the system is not lost with it: syncs that are missing are not found in this way.
"""

from __future__ import annotations

import random
import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import mkdtemp
from threading import Event

import click
import psutil

from tests.campaigns.orphans import orphans
from tests.campaigns.traffic import Writer, faults
from tests.node import Node

BUCKET = "crash"
SINGLE = 1 / 3  # of the rounds kill one process
SWEPT = "swept: "  # begins what the node logs of a finished sweep
SWEEP_SECONDS = 60


def writers_for(node: Node, count: int, seed: int) -> list[Writer]:
    return [Writer(f"w{i}", node.client(), BUCKET, random.Random(seed * 1000 + i)) for i in range(count)]


def disturb(writers: list[Writer], source: random.Random, kill: Callable[[], object]) -> None:
    """Let the writers run for a random while, then kill."""
    stop = Event()
    with ThreadPoolExecutor(len(writers)) as pool:
        running = [pool.submit(writer.run, stop) for writer in writers]
        time.sleep(source.uniform(0.3, 3))
        kill()
        stop.set()
        for future in running:
            future.result()


def one_round(node: Node, writers: list[Writer], source: random.Random) -> list[str]:
    if source.random() < SINGLE:
        victim = source.choice(psutil.Process(node.pid).children())
        disturb(writers, source, victim.kill)
        node.wait_until_ready()
    else:
        disturb(writers, source, node.kill)
        node.start()
    client = node.client()
    for writer in writers:
        writer.s3 = client
    return faults(client, BUCKET, writers)


def sweep_once(node: Node) -> None:
    """Start the node again until it has swept: what single processes left lies there until then."""
    before = node.log.count(SWEPT)
    node.start()
    deadline = time.monotonic() + SWEEP_SECONDS
    while node.log.count(SWEPT) == before and time.monotonic() < deadline:
        time.sleep(0.05)
    node.stop()


def campaign(folder: Path, *, rounds: int, writers: int, seed: int, command: list[str] | None) -> list[str]:
    """The faults of the first round that has any; none when all rounds are sound."""
    node = Node(folder, command=command) if command else Node(folder)
    node.start()
    node.client().create_bucket(Bucket=BUCKET)
    crew = writers_for(node, writers, seed)
    source = random.Random(seed)
    try:
        for number in range(1, rounds + 1):
            found = one_round(node, crew, source)
            written = sum(writer.acknowledged for writer in crew)
            click.echo(f"round {number}/{rounds}: {written} acknowledged writes so far, {len(found)} faults")
            if found:
                return found
    finally:
        node.stop()
    sweep_once(node)
    return orphans(folder / "data")


@click.command(help=__doc__)
@click.option("--rounds", default=25, show_default=True)
@click.option("--writers", default=8, show_default=True)
@click.option("--seed", default=0, help="Repeat a run; chosen at random when 0.")
@click.option("--break", "broken", is_flag=True, help="Break the order of commits and expect to be caught.")
def main(rounds: int, writers: int, seed: int, broken: bool) -> None:
    seed = seed or random.randrange(1, 1 << 30)
    click.echo(f"seed {seed}")
    folder = Path(mkdtemp(prefix="sluice-crash-"))
    command = [sys.executable, "-m", "tests.campaigns.broken_order"] if broken else None
    found = campaign(folder, rounds=rounds, writers=writers, seed=seed, command=command)
    for fault in found[:10]:
        click.echo(f"  {fault}")
    if bool(found) != broken:
        raise click.ClickException(f"the data is kept in {folder}; repeat with --seed {seed}")
    shutil.rmtree(folder)
    click.echo("caught, as it must be" if broken else "every acknowledged write survived; nothing else was left")


if __name__ == "__main__":
    main()
