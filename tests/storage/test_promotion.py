"""Files made into objects: which ones, and never through a link."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.layout import claim
from storage.promotion import InvalidSource, NoSuchSource, Promoter, Root, Wishes
from storage.records import Bucket
from storage.store import Options, Store

PLAIN = Wishes(overwrite=False, delete=False)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with claim([tmp_path / "data"]) as held, Store(held.layout, Options(reserve=0)) as opened:
        yield opened


@pytest.fixture
def bucket(store: Store) -> Bucket:
    return store.buckets.create("files", owner="root")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """root/{a.txt,a/{b,z/c},link,pipe} and a secret beside the root."""
    root = tmp_path / "root"
    (root / "a" / "z").mkdir(parents=True)
    for path in ("a.txt", "a/b", "a/z/c"):
        (root / path).write_text(path)
    (tmp_path / "secret").write_text("secret")
    (root / "link").symlink_to(tmp_path / "secret")
    (root / "folder").symlink_to(tmp_path)
    os.mkfifo(root / "pipe")
    (root / os.fsdecode(b"not-\xff-text")).write_text("x")
    return root


@pytest.fixture
def promoter(store: Store, folder: Path) -> Promoter:
    return Promoter(Root(folder), store.objects)


def content(store: Store, bucket: Bucket, key: str) -> bytes:
    with store.objects.open(bucket, key) as source:
        found = source.content()
        with found if not isinstance(found, bytes) else source:
            return b"".join([found] if isinstance(found, bytes) else found)


def test_plain_files_are_walked_in_the_order_of_their_paths(promoter: Promoter, folder: Path) -> None:
    assert list(promoter.root.files(str(folder), deep=True)) == ["a.txt", "a/b", "a/z/c"]
    assert list(promoter.root.files(f"{folder}/", deep=False)) == ["a.txt"]
    assert list(promoter.root.files(str(folder / "a"), deep=True)) == ["b", "z/c"]


def test_a_file_becomes_an_object_and_stays_unless_told_otherwise(
    promoter: Promoter, store: Store, bucket: Bucket, folder: Path
) -> None:
    assert promoter.promote(str(folder / "a/b"), bucket, "k", "root", PLAIN) == 3
    assert content(store, bucket, "k") == b"a/b"
    assert promoter.promote(str(folder / "a.txt"), bucket, "k", "root", Wishes(overwrite=False, delete=True)) is None
    assert content(store, bucket, "k") == b"a/b"
    assert promoter.promote(str(folder / "a.txt"), bucket, "k", "root", Wishes(overwrite=True, delete=True)) == 5
    assert content(store, bucket, "k") == b"a.txt"
    assert (folder / "a/b").exists()
    assert not (folder / "a.txt").exists()


def test_a_large_file_becomes_an_object(promoter: Promoter, store: Store, bucket: Bucket, folder: Path) -> None:
    data = os.urandom(3_000_001)
    (folder / "large").write_bytes(data)
    promoter.promote(str(folder / "large"), bucket, "large", "root", PLAIN)
    assert content(store, bucket, "large") == data


NO_FILES = ["link", "folder/secret", "folder", "pipe", "a/../../secret", "a", "../secret", "a.txt/x"]


@pytest.mark.parametrize("path", NO_FILES)
def test_what_is_no_plain_file_below_the_root_is_refused(
    promoter: Promoter, store: Store, bucket: Bucket, folder: Path, path: str
) -> None:
    with pytest.raises(InvalidSource):
        promoter.promote(f"{folder}/{path}", bucket, "k", "root", PLAIN)
    assert store.objects.list(bucket).entries == []


def test_what_is_not_there_is_told_apart(promoter: Promoter, bucket: Bucket, folder: Path) -> None:
    with pytest.raises(NoSuchSource):
        promoter.root.is_folder(f"{folder}/nowhere")
    with pytest.raises(NoSuchSource):
        Promoter(Root(folder / "gone"), promoter.objects).root.is_folder(f"{folder}/gone/x")
    with pytest.raises(InvalidSource, match="must be under"):
        promoter.root.is_folder("a.txt")
    assert promoter.root.is_folder(str(folder))
    assert not promoter.root.is_folder(str(folder / "a.txt"))
