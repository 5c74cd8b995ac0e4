"""HTTP as the client of the native API speaks it: kept connections, bodies that can be sent again, redirects."""

from __future__ import annotations

import io
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from io import FileIO
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import SplitResult, urlsplit

PIECE = 1024 * 1024  # bytes handed to the socket at once
ASKED_FROM = 256 * 1024  # bytes; a smaller body is sent along with its head, a larger one when the server asks for it
CONTINUE_SECONDS = 1.0  # to wait for "100 Continue" before the body is sent anyway
KEPT = 32  # idle connections
REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})
REDIRECTS = frozenset({301, 302, 307, 308})


class Unreadable(Exception):
    """A file that was to be sent cannot be read; the text names it."""


class Body(Protocol):
    """What a request carries: `length` bytes, the same each time that it is iterated over."""

    @property
    def length(self) -> int: ...

    def __iter__(self) -> Iterator[bytes]: ...


@dataclass(frozen=True, slots=True)
class Bytes:
    content: bytes

    @property
    def length(self) -> int:
        return len(self.content)

    def __iter__(self) -> Iterator[bytes]:
        yield self.content


def _nothing(count: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class FilePart:
    """`length` bytes of a file from `start`. `sent` hears of every piece; a negative count takes back what failed."""

    path: Path
    start: int
    length: int
    sent: Callable[[int], None] = _nothing

    def __iter__(self) -> Iterator[bytes]:
        """`Unreadable` when the file cannot be read, or has become shorter."""
        done = 0
        try:
            with self._opened() as file:
                file.seek(self.start)
                while done < self.length:
                    piece = self._read(file, done)
                    yield piece
                    done += len(piece)
                    self.sent(len(piece))
        except GeneratorExit:
            self.sent(-done)
            raise

    def _opened(self) -> FileIO:
        try:
            return self.path.open("rb", buffering=0)
        except OSError as error:
            raise Unreadable(f"{self.path} cannot be read: {error.strerror}") from error

    def _read(self, file: FileIO, done: int) -> bytes:
        try:
            piece = file.read(min(PIECE, self.length - done))
        except OSError as error:
            raise Unreadable(f"{self.path} cannot be read: {error.strerror}") from error
        if not piece:
            raise Unreadable(f"{self.path} has become shorter while it was read")
        return piece


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    target: str  # path and query
    headers: Mapping[str, str]
    body: Body | None
    patience: float  # seconds without a byte


class Wire:
    """Connections to one origin. Threads may share it; each exchange has a connection to itself."""

    def __init__(self, origin: SplitResult, context: ssl.SSLContext | None) -> None:
        self.origin = origin
        self._context = context
        self._idle: list[HTTPConnection] = []

    def send(self, request: Request) -> tuple[HTTPConnection, HTTPResponse]:
        """The head of the reply. The caller reads the body and then hands the connection to `done`.

        A kept connection that the server has closed meanwhile is replaced; what must not be done twice goes over a
        new one. Raises `OSError` and `HTTPException`.
        """
        kept = self._kept() if request.method in REPEATABLE else None
        if kept is not None:
            try:
                return kept, self._exchange(kept, request)
            except (ConnectionError, HTTPException):
                kept.close()
            except BaseException:
                kept.close()
                raise
        connection = self._connection(request.patience)
        try:
            return connection, self._exchange(connection, request)
        except BaseException:
            connection.close()
            raise

    def done(self, connection: HTTPConnection, reply: HTTPResponse) -> None:
        """Keep the connection, if the reply was read to its end."""
        if reply.isclosed() and not reply.will_close and connection.sock is not None and len(self._idle) < KEPT:
            self._idle.append(connection)
        else:
            reply.close()
            connection.close()

    def _kept(self) -> HTTPConnection | None:
        try:
            return self._idle.pop()
        except IndexError:  # another thread may have taken the last one at any moment
            return None

    def _connection(self, patience: float) -> HTTPConnection:
        host, port = self.origin.hostname or "", self.origin.port
        if self.origin.scheme == "https":
            return HTTPSConnection(host, port, timeout=patience, context=self._context)
        return HTTPConnection(host, port, timeout=patience)

    def _exchange(self, connection: HTTPConnection, request: Request) -> HTTPResponse:
        connection.timeout = request.patience
        if connection.sock is not None:
            connection.sock.settimeout(request.patience)
        body = request.body
        connection.putrequest(request.method, request.target, skip_accept_encoding=True)
        for name, value in request.headers.items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(body.length))
        if body is None or body.length < ASKED_FROM:
            connection.endheaders(b"".join(body or ()))
            return connection.getresponse()
        connection.putheader("Expect", "100-continue")
        connection.endheaders()
        early = early_reply(connection.sock, request.method)
        if early is not None:
            return early
        self._stream(connection, body)
        return connection.getresponse()

    @staticmethod
    def _stream(connection: HTTPConnection, body: Body) -> None:
        """Send it; a server that answers and closes before the end is listened to."""
        pieces = iter(body)
        try:
            for piece in pieces:
                connection.send(piece)
        except (BrokenPipeError, ConnectionResetError):
            pieces.close()  # type: ignore[attr-defined]  # they come from a generator


class _Seen:
    """A socket of which the beginning of the reply was read already."""

    def __init__(self, head: bytes, sock: socket.socket) -> None:
        self._rest = _Rest(head, sock)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._rest)


class _Rest(io.RawIOBase):
    def __init__(self, head: bytes, sock: socket.socket) -> None:
        self._head = head
        self._sock = sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._head:
            return self._sock.recv_into(buffer)
        count = min(len(buffer), len(self._head))
        buffer[:count] = self._head[:count]
        self._head = self._head[count:]
        return count


def early_reply(sock: socket.socket, method: str) -> HTTPResponse | None:
    """The final answer of a server that does not want the body; None when it says that it does, or says nothing."""
    head, patience = b"", sock.gettimeout()
    sock.settimeout(CONTINUE_SECONDS)
    try:
        while not head.endswith(b"\r\n\r\n"):
            byte = sock.recv(1)
            if not byte:
                raise ConnectionResetError("the server closed the connection instead of an answer")
            head += byte
            sock.settimeout(patience)
    except TimeoutError:
        if head:
            raise
        return None
    finally:
        sock.settimeout(patience)
    if head[9:12] == b"100":
        return None
    reply = HTTPResponse(_Seen(head, sock), method=method)  # type: ignore[arg-type]  # it wants `makefile` only
    reply.begin()
    reply.will_close = True
    return reply


def target_of(location: str) -> str:
    """The path and query of an absolute URL."""
    parts = urlsplit(location)
    return parts.path + (f"?{parts.query}" if parts.query else "")
