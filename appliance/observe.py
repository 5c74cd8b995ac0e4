"""The access log: one line a request, written in batches."""

from __future__ import annotations

import logging
import os
import re
import stat
import sys
from collections.abc import Callable
from time import gmtime, strftime, time
from typing import Any, Protocol

import msgspec

log = logging.getLogger("sluice.access")

FULL = 64 * 1024  # bytes: written at once
MANY = 64  # requests whose lines are made in one go, which costs less than making each when it is through
LINGER = 0.1  # seconds that a line waits for company
PIPE_ATOMIC = 4096  # bytes that the kernel writes to a pipe without mixing them with another process's

Environ = dict[str, Any]
Later = Callable[[float, Callable[[], None]], object]  # calls the function so many seconds from now


class Line(msgspec.Struct, frozen=True, gc=False):
    """What the access log tells about a request. The target is left out: presigned ones hold a valid signature."""

    time: str  # RFC 3339 in UTC, when the reply was through
    id: str  # x-amz-request-id
    account: str  # canonical id; "" for a request that nobody was found to have sent
    operation: str  # "" for a request that was refused before it was understood
    bucket: str
    key: str
    status: int
    bytes: int  # of the reply's body
    ms: float
    method: str
    remote: str
    agent: str


class Layout(Protocol):
    def __call__(self, line: Line, buffer: bytearray) -> None:
        """Append the line and its end."""


_encoder = msgspec.json.Encoder()
_BUCKET = re.compile("[A-Za-z0-9._-]*")


def as_json(line: Line, buffer: bytearray) -> None:
    _encoder.encode_into(line, buffer, -1)
    buffer += b"\n"


def as_text(line: Line, buffer: bytearray) -> None:
    """Fields separated by one space, `-` for what is empty; the key, the agent and a bucket that none can be named as
    JSON strings."""
    bucket = line.bucket if _BUCKET.fullmatch(line.bucket) else _encoder.encode(line.bucket).decode()
    fields = (line.time, line.remote, line.id, line.account, line.method, line.operation, bucket)
    buffer += " ".join(field or "-" for field in fields).encode()
    buffer += b" %b %d %d %.3fms %b\n" % (
        _encoder.encode(line.key),
        line.status,
        line.bytes,
        line.ms,
        _encoder.encode(line.agent),
    )


LAYOUTS: dict[str, Layout] = {"json": as_json, "text": as_text}


class Clock:
    """Seconds since the epoch as RFC 3339 with milliseconds; the part before them is made once a second."""

    __slots__ = ("_prefix", "_second")

    def __init__(self) -> None:
        self._second = -1
        self._prefix = ""

    def __call__(self, now: float) -> str:
        second = int(now)
        if second != self._second:
            self._second = second
            self._prefix = strftime("%Y-%m-%dT%H:%M:%S.", gmtime(second))
        return f"{self._prefix}{int((now - second) * 1000):03d}Z"


class Sink:
    """Where lines go: a file, appended to so that all processes may share it, or standard output. A failing write costs
    its lines and a warning, never a request."""

    def __init__(self, path: str) -> None:
        self._path = path  # "-" for standard output
        self._descriptor = self._open()
        self._pipe = self._is_pipe()

    def write(self, lines: bytearray) -> None:
        """Write whole lines; those of other processes may stand between two of them, never within one."""
        try:
            for piece in _pieces(lines) if self._pipe else (memoryview(lines),):
                while piece:
                    piece = piece[os.write(self._descriptor, piece) :]
        except OSError as error:
            log.warning("access log lines were lost: %s: %s", self._path, error.strerror)

    def reopen(self) -> None:
        """Go on in a new file where the old one was renamed."""
        if self._path == "-":
            return
        descriptor = self._open()
        os.close(self._descriptor)
        self._descriptor = descriptor

    def close(self) -> None:
        if self._path != "-" and self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> int:
        if self._path == "-":
            return sys.__stdout__.fileno() if sys.__stdout__ else 1
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)

    def _is_pipe(self) -> bool:
        return not stat.S_ISREG(os.fstat(self._descriptor).st_mode)


def _pieces(lines: bytearray) -> list[memoryview]:
    """The lines in groups of at most as many bytes as a pipe takes in one go (a longer line alone)."""
    pieces, start = [], 0
    view = memoryview(bytes(lines))
    while start < len(view):
        stop = len(view)
        if stop - start > PIPE_ATOMIC:
            stop = lines.rfind(b"\n", start, start + PIPE_ATOMIC) + 1 or lines.index(b"\n", start) + 1
        pieces.append(view[start:stop])
        start = stop
    return pieces


class AccessLog:
    """Collects lines and hands them to the sink when 64 KiB are there or a tenth of a second has gone by."""

    def __init__(self, sink: Sink, layout: Layout, *, later: Later, now: Callable[[], float] = time) -> None:
        self._sink = sink
        self._layout = layout
        self._later = later
        self._now = now
        self._clock = Clock()
        self._answered: list[tuple[float, Environ, int, int, float]] = []
        self._buffer = bytearray()

    def observe(self, environ: Environ, status: int, sent: int, seconds: float) -> None:
        answered = self._answered
        if not (answered or self._buffer):
            self._later(LINGER, self.flush)
        answered.append((self._now(), environ, status, sent, seconds))
        if len(answered) == MANY:
            self._describe()
            if len(self._buffer) >= FULL:
                self.flush()

    def flush(self) -> None:
        """Everything observed so far has been handed to the kernel."""
        self._describe()
        if self._buffer:
            lines, self._buffer = self._buffer, bytearray()
            self._sink.write(lines)

    def _describe(self) -> None:
        """Make the lines of what was answered."""
        answered, self._answered = self._answered, []
        for now, environ, status, sent, seconds in answered:
            get = environ.get
            line = Line(
                self._clock(now),
                environ["sluice.request_id"],
                get("sluice.account") or "",
                get("sluice.operation") or "",
                get("sluice.bucket") or "",
                get("sluice.key") or "",
                status,
                sent,
                int(seconds * 1e6) / 1000,
                environ["REQUEST_METHOD"],
                environ["REMOTE_ADDR"],
                _agent(environ["sluice.headers"]),
            )
            self._layout(line, self._buffer)

    def reopen(self) -> None:
        self.flush()
        self._sink.reopen()

    def close(self) -> None:
        self.flush()
        self._sink.close()


def _agent(headers: list[tuple[bytes, bytes]]) -> str:
    for name, value in headers:
        if len(name) == 10 and name.lower() == b"user-agent":
            return value.decode("latin-1")
    return ""
