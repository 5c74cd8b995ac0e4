"""Archives in the making: what to write for each member, as bytes that follow one another."""

from __future__ import annotations

import io
import time
from collections.abc import Iterable
from typing import Protocol
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from storage.archives import tar

EARLIEST = 315532800  # seconds since the epoch: ZIP's calendar begins in 1980
LATEST = 4354819199  # and ends in 2107
MODE = 0o644


class Packer(Protocol):
    """Makes one archive. Every call returns the bytes to be written next, in order; names are the members'."""

    def begin(self, name: str, size: int, modified: int = 0) -> bytes:
        """What stands before the bytes of a member; `modified` in seconds since the epoch."""
        ...

    def data(self, piece: bytes) -> bytes:
        """The next of the member's `size` bytes."""
        ...

    def end(self) -> bytes:
        """What follows the last of them."""
        ...

    def finish(self) -> bytes:
        """The archive's end."""
        ...


class TarPacker:
    __slots__ = ("_size",)

    def __init__(self) -> None:
        self._size = 0

    def begin(self, name: str, size: int, modified: int = 0) -> bytes:
        self._size = size
        return tar.header(name, size, modified)

    def data(self, piece: bytes) -> bytes:
        return piece

    def end(self) -> bytes:
        return tar.padding(self._size)

    def finish(self) -> bytes:
        return tar.END


class Outlet(io.RawIOBase):
    """What a ZipFile writes to: it holds what was written until it is taken, and begins at `position`."""

    def __init__(self, position: int) -> None:
        self._held = bytearray()
        self._position = position

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, data: bytes | bytearray | memoryview, /) -> int:  # type: ignore[override]  # any buffer there
        self._held += data
        self._position += len(data)
        return len(data)

    def take(self) -> bytes:
        held, self._held = self._held, bytearray()
        return bytes(held)


class ZipPacker:
    """A ZIP whose members are stored as they are, as AIStore's; after the members `earlier` of one that ends at
    `position`."""

    def __init__(self, *, position: int = 0, earlier: Iterable[ZipInfo] = ()) -> None:
        self._outlet = Outlet(position)
        self._zip = ZipFile(self._outlet, "w", ZIP_STORED)
        self._zip.infolist().extend(earlier)

    def begin(self, name: str, size: int, modified: int = 0) -> bytes:
        info = ZipInfo(name, time.gmtime(min(max(modified, EARLIEST), LATEST))[:6])
        info.file_size = size
        info.external_attr = MODE << 16
        self._file = self._zip.open(info, "w")
        return self._outlet.take()

    def data(self, piece: bytes) -> bytes:
        self._file.write(piece)
        return self._outlet.take()

    def end(self) -> bytes:
        self._file.close()
        self._zip.NameToInfo.clear()  # it is used for nothing here but warnings of names that are there twice
        return self._outlet.take()

    def finish(self) -> bytes:
        self._zip.close()
        return self._outlet.take()
