"""`make crash`: kill the node at random moments under mixed traffic; every acknowledged write must be there afterwards.

Each round runs writers against the node, sends SIGKILL to all of its processes at a random moment, starts it again and
compares: every key byte for byte with its history, the listing with the keys, the blobs on disk with the records.
`--break` runs the node with its order of commits deliberately wrong and ends with success only when that is caught.
"""

from __future__ import annotations

import random
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import mkdtemp
from threading import Event

import click

from tests.campaigns.orphans import orphans
from tests.campaigns.traffic import Writer, faults
from tests.node import Node

BUCKET = "crash"


def writers_for(node: Node, count: int, seed: int) -> list[Writer]:
    return [Writer(f"w{i}", node.client(), BUCKET, random.Random(seed * 1000 + i)) for i in range(count)]


def disturb(node: Node, writers: list[Writer], source: random.Random) -> None:
    """Let the writers run for a random while, then kill every process of the node."""
    stop = Event()
    with ThreadPoolExecutor(len(writers)) as pool:
        running = [pool.submit(writer.run, stop) for writer in writers]
        time.sleep(source.uniform(0.3, 3))
        node.kill()
        stop.set()
        for future in running:
            future.result()


def one_round(node: Node, writers: list[Writer], source: random.Random) -> list[str]:
    disturb(node, writers, source)
    node.start()
    client = node.client()
    for writer in writers:
        writer.s3 = client
    return faults(client, BUCKET, writers)


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
