"""The framework's plain server: `http.server` with a thread for each connection, one process, no gevent.

For transforms whose libraries do not go together with gevent, or that compute outside of Python's lock.
"""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler, make_server

from etl.webserver.application import application
from etl.webserver.base_etl_server import ETLServer
from etl.webserver.processing import Processing


class HTTPMultiThreadedServer(ETLServer):
    """As many objects at once as requests come, and no WebSocket."""

    def start(self) -> None:
        """Serve until SIGTERM; requests that are under way are finished."""
        app = cutting(application(Processing(self)))
        server = make_server(self.host, self.port, app, threaded=True, request_handler=Handler)
        assert isinstance(server, ThreadedWSGIServer)
        server.daemon_threads = False

        def end(_signal: int, _frame: FrameType | None) -> None:
            threading.Thread(target=server.shutdown).start()  # it waits for the loop that this signal has interrupted

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, end)
        self.logger.info("HTTP multi-threaded server on %s:%d", self.host, self.port)
        server.serve_forever()


class Handler(WSGIRequestHandler):
    """One connection. Requests are not logged: the node logs what concerns its objects."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def cutting(app: Any) -> Any:
    """The WSGI application, but that the connection of an answer that breaks off is cut at once.

    werkzeug's server cuts it too, when it has read the rest of the request, whose sender may be waiting itself.
    """

    def served(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        answer = app(environ, start_response)
        try:
            yield from answer
        except Exception:  # of the transform's author: anything
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise
        finally:
            getattr(answer, "close", lambda: None)()

    return served
