"""Reads objects through a transform as a worker does: monkey-patched, many greenlets at once."""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402
import time  # noqa: E402
from contextlib import closing  # noqa: E402
from pathlib import Path  # noqa: E402

import gevent  # noqa: E402
from storage.conditions import ALWAYS  # noqa: E402
from storage.layout import Layout, Place  # noqa: E402
from storage.store import Store  # noqa: E402

from etl.activity import Activities  # noqa: E402
from etl.catalog import TransformCatalog  # noqa: E402
from etl.lens import Use  # noqa: E402
from etl.runtimes.process import ProcessRuntime  # noqa: E402
from tests.etl.farm import seeing  # noqa: E402

READERS = 40


def main(node: str, volume: str, path: str, name: str) -> None:
    with Store(Layout(node, (Place(volume, Path(path)),))) as store:
        activities = Activities(store.catalog, clock=time.monotonic)
        lenses = seeing(store.objects.open, TransformCatalog(store.catalog), activities, ProcessRuntime(Path(path)))
        bucket = store.buckets.get("bucket")

        def read(number: int) -> bool:
            letter, size = (b"x", 4096) if number % 2 == 0 else (b"y", 3_000_000)
            with closing(lenses.open(Use(name, "echo"))(bucket, f"mixed-{number % 2}", ALWAYS)) as source:
                content = source.content()
                return (content if isinstance(content, bytes) else b"".join(content)) == letter * size

        readers = [gevent.spawn(read, number) for number in range(READERS)]
        print(sum(reader.get() for reader in readers), "read")
        lenses.close()


main(*sys.argv[1:])
