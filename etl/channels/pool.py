"""Connections that are kept for the next object."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

IDLE_SECONDS = 6.0  # AIStore's
MOST_IDLE = 32  # per address; AIStore's
CONNECT_SECONDS = 10.0


class Closes(Protocol):
    def close(self) -> None: ...


Connection = TypeVar("Connection", bound=Closes)


class Pool(Generic[Connection]):
    """Idle connections by address; the one used last is used next. Each belongs to whoever took it until given back."""

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._idle: dict[str, list[tuple[float, Connection]]] = {}
        self._swept = monotonic()

    def take(self, address: str) -> Connection | None:
        """A connection that was alive a moment ago, None when there is none."""
        idle = self._idle.get(address)
        oldest = self._monotonic() - IDLE_SECONDS
        while idle:
            since, connection = idle.pop()
            if since >= oldest:
                return connection
            connection.close()
        return None

    def give(self, address: str, connection: Connection) -> None:
        now = self._monotonic()
        if now - self._swept > IDLE_SECONDS:
            self._sweep(now)
        idle = self._idle.setdefault(address, [])
        if len(idle) < MOST_IDLE:
            idle.append((now, connection))
        else:
            connection.close()

    def close(self) -> None:
        self._sweep(float("inf"))

    def _sweep(self, now: float) -> None:
        """Close what has been idle for too long: servers that have gone are never asked for again."""
        self._swept = now
        for address, idle in list(self._idle.items()):
            while idle and idle[0][0] < now - IDLE_SECONDS:
                idle.pop(0)[1].close()
            if not idle:
                del self._idle[address]


def connect(address: str) -> socket.socket:
    """A new connection; `OSError`."""
    host, _, port = address.rpartition(":")
    connection = socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection
