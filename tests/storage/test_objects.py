"""Objects: whole or not at all, and what a reader has opened stays what it was."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping

import pytest

from storage.attributes import Attributes
from storage.checksums import digest
from storage.completion import PartRef
from storage.conditions import ALWAYS, Conditions
from storage.content import Segments, Span
from storage.errors import (
    Conflict, Corrupt, IncompleteBody, MissingForMatch, NoSuchBucket, NoSuchKey, NotModified, PreconditionFailed,
)
from storage.payload import BytesPayload, encoded
from storage.source import VERY_MANY, SourcePayload
from tests.storage.conftest import ATTRIBUTES, INLINE, PART, World

SIZES = [0, 1, 99, 100, 101, 5000, 700_000, 2_000_003]


class Refusing(BytesPayload):
    """A payload whose checks fail once everything was read."""

    def verify(self, digests: Mapping[str, bytes]) -> Mapping[str, str]:
        raise ValueError("the digest is wrong")


class Unannounced(BytesPayload):
    """A payload whose size nobody knows before its end, given in small pieces."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.size = None

    def readinto(self, buffer: memoryview, /) -> int:
        return super().readinto(buffer[:777])


class Short(BytesPayload):
    """A payload that ends before the size that it announced."""

    def __init__(self, data: bytes, *, announced: int) -> None:
        super().__init__(data)
        self.size = announced


@pytest.mark.parametrize("size", SIZES)
def test_what_was_put_is_read_back_with_its_attributes(world: World, size: int) -> None:
    data = os.urandom(size)
    stored = world.put("a/key", data)
    assert world.read("a/key") == data
    record = world.store.objects.head(world.bucket, "a/key")
    assert record == stored
    assert (record.size, record.etag) == (size, hashlib.md5(data).hexdigest())
    assert (record.owner, record.content, record.metadata, record.tags) == (
        "owner-id", {"content-type": "text/plain"}, {"colour": "blue"}, (("k", "v"),)
    )
    assert len(world.files()) == (size > 100)


@pytest.mark.parametrize("size", SIZES)
def test_a_payload_of_unknown_size_is_stored_like_any_other(world: World, size: int) -> None:
    data = os.urandom(size)
    assert world.store.objects.put(world.bucket, "key", Unannounced(data), ATTRIBUTES).size == size
    assert world.read("key") == data
    assert len(world.files()) == (size > 100)


@pytest.mark.parametrize("size", [50, 5000])
def test_checksums_that_the_payload_asks_for_are_computed_and_stored(world: World, size: int) -> None:
    data = os.urandom(size)
    names = frozenset(("crc64nvme", "sha256"))
    record = world.store.objects.put(world.bucket, "key", BytesPayload(data, algorithms=names), ATTRIBUTES)
    assert record.checksums == encoded({name: digest(name, data) for name in names}, names)
    assert world.store.objects.head(world.bucket, "key").checksums == record.checksums


@pytest.mark.parametrize("size", [50, 5000, 2_000_000])
def test_put_whose_payload_is_refused_changes_nothing(world: World, size: int) -> None:
    world.put("key", b"before")
    with pytest.raises(ValueError, match="wrong"):
        world.store.objects.put(world.bucket, "key", Refusing(os.urandom(size)), ATTRIBUTES)
    with pytest.raises(IncompleteBody):
        world.store.objects.put(world.bucket, "key", Short(os.urandom(size), announced=size + 1), ATTRIBUTES)
    with pytest.raises(IncompleteBody):
        world.store.objects.put(world.bucket, "key", Short(os.urandom(size), announced=size - 1), ATTRIBUTES)
    assert world.read("key") == b"before"
    assert world.files() == []


def test_an_overwrite_replaces_everything_and_leaves_no_file(world: World) -> None:
    world.put("key", os.urandom(5000))
    world.store.objects.put(world.bucket, "key", BytesPayload(b"x" * 6000), Attributes("another"))
    record = world.store.objects.head(world.bucket, "key")
    assert (record.owner, record.metadata, record.tags, record.size) == ("another", {}, (), 6000)
    assert len(world.files()) == 1
    world.put("key", b"small")
    assert world.files() == []


@pytest.mark.parametrize("size", [50, 5000])
def test_a_deleted_object_is_gone_with_its_file(world: World, size: int) -> None:
    stored = world.put("key", os.urandom(size))
    assert world.store.objects.delete(world.bucket, "key") == stored
    assert world.store.objects.delete(world.bucket, "key") is None
    with pytest.raises(NoSuchKey):
        world.store.objects.head(world.bucket, "key")
    with pytest.raises(NoSuchKey):
        world.store.objects.open(world.bucket, "key")
    assert world.files() == []


@pytest.mark.parametrize("size", [50, 700_000])
def test_a_reader_keeps_its_version_while_the_key_is_overwritten_and_deleted(world: World, size: int) -> None:
    data = os.urandom(size)
    world.put("key", data)
    source = world.store.objects.open(world.bucket, "key")
    world.put("key", os.urandom(size))
    world.store.objects.delete(world.bucket, "key")
    content = source.content()
    source.close()
    assert b"".join((content,) if isinstance(content, bytes) else content) == data
    if isinstance(content, Segments):
        content.close()


@pytest.mark.parametrize("size", [50, 5000])
def test_a_span_is_exactly_its_bytes(world: World, size: int) -> None:
    data = os.urandom(size)
    world.put("key", data)
    for span in (Span(0, 1), Span(7, 30), Span(size - 1, size), Span(0, size), Span(3, 3)):
        with world.store.objects.open(world.bucket, "key") as source:
            content = source.content(span)
        if isinstance(content, Segments):
            with content:
                assert content.size == span.size
                assert b"".join(content) == data[span.start:span.stop]
        else:
            assert content == data[span.start:span.stop]


def test_keys_of_any_utf8_are_kept_as_they_are(world: World) -> None:
    keys = ["a", "a/", "a//", "/", "/a", ".", "..", "a/../b", "é", "\u65e5\u672c", "\x00", "a\x00b", "+ %20"]
    keys += ["\U0001f600", "k" * 1024]
    for key in keys:
        world.put(key, key.encode())
    assert [world.read(key) for key in keys] == [key.encode() for key in keys]
    assert world.keys() == sorted(keys, key=str.encode)


def test_a_missing_file_is_reported_as_corruption_and_not_as_absence(world: World) -> None:
    world.put("key", os.urandom(5000))
    world.files()[0].unlink()
    with pytest.raises(Corrupt):
        world.store.objects.open(world.bucket, "key")


def test_put_into_a_deleted_bucket_stores_nothing(world: World) -> None:
    world.store.buckets.delete(world.bucket)
    for size in (50, 5000):
        with pytest.raises(NoSuchBucket):
            world.put("key", os.urandom(size))
    assert world.files() == []


def test_a_write_is_let_through_by_its_conditions_or_leaves_the_old_object(world: World) -> None:
    absent, present = Conditions(if_none_match=("*",)), Conditions(if_match=("*",))
    with pytest.raises(MissingForMatch):
        world.put("key", b"a", given=present)
    etag = world.put("key", b"a", given=absent).etag
    for size in (50, 5000):
        for given in (absent, Conditions(if_none_match=(etag,)), Conditions(if_match=("0" * 32,))):
            with pytest.raises(PreconditionFailed):
                world.put("key", os.urandom(size), given=given)
    assert world.read("key") == b"a"
    assert world.files() == []
    world.put("key", b"b", given=Conditions(if_match=("0" * 32, etag)))
    assert world.read("key") == b"b"


def test_a_condition_is_asked_again_when_the_payload_has_been_read(world: World) -> None:
    class Overtaken(BytesPayload):
        def verify(self, digests: Mapping[str, bytes]) -> Mapping[str, str]:
            world.put("key", b"first")
            return super().verify(digests)

    for size in (50, 5000):
        with pytest.raises(PreconditionFailed):
            world.store.objects.put(
                world.bucket, "key", Overtaken(os.urandom(size)), ATTRIBUTES, given=Conditions(if_none_match=("*",))
            )
        assert world.read("key") == b"first"
        world.store.objects.delete(world.bucket, "key")
    assert world.files() == []


def test_a_read_whose_condition_fails_is_refused(world: World) -> None:
    record = world.put("key", b"a")
    with pytest.raises(NotModified):
        world.store.objects.open(world.bucket, "key", Conditions(if_none_match=(record.etag,)))
    with pytest.raises(PreconditionFailed):
        world.store.objects.head(world.bucket, "key", given=Conditions(if_match=("0" * 32,)))


def test_a_conditional_delete_spares_what_it_does_not_mean(world: World) -> None:
    record = world.put("key", b"abc")
    second = 1_000_000_000
    for given in (
        Conditions(if_match=("0" * 32,)), Conditions(if_size=4), Conditions(if_last_modified=record.modified - second)
    ):
        with pytest.raises(PreconditionFailed):
            world.store.objects.delete(world.bucket, "key", given=given)
    exact = Conditions(if_match=(record.etag,), if_size=3, if_last_modified=record.modified // second * second)
    assert world.store.objects.delete(world.bucket, "key", given=exact) == record
    assert world.store.objects.delete(world.bucket, "key", given=exact) is None


def test_deleting_many_says_of_each_what_became_of_it(world: World) -> None:
    for number in range(30):
        world.put(f"key{number}", os.urandom(50 if number % 2 else 5000))
    items = [(f"key{number}", ALWAYS) for number in range(0, 30, 3)]
    items += [("missing", ALWAYS), ("key1", Conditions(if_size=1)), ("key2", Conditions(if_size=5000))]
    outcomes = world.store.objects.delete_many(world.bucket, items)
    assert [type(outcome).__name__ for outcome in outcomes] == [
        *["ObjectRecord"] * 10, "NoneType", "PreconditionFailed", "ObjectRecord"
    ]
    gone = {key for (key, _), outcome in zip(items, outcomes) if type(outcome).__name__ == "ObjectRecord"}
    assert set(world.keys()) == {f"key{number}" for number in range(30)} - gone
    assert len(world.files()) == sum(int(key[3:]) % 2 == 0 for key in world.keys())


@pytest.mark.parametrize("size", [0, 50, 5000])
def test_a_copy_outlives_its_source_and_has_its_own_attributes(world: World, size: int) -> None:
    data = os.urandom(size)
    world.put("source", data)
    with world.store.objects.open(world.bucket, "source") as source:
        copy = world.store.objects.copy(source, world.bucket, "copy", Attributes("another"))
    assert (copy.owner, copy.metadata, copy.etag) == ("another", {}, hashlib.md5(data).hexdigest())
    world.store.objects.delete(world.bucket, "source")
    assert world.read("copy") == data
    world.store.objects.delete(world.bucket, "copy")
    assert world.files() == []


def test_copies_onto_the_source_itself_keep_its_bytes(world: World) -> None:
    data = os.urandom(5000)
    world.put("key", data)
    for _ in range(3):
        with world.store.objects.open(world.bucket, "key") as source:
            world.store.objects.copy(source, world.bucket, "key", ATTRIBUTES)
    assert world.read("key") == data
    assert len(world.files()) == 1


def test_a_source_deleted_while_it_is_copied_is_copied_whole(world: World) -> None:
    data = os.urandom(700_000)
    world.put("source", data)
    with world.store.objects.open(world.bucket, "source") as source:
        world.store.objects.delete(world.bucket, "source")
        world.store.objects.copy(source, world.bucket, "copy", ATTRIBUTES)
    assert world.read("copy") == data


def test_a_copy_of_a_completed_upload_keeps_its_parts(world: World) -> None:
    upload = world.store.uploads.create(world.bucket, "source", ATTRIBUTES)
    pieces = [os.urandom(PART), os.urandom(PART + 1), b"end"]
    refs = [
        PartRef(number, world.part("source", upload.id, number, piece)) for number, piece in enumerate(pieces, start=1)
    ]
    made = world.store.uploads.complete(world.bucket, "source", upload.id, refs)
    with world.store.objects.open(world.bucket, "source") as source:
        copy = world.store.objects.copy(source, world.bucket, "copy", ATTRIBUTES)
    assert (copy.etag, copy.parts, copy.checksums) == (made.etag, made.parts, made.checksums)
    world.store.objects.delete(world.bucket, "source")
    assert world.read("copy") == b"".join(pieces)


def test_a_refused_copy_leaves_nothing(world: World) -> None:
    world.put("source", os.urandom(5000))
    world.put("key", b"before")
    with world.store.objects.open(world.bucket, "source") as source, pytest.raises(PreconditionFailed):
        world.store.objects.copy(
            source, world.bucket, "key", ATTRIBUTES, given=Conditions(if_none_match=("*",))
        )
    assert world.read("key") == b"before"
    assert len(world.files()) == 1


def many_parts(world: World) -> bytes:
    """An object of so many parts that their files are opened late."""
    upload = world.store.uploads.create(world.bucket, "key", ATTRIBUTES)
    pieces = [os.urandom(PART + number) for number in range(VERY_MANY + 6)]
    etags = [world.part("key", upload.id, number, piece) for number, piece in enumerate(pieces, start=1)]
    refs = [PartRef(number, etag) for number, etag in enumerate(etags, start=1)]
    world.store.uploads.complete(world.bucket, "key", upload.id, refs)
    return b"".join(pieces)


def test_of_an_object_of_very_many_parts_only_the_files_wanted_are_opened(world: World) -> None:
    data = many_parts(world)
    assert world.read("key") == data
    for start, stop in ((0, 1), (0, PART), (PART - 1, PART + 1), (5000, 20_000), (len(data) - 1, len(data))):
        span = Span(start, stop)
        with world.store.objects.open(world.bucket, "key") as source:
            content = source.content(span)
        assert isinstance(content, Segments)
        with content:
            assert len({item.fd for item in content.items}) <= 2 + span.size // PART
            assert b"".join(content) == data[span.start:span.stop]
    with world.store.objects.open(world.bucket, "key") as source:
        world.store.objects.copy(source, world.bucket, "copy", ATTRIBUTES)
    world.store.objects.delete(world.bucket, "key")
    assert world.read("copy") == data


def test_an_object_of_very_many_parts_that_was_overwritten_before_it_is_read_is_a_conflict(world: World) -> None:
    many_parts(world)
    with world.store.objects.open(world.bucket, "key") as source:
        world.put("key", b"new")
        with pytest.raises(Conflict):
            source.content()
    many_parts(world)
    for path in world.files():
        path.unlink()
    with world.store.objects.open(world.bucket, "key") as source, pytest.raises(Corrupt):
        source.content(Span(0, 1))


class Streamed:
    """A source that is computed while it is read, as a transform's answer is."""

    size = None

    def __init__(self, world: World, pieces: list[bytes], *, fails: bool = False) -> None:
        self.record = world.put("streamed", b"shown to the reader")
        self._pieces = pieces
        self._fails = fails

    def content(self, span: Span | None = None):  # type: ignore[no-untyped-def]
        yield from self._pieces
        if self._fails:
            raise RuntimeError("half-way")

    def close(self) -> None:
        pass


@pytest.mark.parametrize("pieces", [[], [b"small"], [b"a" * 70_000] * 9, [b"", b"x" * 1_500_000, b""]])
def test_a_streaming_source_is_stored_as_if_it_had_been_put(world: World, pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    record = world.store.objects.copy(Streamed(world, pieces), world.bucket, "copy", ATTRIBUTES)
    assert (record.size, record.etag) == (len(data), hashlib.md5(data).hexdigest())
    assert record.checksums == encoded({"crc64nvme": digest("crc64nvme", data)}, frozenset(("crc64nvme",)))
    assert world.read("copy") == data


def test_a_source_that_fails_half_way_stores_nothing(world: World) -> None:
    for pieces in ([b"small"], [b"a" * 70_000] * 20):
        with pytest.raises(RuntimeError, match="half-way"):
            world.store.objects.copy(Streamed(world, pieces, fails=True), world.bucket, "copy", ATTRIBUTES)
    assert world.keys() == ["streamed"]
    assert world.files() == []


def test_a_source_that_announces_another_size_than_it_has_is_refused() -> None:
    payload = SourcePayload(b"abc", size=4, algorithms=frozenset())
    buffer = memoryview(bytearray(10))
    assert payload.readinto(buffer) == 3
    with pytest.raises(IncompleteBody):
        payload.readinto(buffer)


@pytest.mark.parametrize("size", [50, 500])
def test_renamed_object_keeps_everything_but_its_name(world: World, size: int) -> None:
    for number in range(8):  # on one volume or on two
        world.put("old", os.urandom(size))
        before, data = world.store.objects.head(world.bucket, "old"), world.read("old")
        world.put(f"new{number}", os.urandom(500))
        world.store.objects.rename(world.bucket, "old", f"new{number}")
        after = world.store.objects.head(world.bucket, f"new{number}")
        assert world.read(f"new{number}") == data
        assert (after.etag, after.metadata, after.content, after.tags) == (
            before.etag, before.metadata, before.content, before.tags
        )
        with pytest.raises(NoSuchKey):
            world.store.objects.head(world.bucket, "old")
    assert len(world.files()) == (8 if size > INLINE else 0)
    with pytest.raises(NoSuchKey):
        world.store.objects.rename(world.bucket, "old", "new")
