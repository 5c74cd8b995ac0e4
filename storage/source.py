"""An object opened for reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from storage.conditions import Conditions
from storage.content import Content, Segment, Segments, Span
from storage.errors import IncompleteBody
from storage.payload import encoded
from storage.records import Bucket, ObjectRecord


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
    """An object whose bytes are in files, which are open: it can be read even when the object is gone."""

    __slots__ = ("_segments", "record", "size")

    def __init__(self, record: ObjectRecord, fds: list[int]) -> None:
        self.record = record
        self.size: int | None = record.size
        self._segments = Segments([Segment(fd, 0, blob.size) for fd, blob in zip(fds, record.blobs)], fds)

    @property
    def files(self) -> list[Segment]:
        """The whole files, in order; they stay this source's."""
        return self._segments.items

    def content(self, span: Span | None = None) -> Segments:
        return self._segments.cut(Span(0, self.record.size) if span is None else span)

    def close(self) -> None:
        self._segments.close()

    def __enter__(self) -> BlobSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


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
