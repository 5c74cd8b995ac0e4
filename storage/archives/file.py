"""An object's content as a file that can be read from anywhere, for libraries that want one."""

from __future__ import annotations

import io
import os
from bisect import bisect_right
from itertools import accumulate

from storage.content import Content, Span
from storage.errors import CorruptArchive

LARGEST_READ = 16 * 1024 * 1024  # bytes that an archive may ask to have in memory at once


class BeforeBeginning(OSError):
    """What files raise who are told to go before their beginning, as some readers count on."""


class ContentFile(io.RawIOBase):
    """The content, which stays the caller's, from its beginning. It blocks where the disk does: use it in a thread.

    What an archive claims about itself is not believed: a read of more than `LARGEST_READ` raises `CorruptArchive`.
    """

    def __init__(self, content: Content) -> None:
        self._content = content
        self._position = 0
        items = () if isinstance(content, bytes) else content.items
        self._starts = [0, *accumulate(item.length for item in items)]
        self.size = len(content) if isinstance(content, bytes) else self._starts[-1]

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        base = (0, self._position, self.size)[whence]
        if base + offset < 0:
            raise BeforeBeginning("it refers to bytes before its beginning")
        self._position = base + offset
        return self._position

    def read(self, size: int = -1, /) -> bytes:
        wanted = Span(self._position, self.size if size < 0 else min(self._position + size, self.size))
        if wanted.size > LARGEST_READ:
            raise CorruptArchive(f"it has a header of {wanted.size} bytes")
        if wanted.size <= 0:
            return b""
        self._position = wanted.stop
        return self._content[wanted.start : wanted.stop] if isinstance(self._content, bytes) else self._pread(wanted)

    def _pread(self, wanted: Span) -> bytes:
        assert not isinstance(self._content, bytes)
        number = bisect_right(self._starts, wanted.start) - 1
        parts: list[bytes] = []
        position = wanted.start
        while position < wanted.stop:
            fd, offset, length = self._content.items[number]
            within = position - self._starts[number]
            part = os.pread(fd, min(length - within, wanted.stop - position), offset + within)
            if not part:
                raise CorruptArchive("its file is shorter than recorded")
            parts.append(part)
            position += len(part)
            number += within + len(part) == length
        return parts[0] if len(parts) == 1 else b"".join(parts)
