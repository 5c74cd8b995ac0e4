"""Appending to objects piece by piece."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
import xxhash

from storage.appends import LENT
from storage.completion import PartRef
from storage.errors import Conflict, IncompleteBody, InvalidHandle, NoSuchBucket, NoSuchKey
from storage.keys import APPENDS, after_prefix
from storage.payload import BytesPayload
from storage.records import ObjectRecord
from storage.sweep import ABANDONED, sweep
from storage.tail import Tail
from tests.storage.conftest import ATTRIBUTES, INLINE, World


def append(world: World, handle: str, data: bytes, key: str = "key") -> str:
    return world.store.appends.append(world.bucket, key, handle, BytesPayload(data))


def flush(world: World, handle: str, key: str = "key") -> ObjectRecord:
    return world.store.appends.flush(world.bucket, key, handle, ATTRIBUTES)


def appends(world: World) -> list[bytes]:
    return [
        key for volume in world.store.partitions.present
        for key, _ in volume.index.scan(APPENDS, after_prefix(APPENDS))
    ]


class Broken(BytesPayload):
    """A payload that announces more than comes."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.size = len(data) + 1


@pytest.mark.parametrize("sizes", [(3, 4), (1000, 1, 5000), (0, 7), (0,)], ids=str)
def test_pieces_become_an_object_when_flushed_and_not_before(world: World, sizes: tuple[int, ...]) -> None:
    handle, whole = "", b""
    for size in sizes:
        piece = os.urandom(size)
        handle, whole = append(world, handle, piece), whole + piece
        with pytest.raises(NoSuchKey):
            world.store.objects.head(world.bucket, "key")
    record = flush(world, handle)
    assert world.read("key") == whole
    assert record.size == len(whole)
    assert record.checksum == f"xxhash2:{xxhash.xxh64_hexdigest(whole)}"
    if len(whole) <= INLINE:
        assert record.etag == hashlib.md5(whole).hexdigest()
        assert world.files() == []
    else:
        assert record.etag.endswith(f"-{len(sizes)}")
        assert len(world.files()) == 1
    assert not appends(world)


@pytest.mark.parametrize("size", [50, 500])
def test_readers_see_the_old_content_until_the_flush(world: World, size: int) -> None:
    before = os.urandom(size)
    world.put("key", before)
    handle = append(world, "", b"x" * 200)
    assert world.read("key") == before
    handle = append(world, handle, b"y" * 200)
    assert world.read("key") == before
    flush(world, handle)
    assert world.read("key") == before + b"x" * 200 + b"y" * 200
    assert len(world.files()) == 1


def test_large_files_of_the_object_are_linked(world: World) -> None:
    large = os.urandom(LENT)
    world.put("key", large)
    inodes = {path.stat().st_ino for path in world.files()}
    record = flush(world, append(world, "", b"end"))
    assert [blob.size for blob in record.blobs] == [LENT, 3]
    record = flush(world, append(world, "", b" and more"))
    assert [blob.size for blob in record.blobs] == [LENT, 12]
    assert world.read("key") == large + b"end and more"
    assert inodes <= {path.stat().st_ino for path in world.files()}
    assert len(world.files()) == 2
    assert record.checksum == f"xxhash2:{xxhash.xxh64_hexdigest(large + b'end and more')}"


def test_piece_sent_twice_counts_once(world: World) -> None:
    first = append(world, "", b"a" * 200)
    second = append(world, first, b"b" * 200)
    assert append(world, first, b"b" * 200) == second
    flush(world, append(world, second, b"c"))
    assert world.read("key") == b"a" * 200 + b"b" * 200 + b"c"


def test_flush_sent_twice_is_answered_twice(world: World) -> None:
    handle = append(world, "", b"x" * 200)
    record = flush(world, handle)
    world.put("key", b"later")
    assert flush(world, handle).etag == record.etag
    assert world.read("key") == b"later"


def test_handles_that_are_not_the_latest_change_nothing(world: World) -> None:
    first = append(world, "", b"a" * 200)
    second = append(world, first, b"b")
    third = append(world, second, b"c")
    other = append(world, "", b"other", "other")
    for old in (first, f"{third}0", "nonsense", f"{third}-", third.replace("-", ""), other):
        with pytest.raises(InvalidHandle):
            append(world, old, b"different")
        with pytest.raises(InvalidHandle):
            flush(world, old)
    with pytest.raises(InvalidHandle):
        append(world, second, b"d")
    flush(world, third)
    assert world.read("key") == b"a" * 200 + b"bc"
    with pytest.raises(InvalidHandle):
        append(world, third, b"after the flush")


@pytest.mark.parametrize("begun", [False, True])
def test_broken_piece_leaves_no_trace(world: World, begun: bool) -> None:
    handle = append(world, "", b"a" * 200) if begun else ""
    files = world.files()
    with pytest.raises(IncompleteBody):
        world.store.appends.append(world.bucket, "key", handle, Broken(b"b" * 300))
    assert world.files() == files
    if begun:
        flush(world, append(world, handle, b"c"))
        assert world.read("key") == b"a" * 200 + b"c"
        assert world.files()[0].stat().st_size == 201


def test_while_a_piece_is_appended_others_are_refused_and_the_flush_waits(world: World) -> None:
    handle = append(world, "", b"a" * 200)
    (file,) = world.files()
    volume = next(volume for volume in world.store.partitions.present if file.is_relative_to(volume.path))
    with ThreadPoolExecutor(1) as pool, Tail.resume(volume.blobs, file.name, 200):
        with pytest.raises(Conflict):
            append(world, handle, b"b")
        task = pool.submit(flush, world, handle)
        assert not wait([task], timeout=0.3).done
    assert task.result().size == 200
    assert world.read("key") == b"a" * 200


def test_part_files_of_an_upload_are_appended_to(world: World) -> None:
    upload = world.store.uploads.create(world.bucket, "key", ATTRIBUTES)
    pieces = [os.urandom(1000), os.urandom(1000)]
    refs = [PartRef(n, world.part("key", upload.id, n, piece)) for n, piece in enumerate(pieces, 1)]
    world.store.uploads.complete(world.bucket, "key", upload.id, refs)
    record = flush(world, append(world, "", b"end"))
    assert (world.read("key"), record.parts) == (b"".join(pieces) + b"end", ())


def test_append_that_nobody_goes_on_with_is_swept_away(world: World) -> None:
    world.put("key", os.urandom(LENT))
    left, kept = append(world, "", b"left"), append(world, "", b"x" * 200, "kept")
    before = world.files()
    for _ in sweep(world.store, before=2**62, clock=world.clock):
        pass
    assert world.files() == before
    world.clock.now += ABANDONED // 2
    kept = append(world, kept, b"y", "kept")
    world.clock.now += ABANDONED // 2 + 1
    for _ in sweep(world.store, before=2**62, clock=world.clock):
        pass
    assert len(world.files()) == 2
    with pytest.raises(InvalidHandle):
        append(world, left, b"more")
    flush(world, kept, "kept")
    assert world.read("kept") == b"x" * 200 + b"y"


def test_deleted_bucket_takes_its_appends_along(world: World) -> None:
    handle = append(world, "", b"x" * 200)
    world.store.buckets.delete(world.bucket)
    assert world.files() == []
    with pytest.raises((InvalidHandle, NoSuchBucket)):
        append(world, handle, b"y")
    with pytest.raises(NoSuchBucket):
        append(world, "", b"y")
    assert world.files() == []
