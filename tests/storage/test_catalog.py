"""The catalog is one thing over all volumes, whichever of them are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.catalog import ANYTHING, VERSION, Changed, reconcile
from storage.engines.memory import MemoryIndex
from storage.errors import OutOfSpace
from storage.layout import claim
from storage.store import Options, Store
from tests.storage.conftest import Clock, World, opened


def test_records_are_kept_by_kind_and_name(world: World) -> None:
    catalog = world.store.catalog
    catalog.put("colour", "red", b"1")
    catalog.put("colour", "blue", b"2")
    catalog.put("colours", "red", b"3")
    assert catalog.get("colour", "red") == b"1"
    assert catalog.get("colour", "green") is None
    assert list(catalog.all("colour")) == [("blue", b"2"), ("red", b"1")]
    assert list(catalog.all("colour", prefix="r")) == [("red", b"1")]
    assert list(catalog.all("colour", after="blue")) == [("red", b"1")]
    catalog.delete("colour", "red")
    catalog.delete("colour", "red")
    assert list(catalog.all("colour")) == [("blue", b"2")]


def test_a_record_changes_only_from_what_was_expected(world: World) -> None:
    catalog = world.store.catalog
    catalog.put("kind", "name", b"1", expected=None)
    for wrong in (None, b"0"):
        with pytest.raises(Changed) as refused:
            catalog.put("kind", "name", b"2", expected=wrong)
        assert refused.value.found == b"1"
        with pytest.raises(Changed):
            catalog.delete("kind", "name", expected=wrong)
    catalog.put("kind", "name", b"2", expected=b"1")
    catalog.put("kind", "name", b"3", expected=ANYTHING)
    catalog.delete("kind", "name", expected=b"3")
    assert catalog.get("kind", "name") is None


def test_every_volume_has_the_same_catalog(world: World) -> None:
    for number in range(5):
        world.store.buckets.create(f"bucket-{number}", owner="me")
    world.store.buckets.delete(world.store.buckets.get("bucket-3"))
    catalogs = [list(volume.index.scan(b"c", b"d")) for volume in world.store.partitions.present]
    assert len(catalogs[0]) == 6
    assert all(catalog == catalogs[0] for catalog in catalogs)


def test_the_highest_version_wins_wherever_it_is() -> None:
    indexes = [MemoryIndex() for _ in range(3)]
    for index, version in zip(indexes, (1, 3, 2)):
        index.commit(puts=[(VERSION, version.to_bytes(8, "big")), (f"ckind\0name{version}".encode(), b"x")])
    reconcile(indexes)
    assert all(list(index.scan(b"c", b"d")) == list(indexes[1].scan(b"c", b"d")) for index in indexes)
    assert indexes[0].get(b"ckind\0name3") == b"x"
    assert indexes[0].get(b"ckind\0name1") is None


def test_what_changed_while_the_first_volume_was_missing_is_kept_when_it_returns(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a", "b", "c")]
    clock = Clock()
    with opened(paths, clock=clock) as store:
        store.catalog.put("kind", "old", b"1")
    with claim(paths[1:], ignore_missing=True) as held, Store(held.layout, Options(reserve=0), clock=clock) as store:
        store.catalog.put("kind", "new", b"2")
        store.catalog.delete("kind", "old")
    with opened(paths, clock=clock) as store:
        assert list(store.catalog.all("kind")) == [("new", b"2")]
        assert all(volume.index.get(b"ckind\0new") == b"2" for volume in store.partitions.present)


def test_a_full_follower_catches_up_with_the_next_change(world: World, caplog: pytest.LogCaptureFixture) -> None:
    if len(world.store.partitions.present) == 1:
        return
    follower = world.store.partitions.present[1]

    class Full(MemoryIndex):
        def commit(self, **_: object) -> list[bytes | None]:  # type: ignore[override]
            raise OutOfSpace(follower.path)

    world.store.catalog._followers = (Full(), world.store.partitions.present[2].index)
    world.store.catalog.put("kind", "first", b"1")
    assert "is behind" in caplog.text
    world.store.catalog._followers = tuple(volume.index for volume in world.store.partitions.present[1:])
    world.store.catalog.put("kind", "second", b"2")
    assert follower.index.get(b"ckind\0first") == b"1"
    assert follower.index.get(b"ckind\0second") == b"2"
