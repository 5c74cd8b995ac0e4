"""gunicorn's gevent worker with WebSockets: `--worker-class etl.webserver.worker.Worker`.

gevent-websocket turns the mask of a message back in Python, byte by byte: 32 MB/s. The function that `websockets` has
in C for it takes its place here; 1,000 MB/s.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

from geventwebsocket.handler import WebSocketHandler
from geventwebsocket.websocket import Header
from gunicorn.workers.ggevent import GeventPyWSGIWorker, PyWSGIServer
from websockets.speedups import apply_mask


def masked(header: Any, payload: bytes) -> bytes:
    return apply_mask(payload, header.mask)


Header.mask_payload = Header.unmask_payload = masked


class Server(PyWSGIServer):
    """Ends connections that wait for an object when it closes, so that only work holds up the end of its process."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.waiting: set[Any] = set()  # connections
        self.ending = False
        super().__init__(*args, **options)

    def close(self) -> None:
        self.ending = True
        super().close()
        for connection in tuple(self.waiting):
            hang_up(connection)


def hang_up(connection: Any) -> None:
    with contextlib.suppress(OSError):  # its peer was faster
        connection.shutdown(socket.SHUT_RDWR)


class Handler(WebSocketHandler):  # type: ignore[misc]  # without types
    """One connection. Requests are not logged: the node logs what concerns its objects."""

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Around the wait for the next object, which may be in vain."""
        connection = self.socket
        if self.server.ending:
            hang_up(connection)
        self.server.waiting.add(connection)
        try:
            yield
        finally:
            self.server.waiting.discard(connection)

    def read_requestline(self) -> Any:
        with self.waiting():
            return super().read_requestline()

    def log_request(self) -> None:
        pass


class Worker(GeventPyWSGIWorker):
    """Serves requests and WebSockets, each in a greenlet."""

    server_class = Server
    wsgi_handler = Handler
