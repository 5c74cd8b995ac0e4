"""The Range header, as S3 takes it."""

from __future__ import annotations

import re
from typing import Final

from s3api.errors import S3Error, codes
from storage.content import ByteRange, Span

_RANGE: Final = re.compile(r"bytes=(?:([0-9]{1,19})-([0-9]{1,19})?|-([0-9]{1,19}))")
_COPY_RANGE: Final = re.compile(r"bytes=([0-9]{1,19})-([0-9]{1,19})")


def parse_range(text: str) -> ByteRange | None:
    """The range; None (all of it) when it is several or none by its syntax, which HTTP says to ignore."""
    found = _RANGE.fullmatch(text.strip().replace(" ", ""))
    if found is None:
        return None
    first, last, suffix = found.groups()
    if suffix is not None:
        return ByteRange(None, int(suffix))
    if last is not None and int(last) < int(first):
        return None
    return ByteRange(int(first), None if last is None else int(last))


def parse_copy_range(text: str, size: int | None) -> Span:
    """The span of x-amz-copy-source-range, which must be written in full and lie in a source of `size` bytes (None:
    not known)."""
    found = _COPY_RANGE.fullmatch(text)
    if found is None or int(found[2]) < int(found[1]):
        raise S3Error(
            codes.InvalidArgument,
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the "
            "zero-based offsets of the first and last bytes to copy",
            ArgumentName="x-amz-copy-source-range",
            ArgumentValue=text,
        )
    span = Span(int(found[1]), int(found[2]) + 1)
    if size is not None and span.stop > size:
        raise S3Error(
            codes.InvalidArgument,
            f"Range specified is not valid for source object of size: {size}",
            ArgumentName="x-amz-copy-source-range",
            ArgumentValue=text,
        )
    return span
