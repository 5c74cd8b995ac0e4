"""The members of an archive, read where they lie.

Everything here blocks: on the disk, and while it decompresses. Call it in a thread (`storage.threads.run`, and
`offloaded` for iterators).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from typing import IO, TypeVar, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from storage.archives import tar
from storage.archives.codecs import PIECE, Codec, refusing
from storage.archives.file import ContentFile
from storage.content import Content, Span
from storage.errors import CorruptArchive
from storage.threads import run

T = TypeVar("T")

ENCRYPTED = 1  # a bit of a ZIP member's flags


@dataclass(frozen=True, slots=True)
class Member:
    """A regular file in an archive."""

    name: str
    size: int
    read: Callable[[Span], Iterator[bytes]]  # those of its bytes, in pieces of at most 256 KiB
    modified: int = 0  # seconds since the epoch
    head: bytes = b""  # what stands before its bytes in a TAR, as it stands there
    stored: Span | None = None  # where its bytes lie in the object as they are; None: they don't
    lasting: bool = False  # readable at any time, not only until the iteration goes on

    @property
    def whole(self) -> Span:
        return Span(0, self.size)


Members = Generator[Member, None, int]  # in the archive's order; returns where the next member would begin


class Stored:
    """A file as it lies there: passing over costs nothing."""

    def __init__(self, file: ContentFile) -> None:
        self._file = file

    @property
    def position(self) -> int:
        return self._file.tell()

    def read(self, size: int) -> bytes:
        return self._file.read(size)

    def forward(self, position: int) -> None:
        if position > self._file.size:
            raise CorruptArchive("it ends within a member")
        self._file.seek(position)


class Inflated:
    """A file that is decompressed as it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.position = 0

    def read(self, size: int) -> bytes:
        with refusing():
            data = self._file.read(size)
        self.position += len(data)
        return data

    def forward(self, position: int) -> None:
        while self.position < position:
            if not self.read(min(PIECE, position - self.position)):
                raise CorruptArchive("it ends within a member")


def in_tar(content: Content) -> Members:
    """The members of a TAR; raises `CorruptArchive`."""
    file = ContentFile(content)
    stream = Stored(file)
    walk = tar.headers(stream)
    while True:
        try:
            found = next(walk)
        except StopIteration as stop:
            return cast(int, stop.value)
        start, size = found.offset, found.size
        if start + size > file.size:
            raise CorruptArchive("it ends within a member")
        read = partial(_read, stream, start)
        yield Member(found.name, size, read, 0, found.head, Span(start, start + size), lasting=True)


def in_compressed_tar(codec: Codec, content: Content) -> Members:
    """The members of a compressed TAR; raises `CorruptArchive`. The end returned is that of the TAR inside."""
    stream = Inflated(codec.decompress(ContentFile(content)))
    walk = tar.headers(stream)
    while True:
        try:
            found = next(walk)
        except StopIteration as stop:
            return cast(int, stop.value)
        yield Member(found.name, found.size, partial(_read, stream, found.offset), 0, found.head)


def _read(stream: tar.Forward, offset: int, span: Span) -> Iterator[bytes]:
    stream.forward(offset + span.start)
    stop = offset + span.stop
    while stream.position < stop:
        piece = stream.read(min(PIECE, stop - stream.position))
        if not piece:
            raise CorruptArchive("it ends within a member")
        yield piece


def open_zip(content: Content) -> ZipFile:
    """The directory of a ZIP, read; raises `CorruptArchive`."""
    with refusing():
        return ZipFile(ContentFile(content))


def in_zip(content: Content) -> Members:
    """The members of a ZIP; raises `CorruptArchive`."""
    opened = open_zip(content)
    for info in opened.infolist():
        if not info.is_dir():
            read = partial(_unzip, opened, info)
            yield Member(info.filename, info.file_size, read, modified_of(info), lasting=True)
    return opened.start_dir


def _unzip(opened: ZipFile, info: ZipInfo, span: Span) -> Iterator[bytes]:
    if info.flag_bits & ENCRYPTED or info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise CorruptArchive(f"{info.filename} is encrypted, or compressed in a way that is not supported")
    with refusing(), opened.open(info) as file:
        file.seek(span.start)
        left = span.size
        while left:
            piece = file.read(min(PIECE, left))
            if not piece:
                raise CorruptArchive("it ends within a member")
            left -= len(piece)
            yield piece


def modified_of(info: ZipInfo) -> int:
    """Seconds since the epoch; ZIP knows no time zone, so it is taken for UTC. 0 for what is no date."""
    try:
        return int(datetime(*info.date_time, tzinfo=timezone.utc).timestamp())
    except ValueError:
        return 0


def offloaded(pieces: Iterator[T]) -> Iterator[T]:
    """The same pieces, each of them made in a thread."""
    while (piece := run(next, pieces, None)) is not None:
        yield piece


def at_once(pieces: Iterator[bytes], size: int) -> bytes | Iterator[bytes]:
    """What is small in one piece, what is large in several, all of them made in threads."""
    return run(b"".join, pieces) if size <= PIECE else offloaded(pieces)


def gathered(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in fewer pieces, of about 256 KiB."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= PIECE:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)
