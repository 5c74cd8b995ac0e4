"""What is told of one operation of the native API."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from enum import Enum
from typing import Any

import msgspec


class Body(Enum):
    """What a request carries."""

    NOTHING = "nothing"
    ACTION = "an action message"
    DOCUMENT = "a document"
    BYTES = "an object's bytes"


TEXT, OCTETS, GZIP = "text/plain", "application/octet-stream", "application/x-gzip"


class ErrorDocument(msgspec.Struct, frozen=True):
    """How every error is told; HEAD has it in the header Hdr-Error."""

    message: str
    method: str
    url_path: str
    remote_addr: str
    caller: str
    node: str
    status: int
    tcode: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """An operation: its path with places in braces, what chooses it among those of the same path and method, the right
    it takes, whether this node offers it, and what goes in and out: types, or the media types of
    what is no JSON."""

    method: str
    path: str
    name: str
    summary: str
    right: int = 0
    offered: bool = True
    open: bool = False  # to everybody, without a token
    query: tuple[str, ...] = ()
    what: str = ""
    action: str = ""
    body: Body = Body.NOTHING
    value: Any = None  # of the action message, or the document
    replies: tuple[Any, ...] = ()

    @property
    def chosen(self) -> str:
        """How a client chooses this operation on its path."""
        return f"what={self.what}" if self.what else f'"action": "{self.action}"' if self.action else ""


def summary(handler: object, name: str) -> str:
    """The first sentence of the handler's docstring; the name where there is none."""
    text = inspect.getdoc(handler) if handler is not None else None
    paragraph = " ".join((text or name).split("\n\n")[0].split())
    return paragraph if paragraph.endswith(".") else f"{paragraph}."
