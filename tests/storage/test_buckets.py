"""Buckets and their markers."""

from __future__ import annotations

import os
import threading

import pytest

from storage.buckets import created_at, new_bucket_id
from storage.errors import BucketExists, BucketNotEmpty, Conflict, NoSuchBucket, NoSuchUpload
from storage.keys import marker_key
from storage.markers import LEASE, OPEN
from tests.storage.conftest import ATTRIBUTES, START, World


def close_markers(world: World) -> bytes:
    """What a deletion does before it looks for objects, by one that then is killed."""
    markers = world.store.buckets._markers
    deletion = markers.deletion()
    for volume in world.store.partitions.all():
        markers.close(world.bucket, volume, deletion)
    return deletion


def test_a_created_bucket_is_found_with_what_was_given(world: World) -> None:
    created = world.store.buckets.create("another", owner="someone", region="eu-central-1")
    assert world.store.buckets.get("another") == created
    assert (created.owner, created.region, created.name) == ("someone", "eu-central-1", "another")
    assert world.store.buckets.get("bucket") == world.bucket


def test_a_missing_bucket_is_not_found(world: World) -> None:
    with pytest.raises(NoSuchBucket):
        world.store.buckets.get("missing")


def test_a_name_is_given_once_and_the_owner_is_told(world: World) -> None:
    world.put("key", b"kept")
    with pytest.raises(BucketExists) as refused:
        world.store.buckets.create("bucket", owner="someone else")
    assert refused.value.owner == "owner-id"
    assert world.read("key") == b"kept"


def test_buckets_are_listed_by_name_owner_prefix_and_page(world: World) -> None:
    for name in ("b-2", "b-1", "a", "c", "b"):
        world.store.buckets.create(name, owner="me")
    owned = world.store.buckets.owned
    assert [bucket.name for bucket in owned("me")] == ["a", "b", "b-1", "b-2", "c"]
    assert [bucket.name for bucket in owned("me", prefix="b")] == ["b", "b-1", "b-2"]
    assert [bucket.name for bucket in owned("me", prefix="b", after="b", limit=1)] == ["b-1"]
    assert [bucket.name for bucket in owned("me", after="b-2")] == ["c"]
    assert [bucket.name for bucket in world.store.buckets.all()] == ["a", "b", "b-1", "b-2", "bucket", "c"]
    assert owned("nobody") == []


def test_a_bucket_with_objects_is_not_deleted(world: World) -> None:
    world.put("key", b"kept")
    with pytest.raises(BucketNotEmpty):
        world.store.buckets.delete(world.bucket)
    world.put("key2", b"writable as before")
    assert world.keys() == ["key", "key2"]


def test_a_deleted_bucket_is_gone_with_its_uploads(world: World) -> None:
    upload = world.store.uploads.create(world.bucket, "key", ATTRIBUTES)
    world.part("key", upload.id, 1, os.urandom(5000))
    world.store.buckets.delete(world.bucket)
    with pytest.raises(NoSuchBucket):
        world.store.buckets.get("bucket")
    with pytest.raises(NoSuchBucket):
        world.store.buckets.delete(world.bucket)
    with pytest.raises(NoSuchUpload):
        world.store.uploads.get(world.bucket, "key", upload.id)
    assert world.files() == []
    assert world.left() == []


def test_a_bucket_created_again_sees_nothing_of_the_one_before(world: World) -> None:
    world.store.uploads.create(world.bucket, "key", ATTRIBUTES)
    world.store.buckets.delete(world.bucket)
    again = world.store.buckets.create("bucket", owner="me")
    assert again.id != world.bucket.id
    assert world.store.uploads.list(again).entries == []
    with pytest.raises(NoSuchBucket):
        world.put("key", b"into the old one")


def test_ids_say_when_they_were_made() -> None:
    ids = [new_bucket_id(START + number * 1_000_000, os.urandom) for number in range(100)]
    assert ids == sorted(ids)
    assert [created_at(made) for made in ids] == [START + number * 1_000_000 for number in range(100)]
    assert max(ids) < 1 << 63


def test_a_write_waits_for_a_deletion_that_is_under_way_and_goes_on_when_it_fails(world: World) -> None:
    deletion = close_markers(world)
    done = threading.Event()

    def write() -> None:
        world.put("key", b"late")
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    assert not done.wait(0.1)
    world.store.buckets._markers.reopen(world.bucket, deletion)
    assert done.wait(10)
    thread.join()
    assert world.read("key") == b"late"


def test_a_deletion_that_was_killed_is_cancelled_by_the_next_write_after_its_lease(world: World) -> None:
    deletion = close_markers(world)
    world.clock.now += LEASE
    world.put("key", b"after")
    assert world.read("key") == b"after"
    with pytest.raises(Conflict):
        world.store.buckets._forget(world.bucket, deletion)
    assert world.store.buckets.get("bucket") == world.bucket


def test_a_deletion_takes_over_from_one_that_was_killed(world: World) -> None:
    close_markers(world)
    world.clock.now += LEASE
    world.store.buckets.delete(world.bucket)
    with pytest.raises(NoSuchBucket):
        world.store.buckets.get("bucket")


def test_a_deletion_that_was_killed_after_its_commit_cannot_be_undone(world: World) -> None:
    deletion = close_markers(world)
    world.store.buckets._forget(world.bucket, deletion)
    world.clock.now += LEASE
    with pytest.raises(NoSuchBucket):
        world.put("key", b"too late")
    with pytest.raises(NoSuchBucket):
        world.store.buckets.delete(world.bucket)
    values = [volume.index.get(marker_key(world.bucket.id)) for volume in world.store.partitions.present]
    assert OPEN not in values


def test_a_renamed_bucket_has_everything_under_its_new_name_only(world: World) -> None:
    world.put("key", b"kept")
    upload = world.store.uploads.create(world.bucket, "large", ATTRIBUTES)
    renamed = world.store.buckets.rename(world.bucket, "other")
    assert (renamed.id, renamed.name) == (world.bucket.id, "other")
    assert world.store.buckets.get("other") == renamed
    assert [bucket.name for bucket in world.store.buckets.all()] == ["other"]
    with pytest.raises(NoSuchBucket):
        world.store.buckets.get("bucket")
    world.put("late", b"from somebody who knew the bucket by its old name")
    world.bucket = renamed
    assert (world.read("key"), world.keys()) == (b"kept", ["key", "late"])
    world.part("large", upload.id, 1, b"part")
    world.store.buckets.create("bucket", owner="someone")


def test_a_bucket_takes_no_name_that_is_taken(world: World) -> None:
    world.store.buckets.create("taken", owner="someone")
    with pytest.raises(BucketExists) as refused:
        world.store.buckets.rename(world.bucket, "taken")
    assert refused.value.owner == "someone"
    assert world.store.buckets.get("bucket") == world.bucket


def test_a_bucket_that_is_gone_or_another_one_by_now_is_not_renamed(world: World) -> None:
    world.store.buckets.delete(world.bucket)
    with pytest.raises(NoSuchBucket):
        world.store.buckets.rename(world.bucket, "other")
    world.store.buckets.create("bucket", owner="someone")
    with pytest.raises(NoSuchBucket):
        world.store.buckets.rename(world.bucket, "other")


def test_an_abandoned_bucket_is_gone_at_once_and_purged_later(world: World) -> None:
    for number in range(20):
        world.put(f"{number}", b"x" * 100_000)
    upload = world.store.uploads.create(world.bucket, "large", ATTRIBUTES)
    world.part("large", upload.id, 1, b"x" * 100_000)
    world.store.buckets.abandon(world.bucket)
    with pytest.raises(NoSuchBucket):
        world.store.buckets.get("bucket")
    with pytest.raises(NoSuchBucket):
        world.put("late", b"to nowhere")
    again = world.store.buckets.create("bucket", owner="someone")
    assert len(world.files()) == 21
    purging = world.store.buckets.purge(world.bucket.id)
    next(purging)  # and then whoever did it was killed
    assert sum(world.store.buckets.purge(world.bucket.id)) <= 21
    assert world.files() == []
    assert world.left() == [marker_key(again.id) for _ in world.store.partitions.present]
