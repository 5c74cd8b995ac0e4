"""How bytes get to a transform's server and back: what the rest of the code knows about it.

A channel is one file under `etl/channels/`, chosen by the communication type of the transform.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, Protocol

from storage.content import Content

from etl.errors import TransformFailed

if TYPE_CHECKING:
    from etl.channels.landing import Landing


FAILED = 400  # the first status that means so
LONGEST_MESSAGE = 64 * 1024  # bytes of an error's body that are shown


class ConnectionFailed(Exception):
    """No answer came, or none but that the object be sent again, so the attempt may be repeated.

    `stale`: the connection had been used before and the server closed it meanwhile, which says nothing of the server.
    """

    def __init__(self, reason: str, *, stale: bool) -> None:
        super().__init__(reason)
        self.stale = stale


class Request(NamedTuple):
    """One attempt at transforming one object. With `file` the server reads that, and no bytes need be sent."""

    address: str  # host:port
    bucket: str
    key: str
    arguments: str  # the user's etl_args
    timeout: str  # obj_timeout as the user wrote it
    seconds: float  # the same; the time that the server may take, the reader's own time not counted
    name: str = ""  # the object's unified name, by which the server gets it from the node
    file: str = ""  # the absolute path, as the server sees it, of a file that is the object
    onward: str = ""  # Ais-Node-Url: where the server sends what it makes of the object, "": back
    landing: Landing | None = None  # where the result is put by the last of them; the request's, not the channel's


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


def message(answer: Answer) -> str:
    """The text of an error, as the server wrote it."""
    body = answer.body()
    if isinstance(body, bytes):
        return body.decode(errors="replace")
    text = b""
    with suppress(TransformFailed):  # what has come of the message is better than that it broke off
        for piece in body:
            text += piece
            if len(text) >= LONGEST_MESSAGE:
                break
    return text[:LONGEST_MESSAGE].decode(errors="replace")
