"""A connected socket under gevent's loop, with deadlines.

gevent's own socket object pays for its comforts on every call (a timeout object, a second layer of methods, 8 KiB
copies in `sendfile`). This one calls the plain non-blocking socket and parks the greenlet on one reused watcher for
each direction.
"""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

from gevent import get_hub, getcurrent

from appliance.http.pulse import Pulse

READ, WRITE = 1, 2
SENDFILE_MAX = 4 * 1024 * 1024  # bytes a call
TLS_PIECE = 256 * 1024  # bytes
LINGER_SECONDS = 5.0
LINGER_BYTES = 64 * 1024 * 1024  # a part of an upload: many clients read no reply before they have sent it


class PeerGone(Exception):
    """The peer closed or reset the connection, so that nothing more can be sent."""


class Stalled(PeerGone):
    """The deadline passed, or the process is stopping, before the peer did its part."""


class Transport:
    """Owns `sock`, which must be connected and non-blocking; `close` gives it back.

    A wait that outlasts `deadline` (a time of the monotonic clock) raises `Stalled`. `receive` keeps to the deadline
    its caller set; receiving into a buffer and sending renew it whenever they have to wait.
    """

    __slots__ = ("_hub", "_parked", "_reader", "_writer", "deadline", "idle", "pulse", "sock", "stall_seconds")

    secure = False

    def __init__(self, sock: socket.socket, pulse: Pulse, *, stall_seconds: float) -> None:
        self.sock = sock
        self.stall_seconds = stall_seconds
        self.pulse = pulse
        self.deadline = float("inf")
        self.idle = False
        self._hub = get_hub()
        self._parked: Callable[..., Any] | None = None
        self._reader = self._hub.loop.io(sock.fileno(), READ)
        self._writer: Any = None
        pulse.transports.add(self)

    def wake(self) -> None:
        """Make the wait in progress, if there is one, raise `Stalled`. To be called from the event loop."""
        if self._parked:
            self._parked(True)

    def until_readable(self) -> None:
        self._park(self._reader)

    def until_writable(self) -> None:
        self.deadline = time.monotonic() + self.stall_seconds
        if self._writer is None:
            self._writer = self._hub.loop.io(self.sock.fileno(), WRITE)
        self._park(self._writer)

    def receive(self, size: int) -> bytes:
        """At least one byte and at most `size`; b"" when the peer has finished sending or has gone."""
        while True:
            try:
                return self.sock.recv(size)
            except (BlockingIOError, ssl.SSLWantReadError):
                self.until_readable()
            except ssl.SSLWantWriteError:
                self.until_writable()
            except OSError:
                return b""

    def receive_now(self, size: int) -> bytes:
        """What is there already, which may be nothing."""
        try:
            return self.sock.recv(size)
        except OSError:
            return b""

    def receive_next(self, size: int) -> bytes:
        """As `receive`, for when nothing is expected to be there yet."""
        self._park(self._reader)
        return self.receive(size)

    def receive_into(self, buffer: memoryview) -> int:
        """Fill the beginning of `buffer`; 0 when the peer has finished sending or has gone."""
        while True:
            try:
                return self.sock.recv_into(buffer)
            except (BlockingIOError, ssl.SSLWantReadError):
                self.deadline = time.monotonic() + self.stall_seconds
                self.until_readable()
            except ssl.SSLWantWriteError:
                self.until_writable()
            except OSError:
                return 0

    def send(self, data: bytes | memoryview, flags: int = 0) -> None:
        """Hand all of `data` to the system; `PeerGone` if that is in vain."""
        try:
            sent = self.sock.send(data, flags)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise PeerGone from error
        if sent < len(data):
            self._send_rest(memoryview(data)[sent:], flags)

    def _send_rest(self, rest: memoryview, flags: int) -> None:
        while rest:
            self.until_writable()
            try:
                rest = rest[self.sock.send(rest, flags):]
            except BlockingIOError:
                continue
            except OSError as error:
                raise PeerGone from error

    def send_file(self, fd: int, offset: int, length: int) -> int:
        """Send a range of an open file from the page cache to the socket; how many bytes went, which are fewer than
        `length` only if the file is shorter."""
        stop = offset + length
        out = self.sock.fileno()
        while offset < stop:
            try:
                sent = os.sendfile(out, fd, offset, min(stop - offset, SENDFILE_MAX))
                if not sent:
                    break
                offset += sent
            except BlockingIOError:
                pass
            except ConnectionError as error:
                raise PeerGone from error
            if offset < stop:  # the socket is full, or the other connections have their turn
                self.until_writable()
        return length - (stop - offset)

    def linger(self) -> None:
        """Finish sending, then drop what the peer still sends for a while. Closing with bytes unread resets the
        connection, and the reset may destroy the reply before the peer has read it."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
            self.deadline = time.monotonic() + LINGER_SECONDS
            left = LINGER_BYTES
            while left > 0 and self.deadline > time.monotonic():
                data = self.receive(65536)
                if not data:
                    break
                left -= len(data)
        except (OSError, PeerGone):
            pass

    def close(self) -> None:
        self.detach().close()

    def detach(self) -> socket.socket:
        """The socket, owned by the caller from now on; this transport is finished."""
        self.pulse.transports.discard(self)
        self._reader.close()
        if self._writer is not None:
            self._writer.close()
        return self.sock

    def _park(self, watcher: Any) -> None:
        self._parked = switch = getcurrent().switch
        watcher.start(switch)
        try:
            woken = self._hub.switch()
        finally:
            watcher.stop()
            self._parked = None
        if woken is True:
            raise Stalled


class SecureTransport(Transport):
    """The same over TLS; `sock` is an `ssl.SSLSocket` whose handshake may be still to come."""

    __slots__ = ()

    secure = True
    sock: ssl.SSLSocket

    def handshake(self) -> None:
        """Agree on keys; `OSError` when client and server do not get there."""
        while True:
            try:
                return self.sock.do_handshake()
            except ssl.SSLWantReadError:
                self.until_readable()
            except ssl.SSLWantWriteError:
                self.until_writable()

    def receive_next(self, size: int) -> bytes:
        # What the client sent may have been decrypted already: the socket would never become readable.
        return self.receive(size)

    def send(self, data: bytes | memoryview, flags: int = 0) -> None:
        rest = memoryview(data)
        while rest:
            try:
                sent = self.sock.send(rest[:TLS_PIECE])
                rest = rest[sent:]
                if not sent:  # how gevent's TLS socket says that it would block
                    self.until_writable()
            except ssl.SSLWantWriteError:
                self.until_writable()
            except ssl.SSLWantReadError:
                self.until_readable()
            except OSError as error:
                raise PeerGone from error

    def send_file(self, fd: int, offset: int, length: int) -> int:
        sent = 0
        while sent < length:
            piece = os.pread(fd, min(length - sent, TLS_PIECE), offset + sent)
            if not piece:
                break
            self.send(piece)
            sent += len(piece)
        return sent
