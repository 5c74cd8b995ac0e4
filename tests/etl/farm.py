"""A node's transforms without the node: a store, and a supervisor in this process or in one of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from etl.activity import Activities
from etl.catalog import TransformCatalog
from etl.channel import Channel
from etl.channels.hpush import HPush
from etl.channels.ws import WebSockets
from etl.lens import Lenses, Use
from etl.runtimes.process import ProcessRuntime
from etl.spec import HPUSH, WS, TransformSpec, from_message
from etl.supervisor import Supervisor
from etl.transforms import Transforms
from storage.conditions import ALWAYS
from storage.content import Segments
from storage.layout import Layout, Place, claim
from storage.payload import BytesPayload
from storage.attributes import Attributes
from storage.records import Bucket
from storage.source import Opener, Source
from storage.store import Store

SERVERS = Path(__file__).with_name("servers")
PYTHON = sys.executable
GRACE_SECONDS = 1.0


@dataclass
class Farm:
    """Everything that a request worker has."""

    folder: Path
    layout: Layout
    store: Store
    runtime: ProcessRuntime
    transforms: Transforms
    lenses: Lenses
    activities: Activities
    bucket: Bucket

    def put(self, key: str, data: bytes) -> None:
        self.store.objects.put(self.bucket, key, BytesPayload(data), Attributes("owner"))

    def open(self, name: str, key: str, arguments: str = "") -> Source:
        return self.lenses.open(Use(name, arguments))(self.bucket, key, ALWAYS)

    def read(self, name: str, key: str, arguments: str = "") -> bytes:
        source = self.open(name, key, arguments)
        try:
            return contents(source)
        finally:
            source.close()


def contents(source: Source) -> bytes:
    content = source.content()
    assert not isinstance(content, Segments)
    return content if isinstance(content, bytes) else b"".join(content)


def plain(name: str, *flags: str, **fields: object) -> TransformSpec:
    """A transform whose server is servers/plain.py."""
    command = [PYTHON, str(SERVERS / "plain.py"), "--port", "8000", *flags]
    return from_message({"name": name, "runtime": {"image": "plain", "command": command}, **fields})


def official(name: str, *command: str, **fields: object) -> TransformSpec:
    """A transform whose server is servers/official.py."""
    return from_message({"name": name, "runtime": {"image": str(SERVERS), "command": list(command)}, **fields})


@contextmanager
def opened(folder: Path, *, process_runtime: ProcessRuntime | None = None) -> Iterator[Farm]:
    """What a worker has, over the data in `folder`/data. Nobody supervises yet."""
    with claim([folder / "data"]) as claimed, Store(claimed.layout) as store:
        runtime = process_runtime or ProcessRuntime(folder / "etl", grace_seconds=GRACE_SECONDS)
        catalog = TransformCatalog(store.catalog)
        activities = Activities(store.catalog, clock=time.monotonic)
        transforms = Transforms(catalog, activities, runtime, clock=time.time_ns)
        lenses = seeing(store.objects.open, catalog, activities, runtime)
        bucket = next(iter(store.buckets.all()), None) or store.buckets.create("bucket", owner="owner")
        try:
            yield Farm(folder, claimed.layout, store, runtime, transforms, lenses, activities, bucket)
        finally:
            lenses.close()


def seeing(
    opener: Opener, catalog: TransformCatalog, activities: Activities, runtime: ProcessRuntime, **given: Any
) -> Lenses:
    """Lenses over what `opener` opens, without a node: nothing can be pulled or put."""
    channels: dict[str, Channel] = {HPUSH: HPush(), WS: WebSockets()}
    return Lenses(opener, catalog, activities, channels=channels, node="127.0.0.1:9", folder=runtime.folder, **given)


def supervisor(store: Store, runtime: ProcessRuntime) -> Supervisor:
    return Supervisor(
        TransformCatalog(store.catalog),
        Activities(store.catalog, clock=time.monotonic),
        runtime,
        node_url="http://127.0.0.1:9",
        clock=time.time_ns,
    )


@contextmanager
def supervised(farm: Farm) -> Iterator[None]:
    """A supervisor in a thread of this process."""
    stop = threading.Event()
    thread = threading.Thread(target=supervisor(farm.store, farm.runtime).run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def jobs_process(farm: Farm) -> subprocess.Popen[bytes]:
    """A supervisor in a process of its own, over the same data."""
    (place,) = farm.layout.places
    environment = {**os.environ, "PYTHONPATH": str(SERVERS.parents[2])}
    arguments = [str(farm.folder), farm.layout.node, place.id, str(place.path)]
    return subprocess.Popen([PYTHON, __file__, *arguments], env=environment)


def main(folder: str, node: str, volume: str, path: str) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with Store(Layout(node, (Place(volume, Path(path)),))) as store:
        supervisor(store, ProcessRuntime(Path(folder) / "etl", grace_seconds=GRACE_SECONDS)).run(stop)


if __name__ == "__main__":
    main(*sys.argv[1:])
