"""What a server says of an object, whichever way it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from etl.webserver.errors import DeliveryFailed, InvalidPipeline, SourceRefused, SourceSpent, SourceUnreachable

OK = 200
DELIVERED = 204
CONTENT_TYPE = "Content-Type"
DIRECT_PUT_LENGTH = "Ais-Direct-Put-Length"
RETRY = {"Ais-Etl-Retry-Reason": "direct-put-transient"}


@dataclass(frozen=True, slots=True)
class Answer:
    """A result, the news that it was delivered elsewhere, or an error."""

    status: int
    body: bytes | Iterator[bytes]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Complaint:
    """How an exception is told."""

    status: int
    message: Callable[[Exception, str], str]  # of the exception and the object's path
    headers: Mapping[str, str] = field(default_factory=dict)


def no_file(error: Exception, path: str) -> str:
    return f"Error processing object {path!r}: file not found at {getattr(error, 'filename', None) or path!r}."


COMPLAINTS: dict[type[Exception], Complaint] = {
    InvalidPipeline: Complaint(400, lambda error, _: f"Invalid pipeline header: {error}"),
    FileNotFoundError: Complaint(404, no_file),
    SourceRefused: Complaint(502, lambda error, _: str(error)),
    SourceUnreachable: Complaint(502, lambda error, _: f"Network error: {error}"),
    SourceSpent: Complaint(503, lambda error, _: f"Direct put bailed (one-shot body): {error}", RETRY),
    DeliveryFailed: Complaint(502, lambda error, _: f"Direct put failed: {error}"),
    Exception: Complaint(500, lambda error, _: f"Processing error: {error}"),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """An exception, as it is told."""

    status: int
    message: str
    headers: Mapping[str, str]

    @property
    def answer(self) -> Answer:
        body = json.dumps({"error": self.message}).encode()
        return Answer(self.status, body, {**self.headers, CONTENT_TYPE: "application/json"})


def failure(error: Exception, path: str) -> Failure:
    """The status of a node that refuses the object is passed on."""
    complaint = next(COMPLAINTS[kind] for kind in type(error).__mro__ if kind in COMPLAINTS)
    status = error.status if isinstance(error, SourceRefused) else complaint.status
    return Failure(status, complaint.message(error, path), complaint.headers)
