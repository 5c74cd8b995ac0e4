"""A request and its reply as handlers see them, whichever door they came through."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast
from urllib.parse import unquote_to_bytes

import msgspec

from nativeapi.errors import NativeError
from storage.access import Principal
from storage.content import Segments

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

PREFIX = "/v1/"
MESSAGE_LIMIT = 64 * 1024 * 1024  # bytes of a JSON body: a transform may be shipped in one
REASONS = {
    200: "OK",
    202: "Accepted",
    204: "No Content",
    206: "Partial Content",
    307: "Temporary Redirect",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    412: "Precondition Failed",
    413: "Content Too Large",
    416: "Range Not Satisfiable",
    429: "Too Many Requests",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    507: "Insufficient Storage",
}

Message = TypeVar("Message", bound=msgspec.Struct)

Headers = list[tuple[str, str]]
Number = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]  # in a message of which a job keeps 64 bits


class Action(msgspec.Struct):
    """AIStore's action message, the body of most control requests."""

    action: str = ""
    name: str | None = ""
    value: Any = None

    def read(self, kind: type[Message]) -> Message:
        """The value as a message of this kind; of one that was left out its defaults."""
        try:
            return msgspec.convert({} if self.value is None else self.value, kind)
        except msgspec.ValidationError as error:
            raise NativeError(400, f"invalid {self.action} request: {error}") from error


NO_ACTION = Action()
# What msgspec raises for a message that is no JSON, has another form, or is nested deeper than anybody means it.
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
DECODE_ACTION = msgspec.json.Decoder(Action).decode


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. Whoever sends it closes `body` when that has a `close`."""

    status: int = 200
    headers: Headers | tuple[()] = ()
    body: bytes | Segments | Iterable[bytes] = b""


def status_line(status: int) -> str:
    return f"{status} {REASONS.get(status, 'Unknown')}"


def json_reply(value: Any, *, status: int = 200) -> Reply:
    body = msgspec.json.encode(value) + b"\n"
    return Reply(
        status, [("Content-Type", "application/json; charset=utf-8"), ("Content-Length", str(len(body)))], body
    )


def text_reply(text: str, *, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Reply:
    """Text as it is: AIStore quotes no identifiers and ends them with no newline."""
    body = text.encode()
    fields = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body))), *headers]
    return Reply(status, fields, body)


EMPTY = Reply(headers=[("Content-Length", "0")])


def decode(text: str) -> str:
    """Percent-decoded once, as UTF-8; `text` is as the request line had it, a character a byte."""
    if text.isascii() and "%" not in text:
        return text
    try:
        raw = text.encode("latin-1")
        return (unquote_to_bytes(raw) if "%" in text else raw).decode()
    except UnicodeDecodeError as error:
        raise NativeError(400, f"{text!r} is not valid UTF-8") from error


def parse_query(query: str) -> dict[str, str]:
    """The parameters; of a repeated one the first (the SDK repeats them all after a redirect)."""
    found: dict[str, str] = {}
    for pair in query.replace("+", " ").split("&") if query else ():
        name, _, value = pair.partition("=")
        found.setdefault(decode(name), decode(value))
    return found


def split_target(target: str) -> tuple[str, str]:
    """The raw path and the raw query of a request target, which may be a whole URL."""
    if not target.startswith("/"):
        target = "/" + target.partition("://")[2].partition("/")[2]
    path, _, query = target.partition("?")
    return path, query


BOOLEANS = dict.fromkeys(("1", "t", "true", "y", "yes", "on"), True) | dict.fromkeys(
    ("", "0", "f", "false", "n", "no", "off"), False
)


class Call:
    """A request. The path is taken as it was sent: keys may hold anything, slashes beside each other too."""

    __slots__ = ("_action", "_query", "_raw_query", "environ", "headers", "method", "path", "principal")

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.environ = environ
        self.method: str = environ["REQUEST_METHOD"]
        self.path, self._raw_query = split_target(environ["RAW_URI"])
        self._query: dict[str, str] | None = None
        self._action: Action | None = None
        pairs = cast(list[tuple[bytes, bytes]], environ["sluice.headers"])
        self.headers = {name.lower(): value for name, value in pairs}
        self.principal: Principal | None = None

    @property
    def query(self) -> dict[str, str]:
        if self._query is None:
            self._query = parse_query(self._raw_query)
        return self._query

    def header(self, name: bytes) -> str:
        """The value of a header by its lower-case name, "" when absent; of a repeated one the last."""
        return self.headers.get(name, b"").decode("latin-1").strip()

    def items(self) -> list[str]:
        """The decoded components of the path after /v1/."""
        return [decode(item) for item in self.path[len(PREFIX) :].rstrip("/").split("/")]

    def flag(self, name: str) -> bool:
        """A boolean parameter, in every spelling that Go and Python clients use."""
        text = self.query.get(name, "").lower()
        if text not in BOOLEANS:
            raise NativeError(400, f'invalid value "{text}" of the query parameter "{name}": expecting a boolean')
        return BOOLEANS[text]

    def body(self, limit: int = MESSAGE_LIMIT) -> bytes:
        """The whole body, which may come with any method; 413 when it is longer than `limit` bytes."""
        parts, size = [], 0
        reader = self.environ["wsgi.input"]
        while piece := reader.read(64 * 1024):
            parts.append(piece)
            size += len(piece)
            if size > limit:
                raise NativeError(413, f"the message is longer than {limit} bytes")
        return b"".join(parts)

    def action(self) -> Action:
        """The action message; an empty one when there is no body."""
        if self._action is None:
            self._action = self._read_action()
        return self._action

    def _read_action(self) -> Action:
        raw = self.body()
        if not raw.strip():
            return NO_ACTION
        try:
            return DECODE_ACTION(raw)
        except UNREADABLE as error:
            raise NativeError(400, f"failed to unmarshal the action message: {error}") from error

    def origin(self) -> str:
        """How the client reached this node ("http://host:port"), which is where it must be sent back to."""
        scheme = self.header(b"x-forwarded-proto") or self.environ["wsgi.url_scheme"]
        return f"{scheme}://{self.header(b'host')}"

    def log(self, operation: str, bucket: str = "", key: str = "") -> None:
        """Tell the access log and the metrics what this request is."""
        self.environ["sluice.operation"] = operation
        self.environ["sluice.bucket"] = bucket
        self.environ["sluice.key"] = key
