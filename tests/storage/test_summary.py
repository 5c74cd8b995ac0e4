"""Summaries of buckets: exact, also when they are gone on with after their process was killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.jobs.records import Definition
from storage.jobs.run import Run, Step
from storage.jobs.summary import BUCKETS, DECODE, KIND, PAGE, PREFIX, Summing, Totals
from storage.payload import BytesPayload
from storage.records import Bucket
from storage.store import Store
from tests.storage.conftest import ATTRIBUTES, INLINE, Clock, in_memory, opened


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with opened([tmp_path / "1", tmp_path / "2"], clock=Clock(), open_index=in_memory) as made:
        yield made


def fill(store: Store, bucket: Bucket, count: int) -> None:
    for number in range(count):
        store.objects.put(bucket, f"{number:05d}", BytesPayload(b"x" * (number % 7)), ATTRIBUTES)


def steps(store: Store, cursor: str, *buckets: str, prefix: str = "") -> Iterator[Step]:
    value = {BUCKETS: list(buckets), PREFIX: prefix}
    run = Run(
        Definition("j", KIND, 0, "me"), "me", value, cursor,
        stopped=lambda: False, describe=str, record=lambda step: None,
    )
    return Summing(store.buckets, store.objects)(run)


def totals(found: list[Step]) -> dict[str, Totals]:
    return DECODE(found[-1].cursor).totals


@pytest.mark.parametrize("done", range(1, 6))
def test_a_summary_goes_on_where_it_was(store: Store, done: int) -> None:
    """Killed after any of its steps: those before the last recorded cursor are counted once."""
    first, second = (store.buckets.create(name, owner="me") for name in ("first", "second"))
    fill(store, first, 2 * PAGE + 10)
    fill(store, second, PAGE + 10)
    whole = totals(list(steps(store, "", "first", "second")))
    assert [(name, found.count) for name, found in whole.items()] == [
        ("first", 2 * PAGE + 10), ("second", PAGE + 10)]
    before = [step for step, _ in zip(steps(store, "", "first", "second"), range(done))]
    after = list(steps(store, before[-1].cursor, "first", "second"))
    assert totals(after or before) == whole
    assert sum(step.objects for step in [*before, *after]) == 3 * PAGE + 20


def test_what_is_on_disk_is_records_and_whole_blocks_of_files(store: Store) -> None:
    bucket = store.buckets.create("bucket", owner="me")
    for key, size in (("a", 10), ("b", INLINE + 1), ("c", 5000)):
        store.objects.put(bucket, key, BytesPayload(b"x" * size), ATTRIBUTES)
    found = totals(list(steps(store, "", "bucket")))["bucket"]
    assert (found.count, found.smallest, found.largest, found.size) == (3, 10, 5000, 5011 + INLINE)
    assert 4096 + 8192 + 10 < found.on_disk < 4096 + 8192 + 1500
    assert totals(list(steps(store, "", "bucket", prefix="c")))["bucket"].count == 1


def test_a_bucket_that_is_gone_counts_nothing(store: Store) -> None:
    store.buckets.create("there", owner="me")
    assert totals(list(steps(store, "", "gone", "there")))["there"].count == 0
