"""A commit that fails changes nothing, at whatever point of an operation it comes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from storage.completion import PartRef
from storage.conditions import ALWAYS, Conditions
from storage.errors import Conflict, NoSuchBucket, OutOfSpace, StorageError, VolumeFailed
from storage.index import Index
from storage.keys import marker_key
from storage.markers import LEASE
from storage.sweep import sweep
from tests.storage.conftest import ATTRIBUTES, PART, World


class Failing:
    """An index whose commits fail."""

    def __init__(self, index: Index, error: StorageError) -> None:
        self.index = index
        self.error = error

    def commit(self, **_: object) -> list[bytes | None]:
        raise self.error

    def __getattr__(self, name: str) -> object:
        return getattr(self.index, name)


@contextmanager
def failing(world: World, error: StorageError) -> Iterator[None]:
    volumes = world.store.partitions.present
    whole = [volume.index for volume in volumes]
    for volume in volumes:
        volume.index = Failing(volume.index, error)  # type: ignore[assignment]
    try:
        yield
    finally:
        for volume, index in zip(volumes, whole):
            volume.index = index


def copy(world: World) -> object:
    with world.store.objects.open(world.bucket, "large") as source:
        return world.store.objects.copy(source, world.bucket, "small", ATTRIBUTES)


def delete_many(world: World) -> object:
    outcomes = world.store.objects.delete_many(world.bucket, [("large", ALWAYS), ("small", ALWAYS)])
    assert all(isinstance(outcome, StorageError) for outcome in outcomes)
    raise outcomes[0]  # type: ignore[misc]


ATTEMPTS: dict[str, Callable[[World], object]] = {
    "put small": lambda world: world.put("large", b"new"),
    "put large": lambda world: world.put("large", os.urandom(5000)),
    "put under a condition": lambda world: world.put("large", b"new", given=Conditions(if_match=("*",))),
    "delete": lambda world: world.store.objects.delete(world.bucket, "large"),
    "delete under a condition": lambda world: world.store.objects.delete(
        world.bucket, "large", given=Conditions(if_match=("*",))
    ),
    "delete many": delete_many,
    "copy": copy,
    "delete the bucket": lambda world: world.store.buckets.delete(world.store.buckets.get("empty")),
    "create a bucket": lambda world: world.store.buckets.create("another", owner="me"),
}


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=list(ATTEMPTS))
@pytest.mark.parametrize("error", [OutOfSpace(Path("/disk")), VolumeFailed(Path("/disk"), "Input/output error")])
def test_objects_and_buckets_are_as_before(
    world: World, attempt: Callable[[World], object], error: StorageError
) -> None:
    data = os.urandom(5000)
    world.put("large", data)
    world.put("small", b"small")
    world.store.buckets.create("empty", owner="me")
    with failing(world, error), pytest.raises(type(error)):
        attempt(world)
    assert (world.read("large"), world.read("small")) == (data, b"small")
    assert [bucket.name for bucket in world.store.buckets.all()] == ["bucket", "empty"]
    list(sweep(world.store, before=2**62, clock=world.clock))
    assert len(world.files()) == 1


@pytest.mark.parametrize("error", [OutOfSpace(Path("/disk")), VolumeFailed(Path("/disk"), "Input/output error")])
def test_uploads_are_as_before(world: World, error: StorageError) -> None:
    uploads = world.store.uploads
    upload = uploads.create(world.bucket, "key", ATTRIBUTES)
    pieces = [os.urandom(PART), os.urandom(PART)]
    etags = [world.part("key", upload.id, number, piece) for number, piece in enumerate(pieces, start=1)]
    refs = [PartRef(number, etag) for number, etag in enumerate(etags, start=1)]
    with failing(world, error):
        for attempt in (
            lambda: world.part("key", upload.id, 1, os.urandom(PART)),
            lambda: uploads.complete(world.bucket, "key", upload.id, refs),
            lambda: uploads.abort(world.bucket, "key", upload.id),
            lambda: uploads.create(world.bucket, "key", ATTRIBUTES),
        ):
            with pytest.raises(type(error)):
                attempt()
    list(sweep(world.store, before=2**62, clock=world.clock))
    assert len(world.files()) == 2
    assert len(uploads.list(world.bucket).entries) == 1
    uploads.complete(world.bucket, "key", upload.id, refs)
    assert world.read("key") == b"".join(pieces)


def test_a_deletion_that_was_cancelled_closes_no_more_markers(world: World) -> None:
    markers = world.store.buckets._markers
    first, *others = world.store.partitions.all()
    deletion = markers.deletion()
    markers.close(world.bucket, first, deletion)
    world.clock.now += LEASE
    for number in range(20):
        world.put(f"key{number}", b"some of these lie on the first volume")
    for volume in others:
        with pytest.raises(Conflict):
            markers.close(world.bucket, volume, deletion)
        assert volume.index.get(marker_key(world.bucket.id)) != deletion


def test_a_deletion_whose_waiter_gave_up_reopens_nothing_of_a_bucket_that_is_gone(world: World) -> None:
    buckets = world.store.buckets
    markers, volumes = buckets._markers, world.store.partitions.all()
    deletion = markers.deletion()
    for volume in volumes:
        markers.close(world.bucket, volume, deletion)
    buckets._forget(world.bucket, deletion)
    markers.reopen(world.bucket, deletion)
    for number in range(20):
        with pytest.raises(NoSuchBucket):
            world.put(f"key{number}", b"some of these lie on each of the volumes")
