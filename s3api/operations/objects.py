"""PutObject, GetObject, HeadObject, DeleteObject."""

from __future__ import annotations

from typing import Final, NamedTuple

from s3api.call import Call
from s3api.checksums import integrity
from s3api.conditions import (
    CONDITIONAL_HEADERS,
    DELETE_HEADERS,
    delete_conditions,
    range_holds,
    read_conditions,
    write_conditions,
)
from s3api.declare import operation
from s3api.errors import S3Error, codes
from s3api.headers import ATTRIBUTE_HEADERS, checksum_headers, describe, read_attributes
from s3api.incoming import CHECKSUM_HEADERS, incoming
from s3api.ranges import parse_range
from s3api.reader import BadValue, whole_number
from s3api.reply import OK, PARTIAL_CONTENT, Headers, Reply, empty_reply, no_content
from s3api.versions import NULL_VERSION, names_missing_version, refuse_missing_version
from storage.content import Span
from storage.errors import InvalidRange
from storage.records import ObjectRecord, Part
from storage.source import Source

READ_HEADERS: Final = frozenset({"x-amz-checksum-mode"})
_SELECTING: Final = READ_HEADERS | CONDITIONAL_HEADERS | {"range"}
LAST_PART: Final = 10_000

# Parameters that replace headers of the answer.
OVERRIDES: Final = {
    "response-cache-control": "Cache-Control",
    "response-content-disposition": "Content-Disposition",
    "response-content-encoding": "Content-Encoding",
    "response-content-language": "Content-Language",
    "response-content-type": "Content-Type",
    "response-expires": "Expires",
}
_OVERRIDE_NAMES: Final = frozenset(OVERRIDES)


class Selection(NamedTuple):
    """The bytes of an object that are asked for. `span` None: all of them."""

    span: Span | None = None
    part: Part | None = None
    parts_count: int = 0


WHOLE: Final = Selection()


@operation("PutObject", allow="s3:PutObject", headers=ATTRIBUTE_HEADERS | CHECKSUM_HEADERS)
def put_object(call: Call) -> Reply:
    headers = call.headers
    attributes = read_attributes(headers, owner=call.principal.id)
    payload = incoming(call, integrity(headers))
    record = call.store.objects.put(
        call.bucket, call.request.key, payload, attributes, given=write_conditions(headers)
    )
    return empty_reply([("ETag", f'"{record.etag}"'), *checksum_headers(record.checksums, record.checksum_type)])


@operation("GetObject", allow="s3:GetObject", headers=READ_HEADERS)
def get_object(call: Call) -> Reply:
    request = call.request
    if not request.query and _SELECTING.isdisjoint(request.headers):
        return plain_get(call)
    refuse_missing_version(call.query)
    given = read_conditions(call.headers, call.service.clock)
    source = call.lens(call.query)(call.bucket, request.key, given)
    try:
        return content_reply(call, source)
    finally:
        source.close()


def plain_get(call: Call) -> Reply:
    """What most requests are: all of the current version, unconditionally. `content_reply` would answer the same."""
    source = call.store.objects.open(call.bucket, call.request.key)
    try:
        record = source.record
        headers = [("Content-Length", str(record.size)), *describe(record)]
        content = source.content()
        return Reply(OK, headers, (content,) if isinstance(content, bytes) else content)
    finally:
        source.close()


def content_reply(call: Call, source: Source) -> Reply:
    """The answer with the source's bytes, whose descriptors it owns from now on."""
    record = source.record
    size = source.size
    selected = WHOLE if size is None else select(call, record, size)
    status, headers = described(call, record, size, selected)
    content = source.content(selected.span)
    return Reply(status, headers, (content,) if isinstance(content, bytes) else content)


@operation("HeadObject", allow="s3:GetObject", headers=READ_HEADERS)
def head_object(call: Call) -> Reply:
    refuse_missing_version(call.query)
    given = read_conditions(call.headers, call.service.clock)
    record = call.store.objects.head(call.bucket, call.request.key, given=given)
    status, headers = described(call, record, record.size, select(call, record, record.size))
    return Reply(status, headers)


@operation("DeleteObject", allow="s3:DeleteObject", headers=DELETE_HEADERS)
def delete_object(call: Call) -> Reply:
    if not names_missing_version(call.query):
        call.store.objects.delete(call.bucket, call.request.key, given=delete_conditions(call.headers))
    return no_content()


def select(call: Call, record: ObjectRecord, size: int) -> Selection:
    """The part or range that the request names; InvalidRange, InvalidPart or InvalidRequest when it cannot be had."""
    text = call.headers.get("range")
    number = call.query.get("partNumber")
    if number is not None:
        if text is not None:
            raise S3Error(codes.InvalidRequest, "Cannot specify both Range header and partNumber query parameter")
        return select_part(record, number)
    wanted = None if text is None else parse_range(text)
    if wanted is None or not range_holds(call.headers, record):
        return WHOLE
    try:
        return Selection(wanted.within(size))
    except InvalidRange as error:
        raise S3Error(
            codes.InvalidRange,
            headers=(("Content-Range", f"bytes */{size}"),),
            RangeRequested=text,
            ActualObjectSize=size,
        ) from error


def select_part(record: ObjectRecord, text: str) -> Selection:
    try:
        number = whole_number(text)
    except BadValue:
        number = 0
    if not 1 <= number <= LAST_PART:
        raise S3Error(
            codes.InvalidArgument,
            "Part number must be an integer between 1 and 10000, inclusive",
            ArgumentName="partNumber",
            ArgumentValue=text,
        )
    if not record.parts and number == 1:
        return Selection(Span(0, record.size))
    start = 0
    for part in record.parts:
        if part.number == number:
            return Selection(Span(start, start + part.size), part, len(record.parts))
        start += part.size
    raise S3Error(codes.InvalidPart, PartNumber=number)


def described(call: Call, record: ObjectRecord, size: int | None, selected: Selection) -> tuple[str, Headers]:
    """Status line and headers for the selected bytes."""
    headers = describe(record)
    span = selected.span
    if span is None:
        status = OK
        if size is not None:
            headers.append(("Content-Length", str(size)))
    else:
        status = PARTIAL_CONTENT
        headers.append(("Content-Length", str(span.size)))
        if span.size:
            headers.append(("Content-Range", f"bytes {span.start}-{span.stop - 1}/{size}"))
        if selected.parts_count:
            headers.append(("x-amz-mp-parts-count", str(selected.parts_count)))
    if "x-amz-checksum-mode" in call.headers:
        headers += shown_checksums(call, record, selected)
    if call.query:
        headers = overridden(call, headers)
    return status, headers


def shown_checksums(call: Call, record: ObjectRecord, selected: Selection) -> Headers:
    """Of the whole object or of the part asked for; a range has none."""
    if call.headers["x-amz-checksum-mode"].upper() != "ENABLED":
        return []
    if selected.part is not None:
        return checksum_headers(selected.part.checksums, record.checksum_type)
    if selected.span is None or selected.span == (0, record.size):
        return checksum_headers(record.checksums, record.checksum_type)
    return []


def overridden(call: Call, headers: Headers) -> Headers:
    """The headers with those that response-* parameters replace; a version id when one was asked for."""
    query = call.query
    names = _OVERRIDE_NAMES.intersection(query)
    if names:
        replaced = {OVERRIDES[name] for name in names}
        headers = [pair for pair in headers if pair[0] not in replaced]
        headers += [(OVERRIDES[name], clean_value(name, query[name])) for name in names]
    if "versionId" in query:
        headers.append(("x-amz-version-id", NULL_VERSION))
    return headers


def clean_value(name: str, text: str) -> str:
    """A parameter as a header's value: UTF-8 seen as latin-1, never more than one line."""
    value = text.encode().decode("latin-1")
    if not value.isprintable() and any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise S3Error(codes.InvalidArgument, ArgumentName=name, ArgumentValue=text)
    return value
