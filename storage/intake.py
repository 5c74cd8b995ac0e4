"""Taking in a payload: hashed in one pass, small ones kept in memory for the record, large ones written to a blob."""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

import msgspec
from msgspec.structs import replace

from storage import checksums
from storage.errors import IncompleteBody
from storage.payload import Payload, Reader, read_exactly
from storage.properties import CHECKSUM_TYPES
from storage.records import Blob
from storage.threads import run, settle, start
from storage.volume import Volume

BUFFER_SIZE = 512 * 1024  # bytes; two for each large payload under way
SPARE_BUFFERS = 16
PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
HASHED_INLINE = 128 * 1024  # bytes whose hashing holds up the hub for 0.2 ms at most, and saves a change of threads


class Body(msgspec.Struct, frozen=True, gc=False):
    """The bytes of a payload, verified and (what is in `blob`) durable, but not yet named by any record."""

    size: int
    etag: str  # hex MD5
    checksums: dict[str, str]
    data: bytes = b""
    blob: Blob | None = None
    checksum: str = ""  # of the bucket's type; see storage.records

    @property
    def blobs(self) -> tuple[Blob, ...]:
        return () if self.blob is None else (self.blob,)


class Writable(Protocol):
    def write(self, data: memoryview, /) -> None:
        """Append all of `data`."""
        ...


class Sink:
    """Where a large payload goes, a buffer at a time: the hashers and the file."""

    __slots__ = ("_file", "_hashers", "size")

    def __init__(self, file: Writable, algorithms: frozenset[str]) -> None:
        self._file = file
        self._hashers = {name: checksums.hasher(name) for name in algorithms}
        self.size = 0

    def take(self, data: memoryview) -> None:
        for hasher in self._hashers.values():
            hasher.update(data)
        self._file.write(data)
        self.size += len(data)

    def digests(self) -> dict[str, bytes]:
        return {name: hasher.digest() for name, hasher in self._hashers.items()}


class Intake:
    """Receives payloads of at most `inline_limit` bytes into memory and others into blobs, with constant memory."""

    def __init__(self, *, inline_limit: int, buffer_size: int = BUFFER_SIZE) -> None:
        self._inline_limit = inline_limit
        self._buffer_size = buffer_size
        self._spare: list[memoryview] = []

    def receive(self, payload: Payload, volume: Volume, kind: str) -> Body:
        """The payload read to its end, verified and durable; whatever is raised, nothing of it is left.

        `kind` is the type of the checksum (see storage.properties) to keep beside those that the payload asks for.
        Raises what the payload raises, `IncompleteBody`, `OutOfSpace` and `VolumeFailed`.
        """
        size = payload.size
        volume.space.admit(size or 0)
        if size is not None and size <= self._inline_limit:
            return whole(payload, read_exactly(payload, size), kind)
        with self._buffers() as (first, second):
            filled = fill(payload, first)
            if size is None and filled <= self._inline_limit:
                return whole(payload, first[:filled], kind)
            return self._stored(payload, volume, kind, filled, first, second)

    def receive_blob(self, payload: Payload, volume: Volume, kind: str) -> Body:
        """The same, with every byte in a blob, however few; an empty payload has none."""
        volume.space.admit(payload.size or 0)
        with self._buffers() as (first, second):
            filled = fill(payload, first)
            if not filled and not payload.size:
                return whole(payload, b"", kind)
            return self._stored(payload, volume, kind, filled, first, second)

    def extend(self, payload: Payload, volume: Volume, file: Writable) -> Body:
        """The payload, read to its end and verified, appended to a file that is the caller's; the body has no blob.

        Raises as `receive`, and then some of the payload may have been appended.
        """
        volume.space.admit(payload.size or 0)
        with self._buffers() as (first, second):
            return _taken_in(payload, volume, "none", file, fill(payload, first), first, second)

    @staticmethod
    def _stored(
        payload: Payload, volume: Volume, kind: str, filled: int, first: memoryview, second: memoryview
    ) -> Body:
        """The body in a blob, given what of it is in the first buffer."""
        if filled <= HASHED_INLINE and filled < len(first):
            return _stored_at_once(payload, volume, kind, first[:filled])
        return _streamed(payload, volume, kind, filled, first, second)

    @contextmanager
    def _buffers(self) -> Iterator[tuple[memoryview, memoryview]]:
        first, second = self._buffer(), self._buffer()
        try:
            yield first, second
        finally:
            self._spare.extend((first, second)[:SPARE_BUFFERS - len(self._spare)])

    def _buffer(self) -> memoryview:
        """Whole pages of memory, which files can be written from directly."""
        return self._spare.pop() if self._spare else memoryview(mmap.mmap(-1, self._buffer_size, PRIVATE))


def fill(reader: Reader, buffer: memoryview) -> int:
    """Read until the buffer is full or the reader ends; the number of bytes read."""
    filled = reader.readinto(buffer)
    size = len(buffer)
    while filled < size and (got := reader.readinto(buffer[filled:])):
        filled += got
    return filled


def whole(payload: Payload, data: bytes | bytearray | memoryview, kind: str) -> Body:
    """The body of a payload of which `data` is everything."""
    digests = digests_of(data, payload.algorithms, kind)
    kept = dict(payload.verify(digests))
    return Body(len(data), digests["md5"].hex(), kept, bytes(data), checksum=labelled(kind, digests))


def digests_of(data: bytes | bytearray | memoryview, algorithms: frozenset[str], kind: str) -> dict[str, bytes]:
    """MD5, those of `algorithms`, and the one that a checksum of type `kind` is made of."""
    digests = {name: checksums.digest(name, data) for name in algorithms}
    digests["md5"] = hashlib.md5(data, usedforsecurity=False).digest()
    algorithm = CHECKSUM_TYPES[kind]
    if algorithm and algorithm not in digests:
        digests[algorithm] = checksums.digest(algorithm, data)
    return digests


def labelled(kind: str, digests: Mapping[str, bytes]) -> str:
    """The checksum of type `kind` as records keep it."""
    algorithm = CHECKSUM_TYPES[kind]
    return f"{kind}:{digests[algorithm].hex()}" if algorithm else ""


def refuse_other_size(payload: Payload, received: int) -> None:
    """`IncompleteBody` when the payload announced another size."""
    if payload.size is not None and payload.size != received:
        raise IncompleteBody(payload.size, received)


def _stored_at_once(payload: Payload, volume: Volume, kind: str, data: memoryview) -> Body:
    refuse_other_size(payload, len(data))
    digests = digests_of(data, payload.algorithms, kind)
    kept = dict(payload.verify(digests))
    blob = run(volume.blobs.store, data)
    return Body(len(data), digests["md5"].hex(), kept, blob=blob, checksum=labelled(kind, digests))


def _streamed(
    payload: Payload, volume: Volume, kind: str, filled: int, first: memoryview, second: memoryview
) -> Body:
    file = volume.blobs.create(payload.size)
    try:
        body = _taken_in(payload, volume, kind, file, filled, first, second)
        return replace(body, blob=run(file.seal))
    except BaseException:
        run(file.discard)
        raise


def _taken_in(
    payload: Payload, volume: Volume, kind: str, file: Writable, filled: int, first: memoryview, second: memoryview
) -> Body:
    """All of the payload, of which some is in the first buffer, hashed into the file and verified."""
    sink = Sink(file, payload.algorithms | {"md5", CHECKSUM_TYPES[kind] or "md5"})
    _pump(payload, sink, volume, filled, first, second)
    refuse_other_size(payload, sink.size)
    digests = sink.digests()
    kept = dict(payload.verify(digests))
    return Body(sink.size, digests["md5"].hex(), kept, checksum=labelled(kind, digests))


def _pump(
    payload: Payload, sink: Sink, volume: Volume, filled: int, first: memoryview, second: memoryview
) -> None:
    """Receive into one buffer while the other is hashed and written."""
    while filled:
        if payload.size is None:
            volume.space.admit(filled)
        task = start(sink.take, first[:filled])
        ended = filled < len(first)
        try:
            filled = 0 if ended else fill(payload, second)
        finally:
            settle(task)
        first, second = second, first
