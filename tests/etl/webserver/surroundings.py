"""What a transform's server has around it: a node's object endpoint, and those who send objects."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3
from werkzeug.serving import make_server
from werkzeug.wsgi import get_input_stream

from etl.runtimes.ports import free_port

HERE = Path(__file__).parent
SECRET = "/v1/etl/_object/name/secret"
OURS = {
    "flask": ("etl.webserver.flask_server", "FlaskServer"),
    "threaded": ("etl.webserver.http_multi_threaded_server", "HTTPMultiThreadedServer"),
}
OFFICIAL = {"flask": ("aistore.sdk.etl.webserver.flask_server", "FlaskServer")}


@dataclass
class Target:
    """Gives and takes objects by the path, still escaped, that they are asked for; cuts `cuts` connections first."""

    objects: dict[str, bytes] = field(default_factory=dict)
    taken: dict[str, bytes] = field(default_factory=dict)
    cuts: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{SECRET}"

    def destination(self, name: str) -> str:
        """An entry of `Ais-Node-Url` that means this target."""
        return f"http://127.0.0.1:{self.port}/{name}?owt=3&uuid=job"

    def arrived(self, name: str) -> bytes:
        return self.taken[f"{SECRET}/{name}?owt=3&uuid=job"]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["RAW_URI"]
        if environ["REQUEST_METHOD"] == "GET":
            data = self.objects.get(path.removeprefix(SECRET + "/"))
            start_response("410 Gone" if data is None else "200 OK", [("Content-Length", str(len(data or b"")))])
            return [data or b""]
        body = get_input_stream(environ).read()
        if self.cuts:
            self.cuts -= 1
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        else:
            self.taken[path] = body
        start_response("200 OK", [("Content-Length", "0")])
        return []


@contextmanager
def target() -> Iterator[Target]:
    made = Target()
    server = make_server("127.0.0.1", 0, made, threaded=True)
    made.port = server.port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()


class Server:
    """A server in a process of its own."""

    def __init__(self, command: Iterable[str], target_url: str, cwd: Path = HERE, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=cwd,
            env={**os.environ, "AIS_TARGET_URL": target_url, "PORT": str(self.port), "NUM_WORKERS": "1", **environment},
        )

    def ask(self, method: str, path: str, **more: Any) -> urllib3.BaseHTTPResponse:
        """The path is sent as it is."""
        with urllib3.HTTPConnectionPool("127.0.0.1", self.port) as pool:
            return pool.urlopen(method, path, retries=False, redirect=False, timeout=20, **more)

    def wait(self) -> None:
        for _ in range(300):
            try:
                if self.ask("GET", "/health").data == b"Running":
                    return
            except urllib3.exceptions.HTTPError:
                time.sleep(0.1)
        raise TimeoutError("the server did not become ready")

    def end(self) -> None:
        """Wait until it has ended, which it was told to."""
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


@contextmanager
def running(*servers: Server) -> Iterator[None]:
    try:
        for server in servers:
            server.wait()
        yield
    finally:
        for server in servers:
            server.process.terminate()
        for server in servers:
            server.end()
