"""Objects: put, found, opened, copied and deleted, each atomically."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from msgspec.structs import replace

from storage.attributes import Attributes, kept
from storage.checksums import DEFAULT
from storage.conditions import ALWAYS, Conditions, check_read, check_write
from storage.content import Segments
from storage.errors import Conflict, Corrupt, NoSuchKey, PreconditionFailed, StorageError, VolumeFailed
from storage.intake import Body, Intake
from storage.keys import object_key
from storage.listing import Page, list_objects
from storage.payload import Payload
from storage.properties import checksum_type, validates
from storage.purge import drop, object_blobs
from storage.records import DESCRIBED, LISTED, OBJECT, Blob, Bucket, Listed, ObjectRecord, Part
from storage.reread import copied_checksum, is_intact
from storage.source import VERY_MANY, BlobSource, InlineSource, Source, SourcePayload, close_content
from storage.threads import run
from storage.volume import Partitions, Volume
from storage.writer import Lost, Writer

T = TypeVar("T")

MANY = 32  # files that are opened in a thread
REREADS = 100


class Objects:
    """The objects of every bucket. Changes are durable, and seen by every process, when a call returns."""

    def __init__(
        self, partitions: Partitions, writer: Writer, intake: Intake, *, clock: Callable[[], int]
    ) -> None:
        self._partitions = partitions
        self._writer = writer
        self._intake = intake
        self._clock = clock

    def head(self, bucket: Bucket, key: str, *, given: Conditions = ALWAYS) -> ObjectRecord:
        """The current version; `NoSuchKey`, `NotModified`, `PreconditionFailed`, `VolumeFailed`."""
        raw_key = object_key(bucket.id, key)
        raw = self._partitions.of(raw_key).index.get(raw_key)
        if raw is None:
            raise NoSuchKey(bucket.name, key)
        record = OBJECT.decode(raw)
        if given is not ALWAYS:
            check_read(given, record)
        return record

    def open(self, bucket: Bucket, key: str, given: Conditions = ALWAYS) -> InlineSource | BlobSource:
        """The current version, opened: its bytes stay readable whatever happens to the key. The caller closes it.

        Raises what `head` raises, and `Corrupt` when a file of it is missing or, in a bucket that wants that looked at,
        its bytes are not those that were stored. The content of an object with very many parts raises `Conflict` when
        the key was overwritten before it was asked for.
        """
        record = self.head(bucket, key, given=given)
        if bucket.properties and validates(bucket):
            self._refuse_damaged(bucket, key, record)
        return self._open(bucket, key, given, record) if record.blobs else InlineSource(record)

    def _refuse_damaged(self, bucket: Bucket, key: str, record: ObjectRecord) -> None:
        """`Corrupt` unless the bytes have the checksum that the record keeps."""
        try:
            intact = is_intact(self._partitions.of(object_key(bucket.id, key)), record)
        except FileNotFoundError as error:
            raise Conflict(key) from error
        if not intact:
            raise Corrupt(record.blobs[0].id if record.blobs else key)

    def _open(
        self, bucket: Bucket, key: str, given: Conditions, record: ObjectRecord
    ) -> InlineSource | BlobSource:
        """The version that was found, or a later one when its files are gone by now."""
        for _ in range(REREADS):
            if not record.blobs:
                return InlineSource(record)
            if len(record.blobs) >= VERY_MANY:
                return BlobSource(record, partial(self._open_late, bucket, key, record))
            volume = self._partitions.of(object_key(bucket.id, key))
            try:
                return BlobSource(record, partial(open_blobs, volume))
            except FileNotFoundError:  # replaced since the record was read, unless it still names the same files
                missing = record.blobs
            record = self.head(bucket, key, given=given)
            if record.blobs == missing:
                raise Corrupt(missing[0].id)
        raise Conflict(key)

    def _open_late(self, bucket: Bucket, key: str, record: ObjectRecord, blobs: Sequence[Blob]) -> list[int]:
        """Open files of a record that was read a while ago; `Conflict` when it is not the current one any more."""
        try:
            return open_blobs(self._partitions.of(object_key(bucket.id, key)), blobs)
        except FileNotFoundError as error:
            if self.head(bucket, key).blobs == record.blobs:
                raise Corrupt(str(error.filename)) from error
            raise Conflict(key) from error

    def put(
        self, bucket: Bucket, key: str, payload: Payload, attributes: Attributes, *, given: Conditions = ALWAYS
    ) -> ObjectRecord:
        """Store the payload as the key's current version, whole or not at all, and return what is stored.

        Conditions are asked before the payload is read and again as it becomes visible. Raises what the payload raises,
        `NoSuchBucket`, `PreconditionFailed`, `Conflict`, `IncompleteBody`, `OutOfSpace`, `VolumeFailed`.
        """
        raw_key = object_key(bucket.id, key)
        volume = self._partitions.of(raw_key)
        if given is not ALWAYS:
            check_write(given, self._current(volume, raw_key))
        body = self._intake.receive(payload, volume, checksum_type(bucket))
        return self._commit(bucket, volume, raw_key, made_of(body, attributes, self._clock()), given)

    def copy(
        self, source: Source, bucket: Bucket, key: str, attributes: Attributes, *, given: Conditions = ALWAYS
    ) -> ObjectRecord:
        """Store the source's bytes under the key: by links, in constant time, where the source is a stored object.

        Such a copy keeps ETag, checksums and parts; it is read when its bucket wants one of another type. What is
        computed on the way (a transform) is read to its end and stored as `put` stores it. The source stays the
        caller's. Raises as `put`.
        """
        if isinstance(source, InlineSource | BlobSource):
            return self._copy_stored(source, bucket, key, attributes, given)
        content = source.content()
        payload = SourcePayload(content, size=source.size, algorithms=frozenset((DEFAULT,)))
        try:
            return self.put(bucket, key, payload, attributes, given=given)
        finally:
            close_content(content)

    def delete(self, bucket: Bucket, key: str, *, given: Conditions = ALWAYS) -> ObjectRecord | None:
        """Remove the key with its bytes; the version removed, None when there was none (conditions or not).

        `PreconditionFailed`, `Conflict`, `VolumeFailed`.
        """
        raw_key = object_key(bucket.id, key)
        volume = self._partitions.of(raw_key)
        if volume.index.get(raw_key) is None:
            return None
        if given is ALWAYS:
            (removed,) = volume.index.commit(deletes=(raw_key,))
        else:
            removed = self._writer.delete(bucket, volume, raw_key, given)
        if removed is None:
            return None
        record = OBJECT.decode(removed)
        drop(volume, record.blobs)
        return record

    def delete_many(
        self, bucket: Bucket, items: Sequence[tuple[str, Conditions]]
    ) -> list[ObjectRecord | None | StorageError]:
        """Delete each, in one commit for each partition where there are no conditions; what `delete` returns or raises
        for each, in order."""
        outcomes: list[ObjectRecord | None | StorageError] = [None] * len(items)
        plain: dict[Volume, list[tuple[int, bytes]]] = {}
        for position, (key, given) in enumerate(items):
            try:
                if given is ALWAYS:
                    raw_key = object_key(bucket.id, key)
                    plain.setdefault(self._partitions.of(raw_key), []).append((position, raw_key))
                else:
                    outcomes[position] = self.delete(bucket, key, given=given)
            except StorageError as error:
                outcomes[position] = error
        for volume, found in plain.items():
            delete_from(volume, found, outcomes)
        return outcomes

    def metadata(self, bucket: Bucket, key: str) -> dict[str, str]:
        """The custom metadata of the current version; {} when there is none."""
        raw_key = object_key(bucket.id, key)
        raw = self._partitions.of(raw_key).index.get(raw_key)
        return {} if raw is None else DESCRIBED.decode(raw).metadata

    def change_metadata(self, bucket: Bucket, key: str, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
        """Replace the current version's custom metadata by what `change` makes of it, which may be asked several times;
        the bytes stay where they are. `NoSuchKey`, `Conflict`, `VolumeFailed`, what `change` raises."""
        raw_key = object_key(bucket.id, key)
        volume = self._partitions.of(raw_key)
        for _ in range(REREADS):
            raw = volume.index.get(raw_key)
            if raw is None:
                raise NoSuchKey(bucket.name, key)
            record = OBJECT.decode(raw)
            changed = replace(record, metadata=change(record.metadata), modified=self._clock())
            try:
                self._writer.commit(bucket, volume, checks=[(raw_key, raw)], puts=[(raw_key, OBJECT.encode(changed))])
            except Lost:
                continue
            return
        raise Conflict(key)

    def rename(self, bucket: Bucket, key: str, name: str) -> None:
        """Give the object another name, in place of the object that has it; `name` is not `key`.

        At once where both names lie in one partition. Elsewhere the object has both for a moment, and keeps the old one
        when it is overwritten then. `NoSuchKey`, `NoSuchBucket`, `Conflict`, `OutOfSpace`, `VolumeFailed`.
        """
        old, new = object_key(bucket.id, key), object_key(bucket.id, name)
        volume = self._partitions.of(old)
        if self._partitions.of(new) is not volume:
            return self._move(bucket, key, name)
        for _ in range(REREADS):
            raw = volume.index.get(old)
            if raw is None:
                raise NoSuchKey(bucket.name, key)
            try:
                _, (replaced, *_) = self._writer.put(
                    bucket, volume, new, OBJECT.decode(raw), ALWAYS, checks=[(old, raw)], deletes=[old]
                )
            except Lost:
                continue
            return drop(volume, object_blobs(replaced))
        raise Conflict(key)

    def _move(self, bucket: Bucket, key: str, name: str) -> None:
        with self.open(bucket, key) as source:
            record = source.record
            attributes = replace(kept(record, record.owner, record.metadata), version=record.version)
            self.copy(source, bucket, name, attributes)
        try:
            self.delete(bucket, key, given=Conditions(if_match=(record.etag,)))
        except PreconditionFailed:
            return  # it was overwritten meanwhile: what was renamed is under the new name, what came later is here

    def list(
        self, bucket: Bucket, *, prefix: str = "", delimiter: str = "", after: str = "", limit: int = 1000
    ) -> Page[Listed]:
        """A page of the bucket's keys; see `storage.listing`."""
        return self.list_as(
            LISTED.decode, bucket, prefix=prefix, delimiter=delimiter, after=after, limit=limit
        )

    def list_as(
        self,
        decode: Callable[[memoryview], T],
        bucket: Bucket,
        *,
        prefix: str = "",
        delimiter: str = "",
        after: str = "",
        limit: int = 1000,
    ) -> Page[T]:
        """The same with what `decode` makes of each record where it lies; it must neither keep it nor wait."""
        return list_objects(
            self._partitions.all(), bucket, decode, prefix=prefix, delimiter=delimiter, after=after, limit=limit
        )

    def _copy_stored(
        self, source: InlineSource | BlobSource, bucket: Bucket, key: str, attributes: Attributes, given: Conditions
    ) -> ObjectRecord:
        raw_key = object_key(bucket.id, key)
        volume = self._partitions.of(raw_key)
        if given is not ALWAYS:
            check_write(given, self._current(volume, raw_key))
        original = source.record
        blobs: tuple[Blob, ...] = ()
        volume.space.admit(len(original.data))
        if isinstance(source, BlobSource):
            blobs = tuple(run(volume.blobs.adopt, source.files, admit=volume.space.admit))
        try:
            checksum = copied_checksum(original, checksum_type(bucket), volume, blobs)
        except BaseException:
            drop(volume, blobs)
            raise
        body = Body(original.size, original.etag, original.checksums, original.data, checksum=checksum)
        record = made_of(
            body, attributes, self._clock(), blobs=blobs, parts=original.parts, checksum_type=original.checksum_type
        )
        return self._commit(bucket, volume, raw_key, record, given)

    def _commit(
        self, bucket: Bucket, volume: Volume, raw_key: bytes, record: ObjectRecord, given: Conditions
    ) -> ObjectRecord:
        """Make the record current and drop what it replaces; when it is refused, drop its own blobs."""
        try:
            stored, (replaced,) = self._writer.put(bucket, volume, raw_key, record, given)
        except VolumeFailed:
            raise  # whether the commit happened is not known: the sweep decides about the blobs
        except StorageError:
            drop(volume, record.blobs)
            raise
        drop(volume, object_blobs(replaced))
        return stored

    def _current(self, volume: Volume, raw_key: bytes) -> ObjectRecord | None:
        raw = volume.index.get(raw_key)
        return None if raw is None else OBJECT.decode(raw)


def delete_from(
    volume: Volume, found: list[tuple[int, bytes]], outcomes: list[ObjectRecord | None | StorageError]
) -> None:
    """Remove the keys from one partition, in one commit, and put what became of each at its position."""
    try:
        removed = volume.index.commit(deletes=[raw_key for _, raw_key in found])
    except StorageError as error:
        for position, _ in found:
            outcomes[position] = error
        return
    doomed: list[Blob] = []
    for (position, _), raw in zip(found, removed):
        if raw is not None:
            record = OBJECT.decode(raw)
            outcomes[position] = record
            doomed += record.blobs
    drop(volume, doomed)


def made_of(
    body: Body,
    attributes: Attributes,
    modified: int,
    *,
    blobs: Iterable[Blob] | None = None,
    parts: tuple[Part, ...] = (),
    checksum_type: str | None = None,
) -> ObjectRecord:
    """The record of an object with these bytes and attributes."""
    return ObjectRecord(
        body.size,
        modified,
        body.etag,
        attributes.owner,
        attributes.storage_class,
        body.checksums,
        attributes.checksum_type if checksum_type is None else checksum_type,
        plain_dict(attributes.content),
        plain_dict(attributes.metadata),
        attributes.tags,
        attributes.version,
        blobs=body.blobs if blobs is None else tuple(blobs),
        parts=parts,
        data=body.data,
        checksum=body.checksum,
    )


def plain_dict(mapping: Mapping[str, str]) -> dict[str, str]:
    return mapping if isinstance(mapping, dict) else dict(mapping)


def open_blobs(volume: Volume, blobs: Sequence[Blob]) -> list[int]:
    """Descriptors of the blobs' files, in order; `FileNotFoundError` when one is gone, and then none is left open."""
    return run(_open_all, volume, blobs) if len(blobs) >= MANY else _open_all(volume, blobs)


def _open_all(volume: Volume, blobs: Sequence[Blob]) -> list[int]:
    fds: list[int] = []
    try:
        for blob in blobs:
            fds.append(volume.blobs.open(blob.id))
    except BaseException:
        Segments([], fds).close()
        raise
    return fds
