"""gunicorn's gevent worker with WebSockets: `--worker-class etl.webserver.worker.Worker`.

gevent-websocket turns the mask of a message back in Python, byte by byte: 32 MB/s. The function that `websockets` has
in C for it takes its place here; 1,000 MB/s.
"""

from __future__ import annotations

from typing import Any

from geventwebsocket.handler import WebSocketHandler
from geventwebsocket.websocket import Header
from gunicorn.workers.ggevent import GeventPyWSGIWorker
from websockets.speedups import apply_mask


def masked(header: Any, payload: bytes) -> bytes:
    return apply_mask(payload, header.mask)


Header.mask_payload = Header.unmask_payload = masked


class Handler(WebSocketHandler):  # type: ignore[misc]  # without types
    """One connection. Requests are not logged: the node logs what concerns its objects."""

    def log_request(self) -> None:
        pass


class Worker(GeventPyWSGIWorker):
    """Serves requests and WebSockets, each in a greenlet."""

    wsgi_handler = Handler
