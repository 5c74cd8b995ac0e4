"""What all listings share: limits, tokens, and names that XML cannot hold."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote
from zlib import crc32

from s3api.errors import S3Error, codes
from s3api.reader import BadValue, whole_number
from s3api.xml import escape

LARGEST_NUMBER: Final = 2**31 - 1


def read_limit(query: Mapping[str, str], name: str, most: int, *, least: int = 0) -> int:
    """The number of entries asked for, `most` at most; InvalidArgument when it is no such number."""
    text = query.get(name)
    if not text:
        return most
    try:
        number = whole_number(text)
    except BadValue:
        number = -1
    if not least <= number <= LARGEST_NUMBER:
        raise S3Error(
            codes.InvalidArgument, f"Provided {name} not an integer or within integer range", ArgumentName=name,
            ArgumentValue=text,
        )
    return min(number, most)


def write_token(position: str) -> str:
    """A continuation token: the position after which the next page begins, and a check that the token is ours."""
    raw = position.encode()
    return urlsafe_b64encode(crc32(raw).to_bytes(4, "big") + raw).decode()


def read_token(token: str) -> str:
    """The position in a token, "" (the start) for an empty one; InvalidArgument for what is no token of ours."""
    if not token:
        return ""
    try:
        raw = urlsafe_b64decode(token.encode("ascii"))
        if len(raw) > 4 and crc32(raw[4:]).to_bytes(4, "big") == raw[:4]:
            return raw[4:].decode()
    except ValueError:
        pass
    raise S3Error(
        codes.InvalidArgument,
        "The continuation token provided is incorrect",
        ArgumentName="continuation-token",
        ArgumentValue=token,
    )


def url_encoded(text: str) -> str:
    return quote(text, safe="/*~")


def read_encoding(query: Mapping[str, str]) -> Callable[[str], str]:
    """How keys are written: escaped for XML, or percent-encoded when the request says `encoding-type=url`."""
    kind = query.get("encoding-type")
    if kind is None:
        return escape
    if kind.lower() != "url":
        raise S3Error(
            codes.InvalidArgument,
            "Invalid Encoding Method specified in Request",
            ArgumentName="encoding-type",
            ArgumentValue=kind,
        )
    return url_encoded
