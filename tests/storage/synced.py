"""Writes of each kind into a synced store, between lines on standard output that tell which; run under strace."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from storage.completion import PartRef
from storage.layout import claim
from storage.payload import BytesPayload
from storage.store import Options, Store
from tests.storage.conftest import ATTRIBUTES, INLINE, PART, Clock, World


def steps(world: World) -> dict[str, Callable[[], object]]:
    def copy() -> None:
        with world.store.objects.open(world.bucket, "large") as source:
            world.store.objects.copy(source, world.bucket, "copy", ATTRIBUTES)

    def complete() -> None:
        world.store.uploads.complete(world.bucket, "upload", upload.id, [PartRef(1, refs[0])])

    def append() -> None:
        payload = BytesPayload(os.urandom(5000))
        handles.append(world.store.appends.append(world.bucket, "streamed", handles[-1], payload))

    handles = [""]
    upload = world.store.uploads.create(world.bucket, "upload", ATTRIBUTES)
    refs: list[str] = []
    return {
        "small": lambda: world.put("small", b"x"),
        "large": lambda: world.put("large", os.urandom(5000)),
        "streamed": lambda: world.put("streamed", os.urandom(2_000_000)),
        "copy": copy,
        "part": lambda: refs.append(world.part("upload", upload.id, 1, os.urandom(PART))),
        "complete": complete,
        "append": append,
        "appendmore": append,
        "flush": lambda: world.store.appends.flush(world.bucket, "streamed", handles[-1], ATTRIBUTES),
        "rename": lambda: world.store.objects.rename(world.bucket, "streamed", "renamed"),
        "describe": lambda: world.store.objects.change_metadata(world.bucket, "renamed", lambda before: {"a": "b"}),
        "delete": lambda: world.store.objects.delete(world.bucket, "large"),
    }


def main(folder: str) -> None:
    options = Options(reserve=0, inline_limit=INLINE, minimum_part_size=PART)
    with claim([Path(folder)]) as held, Store(held.layout, options) as store:
        world = World(store, store.buckets.create("bucket", owner="me"), Clock())
        for name, step in steps(world).items():
            os.write(1, f"begin {name}\n".encode())
            step()
            os.write(1, f"end {name}\n".encode())


if __name__ == "__main__":
    main(sys.argv[1])
