"""The body of an HTTP answer as pieces of bytes: by its length, in chunks, or until the connection ends.

`receive` gives the next bytes of the connection, b"" at its end; `rest` is what was received with the head already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from etl.errors import TransformBroken

Receive = Callable[[], bytes]

LONGEST_LINE = 4096  # bytes of a chunk's size line or a trailer


def cut() -> TransformBroken:
    return TransformBroken("the transform's server closed the connection before the end of its answer")


def sized(receive: Receive, rest: bytes, size: int) -> Iterator[bytes]:
    """Exactly `size` bytes."""
    piece = rest
    while True:
        if len(piece) > size:
            raise TransformBroken("the transform's server sent more than the Content-Length of its answer")
        if piece:
            size -= len(piece)
            yield piece
        if not size:
            return
        piece = receive()
        if not piece:
            raise cut()


def until_close(receive: Receive, rest: bytes) -> Iterator[bytes]:
    piece = rest or receive()
    while piece:
        yield piece
        piece = receive()


def chunked(receive: Receive, rest: bytes) -> Iterator[bytes]:
    """The chunks' contents; extensions and trailers are read and dropped."""
    while True:
        line, rest = _line(receive, rest)
        left = _chunk_size(line)
        if not left:
            break
        while left:
            piece = rest or _more(receive)
            rest = piece[left:]
            yield piece[:left] if rest else piece
            left -= len(piece) - len(rest)
        line, rest = _line(receive, rest)
        if line:
            raise TransformBroken("the transform's server sent a chunk that is longer than announced")
    while line:
        line, rest = _line(receive, rest)
    if rest:
        raise TransformBroken("the transform's server sent more after the last chunk of its answer")


def _line(receive: Receive, rest: bytes) -> tuple[bytes, bytes]:
    while True:
        line, end, after = rest.partition(b"\r\n")
        if end:
            return line, after
        if len(rest) > LONGEST_LINE:
            raise TransformBroken("the transform's server sent no valid chunk")
        rest += _more(receive)


def _more(receive: Receive) -> bytes:
    piece = receive()
    if not piece:
        raise cut()
    return piece


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not digits or digits.strip(b"0123456789abcdefABCDEF"):
        raise TransformBroken("the transform's server sent no valid chunk")
    return int(digits, 16)
