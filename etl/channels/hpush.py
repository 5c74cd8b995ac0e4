"""hpush: the object is the body of a PUT, the transform's result that of the answer.

The path is the bucket's name and the key, every byte of them percent-encoded that a URL cannot hold (AIStore itself
breaks names with `?`, `#` and `%`); the user's arguments are the query parameter `etl_args`. An object that is given by
the name of a file is `etl_fqn`, and no body is sent. Connections are kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from urllib.parse import quote

from storage.content import Content

from etl.channel import Answer, Request
from etl.channels.http import Http


class HPush:
    """Sends objects to servers that take them by PUT. Safe to use by many greenlets or threads at once."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._http = Http(monotonic=monotonic)

    def send(self, request: Request, content: Content | Iterator[bytes], size: int | None) -> Answer:
        return self._http.send("PUT", request, f"/{request.bucket}/{quote(request.key)}", content, size)

    def close(self) -> None:
        self._http.close()
