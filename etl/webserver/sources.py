"""Where the object comes from: a file, the node, the body of the request, a message."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Protocol
from urllib.parse import quote

from urllib3.exceptions import HTTPError

from etl.webserver.client import Client
from etl.webserver.errors import SourceRefused, SourceUnreachable

PIECE = 256 * 1024  # bytes that a reader takes at once
OK = 200


class Source(Protocol):
    """An object to transform."""

    @property
    def replayable(self) -> bool:
        """Whether it can be opened again."""

    def open(self) -> BinaryIO:
        """From its first byte; the caller closes it."""


@dataclass(frozen=True, slots=True)
class File:
    """A file that the node has put in the server's reach. `FileNotFoundError` when there is none."""

    path: str  # absolute
    replayable: bool = True

    def open(self) -> BinaryIO:
        return open(self.path, "rb")


@dataclass(frozen=True, slots=True)
class Fetched:
    """An object that the node is asked for; `SourceRefused`, `SourceUnreachable`."""

    client: Client
    target_url: str
    path: str  # decoded
    replayable: bool = True

    def open(self) -> BinaryIO:
        try:
            answer = self.client.get(f"{self.target_url}/{quote(self.path, safe='@')}")
        except HTTPError as error:
            raise SourceUnreachable(str(error)) from error
        if answer.status != OK:
            answer.close()
            raise SourceRefused(answer.status)

        def read(size: int) -> bytes:
            try:
                return answer.read(None if size < 0 else size)
            except HTTPError as error:
                raise SourceUnreachable(str(error)) from error

        def done() -> None:
            answer.close()
            answer.release_conn()

        return io.BufferedReader(Reading(read, done), PIECE)


@dataclass(frozen=True, slots=True)
class Body:
    """The body of the request, which is read but once."""

    read: Callable[[int], bytes]  # up to so many bytes, all for -1; none at the end
    replayable: bool = False

    def open(self) -> BinaryIO:
        return io.BufferedReader(Reading(self.read, lambda: None), PIECE)


@dataclass(frozen=True, slots=True)
class Message:
    """An object that is in memory already."""

    data: bytes
    replayable: bool = True

    def open(self) -> BinaryIO:
        return io.BytesIO(self.data)


class Reading(io.RawIOBase):
    """A file over `read`, as the standard library's readers want it; `done` is called once, when it is closed."""

    def __init__(self, read: Callable[[int], bytes], done: Callable[[], None]) -> None:
        self._read = read
        self._done = done

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what BufferedReader passes
        piece = self._read(len(buffer))
        buffer[:len(piece)] = piece
        return len(piece)

    def readall(self) -> bytes:
        return self._read(-1)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._done()
