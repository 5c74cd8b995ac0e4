"""Taking in a payload: hashed in one pass, small ones kept in memory for the record, large ones written to a blob."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from storage import checksums
from storage.blobs import NewBlob
from storage.errors import IncompleteBody
from storage.payload import Payload, Reader, read_exactly
from storage.records import Blob
from storage.threads import run, settle, start
from storage.volume import Volume

BUFFER_SIZE = 512 * 1024  # bytes; two for each large payload under way
SPARE_BUFFERS = 16


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes of a payload, verified and (what is in `blob`) durable, but not yet named by any record."""

    size: int
    etag: str  # hex MD5
    checksums: dict[str, str]
    data: bytes = b""
    blob: Blob | None = None

    @property
    def blobs(self) -> tuple[Blob, ...]:
        return () if self.blob is None else (self.blob,)


class Sink:
    """Where a large payload goes, a buffer at a time: the hashers and the file."""

    __slots__ = ("_file", "_hashers", "size")

    def __init__(self, file: NewBlob, algorithms: frozenset[str]) -> None:
        self._file = file
        self._hashers = {name: checksums.hasher(name) for name in algorithms | {"md5"}}
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

    def receive(self, payload: Payload, volume: Volume) -> Body:
        """The payload read to its end, verified and durable; whatever is raised, nothing of it is left.

        Raises what the payload raises, `IncompleteBody`, `OutOfSpace` and `VolumeFailed`.
        """
        size = payload.size
        volume.space.admit(size or 0)
        if size is not None and size <= self._inline_limit:
            return whole(payload, read_exactly(payload, size))
        with self._buffers() as (first, second):
            filled = fill(payload, first)
            if size is None and filled <= self._inline_limit:
                return whole(payload, first[:filled])
            return _stream(payload, volume, filled, first, second)

    def receive_blob(self, payload: Payload, volume: Volume) -> Body:
        """The same, with every byte in a blob, however few; an empty payload has none."""
        volume.space.admit(payload.size or 0)
        with self._buffers() as (first, second):
            filled = fill(payload, first)
            if not filled and not payload.size:
                return whole(payload, b"")
            return _stream(payload, volume, filled, first, second)

    @contextmanager
    def _buffers(self) -> Iterator[tuple[memoryview, memoryview]]:
        first, second = self._buffer(), self._buffer()
        try:
            yield first, second
        finally:
            self._spare.extend((first, second)[:SPARE_BUFFERS - len(self._spare)])

    def _buffer(self) -> memoryview:
        return self._spare.pop() if self._spare else memoryview(bytearray(self._buffer_size))


def fill(reader: Reader, buffer: memoryview) -> int:
    """Read until the buffer is full or the reader ends; the number of bytes read."""
    filled = reader.readinto(buffer)
    size = len(buffer)
    while filled < size and (got := reader.readinto(buffer[filled:])):
        filled += got
    return filled


def whole(payload: Payload, data: bytes | bytearray | memoryview) -> Body:
    """The body of a payload of which `data` is everything."""
    md5 = hashlib.md5(data, usedforsecurity=False)
    digests = {"md5": md5.digest()}
    for name in payload.algorithms:
        digests[name] = checksums.digest(name, data)
    return Body(len(data), md5.hexdigest(), dict(payload.verify(digests)), bytes(data))


def _stream(payload: Payload, volume: Volume, filled: int, first: memoryview, second: memoryview) -> Body:
    file = volume.blobs.create()
    try:
        sink = Sink(file, payload.algorithms)
        _pump(payload, sink, filled, first, second)
        if payload.size is not None and payload.size != sink.size:
            raise IncompleteBody(payload.size, sink.size)
        digests = sink.digests()
        kept = dict(payload.verify(digests))
        return Body(sink.size, digests["md5"].hex(), kept, blob=run(file.seal))
    except BaseException:
        file.discard()
        raise


def _pump(payload: Payload, sink: Sink, filled: int, first: memoryview, second: memoryview) -> None:
    """Receive into one buffer while the other is hashed and written."""
    while filled:
        task = start(sink.take, first[:filled])
        ended = filled < len(first)
        try:
            filled = 0 if ended else fill(payload, second)
        finally:
            settle(task)
        first, second = second, first
