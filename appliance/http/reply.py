"""Replies: heads in one piece with small bodies, large ones from files by `sendfile`, the rest as it comes."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Final
from xml.sax.saxutils import escape

from appliance.http.transport import Transport
from storage.content import Segments
from storage.errors import Corrupt

SMALL: Final = 64 * 1024  # bytes of body that are worth copying to save a system call
BODILESS: Final = frozenset(("204", "304"))
INTERNAL_ERROR: Final = ("500 Internal Server Error", "InternalError", "We encountered an internal error.")
INCOMPLETE: Final = ("400 Bad Request", "IncompleteBody", "The request body is malformed or ended early.")
TIMED_OUT: Final = ("400 Bad Request", "RequestTimeout", "The request body was not sent within the time allowed.")
HOST_ID: Final = "sluice"  # S3's name of who answered, in every reply
_MORE: Final = socket.MSG_MORE

Headers = list[tuple[str, str]]


class BrokenReply(Exception):
    """The application's reply cannot be sent as it stands; nothing of it has been sent."""


def declared_length(headers: Headers) -> int | None:
    """The application's Content-Length."""
    for name, value in headers:
        if len(name) == 14 and name.lower() == "content-length":
            return int(value)
    return None


def head(status: str, headers: Headers, dated: str, framing: str) -> bytes:
    """The reply's head. `framing` is the worker's own lines."""
    lines = "\r\n".join([status, *map(": ".join, headers), ""])
    if not lines.count("\n") == lines.count("\r") == len(headers) + 1:
        raise BrokenReply("a header of the reply contains the end of a line")
    return f"HTTP/1.1 {lines}{dated}{framing}\r\n".encode("latin-1")


def send_whole(transport: Transport, first: bytes, body: bytes) -> None:
    """The head and a body that is at hand."""
    if len(body) <= SMALL:
        transport.send(first + body)
    else:
        transport.send(first, _MORE)
        transport.send(body)


def send_segments(transport: Transport, first: bytes, segments: Segments) -> int:
    """The head and ranges of files; `Corrupt` when a file is shorter than its range says."""
    transport.send(first, _MORE)
    for fd, offset, length in segments.items:
        count = transport.send_file(fd, offset, length)
        if count != length:
            raise Corrupt(f"descriptor {fd} ends {length - count} bytes early")
    return segments.size


def send_pieces(transport: Transport, first: bytes, pieces: Iterable[bytes], length: int) -> int:
    """The head and what `pieces` yields, each as soon as it is there, `length` bytes in all; how many there were."""
    sent = 0
    for piece in pieces:
        if piece and sent < length:
            piece = piece[: length - sent]
            transport.send(first + piece if first else piece)
            first = b""
            sent += len(piece)
    if first:
        transport.send(first)
    return sent


def send_chunked(transport: Transport, first: bytes, pieces: Iterable[bytes]) -> int:
    """As `send_pieces` in HTTP's chunked coding, for when the length isn't known beforehand."""
    sent = 0
    for piece in pieces:
        if piece:
            transport.send(b"%b%x\r\n%b\r\n" % (first, len(piece), piece))
            first = b""
            sent += len(piece)
    transport.send(first + b"0\r\n\r\n")
    return sent


def shown_path(target: str) -> str:
    """What the log may tell of a request's target: the query of a presigned one is as good as a key."""
    return target.partition("?")[0]


def error_body(code: str, message: str, request_id: str) -> bytes:
    """An error as S3 words it."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{escape(message)}</Message><RequestId>{request_id}</RequestId>"
        f"<HostId>{HOST_ID}</HostId></Error>"
    ).encode()


def error_headers(body: bytes, request_id: str) -> Headers:
    return [
        ("Content-Type", "application/xml"),
        ("Content-Length", str(len(body))),
        ("x-amz-request-id", request_id),
        ("x-amz-id-2", HOST_ID),
    ]
