"""An object opened for reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from storage.conditions import Conditions
from storage.content import Content, Segment, Segments, Span
from storage.errors import IncompleteBody
from storage.payload import encoded
from storage.records import Blob, Bucket, ObjectRecord


class Source(Protocol):
    """An object's bytes as one version of it, whatever happens to the key meanwhile.

    Whoever opened it closes it; closing twice is fine.
    """

    @property
    def size(self) -> int | None:
        """How many bytes there are; None: not known before the end."""
        ...

    @property
    def record(self) -> ObjectRecord:
        """The validators and attributes that a reader is shown."""
        ...

    def content(self, span: Span | None = None) -> Content | Iterator[bytes]:
        """The bytes, or those of the span; called once. The result owns its descriptors and needs its own close."""
        ...

    def close(self) -> None: ...


Opener = Callable[[Bucket, str, Conditions], Source]
OpenFiles = Callable[[Sequence[Blob]], list[int]]

VERY_MANY = 64  # files that a source does not hold open before it is known which of them are wanted


class InlineSource:
    """An object whose bytes are in its record."""

    __slots__ = ("record", "size")

    def __init__(self, record: ObjectRecord) -> None:
        self.record = record
        self.size: int | None = record.size

    def content(self, span: Span | None = None) -> bytes:
        data = self.record.data
        return data if span is None else data[span.start:span.stop]

    def close(self) -> None:
        pass

    def __enter__(self) -> InlineSource:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class BlobSource:
    """An object whose bytes are in files, which are open: it can be read even when the object is gone.

    Of an object with very many parts no file is open before `content` or `files` is asked for, and then only those that
    hold what is asked for; `open_files`, which opens blobs in order, says what happens when they are gone by then.
    """

    __slots__ = ("_open_files", "_segments", "record", "size")

    def __init__(self, record: ObjectRecord, open_files: OpenFiles) -> None:
        self.record = record
        self.size: int | None = record.size
        self._open_files = open_files
        self._segments = self._opened(record.blobs) if len(record.blobs) < VERY_MANY else None

    @property
    def files(self) -> list[Segment]:
        """The whole files, in order; they stay this source's."""
        if self._segments is None:
            self._segments = self._opened(self.record.blobs)
        return self._segments.items

    def content(self, span: Span | None = None) -> Segments:
        wanted = Span(0, self.record.size) if span is None else span
        if self._segments is not None:
            return self._segments.cut(wanted)
        first, blobs = overlapping(self.record.blobs, wanted)
        return self._opened(blobs).cut(Span(wanted.start - first, wanted.stop - first))

    def close(self) -> None:
        if self._segments is not None:
            self._segments.close()

    def __enter__(self) -> BlobSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _opened(self, blobs: Sequence[Blob]) -> Segments:
        fds = self._open_files(blobs)
        return Segments([Segment(fd, 0, blob.size) for fd, blob in zip(fds, blobs)], fds)


def overlapping(blobs: Sequence[Blob], span: Span) -> tuple[int, list[Blob]]:
    """The blobs, one after the other, that hold bytes of the span, and where the first of them begins."""
    found: list[Blob] = []
    first = position = 0
    for blob in blobs:
        if position < span.stop and span.start < position + blob.size:
            first = first if found else position
            found.append(blob)
        position += blob.size
    return first, found


class SourcePayload:
    """The bytes of a source as an incoming payload, to be hashed and stored anew."""

    def __init__(self, content: Content | Iterator[bytes], *, size: int | None, algorithms: frozenset[str]) -> None:
        self.size = size
        self.algorithms = algorithms
        self._pieces = iter((content,) if isinstance(content, bytes) else content)
        self._rest = memoryview(b"")
        self._taken = 0  # bytes

    def readinto(self, buffer: memoryview, /) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return self._end()
            self._rest = memoryview(piece)
        taken = min(len(buffer), len(self._rest))
        buffer[:taken] = self._rest[:taken]
        self._rest = self._rest[taken:]
        self._taken += taken
        return taken

    def verify(self, digests: Mapping[str, bytes]) -> Mapping[str, str]:
        return encoded(digests, self.algorithms)

    def _end(self) -> int:
        if self.size is not None and self.size != self._taken:
            raise IncompleteBody(self.size, self._taken)
        return 0


def close_content(content: object) -> None:
    """Give back what a source's content holds, whatever kind it is."""
    close = getattr(content, "close", None)
    if close is not None:
        close()
