"""Request bodies, received straight into the reader's buffer.

All have `size` (bytes; None when the client announced none), `received` (bytes read so far), `left` (bytes not read
yet; None when unknown), `finished` (the next request begins where the connection stands) and `broken` (nobody knows
where it begins). An early end raises `storage.errors.IncompleteBody`, silence `BodyTimeout`.
"""

from __future__ import annotations

import re
from typing import Final, Protocol

from appliance.http.transport import Stalled, Transport
from storage.errors import BodyTimeout, IncompleteBody, PayloadError

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
PIECE: Final = 256 * 1024  # bytes received at a time when the reader names no size
CHUNK_LINE_MAX: Final = 4096  # bytes
TRAILERS_MAX: Final = 16 * 1024  # bytes

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_QUOTED = rb'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"'
_CHUNK_LINE: Final = re.compile(
    rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[ \t]*%b(?:[ \t]*=[ \t]*(?:%b|%b))?)*" % (_TOKEN, _TOKEN, _QUOTED)
)
_TRAILER: Final = re.compile(rb"%b:[\t -~\x80-\xff]*" % _TOKEN)


class MalformedBody(PayloadError):
    """The chunked coding of the body is broken; where the next request begins is unknown."""


class Body(Protocol):
    rest: bytes

    @property
    def received(self) -> int: ...

    @property
    def size(self) -> int | None: ...

    @property
    def left(self) -> int | None: ...

    @property
    def finished(self) -> bool: ...

    @property
    def broken(self) -> bool: ...

    @property
    def awaited(self) -> bool:
        """The client still waits for `100 Continue` and may never send the body."""

    def readinto(self, buffer: memoryview | bytearray) -> int: ...

    def read(self, size: int = -1) -> bytes: ...


class Empty:
    """The body of a request that has none; one object serves them all."""

    __slots__ = ()

    size: int | None = 0
    received = 0
    left: int | None = 0
    finished = True
    broken = False
    awaited = False
    rest = b""

    def readinto(self, buffer: memoryview | bytearray) -> int:
        return 0

    def read(self, size: int = -1) -> bytes:
        return b""


class _Received:
    """What both codings share. `rest` holds bytes that came with the head or a chunk line and aren't consumed yet; when
    the body is finished they are the beginning of the next request. `100 Continue`, if `awaited`, goes out when the
    first byte is asked for."""

    __slots__ = ("_transport", "awaited", "broken", "finished", "received", "rest", "size")

    def __init__(self, transport: Transport, rest: bytes, *, size: int | None, awaited: bool) -> None:
        self.size = size
        self.finished = False
        self.broken = False
        self.awaited = awaited
        self.rest = rest
        self._transport = transport
        self.received = 0

    def readinto(self, buffer: memoryview | bytearray) -> int:
        """Fill the beginning of `buffer`, which must not be empty; 0 when the body is finished."""
        if self.finished:
            return 0
        if self.awaited:
            self.awaited = False
            if not self.rest:
                self._transport.send(CONTINUE)
        try:
            return self._fill(memoryview(buffer))
        except PayloadError:
            self.broken = True
            raise

    def _fill(self, view: memoryview) -> int:
        raise NotImplementedError

    def read(self, size: int = -1) -> bytes:
        """`size` bytes, fewer only at the end of the body; all that follow if `size` is negative."""
        pieces = []
        while size and not self.finished:
            piece = bytearray(PIECE if size < 0 else min(size, PIECE))
            count = self.readinto(piece)
            if not count:
                break
            pieces.append(bytes(memoryview(piece)[:count]))
            size -= count if size > 0 else 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _take(self, view: memoryview) -> int:
        """Fill the beginning of `view`, which isn't empty, from the rest or the socket."""
        rest = self.rest
        if rest:
            count = min(len(rest), len(view))
            view[:count] = rest[:count]
            self.rest = rest[count:]
        else:
            count = self._from_socket(view)
        self.received += count
        return count

    def _from_socket(self, view: memoryview) -> int:
        try:
            count = self._transport.receive_into(view)
        except Stalled:
            raise BodyTimeout(self._transport.stall_seconds) from None
        except ConnectionError:
            count = 0
        if not count:
            raise IncompleteBody(self.size, self.received)
        return count


class Sized(_Received):
    """A body of the announced length, which is 0 only where the client waits for `100 Continue` all the same: some
    (aws-cli's botocore) mix up the replies on a connection where that final reply came without one before it."""

    __slots__ = ("left",)

    def __init__(self, transport: Transport, rest: bytes, size: int, *, awaited: bool) -> None:
        super().__init__(transport, rest, size=size, awaited=awaited)
        self.left = size

    def _fill(self, view: memoryview) -> int:
        left = self.left
        count = self._take(view if len(view) <= left else view[:left]) if left else 0
        self.left = left - count
        self.finished = not self.left
        return count

    def read(self, size: int = -1) -> bytes:
        left = self.left
        if 0 < left <= len(self.rest) and (size < 0 or size >= left):
            return self._read_rest(left)
        return super().read(size)

    def _read_rest(self, left: int) -> bytes:
        """The common small body, all of which came with its head."""
        data, self.rest = self.rest[:left], self.rest[left:]
        self.awaited = False
        self.finished = True
        self.left = 0
        self.received += left
        return data


class Chunked(_Received):
    """A body in HTTP's chunked coding, decoded strictly: a bare LF, a missing CRLF or an endless line is refused with
    `MalformedBody`. Trailers are read and dropped."""

    __slots__ = ("_left",)

    left: int | None = None

    def __init__(self, transport: Transport, rest: bytes, *, awaited: bool) -> None:
        super().__init__(transport, rest, size=None, awaited=awaited)
        self._left = 0  # bytes of the current chunk

    def _fill(self, view: memoryview) -> int:
        if not (self._left or self._next_chunk()):
            return 0
        count = self._take(view[: self._left])
        self._left -= count
        if not self._left and self._line(2):
            raise MalformedBody("a chunk does not end with CRLF")
        return count

    def _next_chunk(self) -> bool:
        line = self._line(CHUNK_LINE_MAX)
        match = _CHUNK_LINE.fullmatch(line)
        if not match:
            raise MalformedBody("a chunk size line is malformed")
        self._left = int(match[1], 16)
        if not self._left:
            self._skip_trailers()
            self.finished = True
        return bool(self._left)

    def _skip_trailers(self) -> None:
        room = TRAILERS_MAX
        while line := self._line(room):
            if not _TRAILER.fullmatch(line):
                raise MalformedBody("a trailer is malformed")
            room -= len(line) + 2

    def _line(self, limit: int) -> bytes:
        """The next line without its CRLF; with it, it has at most `limit` bytes."""
        while True:
            end = self.rest.find(b"\n", 0, max(limit, 0))
            if end >= 0:
                break
            if len(self.rest) >= limit:
                raise MalformedBody("a line of the chunked coding is too long")
            self._more()
        line, self.rest = self.rest[: end + 1], self.rest[end + 1 :]
        if not line.endswith(b"\r\n"):
            raise MalformedBody("a line of the chunked coding does not end with CRLF")
        return line[:-2]

    def _more(self) -> None:
        piece = bytearray(8192)
        count = self._from_socket(memoryview(piece))
        self.rest += piece[:count]
