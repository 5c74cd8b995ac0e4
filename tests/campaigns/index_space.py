"""How large the index's file grows, and whether commits grow dearer, over a million overwrites of mixed sizes.

Prints both while it runs and ends with 1 when the file is larger than 2.5 times its live data:

    python -m tests.campaigns.index_space /a/folder/with/20/GiB [overwrites]
"""

from __future__ import annotations

import random
import sys
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from storage.engines.lmdb import Durability, LmdbIndex

KEYS = 100_000
OVERWRITES = 1_000_000
SIZES = 200, 32 << 10  # bytes; as many values of 1 KiB to 2 KiB as of 16 KiB to 32 KiB
COMMIT = 16  # overwrites that are committed together, as busy workers do
ALLOWED = 2.5  # times the live data


def main(folder: str, overwrites: str = str(OVERWRITES)) -> int:
    with TemporaryDirectory(dir=folder) as scratch, closing(opened(Path(scratch) / "index")) as index:
        return churn(index, Path(scratch) / "index" / "data.mdb", int(overwrites))


def opened(path: Path) -> LmdbIndex:
    return LmdbIndex(path, durability=Durability.RELAXED)


def churn(index: LmdbIndex, file: Path, overwrites: int) -> int:
    chance = random.Random(7)
    noise = chance.randbytes(2 * SIZES[1])
    sizes: dict[int, int] = {}
    ratio = spent = 0.0
    for done in range(0, KEYS + overwrites, COMMIT):
        numbers = range(done, done + COMMIT) if done < KEYS else chance.sample(range(KEYS), COMMIT)
        puts = []
        for number in numbers:
            size = sizes[number] = int(SIZES[0] * (SIZES[1] / SIZES[0]) ** chance.random())
            puts.append((b"object/%012d/%032x" % (number, number * 7919), noise[number % 997:number % 997 + size]))
        begun = time.process_time()
        index.commit(puts=puts)
        spent += time.process_time() - begun
        if (done + COMMIT) % KEYS == 0:
            ratio = file.stat().st_size / sum(sizes.values())
            cost = spent / KEYS * 1e6
            print(f"{done + COMMIT:>8} puts: file {ratio:.2f} x live data, {cost:.1f} µs CPU a put", flush=True)
            spent = 0.0
    return int(ratio > ALLOWED)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
