"""Requests by HTTP/1.1 to transforms' servers, over connections that are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from socket import socket
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

from gunicorn_h1c import IncompleteError, ParseError, parse_response
from storage.content import Content

from etl.channel import FAILED, ConnectionFailed, Request, message
from etl.channels.bodies import Receive, chunked, cut, sized, until_close
from etl.channels.exchange import Exchange
from etl.channels.landing import Landed
from etl.channels.outgoing import Outgoing
from etl.channels.pool import Pool, connect
from etl.errors import TransformBroken, TransformFailed

AT_ONCE = 64 * 1024  # bytes: a request that any socket takes in full, an answer that is not worth streaming
LARGEST_HEAD = 64 * 1024  # bytes
MOST_REDIRECTS = 3  # frameworks send PUT //a/b on to /a/b
SENT_ON = (307, 308)
NO_CONTENT = 204
FINAL = 200  # the first status that is no interim answer
UNAVAILABLE = 503
ASKS_AGAIN = b"direct-put-transient"
Headers = dict[bytes, bytes]


def parameters(request: Request) -> str:
    """The query of a request, with its question mark; a file's name is escaped twice, as AIStore does it."""
    given = []
    if request.file:
        given.append(f"etl_fqn={quote(quote(request.file, safe=''), safe='')}")
    if request.arguments:
        given.append(f"etl_args={quote_plus(request.arguments)}")
    return "?" + "&".join(given) if given else ""


class Http:
    """Sends requests to servers. Safe to use by many greenlets or threads at once."""

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._pool = Pool[socket](monotonic=monotonic)

    def send(
        self, method: str, request: Request, path: str, content: Content | Iterator[bytes], size: int | None
    ) -> HttpAnswer | Landed:
        """The answer to a request for this path; redirects within the server are followed. Raises as a channel."""
        answer = self._attempt(method, request, path + parameters(request), content, size)
        for _ in range(MOST_REDIRECTS):
            location = answer.sent_on_to() if isinstance(answer, HttpAnswer) else ""
            if not location or isinstance(content, Iterator):
                break
            answer.close()
            answer = self._attempt(method, request, location, content, size)
        if isinstance(answer, HttpAnswer) and answer.asks_again:
            answer.close()
            raise ConnectionFailed("the transform's server could not pass its result on", stale=False)
        return answer

    def close(self) -> None:
        self._pool.close()

    def _attempt(
        self, method: str, request: Request, target: str, content: Content | Iterator[bytes], size: int | None
    ) -> HttpAnswer | Landed:
        """One request. Whatever is raised, its connection is closed."""
        kept = self._pool.take(request.address)
        try:
            connection = kept or connect(request.address)
        except OSError as error:
            raise ConnectionFailed(f"cannot connect: {error}", stale=False) from error
        try:
            exchange = Exchange(connection, request.seconds, request.timeout)
            head = headed(method, request, target, size)
            if isinstance(content, bytes) and len(content) <= AT_ONCE:
                exchange.send_at_once(head + content)
            else:
                exchange.send(Outgoing(head, content, chunked=size is None))
            return self._answer(request, exchange, stale=kept is not None)
        except BaseException as error:
            connection.close()
            if isinstance(error, OSError):
                raise ConnectionFailed(f"connection lost: {error}", stale=kept is not None) from error
            raise

    def _answer(self, request: Request, exchange: Exchange, *, stale: bool) -> HttpAnswer | Landed:
        if request.landing is not None and exchange.first(request.landing.listener):
            return Landed(exchange, request.landing, lambda _: self._confirm(request.address, exchange))
        head, rest = read_head(exchange.receive, stale=stale)
        answer = HttpAnswer(exchange, head, rest, pool=self._pool, address=request.address)
        if answer.status == NO_CONTENT and request.landing is not None:
            answer.close()
            raise TransformBroken("the transform's server says that it has put its result, which has not come")
        return answer

    def _confirm(self, address: str, exchange: Exchange) -> None:
        """Wait for what the server says of a result that it has put."""
        try:
            head, rest = read_head(exchange.receive, stale=False)
        except (OSError, ConnectionFailed) as error:
            raise cut() from error
        answer = HttpAnswer(exchange, head, rest, pool=self._pool, address=address)
        try:
            if answer.status >= FAILED:
                raise TransformFailed(answer.status, f"ETL error: {message(answer)}")
        finally:
            answer.close()


def headed(method: str, request: Request, target: str, size: int | None) -> bytes:
    """The head of a request. A GET has no body."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {request.address}"]
    if method != "GET":
        lines.append("Transfer-Encoding: chunked" if size is None else f"Content-Length: {size}")
    if request.onward:
        lines.append(f"Ais-Node-Url: {request.onward}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def read_head(receive: Receive, *, stale: bool, final: int = FINAL) -> tuple[dict[str, Any], bytes]:
    """The head of the first answer whose status is at least `final`, and what has come of its body."""
    received = receive()
    if not received:
        raise ConnectionFailed("the server closed the connection without an answer", stale=stale)
    while True:
        try:
            head: dict[str, Any] = parse_response(received)
        except IncompleteError:
            received += more_of_head(receive, received)
            continue
        except ParseError as error:
            raise TransformBroken("the transform's server did not answer in HTTP") from error
        received = received[head["consumed"]:]
        if head["status"] >= final:
            return head, received


def more_of_head(receive: Receive, received: bytes) -> bytes:
    if len(received) > LARGEST_HEAD:
        raise TransformBroken("the head of the answer of the transform's server is too large")
    try:
        more = receive()
    except OSError as error:
        raise cut() from error
    if not more:
        raise cut()
    return more


class HttpAnswer:
    """An answer on its connection, which goes back to the pool after the last byte if the server agrees."""

    __slots__ = (
        "_address", "_body", "_exchange", "_headers", "_open", "_pool", "_reusable", "content_type", "size", "status"
    )

    def __init__(
        self, exchange: Exchange, head: dict[str, Any], rest: bytes, *, pool: Pool[socket], address: str
    ) -> None:
        self._exchange = exchange
        self._pool = pool
        self._address = address
        self._headers: Headers = {name.lower(): value for name, value in head["headers"]}
        self._open = True
        self.status: int = head["status"]
        self.content_type = self._headers.get(b"content-type", b"").decode("latin-1")
        self._reusable = head["minor_version"] == 1 and b"close" not in self._headers.get(b"connection", b"").lower()
        self.size: int | None = self._announced()
        self._body: bytes | Iterator[bytes] = rest
        if self.size == len(rest):
            self._finish()
        else:
            self._body = self._until_end(self._framed(rest))
            if self.size is not None and self.size <= AT_ONCE:
                self._body = b"".join(self._body)

    def body(self) -> bytes | Iterator[bytes]:
        return self._body

    def sent_on_to(self) -> str:
        """The path and query on the same server where the request shall be repeated, "" when it shall not."""
        if self.status not in SENT_ON:
            return ""
        parts = urlsplit(quote(self._headers.get(b"location", b""), safe="/:?=&%+@~#!$'()*,;[]"))
        return (parts.path and parts.path + (f"?{parts.query}" if parts.query else "")) or ""

    @property
    def asks_again(self) -> bool:
        """Whether the server asks for a request again, whose object it could read only once."""
        return self.status == UNAVAILABLE and self._headers.get(b"ais-etl-retry-reason") == ASKS_AGAIN

    def close(self) -> None:
        if self._open:
            self._open = False
            self._exchange.connection.close()

    def _announced(self) -> int | None:
        if self.status == NO_CONTENT:
            return 0
        if b"transfer-encoding" in self._headers:
            return None
        length = self._headers.get(b"content-length")
        if length is None:
            return None
        if not length.isdigit():
            raise TransformBroken("the answer of the transform's server has no valid Content-Length")
        return int(length)

    def _framed(self, rest: bytes) -> Iterator[bytes]:
        if self.size is not None:
            return sized(self._receive, rest, self.size)
        if b"transfer-encoding" in self._headers:
            return chunked(self._receive, rest)
        self._reusable = False
        return until_close(self._receive, rest)

    def _receive(self) -> bytes:
        try:
            return self._exchange.receive()
        except OSError as error:
            raise cut() from error

    def _until_end(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """The pieces; the connection is closed unless they have come to their end."""
        try:
            yield from pieces
            self._finish()
        finally:
            self.close()

    def _finish(self) -> None:
        """Keep the connection for the next object if nothing is left on it."""
        if self._reusable and self._exchange.sent:
            self._open = False
            self._pool.give(self._address, self._exchange.connection)
        else:
            self.close()
