"""A server of the echo application in processes of its own, and a client that sends exactly what it is told."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

REPOSITORY = Path(__file__).parents[2]
ECHO = Path(__file__).with_name("echo.py")


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes


class Wire:
    """One connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.rest = b""
        sock.settimeout(10)

    def send(self, data: bytes) -> Wire:
        self.sock.sendall(data)
        return self

    def until(self, mark: bytes) -> bytes:
        while mark not in self.rest:
            data = self.sock.recv(65536)
            if not data:
                raise EOFError(self.rest)
            self.rest += data
        found, _, self.rest = self.rest.partition(mark)
        return found + mark

    def take(self, size: int) -> bytes:
        while len(self.rest) < size:
            data = self.sock.recv(1 << 20)
            if not data:
                raise EOFError(self.rest)
            self.rest += data
        found, self.rest = self.rest[:size], self.rest[size:]
        return found

    def reply(self, *, bodiless: bool = False) -> Reply:
        status, *lines = self.until(b"\r\n\r\n")[:-4].decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        return Reply(int(status.split(" ")[1]), headers, b"" if bodiless else self._body(headers))

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return self.take(int(headers.get("content-length", "0")))
        body = b""
        while size := int(self.until(b"\r\n"), 16):
            body += self.take(size)
            self.take(2)
        self.take(2)
        return body

    def ask(self, request: bytes) -> Reply:
        return self.send(request).reply()

    def is_closed(self) -> bool:
        """The server has closed, or does within a few seconds, and sends nothing more."""
        try:
            return not self.rest and self.sock.recv(1) == b""
        except ConnectionError:
            return True

    def everything(self) -> bytes:
        """All bytes until the server closes."""
        while True:
            try:
                data = self.sock.recv(1 << 20)
            except ConnectionError:
                return self.rest
            if not data:
                return self.rest
            self.rest += data

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()


@dataclass(slots=True)
class Server:
    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    tls: ssl.SSLContext | None = None

    def connect(self) -> Wire:
        sock = socket.create_connection(("127.0.0.1", self.port))
        return Wire(self.tls.wrap_socket(sock) if self.tls else sock)

    def trace(self, name: str) -> list[str]:
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []

    def awaits(self, name: str, count: int) -> list[str]:
        """The lines of a trace once there are `count` of them."""
        deadline = time.monotonic() + 10
        while len(self.trace(name)) < count:
            assert time.monotonic() < deadline, (name, self.trace(name))
            time.sleep(0.02)
        return self.trace(name)

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


def start(folder: Path, tls: ssl.SSLContext | None = None, **options: Any) -> Server:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    options = {"folder": str(folder), "bind": [f"127.0.0.1:{port}"], "graceful_timeout": 10, **options}
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(ECHO), json.dumps(options)], stdout=log, stderr=log, env=environment
        )
    server = Server(folder, port, process, tls)
    try:
        server.awaits("opened", options.get("workers", 1) + 1)
    except AssertionError:
        process.kill()
        raise AssertionError(server.log()) from None
    return server
