"""Listings agree with a plain model: items in the order of their bytes, prefixes in place of the keys under them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.attributes import Attributes
from storage.conditions import ALWAYS
from storage.index import Index
from storage.listing import Page
from storage.payload import BytesPayload
from storage.volume import Volume
from tests.storage.conftest import World

KEYS = st.text(alphabet="ab/-\x00é", min_size=1, max_size=6)


def expected(keys: set[str], prefix: str, delimiter: str, after: str) -> list[str]:
    """All items, prefixes with a mark before them."""
    items = set()
    for key in keys:
        if key.startswith(prefix):
            found = key.find(delimiter, len(prefix)) if delimiter else -1
            items.add(("", key) if found < 0 else ("prefix ", key[:found + len(delimiter)]))
    later = [item for item in items if item[1].encode() > after.encode()]
    return [mark + name for mark, name in sorted(later, key=lambda item: item[1].encode())]


def items(page: Page) -> list[str]:
    named = [(key, key) for key, _ in page.entries] + [(name, f"prefix {name}") for name in page.prefixes]
    return [item for _, item in sorted(named, key=lambda pair: pair[0].encode())]


def fill(world: World, keys: set[str]) -> None:
    present = set(world.keys())
    world.store.objects.delete_many(world.bucket, [(key, ALWAYS) for key in present - keys])
    for key in keys - present:
        world.store.objects.put(world.bucket, key, BytesPayload(b""), Attributes("me"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    keys=st.sets(KEYS, max_size=25),
    prefix=st.text(alphabet="ab/", max_size=2),
    delimiter=st.sampled_from(["", "/", "-", "a", "//", "é", "\x00"]),
    after=st.text(alphabet="ab/-é", max_size=4),
    limit=st.integers(min_value=1, max_value=8),
)
def test_pages_together_are_the_whole_listing(
    world: World, keys: set[str], prefix: str, delimiter: str, after: str, limit: int
) -> None:
    fill(world, keys)
    found: list[str] = []
    more, last = True, after
    while more:
        page = world.store.objects.list(world.bucket, prefix=prefix, delimiter=delimiter, after=last, limit=limit)
        names = items(page)
        assert len(names) <= limit
        assert not page.truncated or (len(names) == limit and page.last == names[-1].removeprefix("prefix "))
        found += names
        more, last = page.truncated, page.last
    assert found == expected(keys, prefix, delimiter, after)


def test_an_empty_page_was_asked_for(world: World) -> None:
    world.put("key", b"")
    page = world.store.objects.list(world.bucket, limit=0)
    assert (page.entries, page.prefixes, page.truncated) == ([], [], False)


def test_a_page_that_ends_with_the_last_key_is_not_truncated(world: World) -> None:
    for number in range(5):
        world.put(f"k{number}", b"")
    assert not world.store.objects.list(world.bucket, limit=5).truncated
    assert world.store.objects.list(world.bucket, limit=4).truncated
    assert not world.store.objects.list(world.bucket, limit=4, after="k0").truncated


def test_other_buckets_are_not_listed(world: World) -> None:
    for name in ("aaa", "zzz"):
        other = world.store.buckets.create(name, owner="me")
        world.store.objects.put(other, "key", BytesPayload(b""), Attributes("me"))
    assert world.keys() == []


def test_a_listed_object_shows_what_its_head_shows(world: World) -> None:
    for size in (50, 5000):
        world.put("key", b"x" * size)
        record = world.store.objects.head(world.bucket, "key")
        ((_, listed),) = world.store.objects.list(world.bucket).entries
        assert (listed.size, listed.modified, listed.etag, listed.owner, listed.storage_class, listed.checksums) == (
            record.size, record.modified, record.etag, record.owner, record.storage_class, record.checksums
        )


@dataclass
class Counting:
    """An index that counts the pairs it hands out."""

    index: Index
    pairs: list[bytes] = field(default_factory=list)

    def scan(self, *bounds: bytes, **options: object) -> Iterator[tuple[bytes, object]]:
        for pair in self.index.scan(*bounds, **options):  # type: ignore[call-overload]
            self.pairs.append(pair[0])
            yield pair

    def __getattr__(self, name: str) -> object:
        return getattr(self.index, name)


def test_keys_under_a_common_prefix_are_skipped_and_not_scanned(world: World) -> None:
    for number in range(2000):
        world.put(f"{'ab'[number % 2]}/{number:04d}", b"")
    counted = []
    for volume in world.store.partitions.present:
        assert isinstance(volume, Volume)
        counted.append(Counting(volume.index))
        volume.index = counted[-1]  # type: ignore[assignment]
    page = world.store.objects.list(world.bucket, delimiter="/")
    assert (page.prefixes, page.entries) == (["a/", "b/"], [])
    assert sum(len(one.pairs) for one in counted) <= 50 * len(counted)


@pytest.mark.parametrize("inserted", ["k1", "k25", "k9"])
def test_a_page_token_is_a_position_among_keys_that_come_and_go(world: World, inserted: str) -> None:
    for number in range(6):
        world.put(f"k{number}", b"")
    first = world.store.objects.list(world.bucket, limit=3)
    world.store.objects.delete(world.bucket, first.last)
    world.put(inserted, b"")
    rest = [key for key, _ in world.store.objects.list(world.bucket, after=first.last).entries]
    assert rest == sorted({"k3", "k4", "k5"} | ({inserted} if inserted > first.last else set()))
