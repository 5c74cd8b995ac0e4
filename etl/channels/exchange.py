"""One request and its answer on one connection, both ways at once.

A server may answer while it still reads, and wait for its answer to be read before it reads on. So whoever waits for
bytes of the answer sends, meanwhile, whatever the connection takes; one greenlet, or thread, does both and neither side
can block the other.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Mapping

from etl.channels.outgoing import Outgoing
from etl.errors import TransformTimeout

RECEIVE_SIZE = 256 * 1024  # bytes


class Exchange:
    """Bytes to and from a server within a budget of time, which runs only while the server is waited for."""

    __slots__ = ("_begun", "_left", "_outgoing", "_timeout", "connection", "sent")

    def __init__(self, connection: socket.socket, seconds: float, timeout: str) -> None:
        """`timeout` is `seconds` as the user wrote it."""
        self.connection = connection
        self._left = seconds
        self._timeout = timeout
        self._outgoing: Outgoing | None = None
        self._begun = False  # whether something of the answer has come
        self.sent = False  # whether the request has gone out in full

    def send_at_once(self, request: bytes) -> None:
        """Send a request so small that the kernel takes it all; `OSError` when the connection is broken."""
        self.connection.settimeout(self._left)
        try:
            self.connection.sendall(request)
        except TimeoutError as error:
            raise self._late() from error
        self.sent = True

    def send(self, outgoing: Outgoing) -> None:
        """Begin to send a large request; it goes out while the answer is received."""
        self.connection.settimeout(0)
        self._outgoing = outgoing

    def receive(self) -> bytes:
        """The next bytes of the answer, b"" at its end. `OSError` when the connection broke, `TransformTimeout`."""
        return self.receive_from(self.connection)

    def receive_from(self, source: socket.socket) -> bytes:
        """The next bytes of a connection over which the answer comes, this one's or another; raises as `receive`."""
        if self._outgoing is not None:
            source.settimeout(0)
        while self._outgoing is not None:
            try:
                return source.recv(RECEIVE_SIZE)
            except BlockingIOError:
                self._outgoing = self._push(self._outgoing, source)
        return self._receive_only(source)

    def first(self, listener: socket.socket) -> bool:
        """Send until the answer begins to come; whether somebody has connected to `listener` before that."""
        while True:
            ready = self._wait({self.connection.fileno(): self._wanted(), listener.fileno(): select.POLLIN})
            if listener.fileno() in ready:
                return True
            if ready[self.connection.fileno()] & ~select.POLLOUT or self._outgoing is None:
                return False
            self._outgoing = self._pushed(self._outgoing)

    def _wanted(self) -> int:
        return select.POLLIN if self._outgoing is None else select.POLLIN | select.POLLOUT

    def _receive_only(self, source: socket.socket) -> bytes:
        before = time.monotonic()
        if self._begun and source is self.connection:
            # A server that writes its answer in two goes may hold the second back until the first is acked.
            source.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        self._begun = True
        try:
            source.settimeout(max(self._left, 0.001))
            return source.recv(RECEIVE_SIZE)
        except TimeoutError as error:
            raise self._late() from error
        finally:
            self._left -= time.monotonic() - before

    def _push(self, outgoing: Outgoing, source: socket.socket) -> Outgoing | None:
        """Send what the connection takes, let others run until it takes or `source` gives more; what is left to send
        then."""
        left = self._pushed(outgoing)
        if left is not None:
            waiting = {source.fileno(): select.POLLIN}
            waiting[self.connection.fileno()] = waiting.get(self.connection.fileno(), 0) | select.POLLOUT
            self._wait(waiting)
        return left

    def _pushed(self, outgoing: Outgoing) -> Outgoing | None:
        """Send a piece as far as the connection takes it; what is left to send then."""
        try:
            more = outgoing.push(self.connection)
        except BlockingIOError:
            more = True
        except (BrokenPipeError, ConnectionResetError):  # a server that takes no more may have answered all the same
            return None
        if not more:
            self.sent = True
        return outgoing if more else None

    def _wait(self, wanted: Mapping[int, int]) -> dict[int, int]:
        """Which of the events that are wanted of descriptors have come; at least one."""
        waiting = select.poll()
        for descriptor, events in wanted.items():
            waiting.register(descriptor, events)
        before = time.monotonic()
        ready = waiting.poll(max(self._left, 0) * 1000)
        self._left -= time.monotonic() - before
        if not ready:
            raise self._late()
        return dict(ready)

    def _late(self) -> TransformTimeout:
        return TransformTimeout(self._timeout)
