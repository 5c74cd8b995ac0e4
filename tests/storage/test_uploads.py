"""Multipart uploads, from their creation to the object made of them."""

from __future__ import annotations

import hashlib
import os
from base64 import b64decode, b64encode
from collections.abc import Mapping

import pytest

from storage.checksums import digest
from storage.completion import PartRef
from storage.conditions import Conditions
from storage.content import Segments, Span
from storage.errors import (
    ChecksumMismatch, InvalidPart, InvalidPartOrder, NoSuchBucket, NoSuchKey, NoSuchUpload, PartTooSmall,
    PreconditionFailed, SizeMismatch,
)
from storage.payload import BytesPayload
from storage.sweep import sweep
from storage.uploads import REMEMBERED
from tests.storage.conftest import ATTRIBUTES, PART, World


def begin(world: World, key: str = "key", **options: str) -> str:
    return world.store.uploads.create(world.bucket, key, ATTRIBUTES, **options).id


def upload(world: World, pieces: list[bytes], *algorithms: str, **options: str) -> tuple[str, list[PartRef]]:
    """An upload of the pieces, not completed."""
    upload_id = begin(world, **options)
    etags = [world.part("key", upload_id, number, piece, *algorithms) for number, piece in enumerate(pieces, start=1)]
    return upload_id, [PartRef(number, etag) for number, etag in enumerate(etags, start=1)]


def test_the_parts_become_the_object_in_order(world: World) -> None:
    pieces = [os.urandom(PART + number) for number in range(5)] + [b"end"]
    upload_id, refs = upload(world, pieces)
    with pytest.raises(NoSuchKey):
        world.store.objects.head(world.bucket, "key")
    assert world.keys() == []
    record = world.store.uploads.complete(world.bucket, "key", upload_id, refs)
    assert world.read("key") == b"".join(pieces)
    assert record.size == sum(map(len, pieces))
    assert record.etag == hashlib.md5(b"".join(hashlib.md5(piece).digest() for piece in pieces)).hexdigest() + "-6"
    assert (record.content, record.metadata, record.tags) == (
        {"content-type": "text/plain"}, {"colour": "blue"}, (("k", "v"),)
    )
    assert [(part.number, part.size) for part in record.parts] == list(enumerate(map(len, pieces), start=1))
    assert world.store.objects.head(world.bucket, "key") == record
    assert len(world.files()) == 6


def test_a_span_may_cross_parts(world: World) -> None:
    pieces = [os.urandom(PART), os.urandom(PART), b"end"]
    upload_id, refs = upload(world, pieces)
    world.store.uploads.complete(world.bucket, "key", upload_id, refs)
    whole = b"".join(pieces)
    for span in (Span(PART - 3, PART + 3), Span(PART, 2 * PART), Span(5, len(whole)), Span(2 * PART + 1, 2 * PART + 2)):
        with world.store.objects.open(world.bucket, "key") as source:
            content = source.content(span)
        assert isinstance(content, Segments)
        with content:
            assert b"".join(content) == whole[span.start:span.stop]


def test_numbers_may_have_gaps_and_parts_left_out_are_dropped(world: World) -> None:
    upload_id = begin(world)
    etags = {number: world.part("key", upload_id, number, os.urandom(PART)) for number in (1, 7, 500, 10_000)}
    refs = [PartRef(number, etags[number]) for number in (7, 10_000)]
    record = world.store.uploads.complete(world.bucket, "key", upload_id, refs)
    assert [part.number for part in record.parts] == [7, 10_000]
    assert len(world.files()) == 2


def test_a_part_uploaded_again_replaces_the_one_before(world: World) -> None:
    upload_id = begin(world)
    old = world.part("key", upload_id, 1, os.urandom(PART))
    new = world.part("key", upload_id, 1, b"new")
    assert len(world.files()) == 1
    with pytest.raises(InvalidPart):
        world.store.uploads.complete(world.bucket, "key", upload_id, [PartRef(1, old)])
    world.store.uploads.complete(world.bucket, "key", upload_id, [PartRef(1, new)])
    assert world.read("key") == b"new"


def test_a_single_empty_part_makes_an_empty_object(world: World) -> None:
    upload_id, refs = upload(world, [b""])
    record = world.store.uploads.complete(world.bucket, "key", upload_id, refs)
    assert (record.size, record.etag[-2:], world.read("key"), world.files()) == (0, "-1", b"", [])


def test_a_list_of_parts_that_is_wrong_leaves_the_upload_as_it_was(world: World) -> None:
    upload_id, refs = upload(world, [os.urandom(PART), b"too small", os.urandom(PART)], "sha256")
    world.put("key", b"before")
    complete = world.store.uploads.complete
    first, small, last = refs
    attempts: list[tuple[type[Exception], list[PartRef]]] = [
        (InvalidPart, []),
        (InvalidPart, [first, PartRef(4, last.etag)]),
        (InvalidPart, [PartRef(1, last.etag)]),
        (InvalidPart, [PartRef(1, first.etag, {"sha256": "wrong"}), last]),
        (InvalidPartOrder, [last, first]),
        (InvalidPartOrder, [first, first]),
        (PartTooSmall, refs),
    ]
    for error, wrong in attempts:
        with pytest.raises(error):
            complete(world.bucket, "key", upload_id, wrong)
    with pytest.raises(SizeMismatch):
        complete(world.bucket, "key", upload_id, [first, last], size=1)
    with pytest.raises(PreconditionFailed):
        complete(world.bucket, "key", upload_id, [first, last], given=Conditions(if_none_match=("*",)))
    assert world.read("key") == b"before"
    assert complete(world.bucket, "key", upload_id, [first, last], size=2 * PART).size == 2 * PART


def test_part_too_small_says_which_and_how_small(world: World) -> None:
    upload_id, refs = upload(world, [b"tiny", b"end"])
    with pytest.raises(PartTooSmall) as refused:
        world.store.uploads.complete(world.bucket, "key", upload_id, refs)
    error = refused.value
    assert (error.number, error.size, error.minimum, error.etag) == (1, 4, PART, refs[0].etag)


def test_the_same_completion_sent_again_is_answered_the_same(world: World) -> None:
    upload_id, refs = upload(world, [os.urandom(PART), b"end"])
    complete = world.store.uploads.complete
    record = complete(world.bucket, "key", upload_id, refs)
    world.put("key", b"overwritten since")
    again = complete(world.bucket, "key", upload_id, refs, given=Conditions(if_none_match=("*",)))
    assert (again.etag, again.size, again.modified) == (record.etag, record.size, record.modified)
    assert world.read("key") == b"overwritten since"
    with pytest.raises(NoSuchUpload):
        complete(world.bucket, "key", upload_id, refs[1:])
    world.clock.now += REMEMBERED
    with pytest.raises(NoSuchUpload):
        complete(world.bucket, "key", upload_id, refs)


def test_an_aborted_upload_leaves_nothing(world: World) -> None:
    upload_id, refs = upload(world, [os.urandom(PART), os.urandom(PART)])
    world.store.uploads.abort(world.bucket, "key", upload_id)
    assert world.files() == []
    assert list(sweep(world.store, before=world.clock(), clock=world.clock))
    calls = (
        lambda: world.store.uploads.abort(world.bucket, "key", upload_id),
        lambda: world.store.uploads.get(world.bucket, "key", upload_id),
        lambda: world.store.uploads.parts(world.bucket, "key", upload_id),
        lambda: world.store.uploads.complete(world.bucket, "key", upload_id, refs),
        lambda: world.part("key", upload_id, 1, b"late"),
    )
    for call in calls:
        with pytest.raises(NoSuchUpload):
            call()


def test_an_upload_belongs_to_its_key_and_strange_ids_are_unknown(world: World) -> None:
    upload_id = begin(world, "key")
    for key, strange in (("other", upload_id), ("key", ""), ("key", "x"), ("key", "é" * 32), ("key", "0" * 32)):
        with pytest.raises(NoSuchUpload):
            world.store.uploads.get(world.bucket, key, strange)


@pytest.mark.parametrize("size", [0, 50, 700_000])
def test_a_part_whose_upload_ends_meanwhile_is_not_stored(world: World, size: int) -> None:
    upload_id = begin(world)

    class Overtaken(BytesPayload):
        def verify(self, digests: Mapping[str, bytes]) -> Mapping[str, str]:
            world.store.uploads.abort(world.bucket, "key", upload_id)
            return super().verify(digests)

    with pytest.raises(NoSuchUpload):
        world.store.uploads.put_part(world.bucket, "key", upload_id, 1, Overtaken(os.urandom(size)))
    assert world.files() == []


def test_uploads_of_a_deleted_bucket_are_refused(world: World) -> None:
    upload_id = begin(world)
    world.store.buckets.delete(world.bucket)
    with pytest.raises(NoSuchBucket):
        begin(world)
    with pytest.raises(NoSuchUpload):
        world.part("key", upload_id, 1, b"late")


def test_parts_are_listed_by_number_in_pages(world: World) -> None:
    upload_id = begin(world)
    for number in (3, 1, 300, 2):
        world.part("key", upload_id, number, b"x" * number)
    parts, more = world.store.uploads.parts(world.bucket, "key", upload_id)
    assert ([(part.number, part.size) for part in parts], more) == ([(1, 1), (2, 2), (3, 3), (300, 300)], False)
    parts, more = world.store.uploads.parts(world.bucket, "key", upload_id, after=1, limit=2)
    assert ([part.number for part in parts], more) == ([2, 3], True)
    parts, more = world.store.uploads.parts(world.bucket, "key", upload_id, after=3, limit=1)
    assert ([part.number for part in parts], more) == ([300], False)
    assert world.store.uploads.parts(world.bucket, "key", upload_id, after=300) == ([], False)


@pytest.mark.parametrize("algorithm", ["crc32", "crc32c", "crc64nvme"])
def test_full_object_checksums_are_combined_from_the_parts(world: World, algorithm: str) -> None:
    pieces = [os.urandom(PART), os.urandom(PART + 9), b"end"]
    upload_id, refs = upload(world, pieces, algorithm, checksum_algorithm=algorithm, checksum_type="FULL_OBJECT")
    value = b64encode(digest(algorithm, b"".join(pieces))).decode()
    with pytest.raises(ChecksumMismatch):
        world.store.uploads.complete(world.bucket, "key", upload_id, refs, checksums={algorithm: "AAAA"})
    record = world.store.uploads.complete(world.bucket, "key", upload_id, refs, checksums={algorithm: value})
    assert (record.checksums, record.checksum_type) == ({algorithm: value}, "FULL_OBJECT")


@pytest.mark.parametrize("algorithm", ["crc32", "sha1", "sha256"])
def test_composite_checksums_are_those_of_the_parts_digests(world: World, algorithm: str) -> None:
    pieces = [os.urandom(PART), b"end"]
    upload_id, refs = upload(world, pieces, algorithm, checksum_algorithm=algorithm)
    value = b64encode(digest(algorithm, b"".join(digest(algorithm, piece) for piece in pieces))).decode()
    record = world.store.uploads.complete(world.bucket, "key", upload_id, refs, checksums={algorithm: value})
    assert (record.checksums, record.checksum_type) == ({algorithm: f"{value}-2"}, "COMPOSITE")
    stored = [b64decode(part.checksums[algorithm]) for part in record.parts]
    assert stored == [digest(algorithm, piece) for piece in pieces]


def test_an_upload_that_named_no_algorithm_gets_the_default_one_when_every_part_has_it(world: World) -> None:
    pieces = [os.urandom(PART), b"end"]
    upload_id, refs = upload(world, pieces, "crc64nvme")
    record = world.store.uploads.complete(world.bucket, "key", upload_id, refs)
    assert record.checksums == {"crc64nvme": b64encode(digest("crc64nvme", b"".join(pieces))).decode()}
    upload_id, refs = upload(world, pieces)
    assert world.store.uploads.complete(world.bucket, "key", upload_id, refs).checksums == {}


def test_a_part_without_the_checksum_that_the_upload_asked_for_is_refused(world: World) -> None:
    upload_id, refs = upload(world, [b"end"], checksum_algorithm="sha256")
    with pytest.raises(InvalidPart):
        world.store.uploads.complete(world.bucket, "key", upload_id, refs)


@pytest.mark.parametrize("span", [None, Span(0, 5000), Span(10, 2000), Span(4999, 5000), Span(0, 0)])
@pytest.mark.parametrize("algorithm", ["", "sha256"])
def test_a_part_may_be_copied_from_a_stored_object(world: World, span: Span | None, algorithm: str) -> None:
    data = os.urandom(5000)
    world.put("source", data)
    upload_id = begin(world, checksum_algorithm=algorithm)
    with world.store.objects.open(world.bucket, "source") as source:
        part = world.store.uploads.copy_part(source, span, world.bucket, "key", upload_id, 1)
    world.store.objects.delete(world.bucket, "source")
    expected = data if span is None else data[span.start:span.stop]
    assert (part.size, part.etag) == (len(expected), hashlib.md5(expected).hexdigest())
    assert part.checksums == ({algorithm: b64encode(digest(algorithm, expected)).decode()} if algorithm else {})
    world.store.uploads.complete(world.bucket, "key", upload_id, [PartRef(1, part.etag)])
    assert world.read("key") == expected


def test_a_part_may_be_copied_from_a_small_object_and_from_a_completed_upload(world: World) -> None:
    pieces = [os.urandom(PART), os.urandom(PART)]
    upload_id, refs = upload(world, pieces)
    world.store.uploads.complete(world.bucket, "key", upload_id, refs)
    world.put("small", b"small")
    upload_id = begin(world)
    copied = []
    for number, name in enumerate(("key", "small"), start=1):
        with world.store.objects.open(world.bucket, name) as source:
            part = world.store.uploads.copy_part(source, None, world.bucket, "key", upload_id, number)
        copied.append(PartRef(number, part.etag))
    assert copied[0].etag == hashlib.md5(b"".join(pieces)).hexdigest()
    world.store.uploads.complete(world.bucket, "key", upload_id, copied)
    assert world.read("key") == b"".join(pieces) + b"small"


def test_uploads_are_listed_by_key_then_initiation(world: World) -> None:
    ids = {(key, number): begin(world, key) for key in ("b", "a", "a\x00z", "a/1", "a/2") for number in range(2)}
    page = world.store.uploads.list(world.bucket)
    assert [(key, upload.id) for key, upload in page.entries] == [
        (key, ids[key, number]) for key in ("a", "a\x00z", "a/1", "a/2", "b") for number in range(2)
    ]
    grouped = world.store.uploads.list(world.bucket, delimiter="/")
    assert ([key for key, _ in grouped.entries], grouped.prefixes) == (["a", "a", "a\x00z", "a\x00z", "b", "b"], ["a/"])
    under = world.store.uploads.list(world.bucket, prefix="a/")
    assert [key for key, _ in under.entries] == ["a/1", "a/1", "a/2", "a/2"]
    assert world.store.uploads.list(world.bucket, limit=0).entries == []


@pytest.mark.parametrize("delimiter", ["", "/"])
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_of_uploads_go_on_where_the_one_before_ended(world: World, delimiter: str, limit: int) -> None:
    for key in ("b", "a", "a\x00z", "a/1", "a/2", "c/", "c/d/e"):
        for _ in range(2):
            begin(world, key)
    whole = world.store.uploads.list(world.bucket, delimiter=delimiter)
    entries, prefixes = [], []
    key_after, upload_after, more = "", "", True
    while more:
        page = world.store.uploads.list(
            world.bucket, delimiter=delimiter, key_after=key_after, upload_after=upload_after, limit=limit
        )
        assert 1 <= len(page.entries) + len(page.prefixes) <= limit
        entries += page.entries
        prefixes += page.prefixes
        key_after, upload_after, more = page.last_key, page.last_upload, page.truncated
    assert (entries, prefixes) == (whole.entries, whole.prefixes)


def test_uploads_after_a_key_alone_leave_out_all_of_that_key(world: World) -> None:
    for key in ("a", "a", "a!", "b"):
        begin(world, key)
    page = world.store.uploads.list(world.bucket, key_after="a")
    assert [key for key, _ in page.entries] == ["a!", "b"]
