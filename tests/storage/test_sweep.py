"""The sweep removes what nothing names, and nothing else."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.completion import PartRef
from storage.errors import NoSuchUpload, VolumeFailed
from storage.keys import marker_key, object_key
from storage.sweep import Swept, sweep
from storage.uploads import REMEMBERED
from storage.volume import Volume
from tests.storage.conftest import ATTRIBUTES, PART, World

HOUR = 3_600_000_000_000


def steps_of(world: World, before: int | None = None) -> Iterator[Swept]:
    """A sweep of everything older than `before` (the files' time; default: any)."""
    return sweep(world.store, before=time.time_ns() + HOUR if before is None else before, clock=world.clock)


def swept(world: World, before: int | None = None) -> Swept:
    """What such a sweep removed in all."""
    steps = list(steps_of(world, before))
    return Swept(
        "", sum(step.seen for step in steps), sum(step.records for step in steps), sum(step.files for step in steps),
        sum(step.size for step in steps),
    )


def strays(volume: Volume, count: int) -> list[Path]:
    """Files that a killed process left."""
    made = []
    for number in range(count):
        file = volume.blobs.create()
        file.write(memoryview(b"x" * (number + 1)))
        made.append(Path(volume.blobs.path(file.seal().id)))
    return made


def test_files_that_no_record_names_are_removed_and_all_others_kept(world: World) -> None:
    for number in range(40):
        world.put(f"key{number}", os.urandom(50 if number % 4 == 0 else 500))
    upload = world.store.uploads.create(world.bucket, "upload", ATTRIBUTES)
    refs = [PartRef(number, world.part("upload", upload.id, number, os.urandom(PART))) for number in (1, 2)]
    done = world.store.uploads.create(world.bucket, "done", ATTRIBUTES)
    world.store.uploads.complete(
        world.bucket, "done", done.id, [PartRef(1, world.part("done", done.id, 1, os.urandom(PART)))]
    )
    named = set(world.files())
    left = [path for volume in world.store.partitions.present for path in strays(volume, 5)]
    assert swept(world).files == len(left)
    assert set(world.files()) == named
    assert swept(world).files == 0
    world.store.uploads.complete(world.bucket, "upload", upload.id, refs)
    for key in world.keys():
        world.read(key)


def test_files_younger_than_the_limit_are_left_alone(world: World) -> None:
    before = time.time_ns() - HOUR
    left = strays(world.store.partitions.primary, 3)
    assert swept(world, before).files == 0
    assert all(path.exists() for path in left)


def test_a_file_linked_again_counts_as_young(world: World) -> None:
    world.put("key", os.urandom(500))
    (path,) = world.files()
    time.sleep(0.05)
    before = time.time_ns()
    time.sleep(0.05)
    os.link(path, path.with_name(path.name[:2] + "0" * 30))
    assert swept(world, before).files == 0
    assert len(world.files()) == 2


def test_many_files_are_looked_at_a_bounded_number_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.sweep.CANDIDATES", 7)
    for number in range(30):
        world.put(f"key{number}", os.urandom(500))
    named = set(world.files())
    left = strays(world.store.partitions.primary, 20)
    assert swept(world).files == len(left)
    assert set(world.files()) == named


def test_records_of_buckets_that_are_gone_are_removed_with_their_files(world: World) -> None:
    world.put("kept", os.urandom(500))
    other = world.store.buckets.create("other", owner="me")
    gone = World(world.store, other, world.clock)
    for number in range(20):
        gone.put(f"key{number}", os.urandom(500 if number % 2 else 50))
    upload = gone.store.uploads.create(other, "key", ATTRIBUTES)
    gone.part("key", upload.id, 1, os.urandom(PART))
    assert swept(world).records == 0
    world.store.catalog.delete("bucket", "other")
    young = swept(world, other.created)
    assert (young.records, young.files) == (0, 0)
    assert swept(world).records == 22
    assert len(world.files()) == 1
    left = world.left()
    markers = len(world.store.partitions.present)
    assert sorted(set(left)) == sorted({marker_key(world.bucket.id), object_key(world.bucket.id, "kept")})
    assert len(left) == markers + 1


def test_parts_whose_upload_ended_are_removed_with_their_files(world: World) -> None:
    ended, going = (world.store.uploads.create(world.bucket, f"key{number}", ATTRIBUTES) for number in range(2))
    for number in range(1, 4):
        world.part("key0", ended.id, number, os.urandom(PART))
        world.part("key1", going.id, number, os.urandom(PART))
    place = world.store.uploads._place(world.bucket, "key0", ended.id)
    place.volume.index.commit(deletes=[place.record_key])
    result = swept(world)
    assert (result.records, result.files) == (3, 3)
    assert len(world.files()) == 3
    assert len(world.store.uploads.parts(world.bucket, "key1", going.id)[0]) == 3


def test_an_upload_completed_amid_a_sweep_keeps_its_files(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.sweep.BATCH", 1)
    for number in range(6):
        world.put(f"key{number}", os.urandom(500))
    moments = 0
    while True:
        upload = world.store.uploads.create(world.bucket, "completed", ATTRIBUTES)
        refs = [PartRef(1, world.part("completed", upload.id, 1, os.urandom(PART)))]
        record_at = [number for number, step in enumerate(steps_of(world)) if step.seen == 1]
        for number, _ in enumerate(steps_of(world)):
            if record_at[moments:] and number == record_at[moments]:
                world.store.uploads.complete(world.bucket, "completed", upload.id, refs)
        if not record_at[moments:]:
            return
        assert len(world.read("completed")) == PART
        moments += 1


def test_completions_are_forgotten_when_they_expire(world: World) -> None:
    upload = world.store.uploads.create(world.bucket, "key", ATTRIBUTES)
    refs = [PartRef(1, world.part("key", upload.id, 1, b"end"))]
    world.store.uploads.complete(world.bucket, "key", upload.id, refs)
    assert swept(world).records == 0
    world.clock.now += REMEMBERED
    assert swept(world).records == 1
    with pytest.raises(NoSuchUpload):
        world.store.uploads.complete(world.bucket, "key", upload.id, refs)
    assert world.read("key") == b"end"


def test_a_folder_that_cannot_be_read_fails_the_sweep_as_the_volume(world: World) -> None:
    volume = world.store.partitions.primary
    os.rmdir(volume.blobs.directory("7f"))
    with pytest.raises(VolumeFailed) as failed:
        swept(world)
    assert failed.value.volume == volume.path
