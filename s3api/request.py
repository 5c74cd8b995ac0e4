"""A request as S3 sees it: bucket, key, parameters and headers, from the raw target and the headers as sent."""

from __future__ import annotations

import re
from typing import Any, Final, Protocol
from urllib.parse import unquote_to_bytes

from s3api.auth.moved import SIGNING, moved_headers
from s3api.errors import S3Error, codes
from s3api.model import Level

LONGEST_KEY: Final = 1024  # bytes of UTF-8
SURELY_SHORT: Final = LONGEST_KEY // 4  # characters
ALIAS: Final = "/s3"  # a second root, for clients that were set up for AIStore

_ONLY_SIGNING: Final = re.compile(rf"(?:(?:{'|'.join(sorted(SIGNING))})=[^&]*+(?:&|\Z))*")
_PRESIGNED: Final = re.compile("(?:^|&)(?:X-Amz-)?Signature=")
_BAD_ESCAPE: Final = re.compile("%(?![0-9A-Fa-f]{2})")


class Body(Protocol):
    """The worker's reader; reading its first byte sends `100 Continue` where the client waits for it."""

    @property
    def size(self) -> int | None: ...

    def read(self, size: int = -1, /) -> bytes: ...

    def readinto(self, buffer: memoryview, /) -> int: ...


class Request:
    """All of a request but its body; plain values, never changed."""

    __slots__ = ("bucket", "headers", "host_bucket", "key", "level", "method", "path", "query", "raw_query", "scheme",
                 "signed_headers")

    def __init__(self, environ: dict[str, Any], *, domains: tuple[str, ...] = ()) -> None:
        self.method: str = environ["REQUEST_METHOD"]
        self.scheme: str = environ["wsgi.url_scheme"]
        self.path, self.raw_query = split_target(environ["RAW_URI"])
        self.headers = join_headers(environ["sluice.headers"])
        self.signed_headers = self.headers
        plain = not self.raw_query or _ONLY_SIGNING.fullmatch(self.raw_query)
        self.query: dict[str, str] = {} if plain else read_query(self.raw_query)
        if not plain and _PRESIGNED.search(self.raw_query) and (moved := moved_headers(self.raw_query)):
            self.headers = {**moved, **self.headers}
        self.host_bucket = find_host_bucket(self.headers.get("host", ""), domains) if domains else None
        self.bucket, self.key = split_path(self.path, self.host_bucket)
        self.level = Level.OBJECT if self.key else Level.BUCKET if self.bucket else Level.SERVICE


def read_query(raw: str) -> dict[str, str]:
    """The parameters by name, the first of each, without those of the signature."""
    found: dict[str, str] = {}
    for piece in raw.split("&"):
        name, _, value = piece.partition("=")
        if piece and name not in SIGNING:
            found.setdefault(decode_term(name), decode_term(value))
    return found


def split_target(target: str) -> tuple[str, str]:
    """Raw path and raw query of a request target in origin or absolute form."""
    path, _, query = target.partition("?")
    if not path.startswith("/"):
        scheme, found, rest = path.partition("://")
        if not found or scheme.lower() not in ("http", "https"):
            raise S3Error(codes.InvalidURI)
        path = "/" + rest.partition("/")[2]
    return path, query


def join_headers(pairs: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Values by lower-case name, repeated ones joined with commas, latin-1."""
    headers = {name.lower().decode("latin-1"): value.decode("latin-1") for name, value in pairs}
    if len(headers) == len(pairs):
        return headers
    headers = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name.lower().decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def find_host_bucket(host: str, domains: tuple[str, ...]) -> str | None:
    """The bucket that the host's name begins with, None when it is a domain itself or foreign to all."""
    name = host.lower()
    if not name.endswith("]"):
        name = name.rpartition(":")[0] or name
    for domain in domains:
        if name.endswith(domain) and name[-len(domain) - 1 : -len(domain)] == ".":
            return name[: -len(domain) - 1]
    return None


def split_path(path: str, host_bucket: str | None) -> tuple[str, str]:
    """Bucket and key, decoded once; "" for what the path does not name."""
    if host_bucket is not None:
        return host_bucket, decode_key(path[1:])
    if path[:3] == ALIAS and path[3:4] in ("", "/"):
        path = path[3:]
    bucket, _, key = path[1:].partition("/")
    if len(key) <= SURELY_SHORT and "%" not in path and path.isascii():
        return bucket, key
    return decode_path(bucket), decode_key(key)


def decode_key(raw: str) -> str:
    key = decode_path(raw)
    if len(key) > SURELY_SHORT and (size := len(key.encode())) > LONGEST_KEY:
        raise S3Error(codes.KeyTooLongError, Size=size, MaxSizeAllowed=LONGEST_KEY)
    return key


def decode_path(raw: str) -> str:
    """Percent-escapes decoded once, UTF-8; InvalidURI when it is not that. A plus stays a plus."""
    if "%" not in raw and raw.isascii():
        return raw
    if _BAD_ESCAPE.search(raw):
        raise S3Error(codes.InvalidURI)
    try:
        return unquote_to_bytes(raw.encode("latin-1")).decode()
    except UnicodeDecodeError as error:
        raise S3Error(codes.InvalidURI) from error


def decode_term(raw: str) -> str:
    """A name or value of the query: as a path, but a plus is a space."""
    return decode_path(raw.replace("+", " ") if "+" in raw else raw)
