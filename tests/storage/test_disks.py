"""Disks that fill up, vanish or cannot link: nothing half-written, and service goes on with what is there."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.blobs import Blobs
from storage.completion import PartRef
from storage.content import Segment
from storage.errors import OutOfSpace, StorageError, VolumeFailed
from storage.layout import FANOUT
from storage.payload import BytesPayload
from storage.space import FRESH, Space
from storage.store import Options
from storage.sweep import sweep
from tests.storage.conftest import ATTRIBUTES, INLINE, PART, Clock, World, opened

MIB = 1024 * 1024
Mounted = Callable[[str, str], Path]


def small_disk(mounted: Mounted) -> list[Path]:
    return [mounted("disk", "size=16m")]


@pytest.mark.parametrize("size", [INLINE, 30_000, 3 * MIB])
def test_a_full_disk_refuses_writes_whole_and_recovers_when_space_returns(mounted: Mounted, size: int) -> None:
    clock = Clock()
    options = Options(inline_limit=INLINE, reserve=MIB)  # what is full to the last byte takes no deletions either
    with opened(small_disk(mounted), clock=clock, options=options) as store:
        world = World(store, store.buckets.create("bucket", owner="me"), clock)
        stored: dict[str, bytes] = {}
        with pytest.raises(OutOfSpace):
            for number in range(200_000):
                data = os.urandom(size)
                world.put(f"key{number}", data)
                stored[f"key{number}"] = data
        assert len(stored) > 3
        for key in list(stored)[:200]:
            assert world.read(key) == stored[key]
        with pytest.raises(OutOfSpace):
            world.put("key0", os.urandom(14 * MIB))
        assert world.read("key0") == stored["key0"]
        files = {path for path in world.files()}
        assert len(files) == (len(stored) if size > INLINE else 0)
        for key in list(stored)[1:]:
            world.store.objects.delete(world.bucket, key)
        time.sleep(FRESH)
        world.put("again", os.urandom(size))
        assert world.keys() == ["again", "key0"]


def test_uploads_on_a_full_disk_keep_the_parts_that_were_acknowledged(mounted: Mounted) -> None:
    clock = Clock()
    with opened(small_disk(mounted), clock=clock) as store:
        world = World(store, store.buckets.create("bucket", owner="me"), clock)
        upload = store.uploads.create(world.bucket, "key", ATTRIBUTES)
        pieces: list[bytes] = []
        refs: list[PartRef] = []
        with pytest.raises(OutOfSpace):
            for number in range(1, 100):
                piece = os.urandom(MIB)
                refs.append(PartRef(number, world.part("key", upload.id, number, piece)))
                pieces.append(piece)
        assert len(world.files()) == len(refs)
        store.uploads.complete(world.bucket, "key", upload.id, refs)
        assert world.read("key") == b"".join(pieces)
        assert sum(step.files for step in sweep(store, before=2**62, clock=clock)) == 0


def test_the_reserve_is_left_to_deletions(tmp_path: Path) -> None:
    clock = Clock()
    everything = Options(inline_limit=INLINE, minimum_part_size=PART, reserve=1 << 60)
    with opened([tmp_path], clock=clock) as store:
        bucket = store.buckets.create("bucket", owner="me")
        for key, size in (("small", 1), ("large", 5000)):
            store.objects.put(bucket, key, BytesPayload(b"x" * size), ATTRIBUTES)
    with opened([tmp_path], clock=clock, options=everything) as store:
        for size in (0, 5000):
            with pytest.raises(OutOfSpace):
                store.objects.put(bucket, "another", BytesPayload(b"x" * size), ATTRIBUTES)
        for key in ("small", "large"):
            with store.objects.open(bucket, key) as source, pytest.raises(OutOfSpace):
                store.objects.copy(source, bucket, "another", ATTRIBUTES)
        with pytest.raises(OutOfSpace):
            store.uploads.create(bucket, "another", ATTRIBUTES)
        for key in ("small", "large"):
            assert store.objects.delete(bucket, key) is not None


class Watched(BytesPayload):
    """A payload that looks, before each piece of it is taken, how many bytes the disk has free."""

    def __init__(self, data: bytes, disk: Path, *, size: int | None) -> None:
        super().__init__(data)
        self.size = size
        self.disk = disk
        self.free: list[int] = []

    def readinto(self, buffer: memoryview, /) -> int:
        figures = os.statvfs(self.disk)
        self.free.append(figures.f_bavail * figures.f_frsize)
        return super().readinto(buffer)


def test_a_write_of_known_size_takes_all_its_room_at_the_start(mounted: Mounted) -> None:
    clock, (disk,) = Clock(), small_disk(mounted)
    with opened([disk], clock=clock) as store:
        world = World(store, store.buckets.create("bucket", owner="me"), clock)
        data = os.urandom(6 * MIB)
        payload = Watched(data, disk, size=len(data))
        store.objects.put(world.bucket, "key", payload, ATTRIBUTES)
        assert payload.free[0] - payload.free[1] >= len(data)
        assert world.read("key") == data


def test_a_write_of_unknown_size_stops_at_the_reserve(mounted: Mounted) -> None:
    clock, (disk,) = Clock(), small_disk(mounted)
    with opened([disk], clock=clock, options=Options(reserve=4 * MIB)) as store:
        world = World(store, store.buckets.create("bucket", owner="me"), clock)
        payload = Watched(os.urandom(15 * MIB), disk, size=None)
        with pytest.raises(OutOfSpace):
            store.objects.put(world.bucket, "key", payload, ATTRIBUTES)
        assert 4 * MIB <= payload.free[-1] < 6 * MIB
        assert world.files() == []


def test_a_copy_to_another_filesystem_leaves_the_reserve(mounted: Mounted) -> None:
    def refuse(size: int) -> None:
        raise OutOfSpace(Path(str(size)))

    there, here = (Blobs(folders(mounted(name, "size=16m")), durable=True) for name in ("there", "here"))
    blob = there.store(memoryview(b"x" * 5000))
    fd = there.open(blob.id)
    with pytest.raises(OutOfSpace, match="5000"):
        here.adopt([Segment(fd, 0, blob.size)], admit=refuse)
    os.close(fd)
    assert not any(path.is_file() for path in here.volume.rglob("*"))


def folders(volume: Path) -> Path:
    for name in FANOUT:
        (volume / "blobs" / name).mkdir(parents=True)
    return volume / "blobs"


def test_free_space_is_measured_at_most_once_a_second(tmp_path: Path, mounted: Mounted) -> None:
    now = [0.0]
    folder = mounted("disk", "size=4m")
    space = Space(folder, reserve=MIB, seconds=lambda: now[0])
    space.admit(MIB)
    (folder / "file").write_bytes(b"x" * 3 * MIB)
    space.admit(MIB)
    now[0] += FRESH
    with pytest.raises(OutOfSpace):
        space.admit(MIB)


def test_what_was_admitted_since_the_measurement_counts(mounted: Mounted) -> None:
    space = Space(mounted("disk", "size=4m"), reserve=MIB, seconds=lambda: 0.0)
    space.admit(2 * MIB)
    with pytest.raises(OutOfSpace):
        space.admit(MIB)


def test_a_directory_that_vanishes_fails_what_needs_it(mounted: Mounted) -> None:
    clock = Clock()
    folder = mounted("disk", "size=64m")
    with opened([folder], clock=clock) as store:
        world = World(store, store.buckets.create("bucket", owner="me"), clock)
        world.put("large", os.urandom(5000))
        os.system(f"umount -l {folder}")
        with pytest.raises(VolumeFailed) as failed:
            world.store.objects.open(world.bucket, "large")
        assert failed.value.volume == folder
        with pytest.raises(VolumeFailed):
            world.put("another", os.urandom(5000))


def test_a_copy_to_another_filesystem_is_a_copy_of_the_bytes(mounted: Mounted) -> None:
    clock = Clock()
    with opened([mounted(f"disk{number}", "size=64m") for number in range(2)], clock=clock) as store:
        world = World(store, store.buckets.create("bucket", owner="me"), clock)
        data = os.urandom(700_000)
        world.put("source", data)
        for number in range(8):
            with store.objects.open(world.bucket, "source") as source:
                store.objects.copy(source, world.bucket, f"copy{number}", ATTRIBUTES)
        inodes = {(os.stat(path).st_dev, os.stat(path).st_ino) for path in world.files()}
        assert len({device for device, _ in inodes}) == 2
        store.objects.delete(world.bucket, "source")
        assert all(world.read(f"copy{number}") == data for number in range(8))
        assert len(world.files()) == 8


def test_a_copy_that_finds_no_room_on_the_other_filesystem_leaves_nothing(mounted: Mounted) -> None:
    clock = Clock()
    with opened([mounted("large", "size=64m"), mounted("small", "size=4m")], clock=clock) as store:
        world = World(store, store.buckets.create("bucket", owner="me"), clock)
        number = 0
        while not world.files():
            try:
                world.put(f"source{number}", os.urandom(8 * MIB))
            except OutOfSpace:
                number += 1
        outcomes = set()
        for target in range(16):
            try:
                with store.objects.open(world.bucket, f"source{number}") as source:
                    store.objects.copy(source, world.bucket, f"copy{target}", ATTRIBUTES)
                outcomes.add("copied")
            except StorageError as error:
                outcomes.add(type(error).__name__)
        assert outcomes == {"copied", "OutOfSpace"}
        assert len(world.files()) == len(world.keys())


def test_a_file_at_its_limit_of_links_is_copied(tmp_path: Path) -> None:
    root = folders(tmp_path)
    blobs = Blobs(root, durable=True)
    file = blobs.create()
    file.write(memoryview(b"linked often"))
    blob = file.seal()
    (tmp_path / "links").mkdir()
    for number in range(70_000):
        try:
            os.link(blobs.path(blob.id), tmp_path / "links" / str(number))
        except OSError:
            break
    fd = blobs.open(blob.id)
    adopted = blobs.adopt([Segment(fd, 0, blob.size)] * 2, admit=lambda size: None)
    os.close(fd)
    assert {one.id[:2] for one in adopted} == {adopted[0].id[:2]}
    assert all(Path(blobs.path(one.id)).read_bytes() == b"linked often" for one in adopted)
    blobs.remove([blob, *adopted, *adopted])
    assert not any(path.is_file() for path in root.rglob("*"))
