"""A client of the native API, of our nodes' and of AIStore's, as small as the command line needs."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPResponse
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from nativeapi.client_http import REDIRECTS, Body, Bytes, Request, Wire, target_of

PATIENCE = 330.0  # seconds without a byte; AIStore's clients wait 300 for a transform to start or stop
KEY_SAFE = "/~"
HOPS = 5
PAUSES = (0.5, 1.0, 2.0, 4.0)  # seconds before a request is sent again that met a busy node
LONGEST_PAUSE = 30.0  # seconds
BUSY = frozenset({429, 503})


EMPTY = {method: Bytes(b"") for method in ("PUT", "POST", "DELETE", "PATCH")}  # bodies of requests that have none


class Refused(Exception):
    """The node answered that it will not; `message` is its own."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message


class Unreachable(Exception):
    """No answer, or not all of it, came from the endpoint."""


class NativeClient:
    """Speaks to one endpoint ("http://host:port") with one token ("" for none). Knows no proxies. Threads may share it.

    Redirects are followed, since AIStore's gateways send clients on to the node that has the object; the token goes
    along to other ports of the same host, never to another host.
    """

    def __init__(self, endpoint: str, token: str, *, context: ssl.SSLContext | None = None) -> None:
        """`ValueError` when the endpoint is no URL of this kind."""
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{endpoint} is not a URL like http://127.0.0.1:9000")
        self.endpoint = endpoint.rstrip("/")
        self.token = token
        self._context = context
        self._host = parts.hostname
        self._wires = {f"{parts.scheme}://{parts.netloc}": Wire(parts, context)}
        self._first = next(iter(self._wires.values()))

    def elsewhere(self, endpoint: str, context: ssl.SSLContext | None) -> NativeClient:
        """A client of another endpoint with the same token; `ValueError` as in the constructor."""
        return NativeClient(endpoint, self.token, context=context)

    @contextmanager
    def open(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        message: Any = None,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
        patience: float = PATIENCE,
    ) -> Iterator[HTTPResponse]:
        """The reply to a request below /v1, its body not read yet; raises `Refused` and `Unreachable`.

        `message` is sent as JSON, `body` as it is. A node that is busy is asked again for some seconds.
        """
        body = Bytes(json.dumps(message).encode()) if message is not None else body or EMPTY.get(method)
        target = f"/v1/{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            wire, connection, reply = self._reply(Request(method, target, self._headers(headers), body, patience))
        except (OSError, HTTPException) as error:
            raise self._silence(error) from error
        try:
            if reply.status >= 300:
                raise Refused(reply.status, explanation(reply.getheader("Hdr-Error", "").encode() or reply.read()))
            yield reply
            if reply.length:
                raise Unreachable(f"{self.endpoint}: the reply broke off, {reply.length} bytes are missing")
        except (TimeoutError, ConnectionError, ssl.SSLError, HTTPException) as error:
            raise self._silence(error) from error
        finally:
            wire.done(connection, reply)

    def text(self, method: str, path: str, **options: Any) -> str:
        with self.open(method, path, **options) as reply:
            return reply.read().decode(errors="replace")

    def json(self, method: str, path: str, **options: Any) -> Any:
        """The parsed reply; None when it is empty."""
        text = self.text(method, path, **options)
        try:
            return json.loads(text) if text.strip() else None
        except ValueError as error:
            raise Unreachable(f"{self.endpoint}: the reply to {method} /v1/{path} is not JSON") from error

    def head(self, path: str, **options: Any) -> HTTPMessage:
        """The reply's headers."""
        with self.open("HEAD", path, **options) as reply:
            return reply.headers

    def act(
        self, method: str, path: str, action: str, value: Any = None, *, name: str = "", **options: Any
    ) -> str:
        """Send an action message; the reply's text, for many actions the id of a job."""
        return self.text(method, path, message={"action": action, "name": name, "value": value}, **options)

    def _headers(self, more: Mapping[str, str] | None) -> dict[str, str]:
        headers = {"User-Agent": "sluice", "Content-Type": "application/json", **(more or {})}
        return {**headers, "Authorization": f"Bearer {self.token}"} if self.token else headers

    def _silence(self, error: Exception) -> Unreachable:
        reason = getattr(error, "strerror", None) or error or type(error).__name__
        return Unreachable(f"{self.endpoint}: {reason}")

    def _reply(self, request: Request) -> tuple[Wire, HTTPConnection, HTTPResponse]:
        for pause in (*PAUSES, None):
            wire, connection, reply = self._landed(request)
            if reply.status not in BUSY or pause is None or request.method == "POST":
                break
            reply.read()
            wire.done(connection, reply)
            time.sleep(max(pause, asked_for(reply)))
        return wire, connection, reply

    def _landed(self, request: Request) -> tuple[Wire, HTTPConnection, HTTPResponse]:
        """The first reply that is no redirect."""
        wire = self._first
        for _ in range(HOPS):
            connection, reply = wire.send(request)
            location = reply.getheader("Location", "")
            if reply.status not in REDIRECTS or not location:
                return wire, connection, reply
            reply.read()
            wire.done(connection, reply)
            wire, request = self._moved(request, location)
        raise HTTPException(f"more than {HOPS} redirects")

    def _moved(self, request: Request, location: str) -> tuple[Wire, Request]:
        parts = urlsplit(location)
        headers = dict(request.headers)
        if parts.hostname is None:
            return self._first, Request(request.method, location, headers, request.body, request.patience)
        if parts.hostname != self._host:
            headers.pop("Authorization", None)
        wire = self._wires.setdefault(f"{parts.scheme}://{parts.netloc}", Wire(parts, self._context))
        return wire, Request(request.method, target_of(location), headers, request.body, request.patience)


def asked_for(reply: HTTPResponse) -> float:
    """The seconds that a busy node asks to be left alone, at most half a minute."""
    text = reply.getheader("Retry-After", "")
    return min(float(text), LONGEST_PAUSE) if text.isdigit() else 0.0


def object_path(bucket: str, key: str) -> str:
    """The path below /v1 of an object, whatever its key holds."""
    return f"objects/{quote(bucket, safe='')}/{quote(key, safe=KEY_SAFE)}"


def explanation(body: bytes) -> str:
    """The message of an error document; of anything else its beginning."""
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body[:200].decode(errors="replace").strip() or "no reason given"
