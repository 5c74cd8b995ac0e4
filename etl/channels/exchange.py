"""One request and its answer on one connection, both ways at once.

A server may answer while it still reads, and wait for its answer to be read before it reads on. So whoever waits for
bytes of the answer sends, meanwhile, whatever the connection takes; one greenlet, or thread, does both and neither side
can block the other.
"""

from __future__ import annotations

import select
import socket
import time

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
        if self._outgoing is None:
            return self._receive_only()
        while self._outgoing is not None:
            try:
                return self.connection.recv(RECEIVE_SIZE)
            except BlockingIOError:
                self._outgoing = self._push(self._outgoing)
        return self._receive_only()

    def _receive_only(self) -> bytes:
        before = time.monotonic()
        if self._begun:  # a server that writes its answer in two goes may hold the second back until the first is acked
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        self._begun = True
        try:
            self.connection.settimeout(max(self._left, 0.001))
            return self.connection.recv(RECEIVE_SIZE)
        except TimeoutError as error:
            raise self._late() from error
        finally:
            self._left -= time.monotonic() - before

    def _push(self, outgoing: Outgoing) -> Outgoing | None:
        """Send what the connection takes, let others run until it takes or gives more; what is left to send then."""
        try:
            more = outgoing.push(self.connection)
        except BlockingIOError:
            more = True
        except (BrokenPipeError, ConnectionResetError):  # a server that takes no more may have answered all the same
            return None
        if more:
            self._wait()
            return outgoing
        self.sent = True
        return None

    def _wait(self) -> None:
        """Until bytes can be sent or received."""
        waiting = select.poll()
        waiting.register(self.connection.fileno(), select.POLLIN | select.POLLOUT)
        before = time.monotonic()
        ready = waiting.poll(max(self._left, 0) * 1000)
        self._left -= time.monotonic() - before
        if not ready:
            raise self._late()

    def _late(self) -> TransformTimeout:
        return TransformTimeout(self._timeout)
