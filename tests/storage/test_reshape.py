"""Attaching and detaching volumes while no node runs, and dying in the middle of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from storage import moving, reshape
from storage.archives import tar
from storage.completion import PartRef
from storage.layout import UnusableDirectory, claim
from storage.payload import BytesPayload
from tests.storage.conftest import ATTRIBUTES, SMALL, Clock, World, opened

OBJECTS = {f"dir/key {number}\0": b"%03d" % number * (1 + number % 3 * 40) for number in range(40)}
SHARD = tar.header("inside", 5) + b"hello" + tar.padding(5) + tar.END
OBJECTS |= {f"shard {number}.tar": SHARD for number in range(5)}
PENDING = [f"pending/{number}" for number in range(6)]
DIED = 9


@dataclass
class Kept:
    """A node's directories, with objects in records and files, a copy, uploads under way and appends."""

    paths: list[Path]
    uploads: dict[str, tuple[str, str]] = field(default_factory=dict)  # id and the part's ETag, by key
    appends: dict[str, str] = field(default_factory=dict)

    def fill(self) -> None:
        with opened(self.paths, clock=Clock()) as store:
            world = World(store, store.buckets.create("kept", owner="owner-id"))
            for key, data in OBJECTS.items():
                world.put(key, data)
                if key.endswith(".tar"):
                    store.shards.index(world.bucket, key)
            for key in PENDING:
                upload = store.uploads.create(world.bucket, key, ATTRIBUTES)
                self.uploads[key] = upload.id, world.part(key, upload.id, 1, b"part of " + key.encode() * 50)
                self.appends[key] = store.appends.append(world.bucket, f"a/{key}", "", BytesPayload(b"begun "))

    def check(self, paths: list[Path]) -> None:
        """Everything is there, once, where it belongs, and can be gone on with."""
        with opened(paths, clock=Clock()) as store:
            world = World(store, store.buckets.get("kept"))
            assert world.keys() == sorted(OBJECTS)
            assert {key: world.read(key) for key in OBJECTS} == OBJECTS
            for key in (key for key in OBJECTS if key.endswith(".tar")):
                assert store.shards.find(world.bucket, key, store.objects.head(world.bucket, key), "inside")
            for volume in store.partitions.present:
                assert list(moving.strays(volume, store.partitions)) == []
            names = [file.name for file in world.files()]
            assert len(names) == len(set(names)), "a blob lies in two places"
            for key, (upload, etag) in self.uploads.items():
                store.uploads.complete(world.bucket, key, upload, [PartRef(1, etag)])
                assert world.read(key) == b"part of " + key.encode() * 50
            for key, handle in self.appends.items():
                handle = store.appends.append(world.bucket, f"a/{key}", handle, BytesPayload(b"and ended"))
                store.appends.flush(world.bucket, f"a/{key}", handle, ATTRIBUTES)
                assert world.read(f"a/{key}") == b"begun and ended"
            for key in world.keys():
                store.objects.delete(world.bucket, key)
            store.buckets.delete(world.bucket)
            assert world.left() == []


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    made = Kept([tmp_path / "one", tmp_path / "two"])
    made.fill()
    return made


def finish(steps: Iterator[object]) -> int:
    return sum(1 for _ in steps)


def attach(kept: Kept, new: Path) -> Iterator[object]:
    return reshape.attach(kept.paths, new, SMALL)


def detach(kept: Kept, _: Path) -> Iterator[object]:
    return reshape.detach(kept.paths, kept.paths[1], SMALL)


def test_new_volume_gets_what_belongs_there(kept: Kept, tmp_path: Path) -> None:
    new = tmp_path / "three"
    assert finish(attach(kept, new)) > 10
    assert len(list((new / "blobs").glob("*/*"))) > 5
    with pytest.raises(UnusableDirectory, match="belongs to this node's set"):
        claim(kept.paths)
    kept.check([*kept.paths, new])


def test_detached_volume_leaves_nothing_behind_that_is_missed(kept: Kept) -> None:
    gone = kept.paths[1]
    assert finish(detach(kept, gone)) > 10
    shutil.rmtree(gone)
    kept.check(kept.paths[:1])


def test_volume_can_go_and_another_come(kept: Kept, tmp_path: Path) -> None:
    finish(detach(kept, kept.paths[1]))
    finish(reshape.attach(kept.paths[:1], tmp_path / "three", SMALL))
    kept.check([kept.paths[0], tmp_path / "three"])


def test_what_is_no_set_is_refused_and_nothing_is_changed(kept: Kept, tmp_path: Path) -> None:
    one, two = kept.paths
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "diary").touch()
    for steps, reason in (
        (reshape.attach([one], tmp_path / "three", SMALL), "is not named"),
        (reshape.attach([one, two], one, SMALL), "in use"),
        (reshape.attach([one, two], strange, SMALL), "holds other files"),
        (reshape.attach([one, tmp_path / "empty"], tmp_path / "three", SMALL), "is no volume"),
        (reshape.detach([one, two], one, SMALL), "first volume"),
        (reshape.detach([one, two], tmp_path / "three", SMALL), "no volume of the set"),
        (reshape.detach([two], two, SMALL), "is not named"),
    ):
        with pytest.raises(UnusableDirectory, match=reason):
            finish(steps)
    with claim(kept.paths), pytest.raises(UnusableDirectory, match="in use"):
        finish(attach(kept, tmp_path / "three"))
    kept.check(kept.paths)


def test_detached_volume_is_not_taken_for_an_empty_one(kept: Kept) -> None:
    finish(detach(kept, kept.paths[1]))
    with pytest.raises(UnusableDirectory, match="was detached"):
        finish(reshape.attach(kept.paths[:1], kept.paths[1], SMALL))


def dying(module: Any, name: str, calls: int, steps: Callable[[], Iterator[object]]) -> bool:
    """Whether a child process that takes the steps dies at that call of a function, before it does anything."""
    pid = os.fork()
    if not pid:
        real, left = getattr(module, name), [calls]

        def fatal(*args: Any, **named: Any) -> Any:
            left[0] -= 1
            if not left[0]:
                os._exit(DIED)
            return real(*args, **named)

        setattr(module, name, fatal)
        finish(steps())
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == DIED


@pytest.mark.parametrize("change", [attach, detach])
@pytest.mark.parametrize(
    "module, name, calls",
    [
        (reshape, "write_change", 1), (reshape, "write_change", 2), (reshape, "make_folders", 1),
        (reshape, "copy_strays", 1), (moving, "copy_blobs", 1), (moving, "copy_file", 3), (moving, "copy_blobs", 9),
        (reshape, "switch", 1), (reshape, "switch", 2), (reshape, "rename_identity", 1), (reshape, "delete_strays", 1),
        (moving, "_delete", 1), (reshape, "sync_folder", 3),
    ],
)  # fmt: skip
def test_death_anywhere_loses_nothing(
    kept: Kept, tmp_path: Path, change: Callable[[Kept, Path], Iterator[object]], module: Any, name: str, calls: int
) -> None:
    new = tmp_path / "three"
    died = dying(module, name, calls, lambda: change(kept, new))
    assert died or change is detach
    begun = any((path / "change.json").exists() for path in (*kept.paths, new))
    if begun:
        for given in (kept.paths, [*kept.paths, new]):
            with pytest.raises(UnusableDirectory, match="being changed"):
                claim(given, ignore_missing=True)
        other = detach if change is attach else attach
        with pytest.raises(UnusableDirectory, match="finish that first|no volume"):
            finish(other(kept, new))
    if died:
        finish(change(kept, new))
    kept.check([*kept.paths, new] if change is attach else kept.paths[:1])


def test_death_twice_loses_nothing(kept: Kept, tmp_path: Path) -> None:
    new = tmp_path / "three"
    for module, name, calls in ((moving, "copy_blobs", 5), (moving, "copy_blobs", 4), (moving, "_delete", 1)):
        assert dying(module, name, calls, lambda: attach(kept, new))
    finish(attach(kept, new))
    kept.check([*kept.paths, new])
