"""How bytes get to a transform's server and back: what the rest of the code knows about it.

A channel is one file under `etl/channels/`, chosen by the communication type of the transform.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from storage.content import Content


class ConnectionFailed(Exception):
    """No byte of an answer came, so the attempt may be repeated. `stale`: the connection had been used before and the
    server closed it meanwhile, which says nothing about the server."""

    def __init__(self, reason: str, *, stale: bool) -> None:
        super().__init__(reason)
        self.stale = stale


class Request(NamedTuple):
    """One attempt at transforming one object."""

    address: str  # host:port
    bucket: str
    key: str
    arguments: str  # the user's etl_args
    timeout: str  # obj_timeout as the user wrote it
    seconds: float  # the same; the time that the server may take, the reader's own time not counted


class Answer(Protocol):
    """What the server answered: the head, and the body as it comes. Whoever got it closes it."""

    @property
    def status(self) -> int: ...

    @property
    def size(self) -> int | None:
        """Of the body, in bytes; None: not known before its end."""
        ...

    @property
    def content_type(self) -> str:
        """"" when the server said none."""
        ...

    def body(self) -> bytes | Iterator[bytes]:
        """The body; called once. Iterating raises `TransformBroken` where it breaks off, or `TransformTimeout`."""
        ...

    def close(self) -> None:
        """Give up what has not been sent or received; closing twice is fine."""
        ...


class Channel(Protocol):
    """Carries objects to servers."""

    def send(self, request: Request, content: Content | Iterator[bytes], size: int | None) -> Answer:
        """Send the object's `size` bytes and return the answer as soon as its head is there, which may be before all
        was sent: the rest goes out while the body is read.

        `content` stays the caller's, open until the answer is closed; bytes and Segments can be sent again. Raises
        `ConnectionFailed`, `TransformTimeout`, and `TransformBroken` when the answer is no HTTP.
        """
        ...

    def close(self) -> None:
        """Close the connections that are kept."""
        ...
