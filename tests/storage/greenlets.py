"""A store under gevent, as a worker has it; run by test_greenlets in a process of its own."""

from gevent import monkey

monkey.patch_all()

import os  # noqa: E402
import random  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402

import gevent  # noqa: E402

from storage.errors import VolumeFailed  # noqa: E402
from storage.layout import claim  # noqa: E402
from storage.payload import BytesPayload  # noqa: E402
from storage.store import Options, Store  # noqa: E402
from storage.sweep import sweep  # noqa: E402
from tests.storage.conftest import ATTRIBUTES, World  # noqa: E402

MIB = 1024 * 1024


class Slow(BytesPayload):
    """A sender that pauses between its pieces."""

    def readinto(self, buffer: memoryview, /) -> int:
        gevent.sleep(0.0005)
        return super().readinto(buffer[:100_000])


def longest_pause(world: World) -> None:
    """Prints the longest time (seconds) that a greenlet had to wait for its turn while others wrote large objects."""
    pauses: list[float] = []

    def tick() -> None:
        while True:
            before = time.perf_counter()
            gevent.sleep(0.001)
            pauses.append(time.perf_counter() - before)

    data = os.urandom(16 * MIB)

    def write(number: int) -> None:
        world.store.objects.put(world.bucket, f"key{number}", BytesPayload(data), ATTRIBUTES)
        with world.store.objects.open(world.bucket, f"key{number}") as source:
            world.store.objects.copy(source, world.bucket, f"copy{number}", ATTRIBUTES)
        world.store.objects.delete(world.bucket, f"key{number}")

    ticker = gevent.spawn(tick)
    gevent.joinall([gevent.spawn(write, number) for number in range(4)], raise_error=True)
    ticker.kill()
    print(max(pauses))


def killed_at_random(world: World) -> None:
    """Kills greenlets amid their puts, then reads everything and sweeps; prints what was found wrong."""
    wrong = []
    for number in range(60):
        size = random.choice([50, 5000, 2_000_000])
        world.put("key", b"old")
        writer = gevent.spawn(world.store.objects.put, world.bucket, "key", Slow(b"n" * size), ATTRIBUTES)
        gevent.sleep(random.random() * 0.02)
        writer.kill()
        if world.read("key") not in (b"old", b"n" * size):
            wrong.append(size)
    list(sweep(world.store, before=2**62, clock=lambda: 0))
    record = world.store.objects.head(world.bucket, "key")
    print(wrong, len(world.files()) - len(record.blobs))


def refused_in_a_thread(world: World) -> None:
    """A write fails in a thread; nothing but its caller is to learn of it."""
    for folder in (world.store.partitions.primary.path / "blobs").iterdir():
        folder.rmdir()
    try:
        world.put("key", os.urandom(2 * MIB))
    except VolumeFailed as error:
        print(error.reason)


if __name__ == "__main__":
    with claim([Path(sys.argv[1])]) as held, Store(held.layout, Options(reserve=0, inline_limit=100)) as store:
        globals()[sys.argv[2]](World(store, store.buckets.create("bucket", owner="me")))
