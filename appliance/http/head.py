"""Request heads: what the fast lane takes, what goes to gunicorn's own machinery, and what nobody may answer.

`gunicorn_h1c` parses and refuses most of what is ambiguous: a repeated or signed Content-Length, Content-Length
beside Transfer-Encoding, stacked or unknown codings, spaces before the colon, control characters. It takes (0.6.9)
bare LF as a line end, folded lines, a Transfer-Encoding that doesn't end in chunked and lengths of 20 digits, which it
wraps around; these are refused here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gunicorn_h1c import (
    HttpRequest,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseError,
    _parser_fast,
    parse_request_fast,
)

# The fast parser raises some of the package's public exceptions and these two of its own, of the same names.
IncompleteError: type[Exception] = _parser_fast.IncompleteError
MALFORMED: tuple[type[Exception], ...] = (ParseError, _parser_fast.ParseError)
FIELDS_MAX: Final = 256  # what the parser has room for
LINE_END: Final = b"\r"


# What a head carries that matters to its framing or its lane. Plain integers: they are combined for every request.
HOST: Final = 1
EXPECT: Final = 2
UPGRADE: Final = 4
CODING: Final = 8
FOLD: Final = 16
LENGTH: Final = 32

COMMON: Final = frozenset((HOST, HOST | LENGTH))
_ONCE: Final = HOST | CODING  # a second one is an attempt to be read in two ways
_TRAITS: Final = {
    b"host": HOST,
    b"expect": EXPECT,
    b"upgrade": UPGRADE,
    b"transfer-encoding": CODING,
    b"": FOLD,
    b"content-length": LENGTH,
}
_DIGITS_MAX: Final = 18  # of a Content-Length: the parser wraps a larger number around 64 bits
_LENGTHS: Final = frozenset(len(name) for name in _TRAITS)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may ask of a connection."""

    head_bytes: int = 64 * 1024
    line_bytes: int = 16 * 1024
    field_bytes: int = 16 * 1024
    head_seconds: float = 30.0  # from the head's first byte to its last
    idle_seconds: float = 75.0  # between requests
    stall_seconds: float = 60.0  # without a byte of a body, or without a byte of the reply taken


class Refused(Exception):
    """The request must not reach an application: what to reply, and why."""

    def __init__(self, status: str, code: str, reason: str) -> None:
        super().__init__(status, code, reason)
        self.status = status
        self.code = code
        self.reason = reason


def bad(reason: str) -> Refused:
    return Refused("400 Bad Request", "BadRequest", reason)


def too_large(reason: str) -> Refused:
    return Refused("431 Request Header Fields Too Large", "RequestHeaderSectionTooLarge", reason)


def too_slow(reason: str) -> Refused:
    return Refused("408 Request Timeout", "RequestTimeout", reason)


def parse(data: bytes, known: int, limits: Limits) -> HttpRequest | None:
    """The head at the beginning of `data`, of which `known` bytes were seen not to complete it; None if it is still
    incomplete. Raises `Refused`."""
    if data[:1] == b"\n":
        raise bad("An empty line before the request does not end with CRLF.")
    try:
        request = parse_request_fast(data, known, limits.line_bytes, FIELDS_MAX, limits.field_bytes)
    except IncompleteError:
        _check_size(len(data), limits)
        return None
    except (LimitRequestLine, LimitRequestHeaders) as error:
        raise too_large(str(error)) from None
    except MALFORMED as error:
        raise bad(str(error)) from None
    # The parser lets a CR occur only before an LF, so there are as many as lines if and only if no LF is bare.
    if data.count(LINE_END, 0, request.consumed) != request.header_count + 2:
        raise bad("A line of the request head does not end with CRLF.")
    _check_size(request.consumed, limits)
    return request


def _check_size(size: int, limits: Limits) -> None:
    if size > limits.head_bytes:
        raise too_large("The request head is too large.")


def traits(headers: tuple[tuple[bytes, bytes], ...]) -> int:
    """What of the above the headers carry. Raises `Refused`."""
    seen = 0
    for name, value in headers:
        if len(name) in _LENGTHS:
            trait = _TRAITS.get(name.lower(), 0)
            if trait & seen & _ONCE:
                raise bad(f"{name.decode('latin-1')} occurs more than once.")
            if trait == LENGTH and len(value) > _DIGITS_MAX:
                raise bad("The Content-Length is too large.")
            seen |= trait
    return seen


def check_uncommon(request: HttpRequest, seen: int) -> None:
    """Refuse what could be framed in two ways, or cannot be routed."""
    if seen & FOLD:
        raise bad("Folded header lines are obsolete.")
    if seen & CODING and request.get_header("transfer-encoding").lower() != b"chunked":
        raise bad("The only transfer coding is chunked.")
    if not seen & HOST and request.minor_version:
        raise bad("The Host header is missing.")
    if request.has_chunked and not request.minor_version:
        raise bad("HTTP/1.0 has no transfer codings.")
    if request.method == b"CONNECT":
        raise bad("This is not a proxy.")


def wants_websocket(request: HttpRequest) -> bool:
    """The client asks for the one protocol that a connection can be upgraded to; others (h2c) may be ignored."""
    return bool((request.get_header("upgrade") or b"").lower() == b"websocket")


def expects_continue(request: HttpRequest) -> bool:
    """The client waits for `100 Continue`. Any other expectation is ignored."""
    return bool(request.get_header("expect").lower() == b"100-continue")


def target(request: HttpRequest) -> str:
    """The request target as sent, in latin-1; of an absolute one the part that begins with the path."""
    sent: str = request.path.decode("latin-1")
    if sent[0] == "/" or sent == "*":
        return sent
    return path_of_url(sent, host=(request.get_header("host") or b"").decode("latin-1"))


def path_of_url(sent: str, *, host: str) -> str:
    _, _, rest = sent.partition("://")
    authority, slash, path = rest.partition("/")
    if not slash or authority.lower() != host.lower():
        raise bad("The request target does not agree with the Host header.")
    return slash + path


def check_as_strictly(version: tuple[int, int], headers: list[tuple[str, str]], limits: Limits) -> None:
    """Refuse in a head, whose names are in upper case, what another parser than the fast lane's has let through."""
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name, []).append(value)
    if [value.lower() for value in values.get("TRANSFER-ENCODING", ["chunked"])] != ["chunked"]:
        raise bad("The only transfer coding is chunked.")
    if any(len(value) > _DIGITS_MAX for value in values.get("CONTENT-LENGTH", ())):
        raise bad("The Content-Length is too large.")
    if version > (1, 1):
        raise bad("The HTTP version is not supported.")
    if "HOST" not in values and version == (1, 1):
        raise bad("The Host header is missing.")
    _check_size(sum(len(name) + len(value) + 4 for name, value in headers), limits)
