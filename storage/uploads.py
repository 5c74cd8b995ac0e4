"""Multipart uploads: parts are blobs, and completing an upload lets the object's record take them over.

Everything about an upload lies in its key's partition. An upload ends when its record is removed, by the commit that
completes it or by an abort: whoever adds a part commits only while the record is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from storage.attributes import Attributes
from storage.checksums import ALGORITHMS
from storage.completion import MINIMUM_PART_SIZE, Expected, PartRef, chosen, completed, digest_of
from storage.conditions import ALWAYS, Conditions
from storage.content import Span
from storage.errors import Conflict, InvalidPart, NoSuchUpload, PreconditionFailed, StorageError, VolumeFailed
from storage.intake import Body, Intake
from storage.keys import COMPLETIONS, UPLOAD_ID_SIZE, UPLOADS, object_key, part_key, parts_after, upload_suffix
from storage.listing import UploadPage, list_uploads
from storage.payload import Payload
from storage.properties import CHECKSUM_TYPES, checksum_type
from storage.purge import drop, object_blobs, part_blobs, purge
from storage.records import COMPLETION, PART, UPLOAD, Bucket, Completion, ObjectRecord, Part, Upload
from storage.reread import stored_digest
from storage.source import BlobSource, Source, SourcePayload, close_content
from storage.threads import run
from storage.volume import Partitions, Volume
from storage.writer import ATTEMPTS, Lost, Writer

REMEMBERED = 24 * 3600 * 1_000_000_000  # ns that a completion is answered the same again


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an upload is kept."""

    bucket: Bucket
    key: str
    upload_id: str
    volume: Volume
    suffix: bytes

    @property
    def record_key(self) -> bytes:
        return UPLOADS + self.suffix

    @property
    def object_key(self) -> bytes:
        return object_key(self.bucket.id, self.key)


class Uploads:
    """The multipart uploads of every bucket. Changes are durable, and seen by every process, when a call returns."""

    def __init__(
        self,
        partitions: Partitions,
        writer: Writer,
        intake: Intake,
        *,
        clock: Callable[[], int],
        random: Callable[[int], bytes],
        minimum_part_size: int = MINIMUM_PART_SIZE,
    ) -> None:
        self._partitions = partitions
        self._writer = writer
        self._intake = intake
        self._clock = clock
        self._random = random
        self._minimum = minimum_part_size

    def create(
        self,
        bucket: Bucket,
        key: str,
        attributes: Attributes,
        *,
        checksum_algorithm: str = "",
        checksum_type: str = "",
        whole: str = "",
        minimum: int | None = None,
    ) -> Upload:
        """Begin an upload of what will be an object with these attributes. `NoSuchBucket`, `OutOfSpace`.

        With `whole`, a type of storage.properties, the object gets a checksum of this type over all of its bytes, for
        which completing it reads them again if need be. `minimum`: see `storage.records.Upload`.
        """
        now = self._clock()
        upload = Upload(
            f"{now:016x}{self._random(8).hex()}", now, attributes.owner, attributes.owner, attributes.storage_class,
            checksum_algorithm, checksum_type, dict(attributes.content), dict(attributes.metadata), attributes.tags,
            whole, minimum,
        )
        place = self._place(bucket, key, upload.id)
        place.volume.space.admit(0)
        self._writer.commit(bucket, place.volume, puts=[(place.record_key, UPLOAD.encode(upload))])
        return upload

    def get(self, bucket: Bucket, key: str, upload_id: str) -> Upload:
        """The upload under way; `NoSuchUpload`."""
        place = self._place(bucket, key, upload_id)
        return UPLOAD.decode(self._raw(place))

    def put_part(self, bucket: Bucket, key: str, upload_id: str, number: int, payload: Payload) -> Part:
        """Store the payload as a part, in place of an earlier one of that number; of several, the last to finish stays.

        Raises what the payload raises, `NoSuchUpload` (also when it ends meanwhile), `OutOfSpace`, `VolumeFailed`.
        """
        place = self._place(bucket, key, upload_id)
        raw = self._raw(place)
        body = self._intake.receive_blob(payload, place.volume, part_checksum_type(bucket))
        return self._add(place, raw, number, body)

    def copy_part(
        self, source: Source, span: Span | None, bucket: Bucket, key: str, upload_id: str, number: int
    ) -> Part:
        """Store the source's bytes (those of the span) as a part: by a link where they are one whole file whose digests
        are known, else read and hashed. The source stays the caller's. Raises as `put_part`."""
        place = self._place(bucket, key, upload_id)
        raw = self._raw(place)
        upload = UPLOAD.decode(raw)
        linked = self._linked(source, span, place.volume, upload.checksum_algorithm)
        if linked is not None:
            return self._add(place, raw, number, linked)
        content = source.content(span)
        algorithms = frozenset((upload.checksum_algorithm,) if upload.checksum_algorithm else ())
        size = source.size if span is None else span.size
        payload = SourcePayload(content, size=size, algorithms=algorithms)
        try:
            body = self._intake.receive_blob(payload, place.volume, part_checksum_type(bucket))
            return self._add(place, raw, number, body)
        finally:
            close_content(content)

    def parts(
        self, bucket: Bucket, key: str, upload_id: str, *, after: int = 0, limit: int = 1000
    ) -> tuple[list[Part], bool]:
        """At most `limit` parts with numbers above `after`, by number, and whether there are more."""
        place = self._place(bucket, key, upload_id)
        self._raw(place)
        found: list[Part] = []
        for _, part in place.volume.index.scan(*parts_after(place.suffix, after), decode=PART.decode):
            if len(found) == limit:
                return found, True
            found.append(part)
        return found, False

    def complete(
        self,
        bucket: Bucket,
        key: str,
        upload_id: str,
        refs: Sequence[PartRef],
        *,
        given: Conditions = ALWAYS,
        size: int | None = None,
        checksums: Mapping[str, str] | None = None,
    ) -> ObjectRecord:
        """Make the named parts, in order, the key's current version, and drop the others.

        The same request sent again within a day is answered the same. `NoSuchUpload`, `InvalidPart`,
        `InvalidPartOrder`, `PartTooSmall`, `SizeMismatch`, `ChecksumMismatch`, `PreconditionFailed`, `NoSuchBucket`,
        `Conflict`: the upload is untouched.
        """
        place = self._place(bucket, key, upload_id)
        expected = Expected(size, {} if checksums is None else checksums)
        for _ in range(ATTEMPTS):
            raw = place.volume.index.get(place.record_key)
            if raw is None:
                return self._repeated(place, refs)
            try:
                return self._complete(place, raw, refs, given, expected)
            except Lost:
                continue
            except (InvalidPart, PreconditionFailed):
                if place.volume.index.get(place.record_key) == raw:
                    raise
                # The upload ended meanwhile: what was seen may be the traces of this same completion, sent before.
        raise Conflict(key)

    def abort(self, bucket: Bucket, key: str, upload_id: str) -> None:
        """End the upload; all that was uploaded is gone when this returns. `NoSuchUpload`."""
        place = self._place(bucket, key, upload_id)
        (removed,) = place.volume.index.commit(deletes=[place.record_key])
        if removed is None:
            raise NoSuchUpload(upload_id)
        self._purge_parts(place)

    def list(
        self,
        bucket: Bucket,
        *,
        prefix: str = "",
        delimiter: str = "",
        key_after: str = "",
        upload_after: str = "",
        limit: int = 1000,
    ) -> UploadPage:
        """A page of the bucket's uploads under way; see `storage.listing`."""
        return list_uploads(
            self._partitions.all(), bucket, prefix=prefix, delimiter=delimiter, key_after=key_after,
            upload_after=upload_after, limit=limit,
        )

    def _place(self, bucket: Bucket, key: str, upload_id: str) -> _Place:
        if len(upload_id) != UPLOAD_ID_SIZE or not upload_id.isascii():
            raise NoSuchUpload(upload_id)
        volume = self._partitions.of(object_key(bucket.id, key))
        return _Place(bucket, key, upload_id, volume, upload_suffix(bucket.id, key, upload_id))

    def _raw(self, place: _Place) -> bytes:
        raw = place.volume.index.get(place.record_key)
        if raw is None:
            raise NoSuchUpload(place.upload_id)
        return raw

    def _add(self, place: _Place, raw: bytes, number: int, body: Body) -> Part:
        """Record the part while its upload is there."""
        part = Part(number, body.size, body.etag, self._clock(), body.checksums, body.blob, body.checksum)
        try:
            (replaced,) = self._writer.commit(
                place.bucket, place.volume, checks=[(place.record_key, raw)],
                puts=[(part_key(place.suffix, number), PART.encode(part))],
            )
        except VolumeFailed:
            raise  # whether the commit happened is not known: the sweep decides about the blob
        except Lost as lost:
            drop(place.volume, body.blobs)
            raise NoSuchUpload(place.upload_id) from lost
        except StorageError:
            drop(place.volume, body.blobs)
            raise
        drop(place.volume, part_blobs(replaced))
        return part

    def _complete(
        self, place: _Place, raw: bytes, refs: Sequence[PartRef], given: Conditions, expected: Expected
    ) -> ObjectRecord:
        found = dict(place.volume.index.scan(*parts_after(place.suffix, 0), batch=1024))
        parts = {part.number: part for part in map(PART.decode, found.values())}
        upload = UPLOAD.decode(raw)
        named = chosen(refs, parts, self._minimum if upload.minimum is None else upload.minimum)
        taken = {part_key(place.suffix, part.number) for part in named}
        now = self._clock()
        record = completed(upload, named, now, expected, partial(reread, place, named))
        answered = Completion(digest_of(refs), now + REMEMBERED, without_content(record))
        stored, (replaced, _, _, *removed) = self._writer.put(
            place.bucket, place.volume, place.object_key, record, given,
            checks=[(place.record_key, raw), *((key, found[key]) for key in taken)],
            puts=[(COMPLETIONS + place.suffix, COMPLETION.encode(answered))],
            deletes=[place.record_key, *found],
        )
        left = [blob for key, part in zip(found, removed) if key not in taken for blob in part_blobs(part)]
        drop(place.volume, [*left, *object_blobs(replaced)])
        self._purge_parts(place)
        return stored

    def _repeated(self, place: _Place, refs: Sequence[PartRef]) -> ObjectRecord:
        """The answer to the same completion sent again."""
        raw = place.volume.index.get(COMPLETIONS + place.suffix)
        if raw is not None:
            before = COMPLETION.decode(raw)
            if before.request == digest_of(refs) and before.expires > self._clock():
                return before.record
        raise NoSuchUpload(place.upload_id)

    def _purge_parts(self, place: _Place) -> None:
        """Remove what parts are left of an upload that has ended: nobody can be adding any."""
        for _ in purge(place.volume, *parts_after(place.suffix, 0), part_blobs):
            pass

    @staticmethod
    def _linked(source: Source, span: Span | None, volume: Volume, algorithm: str) -> Body | None:
        """The body of a part that shares the file of a plain object, when its digests need no reading."""
        record = source.record
        if not isinstance(source, BlobSource) or len(source.files) != 1 or record.parts:
            return None
        if span not in (None, (0, record.size)) or algorithm and algorithm not in record.checksums:
            return None
        volume.space.admit(0)
        (blob,) = run(volume.blobs.adopt, source.files, admit=volume.space.admit)
        sums = {algorithm: record.checksums[algorithm]} if algorithm else {}
        return Body(record.size, record.etag, sums, blob=blob)


def part_checksum_type(bucket: Bucket) -> str:
    """The bucket's type of checksum where an object's can be made of its parts', else "none"."""
    kind = checksum_type(bucket)
    algorithm = ALGORITHMS.get(CHECKSUM_TYPES[kind])
    return "none" if algorithm is None or algorithm.join is None else kind


def reread(place: _Place, parts: Sequence[Part], algorithm: str) -> bytes:
    """The digest of the parts' bytes; `Lost` when a part is gone, because it was replaced or the upload has ended."""
    try:
        return stored_digest(place.volume, [part.blob for part in parts if part.blob is not None], algorithm)
    except FileNotFoundError as error:
        raise Lost(place.record_key) from error


def without_content(record: ObjectRecord) -> ObjectRecord:
    """What a reply shows of a record."""
    return ObjectRecord(
        record.size, record.modified, record.etag, record.owner, record.storage_class, record.checksums,
        record.checksum_type, version=record.version, checksum=record.checksum,
    )
