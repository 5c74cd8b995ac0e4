"""Conditional headers as storage understands them. Dates that cannot be parsed are ignored, as RFC 9110 says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from s3api.errors import S3Error, codes
from s3api.reader import BadValue, whole_number
from s3api.times import SECOND, parse_http_date
from storage.conditions import ALWAYS, Conditions
from storage.records import ObjectRecord

CONDITIONAL_HEADERS: Final = frozenset({"if-match", "if-none-match", "if-modified-since", "if-unmodified-since"})
Clock = Callable[[], int]  # ns since the epoch

_WRITE: Final = frozenset({"if-match", "if-none-match"})
_COPY_PREFIX: Final = "x-amz-copy-source-"
_COPY: Final = frozenset(_COPY_PREFIX + name for name in CONDITIONAL_HEADERS)
_DELETE_TIME: Final = "x-amz-if-match-last-modified-time"
_DELETE_SIZE: Final = "x-amz-if-match-size"
DELETE_HEADERS: Final = frozenset({_DELETE_TIME, _DELETE_SIZE})
_DELETE: Final = DELETE_HEADERS | {"if-match"}


def parse_etags(text: str | None) -> tuple[str, ...] | None:
    """The tags of a list, without quotes and weakness marks; None when there is no header."""
    if text is None:
        return None
    return tuple(clean_etag(tag) for tag in text.split(","))


def clean_etag(text: str) -> str:
    return text.strip().removeprefix("W/").strip('"')


def read_conditions(headers: Mapping[str, str], clock: Clock) -> Conditions:
    """What GET and HEAD ask for. An If-Modified-Since that is yet to come is ignored, as Amazon does."""
    if CONDITIONAL_HEADERS.isdisjoint(headers):
        return ALWAYS
    given = _conditions(headers, "")
    if given.if_modified_since is not None and given.if_modified_since > clock():
        return replace(given, if_modified_since=None)
    return given


def copy_conditions(headers: Mapping[str, str]) -> Conditions:
    """What a copy asks of its source."""
    return ALWAYS if _COPY.isdisjoint(headers) else _conditions(headers, _COPY_PREFIX)


def _conditions(headers: Mapping[str, str], prefix: str) -> Conditions:
    return Conditions(
        if_match=parse_etags(headers.get(prefix + "if-match")),
        if_none_match=parse_etags(headers.get(prefix + "if-none-match")),
        if_modified_since=_date(headers.get(prefix + "if-modified-since")),
        if_unmodified_since=_date(headers.get(prefix + "if-unmodified-since")),
    )


def range_holds(headers: Mapping[str, str], record: ObjectRecord) -> bool:
    """Whether the range asked for is of this very object: so it is unless an If-Range names another ETag or date
    (RFC 9110 §13.1.5). A client that resumes a download never gets bytes of two objects."""
    text = headers.get("if-range")
    if text is None or text.strip().strip('"') == record.etag:
        return True
    date = _date(text)
    return date is not None and date // SECOND == record.modified // SECOND


def write_conditions(headers: Mapping[str, str]) -> Conditions:
    if _WRITE.isdisjoint(headers):
        return ALWAYS
    return Conditions(
        if_match=parse_etags(headers.get("if-match")), if_none_match=parse_etags(headers.get("if-none-match"))
    )


def delete_conditions(headers: Mapping[str, str]) -> Conditions:
    if _DELETE.isdisjoint(headers):
        return ALWAYS
    return Conditions(
        if_match=parse_etags(headers.get("if-match")),
        if_last_modified=_required(_DELETE_TIME, headers, _date),
        if_size=_required(_DELETE_SIZE, headers, _size),
    )


def _date(text: str | None) -> int | None:
    return None if text is None else parse_http_date(text)


def _size(text: str) -> int | None:
    try:
        return whole_number(text)
    except BadValue:
        return None


def _required(name: str, headers: Mapping[str, str], parse: Callable[[str], int | None]) -> int | None:
    """The header's value, None without the header; a deletion must not go on because its condition was misspelt."""
    text = headers.get(name)
    if text is None:
        return None
    value = parse(text)
    if value is None:
        raise S3Error(codes.InvalidArgument, ArgumentName=name, ArgumentValue=text)
    return value
