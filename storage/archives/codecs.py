"""Compression of whole archives: gzip and LZ4."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Protocol, cast

import lz4.frame

from storage.archives.file import BeforeBeginning, ContentFile
from storage.errors import CorruptArchive
from storage.threads import run

PIECE = 256 * 1024  # bytes
GZIP = 31  # zlib's number for gzip's format with the largest window
# What the libraries raise for bytes that are not what they should be, beside LZ4's RuntimeError.
MALFORMED = (
    BeforeBeginning, EOFError, gzip.BadGzipFile, NotImplementedError, RuntimeError, UnicodeDecodeError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip


class Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


class Lz4:
    """LZ4 as frames, whose beginning comes with the first bytes."""

    def __init__(self) -> None:
        self._compressor = lz4.frame.LZ4FrameCompressor()
        self._begun = b""

    def compress(self, data: bytes, /) -> bytes:
        begin = b"" if self._begun else self._compressor.begin()
        self._begun = self._begun or begin
        return cast(bytes, begin + self._compressor.compress(data))

    def flush(self) -> bytes:
        return self.compress(b"") + cast(bytes, self._compressor.flush())


@dataclass(frozen=True, slots=True)
class Codec:
    """A compression: how it is read from a file, and how it is made."""

    decompress: Callable[[ContentFile], IO[bytes]]
    compressor: Callable[[], Compressor]


# The node's processors are dearer than the few percent that gzip's higher levels save, at three times the cost.
GZIPPED = Codec(
    lambda file: cast(IO[bytes], gzip.GzipFile(fileobj=file, mode="rb")),
    lambda: cast(Compressor, zlib.compressobj(zlib.Z_BEST_SPEED, zlib.DEFLATED, GZIP)),
)
LZ4 = Codec(lambda file: cast(IO[bytes], lz4.frame.LZ4FrameFile(file, mode="rb")), Lz4)


@contextmanager
def refusing() -> Iterator[None]:
    """What libraries say of malformed bytes, as `CorruptArchive`."""
    try:
        yield
    except MALFORMED as error:
        raise CorruptArchive(str(error) or type(error).__name__) from error


def compressed(pieces: Iterable[bytes], codec: Codec) -> Iterator[bytes]:
    """The pieces compressed, in a thread each: make them large."""
    compressor = codec.compressor()
    for piece in pieces:
        yield run(compressor.compress, piece)
    yield run(compressor.flush)
