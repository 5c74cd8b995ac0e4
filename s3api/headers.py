"""The headers that describe an object, in both directions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from s3api.checksums import PREFIX as CHECKSUM_PREFIX
from s3api.errors import S3Error, codes
from s3api.reader import metadata
from s3api.reply import Headers
from s3api.request import decode_term
from s3api.times import SECOND, http_date
from storage.attributes import Attributes
from storage.records import ObjectRecord

DEFAULT_CONTENT_TYPE: Final = "binary/octet-stream"
METADATA_PREFIX: Final = "x-amz-meta-"
_NAME: Final = re.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]*")
LARGEST_METADATA: Final = 2048  # bytes, names and values
REDIRECT: Final = "x-amz-website-redirect-location"

# Kept as they were sent, and returned; by lower-case name, as they are spelled in answers.
CONTENT_HEADERS: Final = {
    "content-type": "Content-Type",
    "cache-control": "Cache-Control",
    "content-disposition": "Content-Disposition",
    "content-encoding": "Content-Encoding",
    "content-language": "Content-Language",
    "expires": "Expires",
    REDIRECT: REDIRECT,
}
_CONTENT_NAMES: Final = frozenset(CONTENT_HEADERS)

# Classes whose objects are readable at once: it is only a label here.
STORAGE_CLASSES: Final = frozenset(
    {"STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"}
)
STORAGE_CLASS: Final = "x-amz-storage-class"

MOST_TAGS: Final = 10
LONGEST_TAG_KEY: Final = 128  # UTF-16 units
LONGEST_TAG_VALUE: Final = 256  # UTF-16 units

# What a writer may say about an object, beside its bytes, that is understood here; the rest is refused with 501.
ATTRIBUTE_HEADERS: Final = frozenset({STORAGE_CLASS, "x-amz-tagging", REDIRECT})


def read_attributes(headers: Mapping[str, str], *, owner: str, checksum_type: str = "FULL_OBJECT") -> Attributes:
    """What the headers of a request say about the object to be; raises S3Error for what they may not say."""
    return Attributes(
        owner=owner,
        content=read_content(headers),
        metadata=read_metadata(headers),
        storage_class=read_storage_class(headers),
        tags=parse_tagging(headers["x-amz-tagging"]) if "x-amz-tagging" in headers else (),
        checksum_type=checksum_type,
    )


def read_content(headers: Mapping[str, str]) -> dict[str, str]:
    content = {name: headers[name] for name in _CONTENT_NAMES.intersection(headers) if headers[name]}
    encoding = content.get("content-encoding")
    if encoding is not None and "aws-chunked" in encoding.lower():
        left = [word.strip() for word in encoding.split(",") if word.strip().lower() != "aws-chunked"]
        if left:
            content["content-encoding"] = ", ".join(left)
        else:
            del content["content-encoding"]
    return content


def read_metadata(headers: Mapping[str, str]) -> dict[str, str]:
    found = metadata(headers, prefix=METADATA_PREFIX)
    if found:
        size = sum(len(name) + len(value) for name, value in found.items())
        if size > LARGEST_METADATA:
            raise S3Error(codes.MetadataTooLarge, Size=size, MaxSizeAllowed=LARGEST_METADATA)
    return found


def read_storage_class(headers: Mapping[str, str]) -> str:
    name = headers.get(STORAGE_CLASS, "STANDARD")
    if name not in STORAGE_CLASSES:
        raise S3Error(codes.InvalidStorageClass, StorageClassRequested=name)
    return name


def parse_tagging(text: str) -> tuple[tuple[str, str], ...]:
    """The tags of an x-amz-tagging header, a URL-encoded query string, in the order given."""
    pairs = [piece.partition("=") for piece in text.split("&") if piece]
    tags = tuple((decode_term(name), decode_term(value)) for name, _, value in pairs)
    if len(tags) > MOST_TAGS:
        raise S3Error(codes.BadRequest, "Object tags cannot be greater than 10")
    if len(dict(tags)) != len(tags):
        raise S3Error(codes.InvalidTag, "Cannot provide multiple Tags with the same key")
    for name, value in tags:
        if not 1 <= _utf16_units(name) <= LONGEST_TAG_KEY or name.startswith("aws:"):
            raise S3Error(codes.InvalidTag, "The TagKey you have provided is invalid", TagKey=name)
        if _utf16_units(value) > LONGEST_TAG_VALUE:
            raise S3Error(codes.InvalidTag, "The TagValue you have provided is invalid", TagKey=name, TagValue=value)
    return tags


def _utf16_units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def describe(record: ObjectRecord) -> Headers:
    """What GET and HEAD say about an object beside its length."""
    headers = [("Accept-Ranges", "bytes"), ("Last-Modified", http_date(record.modified // SECOND))]
    if record.etag:
        headers.append(("ETag", f'"{record.etag}"'))
    content = record.content
    if content:
        headers += [(CONTENT_HEADERS.get(name, name), value) for name, value in content.items()]
    if "content-type" not in content:
        headers.append(("Content-Type", DEFAULT_CONTENT_TYPE))
    if record.metadata:
        headers += metadata_headers(record.metadata)
    if record.storage_class != "STANDARD":
        headers.append((STORAGE_CLASS, record.storage_class))
    if record.tags:
        headers.append(("x-amz-tagging-count", str(len(record.tags))))
    return headers


def metadata_headers(metadata: Mapping[str, str]) -> Headers:
    """The user's metadata. Names that no header can have, which come in by other doors than S3's, are only counted."""
    headers = [(METADATA_PREFIX + name, value) for name, value in metadata.items() if _NAME.fullmatch(name)]
    if len(headers) < len(metadata):
        headers.append(("x-amz-missing-meta", str(len(metadata) - len(headers))))
    return headers


def validators(record: ObjectRecord) -> Headers:
    """What a 304 repeats."""
    headers = [("Last-Modified", http_date(record.modified // SECOND)), ("ETag", f'"{record.etag}"')]
    for name in ("cache-control", "expires"):
        if name in record.content:
            headers.append((CONTENT_HEADERS[name], record.content[name]))
    return headers


def checksum_headers(checksums: Mapping[str, str], checksum_type: str = "") -> Headers:
    """The stored checksums as headers; their type, too, unless it is "" (of a part)."""
    headers = [(CHECKSUM_PREFIX + name, value) for name, value in checksums.items()]
    if headers and checksum_type:
        headers.append((CHECKSUM_PREFIX + "type", checksum_type))
    return headers
