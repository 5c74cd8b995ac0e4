"""CopyObject: constant time for stored objects; through a transform, the transform's time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from s3api.call import Call
from s3api.checksums import algorithm_named
from s3api.conditions import write_conditions
from s3api.copy_source import COPY_HEADERS, CopySource, lensed_copy_source, open_copy_source
from s3api.declare import OWN_HEADERS, operation
from s3api.errors import S3Error, codes
from s3api.headers import ATTRIBUTE_HEADERS, REDIRECT, STORAGE_CLASS, parse_tagging, read_attributes
from s3api.reply import Reply, xml_reply
from s3api.writer import write_document
from storage.attributes import Attributes
from storage.conditions import Conditions
from storage.records import ObjectRecord
from storage.source import Source, SourcePayload

LARGEST_COPY: Final = 5 * 1024**3  # bytes

_METADATA: Final = "x-amz-metadata-directive"
_TAGGING: Final = "x-amz-tagging-directive"
_ALGORITHM: Final = "x-amz-checksum-algorithm"
_DIRECTIVES: Final = frozenset({_METADATA, _TAGGING, _ALGORITHM})


@operation("CopyObject", allow="s3:PutObject", headers=ATTRIBUTE_HEADERS | COPY_HEADERS | OWN_HEADERS | _DIRECTIVES)
def copy_object(call: Call) -> Reply:
    headers = call.headers
    named = lensed_copy_source(headers)
    directives = {name: read_directive(headers, name) for name in (_METADATA, _TAGGING)}
    refuse_no_change(call, named, directives)
    written = read_attributes(headers, owner=call.principal.id)
    source = open_copy_source(call, named)
    try:
        refuse_large(source)
        attributes = merged(written, source.record, headers, directives)
        record = store_copy(call, source, attributes, write_conditions(headers))
    finally:
        source.close()
    return xml_reply(write_document(call.operation, {"CopyObjectResult": copy_result(record)}))


def read_directive(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "COPY")
    if value not in ("COPY", "REPLACE"):
        raise S3Error(codes.InvalidArgument, f"Unknown {name.removeprefix('x-amz-')}.", ArgumentName=name,
                      ArgumentValue=value)
    return value


def refuse_no_change(call: Call, named: CopySource, directives: Mapping[str, str]) -> None:
    """An object may be copied onto itself only to change it."""
    same = named.is_plain and (named.bucket, named.key) == (call.bucket.name, call.request.key)
    changes = "REPLACE" in directives.values() or not {STORAGE_CLASS, REDIRECT, _ALGORITHM}.isdisjoint(call.headers)
    if same and not changes:
        raise S3Error(
            codes.InvalidRequest,
            "This copy request is illegal because it is trying to copy an object to itself without changing the "
            "object's metadata, storage class, website redirect location or encryption attributes.",
        )


def refuse_large(source: Source) -> None:
    if source.size is not None and source.size > LARGEST_COPY:
        raise S3Error(
            codes.InvalidRequest,
            f"The specified copy source is larger than the maximum allowable size for a copy source: {LARGEST_COPY}",
        )


def merged(
    written: Attributes, original: ObjectRecord, headers: Mapping[str, str], directives: Mapping[str, str]
) -> Attributes:
    """The copy's attributes: the source's or the request's, as the directives say. Storage class and redirect are
    always the request's."""
    attributes = replace(written, checksum_type=original.checksum_type)
    if directives[_METADATA] == "COPY":
        content = {name: value for name, value in original.content.items() if name != REDIRECT}
        if REDIRECT in headers:
            content[REDIRECT] = headers[REDIRECT]
        attributes = replace(attributes, content=content, metadata=original.metadata)
    tags = original.tags
    if directives[_TAGGING] == "REPLACE":
        tags = parse_tagging(headers.get("x-amz-tagging", ""))
    return replace(attributes, tags=tags)


def store_copy(call: Call, source: Source, attributes: Attributes, given: Conditions) -> ObjectRecord:
    """The copy; read and hashed anew only when a checksum is asked for that the source does not have."""
    name = call.headers.get(_ALGORITHM)
    algorithm = algorithm_named(name) if name is not None else None
    if algorithm is None or algorithm in source.record.checksums:
        return call.store.objects.copy(source, call.bucket, call.request.key, attributes, given=given)
    content = source.content()
    try:
        payload = SourcePayload(content, size=source.size, algorithms=frozenset((algorithm,)))
        fresh = replace(attributes, checksum_type="FULL_OBJECT")
        return call.store.objects.put(call.bucket, call.request.key, payload, fresh, given=given)
    finally:
        close = getattr(content, "close", None)
        if close is not None:
            close()


def copy_result(record: ObjectRecord) -> dict[str, object]:
    """CopyObjectResult's members."""
    members: dict[str, object] = {"LastModified": record.modified, "ETag": f'"{record.etag}"'}
    members |= {f"Checksum{name.upper()}": value for name, value in record.checksums.items()}
    if record.checksums:
        members["ChecksumType"] = record.checksum_type
    return members
