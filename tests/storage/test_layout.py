"""Data directories at start: the set is found whole, or the message says which directory, why, and how to mend it."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.errors import VolumeFailed
from storage.layout import FORMING, IDENTITY, Layout, UnusableDirectory, claim, unusable
from storage.payload import BytesPayload
from storage.store import Options, Store
from tests.storage.conftest import ATTRIBUTES, Clock, opened


def folders(tmp_path: Path, count: int) -> list[Path]:
    return [tmp_path / f"disk{number}" for number in range(count)]


def found(paths: list[Path], **options: bool) -> Layout:
    with claim(paths, **options) as held:
        return held.layout


def test_the_first_start_makes_the_set_and_later_ones_find_it_in_any_order(tmp_path: Path) -> None:
    paths = folders(tmp_path, 3)
    layout = found(paths)
    assert [place.path for place in layout.places] == paths
    assert len({place.id for place in layout.places}) == 3
    assert found([paths[2], paths[0], paths[1]]) == layout
    assert not list(tmp_path.rglob(FORMING))


def test_disks_may_be_mounted_elsewhere(tmp_path: Path) -> None:
    paths = folders(tmp_path, 2)
    layout = found(paths)
    paths[0].rename(tmp_path / "elsewhere")
    moved = found([tmp_path / "elsewhere", paths[1]])
    assert [place.id for place in moved.places] == [place.id for place in layout.places]
    assert moved.places[0].path == tmp_path / "elsewhere"


def test_a_set_is_held_by_one_node_at_a_time(tmp_path: Path) -> None:
    with claim([tmp_path / "a"]):
        with pytest.raises(UnusableDirectory, match="in use by another process"):
            claim([tmp_path / "a"])
    found([tmp_path / "a"])


def test_a_claim_is_kept_by_forked_processes_and_ends_with_the_last(tmp_path: Path) -> None:
    held = claim([tmp_path / "a"])
    child = os.fork()
    if child == 0:
        signal.pause()
    held.close()
    with pytest.raises(UnusableDirectory, match="in use"):
        claim([tmp_path / "a"])
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    found([tmp_path / "a"])


def test_a_missing_directory_stops_the_start_unless_told_otherwise(tmp_path: Path) -> None:
    paths = folders(tmp_path, 3)
    layout = found(paths)
    with pytest.raises(UnusableDirectory, match=f"{paths[1]} belongs to this node's set and is not among those given"):
        claim([paths[0], paths[2]])
    partial = found([paths[0], paths[2]], ignore_missing=True)
    assert [place.present for place in partial.places] == [True, False, True]
    assert [place.id for place in partial.places] == [place.id for place in layout.places]


def test_an_unmounted_disk_is_recognised_by_its_empty_directory(tmp_path: Path) -> None:
    paths = folders(tmp_path, 2)
    found(paths)
    paths[1].rename(tmp_path / "unplugged")
    with pytest.raises(UnusableDirectory, match=f"{paths[1]} is empty, and the volume .*{paths[1]} is missing; mount"):
        claim(paths)
    assert [place.present for place in found(paths, ignore_missing=True).places] == [True, False]
    assert not (paths[1] / IDENTITY).exists()


def test_adding_a_directory_to_a_set_is_refused(tmp_path: Path) -> None:
    found([tmp_path / "a"])
    with pytest.raises(UnusableDirectory, match="b is new, .* already has its set .*; .*`sluice volumes attach`"):
        claim([tmp_path / "a", tmp_path / "b"])


def test_a_volume_of_another_node_is_refused(tmp_path: Path) -> None:
    found([tmp_path / "a"])
    found([tmp_path / "b"])
    for ignore in (False, True):
        with pytest.raises(UnusableDirectory, match="belongs to another node"):
            claim([tmp_path / "a", tmp_path / "b"], ignore_missing=ignore)


def test_a_copy_of_a_volume_is_refused(tmp_path: Path) -> None:
    paths = folders(tmp_path, 2)
    found(paths)
    subprocess.run(["cp", "-a", paths[0], tmp_path / "copy"], check=True)
    with pytest.raises(UnusableDirectory, match="copy is a copy of"):
        claim([*paths, tmp_path / "copy"])


def test_a_directory_with_other_files_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").write_text("…")
    with pytest.raises(UnusableDirectory, match=r"holds other files \(thesis.tex\) and is not a volume"):
        claim([tmp_path / "home"])


def test_a_damaged_or_newer_identity_is_refused(tmp_path: Path) -> None:
    found([tmp_path / "a"])
    identity = json.loads((tmp_path / "a" / IDENTITY).read_text())
    (tmp_path / "a" / IDENTITY).write_text(json.dumps({**identity, "format": 2}))
    with pytest.raises(UnusableDirectory, match="has format 2, which this release does not know"):
        claim([tmp_path / "a"])
    (tmp_path / "a" / IDENTITY).write_text("{")
    with pytest.raises(UnusableDirectory, match="has a damaged volume.json"):
        claim([tmp_path / "a"])


@pytest.mark.parametrize("ignore_missing", [False, True])
def test_data_without_an_identity_is_not_taken_for_a_new_volume(tmp_path: Path, ignore_missing: bool) -> None:
    paths = folders(tmp_path, 2)
    with opened(paths, clock=Clock()):
        pass
    for path in paths:
        (path / IDENTITY).unlink()
    with pytest.raises(UnusableDirectory, match=f"{paths[0]} holds a node's data and has lost its volume.json"):
        claim(paths, ignore_missing=ignore_missing)


def test_a_file_in_place_of_a_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnusableDirectory, match="is not a directory"):
        claim([tmp_path / "file"])


def test_a_read_only_disk_stops_the_start_unless_told_otherwise(
    tmp_path: Path, mounted: Callable[[str, str], Path]
) -> None:
    paths = [mounted("disk0", "size=64m"), mounted("disk1", "size=64m")]
    found(paths)
    os.system(f"mount -o remount,ro {paths[0]}")
    with pytest.raises(UnusableDirectory, match=f"{paths[0]} is on a read-only filesystem; remount it"):
        claim(paths)
    assert [place.present for place in found(paths, ignore_missing=True).places] == [False, True]


@pytest.mark.parametrize("number, words", [
    (errno.EACCES, "is not writable; give the user"), (errno.ENOSPC, "is on a full filesystem; make some room"),
    (errno.EIO, "cannot be used: Input/output error; look into"),
])
def test_each_failure_says_how_to_mend_it(number: int, words: str) -> None:
    error = unusable(Path("/data"), OSError(number, os.strerror(number)))
    assert f"data directory /data {words}" in str(error)


@pytest.mark.parametrize("renamed", [0, 1, 2])
def test_a_first_start_that_was_cut_is_taken_up_again(tmp_path: Path, renamed: int) -> None:
    paths = folders(tmp_path, 3)
    layout = found(paths)
    for path in paths[renamed:]:
        (path / IDENTITY).rename(path / FORMING)
    again = found(paths)
    assert again == layout or renamed == 0
    assert len(again.places) == 3
    assert all((path / IDENTITY).exists() for path in paths)


def test_keys_on_a_missing_volume_are_unavailable_and_not_absent(tmp_path: Path) -> None:
    paths = folders(tmp_path, 3)
    clock = Clock()
    keys = [f"key{number}" for number in range(60)]
    with opened(paths, clock=clock) as store:
        bucket = store.buckets.create("bucket", owner="me")
        for key in keys:
            store.objects.put(bucket, key, BytesPayload(key.encode()), ATTRIBUTES)
        places = {key: store.partitions.of(b"o" + bucket.id.to_bytes(8, "big") + key.encode()).path for key in keys}
    assert set(places.values()) == set(paths)
    for missing in paths:
        rest = [path for path in paths if path != missing]
        with claim(rest, ignore_missing=True) as held, Store(held.layout, Options(reserve=0), clock=clock) as store:
            bucket = store.buckets.get("bucket")
            for key in keys:
                if places[key] == missing:
                    with pytest.raises(VolumeFailed) as failed:
                        store.objects.head(bucket, key)
                    assert failed.value.volume == missing
                else:
                    assert store.objects.head(bucket, key).size == len(key)
            for refused in (
                lambda: store.objects.list(bucket),
                lambda: store.buckets.delete(bucket),
                lambda: store.buckets.create("another", owner="me"),
            ):
                with pytest.raises(VolumeFailed):
                    refused()
    with opened(paths, clock=clock) as store:
        assert [key for key, _ in store.objects.list(store.buckets.get("bucket")).entries] == sorted(keys)
