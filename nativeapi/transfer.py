"""Object bytes through the native API: ranges and replies on the way out, the payload on the way in."""

from __future__ import annotations

import re
from binascii import a2b_hex
from collections.abc import Iterator, Mapping
from typing import Protocol

from nativeapi.call import Call, Headers, Reply
from nativeapi.errors import NativeError
from nativeapi.native import Native
from storage.attributes import Attributes
from storage.content import ByteRange, Segments, Span
from storage.errors import InvalidRange
from storage.payload import Reader
from storage.properties import CHECKSUM_TYPES
from storage.records import Bucket
from storage.source import Source, close_content

OCTETS = ("Content-Type", "application/octet-stream")
BYTES = "bytes="
ONE_RANGE = re.compile(r"([0-9]{0,19})-([0-9]{0,19})")
ALONE = {kind: frozenset({name} - {"", "md5"}) for kind, name in CHECKSUM_TYPES.items()}  # MD5 is always computed
SENDABLE = re.compile(r"[^\x00-\x1f\x7f]*")
CUSTOM_LIMIT = 2048  # bytes of names and values


def requested_span(text: str, size: int, name: str) -> Span | None:
    """The bytes that a Range header means; None when there is none.

    Raises AIStore's 416, which also answers several ranges and whatever is no range.
    """
    if not text:
        return None
    asked = parse_range(text, name)
    try:
        return asked.within(size)
    except InvalidRange as error:
        raise NativeError(
            416,
            f"size={size}: not satisfiable range [{text.removeprefix(BYTES)}]",
            code="ErrRangeNotSatisfiable",
            headers=[("Content-Range", f"bytes */{size}")],
        ) from error


def parse_range(text: str, name: str) -> ByteRange:
    if not text.startswith(BYTES):
        raise NativeError(416, f'read range "{text}" is invalid (prefix)')
    if "," in text:
        raise NativeError(416, f"cannot multi-range read {name} - operation not supported", code="ErrUnsupp")
    match = ONE_RANGE.fullmatch(text[len(BYTES) :].strip())
    first, last = match.groups() if match else ("", "")
    if match is None or not (first or last) or (first and last and int(first) > int(last)):
        raise NativeError(416, f'read range "{text}" is invalid')
    return ByteRange(int(first) if first else None, int(last) if last else None)


class Closes(Protocol):
    def close(self) -> None: ...


class Streamed:
    """The pieces of something open, which is closed with them."""

    __slots__ = ("_pieces", "_source")

    def __init__(self, pieces: Iterator[bytes], source: Closes) -> None:
        self._pieces = pieces
        self._source = source

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        close_content(self._pieces)
        self._source.close()


def content_reply(source: Source, headers: Headers, span: Span | None) -> Reply:
    """The bytes of an open source, which the reply owns from now on: 206 when `span` says which, else all of them."""
    size = source.size if span is None else span.size
    if size is not None:
        headers.append(("Content-Length", str(size)))
    status = 200 if span is None else 206
    content = source.content(span)
    if not isinstance(content, bytes | Segments):
        return Reply(status, headers, Streamed(content, source))
    source.close()
    return Reply(status, headers, content)


class Body(Reader, Protocol):
    """What a worker hands over as wsgi.input."""

    def read(self, size: int, /) -> bytes:
        """`size` bytes, fewer only at the end."""
        ...


class NativePayload:
    """A request's body as an object's bytes, with the checksum that the sender may have announced."""

    __slots__ = ("_body", "_kind", "_name", "_value", "algorithms", "size")

    def __init__(self, body: Body, *, kind: str, value: bytes, name: str) -> None:
        self._body = body
        self._kind = kind  # the type of the checksum announced; "none": the sender announced none
        self._value = value
        self._name = name
        self.size = body.size
        self.algorithms = ALONE[kind]

    def readinto(self, buffer: memoryview, /) -> int:
        return self._body.readinto(buffer)

    def read(self, size: int, /) -> bytes:
        return self._body.read(size)

    def verify(self, digests: Mapping[str, bytes]) -> Mapping[str, str]:
        algorithm = CHECKSUM_TYPES[self._kind]
        if algorithm and digests[algorithm] != self._value:
            found, expected = digests[algorithm].hex(), self._value.hex()
            raise NativeError(
                400,
                f"BAD DATA CHECKSUM: {self._kind}({expected} != {found}) (context: {self._name})",
                code="ErrBadCksum",
            )
        return {}


def payload(call: Call, name: str, made: type[NativePayload] = NativePayload) -> NativePayload:
    """The payload of a PUT; raises when the checksum it announces is of no known type or form."""
    kind = call.header(b"ais-checksum-type").lower() or "none"
    if kind not in CHECKSUM_TYPES:
        raise NativeError(400, f'checksum type "{kind}" is not one of {sorted(CHECKSUM_TYPES)}')
    value = b"" if kind == "none" else parse_hex(call.header(b"ais-checksum-value"))
    return made(call.environ["wsgi.input"], kind=kind, value=value, name=name)


def parse_hex(text: str) -> bytes:
    try:
        return a2b_hex(text)
    except ValueError as error:
        raise NativeError(400, f'checksum value "{text}" is not hexadecimal') from error


def attributes(native: Native, call: Call, bucket: Bucket, key: str) -> Attributes:
    """The attributes of an object about to be written: custom metadata is kept when an object is overwritten, and what
    the request gives is added to it. With `skip_vc` nobody asks what is there."""
    assert call.principal is not None
    name = f"ais://{bucket.name}/{key}"
    given = custom_metadata(call, name)
    before = {} if call.flag("skip_vc") else native.store.objects.metadata(bucket, key)
    if before and given:
        check_custom(before | given, name)
    return Attributes(call.principal.id, metadata=before | given)


def custom_metadata(call: Call, name: str) -> dict[str, str]:
    """The pairs of the Ais-Custom-Md headers, one pair each."""
    headers = call.environ["sluice.headers"]
    pairs = (value.decode("latin-1").partition("=") for key, value in headers if key.lower() == b"ais-custom-md")
    found = {key.strip(): value.strip() for key, _, value in pairs}
    check_custom(found, name)
    return found


def check_custom(metadata: Mapping[str, str], name: str) -> None:
    """Raise unless the pairs, a character a byte, are few enough and can be sent in a header."""
    if not all(SENDABLE.fullmatch(text) for pair in metadata.items() for text in pair):
        raise NativeError(400, f"{name}: custom metadata may not hold control characters")
    total = sum(len(key) + len(value) for key, value in metadata.items())
    if total > CUSTOM_LIMIT:
        raise NativeError(400, f"{name}: custom metadata: total size {total} exceeds max {CUSTOM_LIMIT} bytes")
