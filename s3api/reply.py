"""An answer on its way to the worker."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from storage.content import Segments

OK: Final = "200 OK"
NO_CONTENT: Final = "204 No Content"
PARTIAL_CONTENT: Final = "206 Partial Content"

Headers = list[tuple[str, str]]


class Reply(NamedTuple):
    """Status line, headers and body. The body is closed by the server when it has a `close`."""

    status: str
    headers: Headers
    body: Iterable[bytes] | Segments = ()


def xml_reply(document: bytes, headers: Headers | None = None) -> Reply:
    """200 with an XML document."""
    described = [("Content-Type", "application/xml"), ("Content-Length", str(len(document)))]
    return Reply(OK, described + headers if headers else described, (document,))


def empty_reply(headers: Headers | None = None) -> Reply:
    """200 without a body."""
    return Reply(OK, [("Content-Length", "0"), *(headers or ())])


def no_content(headers: Headers | None = None) -> Reply:
    return Reply(NO_CONTENT, headers or [])
