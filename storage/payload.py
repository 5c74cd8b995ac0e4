"""The bytes on their way in: what a writer takes and what it promises to do with it."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Mapping
from typing import Protocol

from storage.errors import IncompleteBody


class Reader(Protocol):
    """A source of bytes. `size` is how many will come, None when nobody knows."""

    @property
    def size(self) -> int | None: ...

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the start of `buffer`, which is not empty; the number of bytes written, 0 at the end.

        Raises a `PayloadError` (or the door's own error) when the bytes are not what was promised.

        A reader may have `read(size) -> bytes`, too, which spares small bodies a copy or two.
        """
        ...


class Payload(Reader, Protocol):
    """An incoming object or part with its checks."""

    @property
    def algorithms(self) -> frozenset[str]:
        """The checksums (names of `storage.checksums`) to compute beside MD5 in the one pass over the bytes."""
        ...

    def verify(self, digests: Mapping[str, bytes]) -> Mapping[str, str]:
        """The checksums to store, as base64 by algorithm name; called once, after the last byte was read and
        before anything becomes visible. `digests` holds "md5" and every member of `algorithms`.

        Raising refuses the write, which then leaves no trace.
        """
        ...


class BytesPayload:
    """Bytes at hand as a payload without checks."""

    __slots__ = ("_rest", "algorithms", "size")

    def __init__(self, data: bytes, *, algorithms: frozenset[str] = frozenset()) -> None:
        self._rest = memoryview(data)
        self.size: int | None = len(data)
        self.algorithms = algorithms

    def readinto(self, buffer: memoryview, /) -> int:
        taken = min(len(buffer), len(self._rest))
        buffer[:taken] = self._rest[:taken]
        self._rest = self._rest[taken:]
        return taken

    def verify(self, digests: Mapping[str, bytes]) -> Mapping[str, str]:
        return encoded(digests, self.algorithms)


def encoded(digests: Mapping[str, bytes], algorithms: frozenset[str]) -> dict[str, str]:
    """The digests of `algorithms` as S3 writes them: base64 of the big-endian bytes."""
    return {name: b2a_base64(digests[name], newline=False).decode() for name in algorithms}


def read_exactly(reader: Reader, size: int) -> bytes | bytearray:
    """The `size` bytes of a reader that announced them, its end included (so that its last check has run).

    Raises `IncompleteBody` when it ends early or goes on.
    """
    if size and (read := getattr(reader, "read", None)) is not None:
        whole: bytes = read(size)
        if len(whole) != size:
            raise IncompleteBody(size, len(whole))
        return whole
    data = bytearray(size + 1)
    view = memoryview(data)
    filled = 0
    while got := reader.readinto(view[filled:]):
        filled += got
        if filled > size:
            break
    if filled != size:
        raise IncompleteBody(size, filled)
    view.release()
    del data[size:]
    return data
