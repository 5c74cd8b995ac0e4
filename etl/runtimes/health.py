"""Asking a server whether it is ready, without ever waiting for it."""

from __future__ import annotations

import socket
from collections.abc import Callable

CONNECT_SECONDS = 0.2  # on one machine it takes none, unless the server has too much to do to accept
ANSWER_SECONDS = 5.0  # the timeout of AIStore's readiness probe
PAUSE_SECONDS = 0.1  # between two questions


class HealthCheck:
    """`GET /health` again and again, a step with every call of `passed`."""

    def __init__(self, address: str, *, monotonic: Callable[[], float]) -> None:
        self._host, _, port = address.rpartition(":")
        self._port = int(port)
        self._monotonic = monotonic
        self._socket: socket.socket | None = None
        self._answer = b""
        self._until = 0.0  # while asked: when to give up; otherwise: when to ask again

    def passed(self) -> bool:
        """Whether the server has just answered 200."""
        now = self._monotonic()
        if self._socket is None:
            if now >= self._until:
                self._ask(now)
            return False
        if now >= self._until:
            self._end(now)
            return False
        return self._listen(self._socket, now)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _ask(self, now: float) -> None:
        try:
            self._socket = socket.create_connection((self._host, self._port), timeout=CONNECT_SECONDS)
            self._socket.sendall(b"GET /health HTTP/1.1\r\nHost: %b\r\nConnection: close\r\n\r\n" % self._host.encode())
            self._socket.setblocking(False)
            self._answer, self._until = b"", now + ANSWER_SECONDS
        except OSError:
            self._end(now)

    def _listen(self, answering: socket.socket, now: float) -> bool:
        try:
            piece = answering.recv(4096)
        except BlockingIOError:
            return False
        except OSError:
            piece = b""
        self._answer += piece
        if piece and b"\r\n" not in self._answer:
            return False
        self._end(now)
        return self._answer.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200"))

    def _end(self, now: float) -> None:
        self.close()
        self._until = now + PAUSE_SECONDS
