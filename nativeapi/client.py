"""A client of the native API, as small as the command line needs: one request, one connection."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

PATIENCE = 330.0  # seconds without a byte; AIStore's clients wait 300 for a transform to start or stop
KEY_SAFE = "/~"


class Refused(Exception):
    """The node answered that it will not; `message` is its own."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message


class Unreachable(Exception):
    """No answer, or not all of it, came from the endpoint."""


class NativeClient:
    """Speaks to one endpoint ("http://host:port") with one token. Follows no redirects, knows no proxies."""

    def __init__(self, endpoint: str, token: str) -> None:
        """`ValueError` when the endpoint is no URL of this kind."""
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{endpoint} is not a URL like http://127.0.0.1:9000")
        self.endpoint = endpoint.rstrip("/")
        self._host = parts.hostname
        self._port = parts.port
        self._kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._token = token

    @contextmanager
    def open(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        message: Any = None,
        patience: float = PATIENCE,
    ) -> Iterator[HTTPResponse]:
        """The reply to a request below /v1, its body not read yet; raises `Refused` and `Unreachable`."""
        connection = self._kind(self._host, self._port, timeout=patience)
        body = None if message is None else json.dumps(message).encode()
        headers = {"Authorization": f"Bearer {self._token}", "User-Agent": "sluice", "Content-Type": "application/json"}
        target = f"/v1/{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            connection.request(method, target, body=body, headers=headers)
            reply = connection.getresponse()
            if reply.status >= 300:
                raise Refused(reply.status, explanation(reply.read()))
            yield reply
            if reply.length:
                raise Unreachable(f"{self.endpoint}: the reply broke off, {reply.length} bytes are missing")
        except (OSError, HTTPException) as error:
            reason = getattr(error, "strerror", None) or error or type(error).__name__
            raise Unreachable(f"{self.endpoint}: {reason}") from error
        finally:
            connection.close()

    def text(self, method: str, path: str, **options: Any) -> str:
        with self.open(method, path, **options) as reply:
            return reply.read().decode(errors="replace")

    def json(self, method: str, path: str, **options: Any) -> Any:
        return json.loads(self.text(method, path, **options))


def object_path(bucket: str, key: str) -> str:
    """The path below /v1 of an object, whatever its key holds."""
    return f"objects/{quote(bucket, safe='')}/{quote(key, safe=KEY_SAFE)}"


def explanation(body: bytes) -> str:
    """The message of an error document; of anything else its beginning."""
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body[:200].decode(errors="replace").strip() or "no reason given"
