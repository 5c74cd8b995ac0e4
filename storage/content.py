"""The bytes on their way out: `bytes` for what lies in a record, `Segments` for what lies in files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from storage.errors import Corrupt, InvalidRange

READ_SIZE = 256 * 1024


class Span(NamedTuple):
    """A half-open range of bytes: `start` is in it, `stop` is not."""

    start: int
    stop: int

    @property
    def size(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True, slots=True)
class ByteRange:
    """A range as a reader asks for it, before the size is known: `first` alone means from there to the end, `last`
    alone the last so many bytes, both the bytes from first to last (inclusive, as HTTP counts)."""

    first: int | None
    last: int | None

    def within(self, size: int) -> Span:
        """The bytes of an object of `size` bytes that are meant; `InvalidRange` when there are none."""
        if self.first is None:
            suffix = self.last or 0
            if not suffix or not size:
                raise InvalidRange(size)
            return Span(max(0, size - suffix), size)
        if self.first >= size:
            raise InvalidRange(size)
        return Span(self.first, size if self.last is None else min(self.last + 1, size))


class Segment(NamedTuple):
    """`length` bytes of the open file `fd` from `offset` on."""

    fd: int
    offset: int
    length: int


class Segments:
    """File ranges to send one after the other. Owns their descriptors: `close` gives them back, once, and whoever
    received the object calls it (a WSGI server does). Iterating reads them, for servers that know no sendfile."""

    __slots__ = ("_fds", "items")

    def __init__(self, items: list[Segment], fds: list[int]) -> None:
        self.items = items
        self._fds = fds

    @property
    def size(self) -> int:
        return sum(item.length for item in self.items)

    def __iter__(self) -> Iterator[bytes]:
        for fd, offset, length in self.items:
            yield from read_range(fd, offset, length)

    def cut(self, span: Span) -> Segments:
        """The same descriptors, owned by the result from now on, restricted to `span`."""
        kept = []
        position = 0
        for fd, offset, length in self.items:
            start = max(span.start - position, 0)
            stop = min(span.stop - position, length)
            if start < stop:
                kept.append(Segment(fd, offset + start, stop - start))
            position += length
        fds, self._fds = self._fds, []
        return Segments(kept, fds)

    def close(self) -> None:
        fds, self._fds = self._fds, []
        for fd in fds:
            os.close(fd)

    def __enter__(self) -> Segments:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_range(fd: int, offset: int, length: int) -> Iterator[bytes]:
    """The bytes of a file's range in pieces of at most 256 KiB; `Corrupt` when the file ends before the range does."""
    while length:
        piece = os.pread(fd, min(length, READ_SIZE), offset)
        if not piece:
            raise Corrupt(f"descriptor {fd} ends at {offset}")
        yield piece
        offset += len(piece)
        length -= len(piece)


Content = bytes | Segments
