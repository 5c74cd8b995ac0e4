"""A request on its way out, as far as a socket that never waits takes it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

from storage.content import READ_SIZE, Segment, Segments
from storage.errors import Corrupt

PIECE = 4 * READ_SIZE  # bytes offered to the socket at once


class Outgoing:
    """The bytes not sent yet: some in memory, then file ranges (sent by the kernel), then what an iterator yields."""

    __slots__ = ("_files", "_pieces", "_view")

    def __init__(self, head: bytes, content: bytes | Segments | Iterator[bytes], *, chunked: bool) -> None:
        self._view = memoryview(head)
        self._files: list[Segment] = []
        self._pieces: Iterator[bytes] = iter(())
        if isinstance(content, bytes):
            self._pieces = iter((content,))
        elif isinstance(content, Segments):
            self._files = [item for item in reversed(content.items) if item.length]
        else:
            self._pieces = chunks(content) if chunked else content

    def push(self, connection: socket.socket) -> bool:
        """Send one piece, or as much of it as the connection takes now; False when nothing was left to send.

        `BlockingIOError` when it takes nothing, another `OSError` when it is broken.
        """
        if self._view:
            self._view = self._view[connection.send(self._view[:PIECE]):]
        elif self._files:
            self._send_file(connection, *self._files.pop())
        else:
            piece = next(self._pieces, None)
            if piece is None:
                return False
            self._view = memoryview(piece)
        return True

    def _send_file(self, connection: socket.socket, fd: int, offset: int, length: int) -> None:
        try:
            sent = os.sendfile(connection.fileno(), fd, offset, min(length, PIECE))
        except BlockingIOError:
            self._files.append(Segment(fd, offset, length))
            raise
        if not sent:
            raise Corrupt(f"descriptor {fd} ends at {offset}")
        if sent < length:
            self._files.append(Segment(fd, offset + sent, length - sent))


def chunks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces in HTTP's chunked encoding."""
    for piece in pieces:
        if piece:
            yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"
