"""Archives made of entries, anew or after the members of one that exists, as a stream that grows with neither."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from storage.archives.codecs import PIECE, Codec, compressed, refusing
from storage.archives.file import ContentFile
from storage.archives.packing import Packer, TarPacker, ZipPacker
from storage.archives.reading import Member, gathered, in_compressed_tar, in_tar, offloaded, open_zip
from storage.content import Content
from storage.errors import CorruptArchive, IncompleteBody

UTF8 = 1 << 11  # a bit of a ZIP member's flags


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to become a member: exactly `size` bytes in pieces."""

    name: str
    size: int
    pieces: Iterable[bytes]
    modified: int = 0  # seconds since the epoch


@dataclass(frozen=True, slots=True)
class Beginning:
    """What an archive begins with, not compressed, and what packs the members that follow."""

    packer: Packer
    pieces: Iterable[bytes] = ()


def after_tar(content: Content) -> Beginning:
    """The members of a TAR. Blocks, as the other two; raises `CorruptArchive`."""
    end = end_of(in_tar(content))
    return Beginning(TarPacker(), first(end, ContentFile(content)))


def after_compressed_tar(codec: Codec, content: Content) -> Beginning:
    end = end_of(in_compressed_tar(codec, content))
    return Beginning(TarPacker(), first(end, codec.decompress(ContentFile(content))))


def after_zip(content: Content) -> Beginning:
    opened = open_zip(content)
    if not all(info.filename.isascii() or info.flag_bits & UTF8 for info in opened.infolist()):
        raise CorruptArchive("it has names in an encoding that cannot be continued")
    packer = ZipPacker(position=opened.start_dir, earlier=opened.infolist())
    return Beginning(packer, first(opened.start_dir, ContentFile(content)))


def end_of(members: Generator[Member, None, int]) -> int:
    """Where the next member would begin."""
    while True:
        try:
            next(members)
        except StopIteration as stop:
            return int(stop.value)


def first(size: int, file: IO[bytes] | ContentFile) -> Iterator[bytes]:
    """So many bytes of the file, from its beginning."""
    while size:
        with refusing():
            piece = file.read(min(PIECE, size))
        if not piece:
            raise CorruptArchive("it ends within a member")
        size -= len(piece)
        yield piece


def packed(beginning: Beginning, entries: Iterable[Entry], codec: Codec | None) -> Iterator[bytes]:
    """The archive in pieces of about 256 KiB. `IncompleteBody` when an entry has more or fewer bytes than it says."""
    pieces = gathered(_packed(beginning, entries))
    return pieces if codec is None else compressed(pieces, codec)


def _packed(beginning: Beginning, entries: Iterable[Entry]) -> Iterator[bytes]:
    yield from offloaded(iter(beginning.pieces))
    packer = beginning.packer
    for entry in entries:
        yield packer.begin(entry.name, entry.size, entry.modified)
        size = 0
        for piece in entry.pieces:
            size += len(piece)
            if size > entry.size:
                raise IncompleteBody(entry.size, size)
            yield packer.data(piece)
        if size != entry.size:
            raise IncompleteBody(entry.size, size)
        yield packer.end()
    yield packer.finish()
