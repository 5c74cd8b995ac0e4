"""ws: objects and results are messages of WebSockets, which are kept from one object to the next.

For each object goes a binary message of JSON, then, unless it is given by the name of a file, one with its bytes, in
fragments where it is large. What comes back is a binary message, the result; or a text: how many bytes the server has
put where it was told to, or what went wrong. A connection carries one object at a time, so whatever happens to it
happened to that object.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from socket import socket
from urllib.parse import quote

import msgspec
from storage.content import Content
from websockets.frames import Frame, Opcode
from websockets.utils import accept_key, generate_key

from etl.channel import Answer, ConnectionFailed, Request
from etl.channels.bodies import cut
from etl.channels.exchange import Exchange
from etl.channels.frames import Closed, Incoming
from etl.channels.http import AT_ONCE, read_head
from etl.channels.landing import Landed
from etl.channels.outgoing import Outgoing
from etl.channels.pool import Pool, connect
from etl.errors import TransformBroken, TransformFailed

SWITCHING = 101
FAILURE = 500  # a text says what went wrong, and no status


class Connection:
    """A WebSocket, and what has been received of the next message."""

    __slots__ = ("rest", "socket")

    def __init__(self, connection: socket, rest: bytes) -> None:
        self.socket = connection
        self.rest = rest

    def close(self) -> None:
        self.socket.close()


class WebSockets:
    """Sends objects to servers over WebSockets. Safe to use by many greenlets or threads at once."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._pool = Pool[Connection](monotonic=monotonic)

    def send(self, request: Request, content: Content | Iterator[bytes], size: int | None) -> Answer:
        kept = self._pool.take(request.address)
        connection = kept or dial(request)
        try:
            exchange = Exchange(connection.socket, request.seconds, request.timeout)
            put(exchange, request, content)
            return self._answer(request, exchange, connection)
        except BaseException as error:
            connection.close()
            if isinstance(error, Closed) and kept is None:
                raise TransformBroken(f"the transform's server closed the WebSocket: {error}") from error
            if isinstance(error, OSError | Closed):
                raise ConnectionFailed(f"connection lost: {error}", stale=kept is not None) from error
            raise

    def close(self) -> None:
        self._pool.close()

    def _answer(self, request: Request, exchange: Exchange, connection: Connection) -> Answer:
        if request.landing is not None and exchange.first(request.landing.listener):
            return Landed(
                exchange, request.landing, lambda size: self._confirm(request.address, exchange, connection, size)
            )
        incoming = Incoming(exchange, connection.rest)
        opcode = incoming.begin()
        if opcode is Opcode.TEXT:
            text = b"".join(incoming.payload()).decode(errors="replace")
            self._give(request.address, exchange, connection, incoming)
            raise TransformFailed(FAILURE, f"ETL error: {worded(text)}")
        return Message(incoming, connection, lambda: self._give(request.address, exchange, connection, incoming))

    def _confirm(self, address: str, exchange: Exchange, connection: Connection, size: int) -> None:
        """Wait for what the server says of a result of `size` bytes that it has put."""
        try:
            incoming = Incoming(exchange, connection.rest)
            opcode = incoming.begin()
            text = b"".join(incoming.payload()).decode(errors="replace")
        except (OSError, Closed) as error:
            raise cut() from error
        self._give(address, exchange, connection, incoming)
        if opcode is not Opcode.TEXT or not text.isdigit() or (size and text == "0"):
            raise TransformFailed(FAILURE, f"ETL error: {worded(text)}")

    def _give(self, address: str, exchange: Exchange, connection: Connection, incoming: Incoming) -> None:
        """Keep the connection for the next object, unless this one has not gone out in full."""
        connection.rest = incoming.rest
        if exchange.sent:
            self._pool.give(address, connection)
        else:
            connection.close()


def dial(request: Request) -> Connection:
    """A new WebSocket to the request's server."""
    try:
        opened = connect(request.address)
    except OSError as error:
        raise ConnectionFailed(f"cannot connect: {error}", stale=False) from error
    try:
        key = generate_key()
        lines = (
            "GET /ws HTTP/1.1", f"Host: {request.address}", "Upgrade: websocket", "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13",
        )
        exchange = Exchange(opened, request.seconds, request.timeout)
        exchange.send_at_once("".join(f"{line}\r\n" for line in (*lines, "")).encode())
        head, rest = read_head(exchange.receive, stale=False, final=SWITCHING)
        headers = {name.lower(): value for name, value in head["headers"]}
        if head["status"] != SWITCHING or headers.get(b"sec-websocket-accept") != accept_key(key).encode():
            raise TransformBroken(f"the transform's server has no WebSocket at /ws (status {head['status']})")
        return Connection(opened, rest)
    except BaseException as error:
        opened.close()
        if isinstance(error, OSError):
            raise ConnectionFailed(f"connection lost: {error}", stale=False) from error
        raise


def put(exchange: Exchange, request: Request, content: Content | Iterator[bytes]) -> None:
    """Send the control message and the object, or begin to."""
    said = {
        "pipeline": request.onward, "etl_args": request.arguments, "fqn": quote(request.file, safe=""),
        "path": request.key,
    }
    head = masked(Opcode.BINARY, msgspec.json.encode({name: value for name, value in said.items() if value}))
    if request.file:
        exchange.send_at_once(head)
    elif isinstance(content, bytes) and len(content) <= AT_ONCE:
        exchange.send_at_once(head + masked(Opcode.BINARY, content))
    else:
        pieces = iter((content,)) if isinstance(content, bytes) else iter(content)
        exchange.send(Outgoing(head, fragments(pieces), chunked=False))


def fragments(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """A message, of which nobody knows yet which piece is the last."""
    opcode = Opcode.BINARY
    for piece in pieces:
        yield masked(opcode, piece, fin=False)
        opcode = Opcode.CONT
    yield masked(opcode, b"")


def masked(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)


def worded(text: str) -> str:
    """A server's text as the reason of a failure: of a result that could not be put it says 0, and no more."""
    return f"the transform's server has put nothing ({text})" if text.isdigit() else text


class Message:
    """A result that is a message. Its connection is free for the next object after the last byte."""

    __slots__ = ("_body", "_connection", "_give", "_incoming", "_open", "size")

    status = 200
    content_type = ""

    def __init__(self, incoming: Incoming, connection: Connection, give: Callable[[], None]) -> None:
        self._incoming = incoming
        self._connection = connection
        self._give = give
        self._open = True
        self.size = incoming.size
        self._body: bytes | Iterator[bytes] = self._until_end()
        if self.size is not None and self.size <= AT_ONCE:
            self._body = b"".join(self._body)

    def body(self) -> bytes | Iterator[bytes]:
        return self._body

    def close(self) -> None:
        if self._open:
            self._open = False
            self._connection.close()

    def _until_end(self) -> Iterator[bytes]:
        try:
            yield from self._incoming.payload()
            self._open = False
            self._give()
        except (OSError, Closed) as error:
            raise cut() from error
        finally:
            self.close()
