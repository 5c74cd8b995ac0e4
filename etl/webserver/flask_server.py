"""The framework's main server: Flask on gunicorn and gevent, with a WebSocket."""

from __future__ import annotations

import os
from typing import Any

from gunicorn.app.base import BaseApplication

from etl.webserver.application import application
from etl.webserver.base_etl_server import ETLServer
from etl.webserver.processing import Processing

GRACE_SECONDS = 5  # for requests that are under way when the server is to end


class FlaskServer(ETLServer):
    """Processes that share a port, and in each of them greenlets: who waits for others holds up nobody.

    `app` is the WSGI application, for gunicorn's command line: `gunicorn server:app --worker-class
    etl.webserver.worker.Worker`.
    """

    def __init__(self, host: str | None = None, port: int | None = None) -> None:
        super().__init__(host, port)
        self.app = application(Processing(self))

    def start(self) -> None:
        """Serve with NUM_WORKERS processes, or as many as there are cores, until SIGTERM."""
        self.logger.info("Flask server on %s:%d", self.host, self.port)
        Gunicorn(self).run()


class Gunicorn(BaseApplication):
    """gunicorn with a server's settings instead of those of its command line."""

    def __init__(self, server: FlaskServer) -> None:
        self._server = server
        super().__init__()

    def load_config(self) -> None:
        settings = {
            "bind": f"{self._server.host}:{self._server.port}",
            "workers": self._server.surroundings.workers or os.cpu_count() or 1,
            "worker_class": "etl.webserver.worker.Worker",
            "graceful_timeout": GRACE_SECONDS,
            "timeout": 0,  # how long an object may take is for the node to say
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self._server.app
