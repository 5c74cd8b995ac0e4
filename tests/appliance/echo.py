"""A small application behind the real arbiter and workers.

`python echo.py OPTIONS`, a JSON object of gunicorn's settings and `folder`, where the application leaves traces.
"""

from __future__ import annotations

import hashlib
import json
import os
import ssl
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import gevent
import gevent.monkey
import urllib3.util.ssl_

from appliance.arbiter import Server
from appliance.environ import complete
from appliance.http.head import Limits
from storage.content import Segment, Segments
from storage.errors import BodyTimeout, IncompleteBody, PayloadError

Environ = dict[str, Any]
Start = Callable[..., object]


class Echo:
    limits = Limits(head_seconds=2.0, idle_seconds=75.0, stall_seconds=2.0)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self) -> None:
        self._trace("opened", os.getpid())

    def close(self) -> None:
        self._trace("closed", os.getpid())

    def observe(self, environ: Environ, status: int, sent: int, seconds: float) -> None:
        self._trace("observed", f"{environ['REQUEST_METHOD']} {environ['RAW_URI']} {status} {sent}")

    def run_jobs(self, stop: Any) -> None:
        self._trace("jobs", os.getpid())
        stop.wait()

    def _trace(self, name: str, text: object) -> None:
        with open(self.folder / name, "a", encoding="utf-8") as file:
            file.write(f"{text}\n")

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        path, _, query = environ["RAW_URI"].partition("?")
        answer = getattr(self, "answer_" + path.strip("/").replace("-", "_"), self.answer_small)
        result: Iterable[bytes] = answer(environ, start, query)
        return result

    def answer_small(self, environ: Environ, start: Start, query: str) -> Iterable[bytes]:
        start("200 OK", [("Content-Length", "5"), ("x-amz-request-id", environ["sluice.request_id"])])
        return [b"small"]

    def answer_digest(self, environ: Environ, start: Start, query: str) -> Iterable[bytes]:
        """Read the body by `readinto` and say what came."""
        digest, size, buffer = hashlib.md5(), 0, bytearray(int(query or 65536))
        try:
            while count := environ["wsgi.input"].readinto(buffer):
                digest.update(memoryview(buffer)[:count])
                size += count
        except (IncompleteBody, BodyTimeout, PayloadError) as error:
            self._trace("raised", type(error).__name__)
            start("400 Bad Request", [])
            return [type(error).__name__.encode()]
        start("200 OK", [])
        return [f"{size} {digest.hexdigest()}".encode()]

    def answer_read(self, environ: Environ, start: Start, query: str) -> Iterable[bytes]:
        data = environ["wsgi.input"].read(int(query)) if query else environ["wsgi.input"].read()
        start("200 OK", [])
        return [data]

    def answer_unread(self, environ: Environ, start: Start, query: str) -> Iterable[bytes]:
        start("403 Forbidden", [("Content-Length", "2")])
        return [b"no"]

    def answer_environ(self, environ: Environ, start: Start, query: str) -> Iterable[bytes]:
        complete(environ)
        shown = {key: value for key, value in environ.items() if isinstance(value, str)}
        shown["headers"] = [[part.decode("latin-1") for part in pair] for pair in environ["sluice.headers"]]
        shown["size"] = environ["wsgi.input"].size
        start("200 OK", [])
        return [json.dumps(shown).encode()]

    def answer_pieces(self, environ: Environ, start: Start, query: str) -> Iterable[bytes]:
        start("200 OK", [("Content-Length", query)] if query else [])
        return (piece for piece in (b"one", b"", b"two", b"three"))

    def answer_files(self, environ: Environ, start: Start, query: str) -> Iterable[bytes]:
        """Segments of the file `data`: START-LENGTH, comma-separated."""
        fd = os.open(self.folder / "data", os.O_RDONLY)
        items = [Segment(fd, *map(int, item.split("-"))) for item in query.split(",")]
        start("200 OK", [("Content-Length", str(sum(item.length for item in items)))])
        return Segments(items, [fd])

    def answer_descriptors(self, environ: Environ, start: Start, query: str) -> Iterable[bytes]:
        links = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if _is_open(fd)]
        start("200 OK", [])
        return [str(sum(link == str(self.folder / "data") for link in links)).encode()]

    def answer_slow(self, environ: Environ, start: Start, query: str) -> Iterable[bytes]:
        self._trace("started", os.getpid())
        gevent.sleep(float(query))
        start("200 OK", [])
        return [b"slept"]

    def answer_pid(self, environ: Environ, start: Start, query: str) -> Iterable[bytes]:
        start("200 OK", [])
        return [str(os.getpid()).encode()]

    def answer_fail(self, environ: Environ, start: Start, query: str) -> Iterable[bytes]:
        raise LookupError("on purpose")

    def answer_fail_late(self, environ: Environ, start: Start, query: str) -> Iterable[bytes]:
        start("200 OK", [])
        return self._failing()

    def _failing(self) -> Iterator[bytes]:
        yield b"some"
        raise LookupError("on purpose, later")

    def answer_split(self, environ: Environ, start: Start, query: str) -> Iterable[bytes]:
        start("200 OK", [("x-evil", "a\r\nSet-Cookie: b")])
        return [b""]

    def answer_wrong_length(self, environ: Environ, start: Start, query: str) -> Iterable[bytes]:
        start("200 OK", [("Content-Length", "9")])
        return [b"short"]

    def answer_hijack(self, environ: Environ, start: Start, query: str) -> Iterable[bytes]:
        """What a WebSocket handler does: take the socket that gunicorn's machinery provides."""
        from gunicorn.workers.base_async import ALREADY_HANDLED

        sock = environ["gunicorn.socket"]
        sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        sock.sendall(sock.recv(100).upper())
        handled: Iterable[bytes] = ALREADY_HANDLED
        return handled

    def answer_native_thread(self, environ: Environ, start: Start, query: str) -> Iterable[bytes]:
        """Block a native thread for 0.3 s: how often did the loop turn meanwhile?"""
        turns: list[None] = []
        ticking = gevent.spawn(_tick, turns)
        gevent.get_hub().threadpool.apply(gevent.monkey.get_original("time", "sleep"), (0.3,))
        ticking.kill()
        start("200 OK", [])
        return [str(len(turns)).encode()]

    def answer_tls_client(self, environ: Environ, start: Start, query: str) -> Iterable[bytes]:
        context = urllib3.util.ssl_.create_urllib3_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        start("200 OK", [])
        return [type(context).__module__.encode()]


def _tick(turns: list[None]) -> None:
    while True:
        gevent.sleep(0.01)
        turns.append(None)


def _is_open(fd: str) -> bool:
    return os.path.lexists(f"/proc/self/fd/{fd}")


def main() -> None:
    options = json.loads(sys.argv[1])
    folder = Path(options.pop("folder"))
    Server(lambda: Echo(folder), options).run()


if __name__ == "__main__":
    main()
