"""hpull: the server is asked by GET for an object, which it gets itself from the node's object endpoint.

The path is the object's unified name, one escaped segment; `etl.grants` says what lies in it. An object that is given
by the name of a file is `etl_fqn`, and the server asks the node for nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from urllib.parse import quote

from storage.content import Content

from etl.channel import Answer, Request
from etl.channels.http import Http, parameters


class HPull:
    """Asks servers for results. Safe to use by many greenlets or threads at once."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._http = Http(monotonic=monotonic)

    def send(self, request: Request, content: Content | Iterator[bytes], size: int | None) -> Answer:
        return self._http.send("GET", request, path(request), b"", 0)

    def close(self) -> None:
        self._http.close()


def path(request: Request) -> str:
    return "/" + quote(request.name, safe="@")


def location(request: Request) -> str:
    """Where a client on this machine gets the result from the server itself."""
    return f"http://{request.address}{path(request)}{parameters(request)}"
