"""Direct put: a server puts its result where its request told it to, and only then answers.

Such a result arrives at any worker of the node, which hands it, as it comes, to the process whose request it is the
result of. That waits on a socket named by the ticket that the request gave away. So a ticket is good for one result of
one request, while that is under way, and nothing is stored that nobody waits for.

    name of the transform, a space, the size in decimal or "-", "\\n"; the bytes, in HTTP's chunks when "-";
    then a byte comes back as soon as all of them have been taken.
"""

from __future__ import annotations

import re
import secrets
import socket
from collections.abc import Callable, Iterator
from urllib.parse import quote

from storage.payload import Reader

from etl.channels.bodies import chunked, cut, sized
from etl.channels.exchange import Exchange
from etl.channels.outgoing import chunks
from etl.errors import TransformBroken

TICKET = re.compile(r"[A-Za-z0-9_-]{22}")
AT_ONCE = 64 * 1024  # bytes: a result that is not worth streaming
PIECE = 256 * 1024  # bytes
LONGEST_LINE = 128  # bytes
TAKEN = b"+"
UNKNOWN = "-"


class NotAwaited(Exception):
    """Nobody waits for this result, or no more: its request is over, or never was."""


class Landing:
    """Where one server may put one result, until it is closed."""

    __slots__ = ("_transform", "listener", "ticket")

    def __init__(self, transform: str) -> None:
        """`transform` names the one whose server puts the result: the last of a pipeline."""
        self._transform = transform
        self.ticket = secrets.token_urlsafe(16)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(address(self.ticket))
        self.listener.listen(1)

    def url(self, node: str, name: str, job: str) -> str:
        """What a server is told, as the last entry of Ais-Node-Url: it puts its own address at the node before the
        path. `node` is host:port, `name` the object's unified name."""
        return f"http://{node}/{quote(name, safe='@')}?owt=3&uuid={job}&ticket={self.ticket}"

    def accept(self, exchange: Exchange) -> tuple[socket.socket, int | None, bytes]:
        """The connection of a result that has come, its size, and what was received of it."""
        connection, _ = self.listener.accept()
        try:
            received = b""
            while b"\n" not in received:
                piece = exchange.receive_from(connection)
                if not piece or len(received) > LONGEST_LINE:
                    raise cut()
                received += piece
            line, _, rest = received.partition(b"\n")
            name, _, size = line.decode().partition(" ")
            if name != self._transform:
                raise TransformBroken("another transform has put the result")
            return connection, None if size == UNKNOWN else int(size), rest
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        self.listener.close()


class Landed:
    """A result that its server puts. All of it has come when the server says so."""

    __slots__ = ("_body", "_connection", "_confirm", "_exchange", "size")

    status = 200
    content_type = ""

    def __init__(self, exchange: Exchange, landing: Landing, confirm: Callable[[int], None]) -> None:
        """`confirm` waits for the server's word on so many bytes, and raises `TransformFailed` when it is not that all
        went well; from then on the exchange is not this one's any more."""
        self._exchange: Exchange | None = exchange
        self._confirm = confirm
        self._connection, self.size, rest = landing.accept(exchange)
        self._body: bytes | Iterator[bytes] = self._taken(rest)
        if self.size is not None and self.size <= AT_ONCE:
            self._body = b"".join(self._body)

    def body(self) -> bytes | Iterator[bytes]:
        return self._body

    def close(self) -> None:
        self._connection.close()
        if self._exchange is not None:
            self._exchange.connection.close()

    def _taken(self, rest: bytes) -> Iterator[bytes]:
        taken = 0
        try:
            for piece in chunked(self._receive, rest) if self.size is None else sized(self._receive, rest, self.size):
                taken += len(piece)
                yield piece
            exchange, self._exchange = self._exchange, None
            try:
                self._connection.sendall(TAKEN)
                self._confirm(taken)
            except BaseException:
                assert exchange is not None
                exchange.connection.close()
                raise
        finally:
            self.close()

    def _receive(self) -> bytes:
        assert self._exchange is not None
        try:
            return self._exchange.receive_from(self._connection)
        except OSError as error:
            raise cut() from error


def deliver(ticket: str, transform: str, body: Reader) -> None:
    """Hand a result to the process that waits for it; return when that has taken all of it. `NotAwaited`.

    What reading the body raises ends the delivery, and whoever waits sees a result that broke off.
    """
    if not TICKET.fullmatch(ticket):
        raise NotAwaited
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        pieces = read(body)
        head = f"{transform} {UNKNOWN if body.size is None else body.size}\n".encode()
        try:
            connection.connect(address(ticket))
            if body.size is not None and body.size <= AT_ONCE:
                connection.sendall(head + b"".join(pieces))
            else:
                connection.sendall(head)
                for piece in chunks(pieces) if body.size is None else pieces:
                    connection.sendall(piece)
            taken = connection.recv(1)
        except (ConnectionError, FileNotFoundError) as error:
            raise NotAwaited from error
        if taken != TAKEN:
            raise NotAwaited


def address(ticket: str) -> str:
    """In the abstract name space: nothing of it is left when the process dies."""
    return f"\0sluice-landing-{ticket}"


def read(body: Reader) -> Iterator[bytes]:
    buffer = memoryview(bytearray(PIECE if body.size is None else min(PIECE, max(body.size, 1))))
    while taken := body.readinto(buffer):
        yield bytes(buffer[:taken])
