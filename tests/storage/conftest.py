"""A store on real directories, over both index engines and over one and several volumes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from storage.attributes import Attributes
from storage.conditions import ALWAYS, Conditions
from storage.engines.lmdb import Durability
from storage.engines.memory import MemoryIndex
from storage.index import Index
from storage.layout import claim
from storage.payload import BytesPayload
from storage.records import Bucket, ObjectRecord
from storage.store import Options, Store

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
PART = 1000  # bytes: the smallest part but the last, in these tests
INLINE = 100  # bytes: larger objects lie in files, in these tests
ATTRIBUTES = Attributes("owner-id", {"content-type": "text/plain"}, {"colour": "blue"}, tags=(("k", "v"),))


class Clock:
    """A clock that goes on by a millisecond at each look."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        self.now += 1_000_000
        return self.now


@dataclass
class World:
    """A store with a bucket, and shorthands for what most tests do."""

    store: Store
    bucket: Bucket
    clock: Clock = field(default_factory=Clock)

    def put(self, key: str, data: bytes, *, given: Conditions = ALWAYS) -> ObjectRecord:
        return self.store.objects.put(self.bucket, key, BytesPayload(data), ATTRIBUTES, given=given)

    def read(self, key: str) -> bytes:
        with self.store.objects.open(self.bucket, key) as source:
            content = source.content()
        if isinstance(content, bytes):
            return content
        with content:
            return b"".join(content)

    def keys(self) -> list[str]:
        return [key for key, _ in self.store.objects.list(self.bucket).entries]

    def part(self, key: str, upload_id: str, number: int, data: bytes, *algorithms: str) -> str:
        payload = BytesPayload(data, algorithms=frozenset(algorithms))
        return self.store.uploads.put_part(self.bucket, key, upload_id, number, payload).etag

    def left(self) -> list[bytes]:
        """Every key of the indexes but the catalog's."""
        return [key for volume in self.store.partitions.present for key, _ in volume.index.scan(b"d", b"z")] + [
            key for volume in self.store.partitions.present for key, _ in volume.index.scan(b"a", b"c")
        ]

    def files(self) -> list[Path]:
        """Every blob there is, named by a record or not."""
        return [
            file for volume in self.store.partitions.present
            for file in (volume.path / "blobs").rglob("*") if file.is_file()
        ]


# No power fails in these tests.
SMALL = Options(inline_limit=INLINE, minimum_part_size=PART, reserve=0, durability=Durability.RELAXED)


@contextmanager
def opened(
    paths: list[Path],
    *,
    clock: Callable[[], int],
    options: Options = SMALL,
    open_index: Callable[[Path], Index] | None = None,
) -> Iterator[Store]:
    with claim(paths) as held, Store(held.layout, options, clock=clock, open_index=open_index) as store:
        yield store


def in_memory(folder: Path) -> Index:
    return MemoryIndex()


@pytest.fixture(params=["memory", "lmdb", "lmdb on three volumes"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    paths = [tmp_path / str(number) for number in range(3 if "three" in request.param else 1)]
    clock = Clock()
    with opened(paths, clock=clock, open_index=in_memory if request.param == "memory" else None) as store:
        yield World(store, store.buckets.create("bucket", owner="owner-id"), clock)
        targets = [target(name) for name in os.listdir("/proc/self/fd")]
    left = [name for name in targets if name.startswith(f"{tmp_path}/") and "/blobs/" in name]
    assert not left, "a blob was left open"


def target(descriptor: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except FileNotFoundError:
        return ""


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[str, str], Path]]:
    """Mounts filesystems in memory, with the options given, and takes them away again."""
    folders: list[Path] = []

    def mount(name: str, options: str) -> Path:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        if os.system(f"mount -t tmpfs -o {options} sluice-test {folder}") != 0:
            pytest.fail("these tests mount filesystems: run them as root")
        folders.append(folder)
        return folder

    yield mount
    for folder in reversed(folders):
        os.system(f"umount -l {folder}")
