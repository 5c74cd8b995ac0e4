"""The fast lane: one connection, one greenlet, requests of the common shape answered by the WSGI callable."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Protocol

from gunicorn_h1c import HttpRequest

from appliance.http import reply
from appliance.http.body import Body, Chunked, Empty, Sized
from appliance.http.head import (
    COMMON,
    EXPECT,
    HOST,
    UPGRADE,
    Limits,
    Refused,
    check_uncommon,
    expects_continue,
    parse,
    target,
    too_slow,
    traits,
    wants_websocket,
)
from appliance.http.transport import PeerGone, Stalled, Transport
from storage.content import Segments
from storage.errors import BodyTimeout, PayloadError

log = logging.getLogger("sluice.http")

READ_SIZE: Final = 16 * 1024  # bytes; a head, and a small body with it
DRAIN_MAX: Final = 256 * 1024  # bytes of an unread body that are worth reading to keep the connection
DRAIN_SECONDS: Final = 5.0
DRAIN_LEAST: Final = 1024  # bytes that each read counts for: a body in the smallest of chunks is not worth its work
EMPTY: Final = Empty()
METHODS: Final = {name.encode(): name for name in ("GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH")}
LAST: Final = "Connection: close\r\n"
AT_HAND: Final = (tuple, list)  # bodies that can be sent in one piece

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., object]], Iterable[bytes]]


class Observer(Protocol):
    """Told once after each reply."""

    def __call__(self, environ: Environ, status: int, sent: int, seconds: float) -> None: ...


class Handover(Exception):
    """The request at the beginning of `data` is for the full lane; nothing of it has been answered."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.data = data


def unobserved(environ: Environ, status: int, sent: int, seconds: float) -> None:
    """The observer of those who have none."""


class Connection:
    """Serves requests until either side wants no more. The transport stays the caller's."""

    __slots__ = (
        "_app", "_body", "_headers", "_ids", "_last", "_limits", "_observe", "_pending", "_pulse", "_remote", "_scheme",
        "_sent_head", "_status", "_transport",
    )

    def __init__(
        self,
        transport: Transport,
        app: Application,
        *,
        remote: str,
        limits: Limits,
        observe: Observer,
        ids: Iterator[int],
    ) -> None:
        self._transport = transport
        self._pulse = transport.pulse
        self._app = app
        self._remote = remote
        self._scheme = "https" if transport.secure else "http"
        self._limits = limits
        self._observe = observe
        self._ids = ids
        self._pending = b""
        self._body: Body = EMPTY
        self._status = ""
        self._headers: reply.Headers = []
        self._last = False
        self._sent_head = False

    def serve(self) -> None:
        """Returns when the connection is to be closed; raises `Handover` for a request of the full lane."""
        try:
            while self._next():
                pass
        except Refused as refused:
            self._refuse(refused)

    def _next(self) -> bool:
        """Serve one request; whether another may follow."""
        request, data = self._head()
        if request is None:
            return False
        headers = request.headers
        seen = traits(headers)
        if seen not in COMMON or request.minor_version != 1 or request.method not in METHODS:
            self._check(request, seen, data)
        consumed: int = request.consumed
        rest = data[consumed:] if len(data) > consumed else b""
        self._body = EMPTY if seen == HOST else self._announced(request, seen, rest)
        if self._body is EMPTY:
            self._pending = rest
        self._last = request.connection_close == 1
        self._answer({
            "REQUEST_METHOD": METHODS.get(request.method) or request.method.decode("latin-1"),
            "RAW_URI": target(request),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": self._remote,
            "wsgi.url_scheme": self._scheme,
            "wsgi.input": self._body,
            "sluice.headers": list(headers),
            "sluice.request_id": f"{next(self._ids):016X}",
        })
        return self._end_body()

    def _announced(self, request: HttpRequest, seen: int, rest: bytes) -> Body:
        """The body that the head announces, of which `rest` has come already."""
        size: int = request.content_length
        awaited = bool(seen & EXPECT) and expects_continue(request)
        if size > 0 or (awaited and size == 0):
            return Sized(self._transport, rest, size, awaited=awaited)
        return Chunked(self._transport, rest, awaited=awaited) if request.has_chunked else EMPTY

    # -- the request -------------------------------------------------------------------------------------------------

    def _head(self) -> tuple[HttpRequest | None, bytes]:
        """The next request's head and all that was received with it; None when no other request comes."""
        data = self._pending or self._first_bytes()
        if not data:
            return None, b""
        request = None if data[0] == 13 else parse(data, 0, self._limits)
        return (request, data) if request else self._rest_of_head(data)

    def _first_bytes(self) -> bytes:
        transport = self._transport
        transport.deadline = time.monotonic() + self._limits.idle_seconds
        transport.idle = True
        try:
            if self._pulse.stopping:
                return b""
            return transport.receive_next(READ_SIZE)
        except Stalled:
            return transport.receive_now(READ_SIZE)
        finally:
            transport.idle = False

    def _rest_of_head(self, data: bytes) -> tuple[HttpRequest | None, bytes]:
        transport = self._transport
        transport.deadline = time.monotonic() + self._limits.head_seconds
        data = data.removeprefix(b"\r\n")  # one empty line before a request is to be ignored (RFC 9112 2.2)
        known = 0
        while True:
            request = parse(data, known, self._limits)
            if request is not None:
                return request, data
            known = len(data)
            try:
                more = transport.receive(READ_SIZE)
            except Stalled:
                raise too_slow("The request head did not arrive in time.") from None
            if not more:
                return None, b""
            data += more
            if known < 2 and data[0] == 13:
                data, known = data.removeprefix(b"\r\n"), 0

    def _check(self, request: HttpRequest, seen: int, data: bytes) -> None:
        """Pass, refuse, or hand over what isn't of the plainest shape."""
        check_uncommon(request, seen)
        if request.minor_version != 1 or (seen & UPGRADE and wants_websocket(request)):
            raise Handover(data)

    # -- the reply ---------------------------------------------------------------------------------------------------

    def _answer(self, environ: Environ) -> None:
        """Reply to a request, whatever the application does; `PeerGone` when the client is not there to read it."""
        started = time.perf_counter()
        self._status = ""
        self._sent_head = False
        sent = 0
        try:
            result = self._app(environ, self._start_response)
            sent = self._deliver(environ["REQUEST_METHOD"], result)
        except PeerGone:
            self._last = True
        except PayloadError as error:
            sent = self._fail(environ, *(reply.TIMED_OUT if isinstance(error, BodyTimeout) else reply.INCOMPLETE))
        except Exception:
            log.exception("%s %s failed", environ["REQUEST_METHOD"], reply.shown_path(environ["RAW_URI"]))
            sent = self._fail(environ, *reply.INTERNAL_ERROR)
        finally:
            self._observe(environ, int(self._status[:3] or 0), sent, time.perf_counter() - started)

    def _start_response(self, status: str, headers: reply.Headers, exc_info: Any = None) -> Callable[[bytes], object]:
        if exc_info and self._sent_head:
            raise exc_info[1].with_traceback(exc_info[2])
        self._status = status
        self._headers = headers
        return _no_write

    def _deliver(self, method: str, result: Iterable[bytes]) -> int:
        """Send what the application returned, then close it; how many bytes of body went out."""
        if type(result) in AT_HAND and self._status:
            return self._send_whole(method, b"".join(result))
        try:
            if isinstance(result, Segments):
                return self._send_segments(method, result)
            return self._send_pieces(method, result)
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()

    def _send_whole(self, method: str, body: bytes) -> int:
        length = reply.declared_length(self._headers)
        if method == "HEAD" or self._status[:3] in reply.BODILESS:
            self._transport.send(self._head_of_reply(""))
            return 0
        if length is None:
            first = self._head_of_reply(f"Content-Length: {len(body)}\r\n")
        elif length == len(body):
            first = self._head_of_reply("")
        else:
            raise reply.BrokenReply(f"a body of {len(body)} bytes is declared to have {length}")
        reply.send_whole(self._transport, first, body)
        return len(body)

    def _send_segments(self, method: str, segments: Segments) -> int:
        size = segments.size
        length = reply.declared_length(self._headers)
        if method == "HEAD" or self._status[:3] in reply.BODILESS:
            self._transport.send(self._head_of_reply(""))
            return 0
        if length is not None and length != size:
            raise reply.BrokenReply(f"segments of {size} bytes are declared to have {length}")
        first = self._head_of_reply("" if length is not None else f"Content-Length: {size}\r\n")
        return reply.send_segments(self._transport, first, segments)

    def _send_pieces(self, method: str, result: Iterable[bytes]) -> int:
        pieces = iter(result)
        if not self._status:  # an application that is a generator answers when its first piece is asked for
            pieces = itertools.chain((next(pieces, b""),), pieces)
        length = reply.declared_length(self._headers)
        if method == "HEAD" or self._status[:3] in reply.BODILESS:
            self._transport.send(self._head_of_reply(""))
            return 0
        if length is None:
            return reply.send_chunked(self._transport, self._head_of_reply("Transfer-Encoding: chunked\r\n"), pieces)
        sent = reply.send_pieces(self._transport, self._head_of_reply(""), pieces, length)
        if sent != length:
            raise reply.BrokenReply(f"a body of {sent} bytes is declared to have {length}")
        return sent

    def _head_of_reply(self, framing: str) -> bytes:
        if not self._status:
            raise reply.BrokenReply("start_response was not called")
        if not self._last:
            self._last = self._pulse.stopping or (not self._body.finished and self._is_hopeless())
        head = reply.head(self._status, self._headers, self._pulse.dated, framing + LAST if self._last else framing)
        self._sent_head = True
        return head

    def _is_hopeless(self) -> bool:
        """Nobody will read to the end of the body and the next request."""
        body = self._body
        return body.broken or body.awaited or (body.left or 0) > DRAIN_MAX

    def _fail(self, environ: Environ, status: str, code: str, message: str) -> int:
        """Report the failure if the reply hasn't begun; else cut the connection rather than lie."""
        self._last = True
        if self._sent_head:
            return 0
        body = reply.error_body(code, message, environ["sluice.request_id"])
        self._start_response(status, reply.error_headers(body, environ["sluice.request_id"]))
        try:
            return self._send_whole(environ["REQUEST_METHOD"], body)
        except PeerGone:
            return 0

    def _refuse(self, refused: Refused) -> None:
        """Answer a head that no application may see."""
        self._body = EMPTY
        self._answer_with({
            "REQUEST_METHOD": "-", "RAW_URI": "-", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": self._remote,
            "wsgi.url_scheme": self._scheme, "wsgi.input": EMPTY, "sluice.headers": [],
            "sluice.request_id": f"{next(self._ids):016X}",
        }, refused)
        self._transport.linger()

    def _answer_with(self, environ: Environ, refused: Refused) -> None:
        self._status = ""
        self._sent_head = False
        sent = self._fail(environ, refused.status, refused.code, refused.reason)
        self._observe(environ, int(self._status[:3]), sent, 0.0)

    # -- between requests --------------------------------------------------------------------------------------------

    def _end_body(self) -> bool:
        """Bring the connection to the beginning of the next request; whether it can be brought there."""
        body = self._body
        if body.finished:
            if body is not EMPTY:
                self._pending = body.rest
            return not self._last
        if not self._last and self._drain():
            self._pending = body.rest
            return True
        self._transport.linger()
        return False

    def _drain(self) -> bool:
        room = DRAIN_MAX
        piece = bytearray(64 * 1024)
        deadline = time.monotonic() + DRAIN_SECONDS
        try:
            while room > 0 and not self._body.finished and time.monotonic() < deadline:
                room -= max(self._body.readinto(piece), DRAIN_LEAST)
        except (PayloadError, PeerGone):
            return False
        return self._body.finished


def _no_write(data: bytes) -> object:
    raise reply.BrokenReply("this server offers no write(); return an iterable")
