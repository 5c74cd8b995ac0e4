"""Appending to an object piece by piece: nobody sees the content grow before it is flushed.

What is appended lies in a file of its own, a tail, and the append's record, in the key's partition, says how much of it
counts: a piece is written, synced and then counted by a commit. A handle names the append and the size that its holder
knows, so that a piece sent twice counts once. An object that is appended to lends its large files as links.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from storage.attributes import Attributes
from storage.conditions import ALWAYS
from storage.content import Segment, Segments
from storage.errors import Conflict, Corrupt, InvalidHandle, NoSuchKey, VolumeFailed
from storage.intake import Body, Intake, digests_of, labelled
from storage.keys import APPENDS, COMPLETIONS, UPLOAD_ID_SIZE, object_key, upload_suffix
from storage.objects import Objects, made_of
from storage.payload import Payload
from storage.properties import CHECKSUM_TYPES, checksum_type
from storage.purge import drop, object_blobs
from storage.records import APPEND, COMPLETION, Append, Blob, Bucket, Completion, ObjectRecord
from storage.reread import stored_digest
from storage.source import BlobSource
from storage.tail import Held, Tail
from storage.threads import pause, run
from storage.uploads import REMEMBERED, without_content
from storage.volume import Partitions, Volume
from storage.writer import Lost, Writer

LENT = 8 * 1024 * 1024  # bytes from which an object's file is linked, not copied, when it is appended to
WAIT_SECONDS = 0.1  # between two looks at content that somebody else holds
WAITS = 1200
SIZE_DIGITS = 19
MALFORMED, OLD, GONE = "is malformed", "is not the latest one", "belongs to no append under way"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an append is kept."""

    bucket: Bucket
    key: str
    id: str
    volume: Volume

    @property
    def suffix(self) -> bytes:
        return upload_suffix(self.bucket.id, self.key, self.id)

    @property
    def record_key(self) -> bytes:
        return APPENDS + self.suffix

    def handle(self, size: int) -> str:
        return f"{self.id}-{size}"


class Nowhere:
    """For bytes that are hashed only."""

    def write(self, data: memoryview, /) -> None:
        pass


class Appends:
    """The appends of every bucket. Changes are durable, and seen by every process, when a call returns."""

    def __init__(
        self,
        objects: Objects,
        partitions: Partitions,
        writer: Writer,
        intake: Intake,
        *,
        clock: Callable[[], int],
        random: Callable[[int], bytes],
        inline_limit: int,
    ) -> None:
        self._objects = objects
        self._partitions = partitions
        self._writer = writer
        self._intake = intake
        self._clock = clock
        self._random = random
        self._inline_limit = inline_limit

    def append(self, bucket: Bucket, key: str, handle: str, payload: Payload) -> str:
        """Append the payload to the content that the handle names ("": a new one, of what the object has now), and
        return the handle to go on with.

        The same piece sent again with the same handle counts once. Raises what the payload raises, `InvalidHandle`,
        `Conflict` while another piece is being appended, `NoSuchBucket`, `OutOfSpace`, `VolumeFailed`; the content is
        as before then, and the handle still good.
        """
        if not handle:
            return self._begin(bucket, key, payload)
        place, size = self._named(bucket, key, handle)
        raw = place.volume.index.get(place.record_key)
        if raw is None:
            raise InvalidHandle(key, GONE)
        record = APPEND.decode(raw)
        if size == record.size:
            return self._extend(place, raw, record, payload)
        if size == record.last[0]:
            return self._again(place, record, payload)
        raise InvalidHandle(key, OLD)

    def flush(self, bucket: Bucket, key: str, handle: str, attributes: Attributes) -> ObjectRecord:
        """Make the content the key's current version, with a checksum over all of it.

        The same flush sent again within a day is answered the same, and while the first one is still reading it waits
        for that. `InvalidHandle`, `Conflict`, `NoSuchBucket`, `OutOfSpace`, `VolumeFailed`: the append goes on.
        """
        place, size = self._named(bucket, key, handle)
        for _ in range(WAITS):
            raw = place.volume.index.get(place.record_key)
            if raw is None:
                return self._repeated(place, handle)
            record = APPEND.decode(raw)
            if size != record.size:
                raise InvalidHandle(key, OLD)
            try:
                return self._flush(place, raw, record, attributes, handle)
            except Conflict:
                pause(WAIT_SECONDS)
        raise Conflict(key)

    def _flush(
        self, place: _Place, raw: bytes, record: Append, attributes: Attributes, handle: str
    ) -> ObjectRecord:
        with self._held(place, raw, record) as tail:
            run(tail.cut)
            run(tail.sync)
            body, blobs = self._body(place, record)
            made, replaced = self._finish(place, raw, made_of(body, attributes, self._clock(), blobs=blobs), handle)
        drop(place.volume, object_blobs(replaced))
        if record.tail not in blobs:
            drop(place.volume, [record.tail])
        return made

    def _begin(self, bucket: Bucket, key: str, payload: Payload) -> str:
        now = self._clock()
        volume = self._partitions.of(object_key(bucket.id, key))
        place = _Place(bucket, key, f"{now:016x}{self._random(8).hex()}", volume)
        base: tuple[Blob, ...] = ()
        tail = run(Tail.create, volume.blobs)
        try:
            with tail:
                base = self._taken_over(place, tail)
                start = sum(blob.size for blob in base) + tail.size
                body = self._intake.extend(payload, volume, tail)
                run(tail.sync)
                run(tail.sync_name)
            file = Blob(tail.id, tail.size)
            record = Append(now, start + body.size, chained("", body.etag), 1, (start, body.etag), file, base)
            self._writer.commit(bucket, volume, puts=[(place.record_key, APPEND.encode(record))])
        except VolumeFailed:
            raise  # whether the commit happened is not known: the sweep decides about the blobs
        except BaseException:
            drop(volume, [*base, Blob(tail.id, tail.size)])
            raise
        return place.handle(record.size)

    def _taken_over(self, place: _Place, tail: Tail) -> tuple[Blob, ...]:
        """The object's content as it is now: links to its files, as far as they are large, and the rest in the tail."""
        try:
            source = self._objects.open(place.bucket, place.key)
        except NoSuchKey:
            return ()
        with source:
            if not isinstance(source, BlobSource):
                run(tail.write, memoryview(source.content()))
                return ()
            files, space = source.files, place.volume.space
            lent = lendable(files)
            space.admit(sum(file.length for file in files[lent:]))
            run(tail.take, files[lent:])
            return tuple(run(place.volume.blobs.adopt, files[:lent], admit=space.admit)) if lent else ()

    def _extend(self, place: _Place, raw: bytes, record: Append, payload: Payload) -> str:
        with self._held(place, raw, record) as tail:
            body = self._intake.extend(payload, place.volume, tail)
            run(tail.sync)
            grown = Append(
                self._clock(), record.size + body.size, chained(record.etag, body.etag), record.pieces + 1,
                (record.size, body.etag), Blob(tail.id, tail.size), record.base,
            )
            puts = [(place.record_key, APPEND.encode(grown))]
            try:
                self._writer.commit(place.bucket, place.volume, checks=[(place.record_key, raw)], puts=puts)
            except Lost as lost:
                raise Conflict(place.key) from lost
        return place.handle(grown.size)

    def _again(self, place: _Place, record: Append, payload: Payload) -> str:
        """The answer to the last piece sent again."""
        body = self._intake.extend(payload, place.volume, Nowhere())
        start, etag = record.last
        if (start + body.size, body.etag) != (record.size, etag):
            raise InvalidHandle(place.key, OLD)
        return place.handle(record.size)

    def _held(self, place: _Place, raw: bytes, record: Append) -> Tail:
        """The tail, which nobody else can write now, of an append that is still as it was read."""
        try:
            tail = run(Tail.resume, place.volume.blobs, record.tail.id, record.tail.size)
        except Held as error:
            raise Conflict(place.key) from error
        except FileNotFoundError as error:
            self._refuse_change(place, raw)
            raise Corrupt(record.tail.id) from error
        try:
            self._refuse_change(place, raw)
        except BaseException:
            tail.close()
            raise
        return tail

    @staticmethod
    def _refuse_change(place: _Place, raw: bytes) -> None:
        if place.volume.index.get(place.record_key) != raw:
            raise Conflict(place.key)

    def _body(self, place: _Place, record: Append) -> tuple[Body, tuple[Blob, ...]]:
        """What the object will hold, and in which blobs."""
        kind = checksum_type(place.bucket)
        if record.size <= self._inline_limit:
            data = run(read_whole, place.volume, record.tail)
            digests = digests_of(data, frozenset(), kind)
            return Body(len(data), digests["md5"].hex(), {}, data, checksum=labelled(kind, digests)), ()
        blobs = (*record.base, record.tail) if record.tail.size else record.base
        algorithm = CHECKSUM_TYPES[kind]
        known = {algorithm: stored_digest(place.volume, blobs, algorithm)} if algorithm else {}
        return Body(record.size, f"{record.etag}-{record.pieces}", {}, checksum=labelled(kind, known)), blobs

    def _finish(
        self, place: _Place, raw: bytes, made: ObjectRecord, handle: str
    ) -> tuple[ObjectRecord, bytes | None]:
        """Make the record current in place of the append; the record stored and the one replaced."""
        name = object_key(place.bucket.id, place.key)
        answered = Completion(handle.encode(), made.modified + REMEMBERED, without_content(made))
        puts = [(COMPLETIONS + place.suffix, COMPLETION.encode(answered))]
        try:
            stored, (replaced, *_) = self._writer.put(
                place.bucket, place.volume, name, made, ALWAYS, checks=[(place.record_key, raw)], puts=puts,
                deletes=[place.record_key],
            )
        except Lost as lost:
            raise Conflict(place.key) from lost
        return stored, replaced

    def _repeated(self, place: _Place, handle: str) -> ObjectRecord:
        """The answer to the same flush sent again."""
        raw = place.volume.index.get(COMPLETIONS + place.suffix)
        if raw is not None:
            before = COMPLETION.decode(raw)
            if before.request == handle.encode() and before.expires > self._clock():
                return before.record
        raise InvalidHandle(place.key, GONE)

    def _named(self, bucket: Bucket, key: str, handle: str) -> tuple[_Place, int]:
        """The append that a handle names, and the size it knows."""
        append_id, _, size = handle.partition("-")
        well_formed = len(append_id) == UPLOAD_ID_SIZE and append_id.isascii() and size.isdecimal() and size.isascii()
        if not well_formed or len(size) > SIZE_DIGITS:
            raise InvalidHandle(key, MALFORMED)
        return _Place(bucket, key, append_id, self._partitions.of(object_key(bucket.id, key))), int(size)


def lendable(files: Sequence[Segment]) -> int:
    """How many of the files, from the first on, to link: all up to the last large one, so that appending again and
    again makes neither many small files nor many copies."""
    return max((number for number, file in enumerate(files, 1) if file.length >= LENT), default=0)


def chained(etag: str, piece: str) -> str:
    """The hex MD5 that stands for the pieces so far and one more."""
    return hashlib.md5(bytes.fromhex(etag + piece), usedforsecurity=False).hexdigest()


def read_whole(volume: Volume, blob: Blob) -> bytes:
    fd = volume.blobs.open(blob.id)
    with Segments([Segment(fd, 0, blob.size)], [fd]) as content:
        return b"".join(content)
