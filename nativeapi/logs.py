"""The node's log through the API."""

from __future__ import annotations

from collections.abc import Iterator

from nativeapi.call import Call, Reply
from nativeapi.errors import NativeError
from nativeapi.figures import LogFile
from nativeapi.native import Native

SEVERITIES = ("info", "warning", "error")


class Pieces:
    """The rest of a file of the log, which is closed with it."""

    __slots__ = ("_file", "_pieces")

    def __init__(self, file: LogFile, start: int) -> None:
        self._file = file
        self._pieces = file.pieces(start)

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        self._file.close()


def log(native: Native, call: Call) -> Reply:
    """The current file of the log from `offset` on, of a `severity` and worse; with `all` every file as a tar.gz."""
    severity = call.query.get("severity") or "info"
    if severity not in SEVERITIES:
        raise NativeError(400, f'invalid log severity "{severity}": expecting one of [{" ".join(SEVERITIES)}]')
    if call.flag("all"):
        return Reply(200, [("Content-Type", "application/x-gzip")], native.machine.journal.archive(severity))
    start = offset(call)
    file = native.machine.journal.open(severity)
    size = max(0, file.size - start)
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(size))]
    return Reply(200, headers, Pieces(file, start))


def offset(call: Call) -> int:
    text = call.query.get("offset") or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise NativeError(400, f'invalid log offset "{text}"')
    return int(text)
