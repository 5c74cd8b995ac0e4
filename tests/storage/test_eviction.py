"""Room is made on a volume that is too full: on real, small filesystems."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storage.jobs.eviction import KIND, Evicting, Watermarks, used
from storage.jobs.records import Definition
from storage.jobs.run import Run, Step
from storage.payload import BytesPayload
from storage.properties import EVICTED
from storage.records import Bucket
from storage.store import Store
from tests.storage.conftest import ATTRIBUTES, Clock, opened

HOUR = 3600 * 1_000_000_000
SIZE = 200_000  # bytes


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(mounted: Callable[[str, str], Path], clock: Clock) -> Iterator[Store]:
    with opened([mounted("disk", "size=8m")], clock=clock) as made:
        yield made


def fill(store: Store, bucket: Bucket, names: range, size: int = SIZE) -> None:
    for number in names:
        store.objects.put(bucket, f"{number:02d}", BytesPayload(b"x" * size), ATTRIBUTES)


def evict(store: Store, clock: Clock, high: int, low: int, *buckets: str) -> list[Step]:
    body = Evicting(store.partitions, store.buckets, store.objects, lambda: Watermarks(high, low), clock)
    job = Definition("j", KIND, 0, "me")
    run = Run(
        job, "me", {"buckets": list(buckets)}, "", stopped=lambda: False, describe=str, record=lambda step: None
    )
    return list(body(run))


def names(store: Store, bucket: Bucket) -> list[str]:
    return [key for key, _ in store.objects.list(bucket).entries]


def test_the_oldest_go_until_there_is_room(store: Store, clock: Clock) -> None:
    cache = store.buckets.create("cache", owner="me", properties={EVICTED: True})
    kept = store.buckets.create("kept", owner="me")
    fill(store, kept, range(5))
    fill(store, cache, range(20, 10, -1))  # the last names are the oldest
    fill(store, cache, range(90, 95), size=50)  # in the index
    clock.now += 3 * HOUR
    fill(store, cache, range(5))  # too young to go
    before = used(store.partitions.primary.path)
    assert before > 40
    steps = evict(store, clock, 40, round(before - 100 * 5 * SIZE / (8 << 20)))
    removed = sum(step.objects for step in steps)
    assert 4 <= removed <= 6
    assert sum(step.size for step in steps) == removed * SIZE
    assert names(store, cache) == [
        *(f"{number:02d}" for number in [*range(5), *range(11, 21 - removed)]), "90", "91", "92", "93", "94"]
    assert len(names(store, kept)) == 5
    evict(store, clock, 1, 0)
    assert names(store, cache) == ["00", "01", "02", "03", "04", "90", "91", "92", "93", "94"]
    assert len(names(store, kept)) == 5


def test_with_room_enough_nothing_goes(store: Store, clock: Clock) -> None:
    cache = store.buckets.create("cache", owner="me", properties={EVICTED: True})
    fill(store, cache, range(5))
    clock.now += 3 * HOUR
    (step,) = evict(store, clock, 90, 1)
    assert step.note.endswith("90% may be: nothing is removed")
    assert len(names(store, cache)) == 5


def test_only_the_buckets_named_are_looked_at(store: Store, clock: Clock) -> None:
    first, second = (store.buckets.create(name, owner="me", properties={EVICTED: True}) for name in ("one", "two"))
    for bucket in (first, second):
        fill(store, bucket, range(3))
    clock.now += 3 * HOUR
    evict(store, clock, 1, 0, "two", "gone")
    assert (len(names(store, first)), names(store, second)) == (3, [])
