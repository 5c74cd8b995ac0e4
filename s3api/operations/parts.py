"""UploadPart, UploadPartCopy, ListParts."""

from __future__ import annotations

from typing import Any, Final

from s3api.call import Call
from s3api.checksums import integrity
from s3api.copy_source import COPY_HEADERS, HEADER, open_copy_source, parse_copy_source
from s3api.declare import operation
from s3api.errors import S3Error, codes
from s3api.headers import checksum_headers
from s3api.incoming import CHECKSUM_HEADERS, LARGEST_PUT, incoming, too_large
from s3api.listing_terms import read_limit
from s3api.ranges import parse_copy_range
from s3api.reader import BadValue, whole_number
from s3api.reply import Reply, empty_reply, xml_reply
from s3api.writer import write_document
from storage.checksums import DEFAULT
from storage.records import Part

LAST_NUMBER: Final = 10_000
MOST_PARTS: Final = 1000
_RANGE: Final = "x-amz-copy-source-range"


@operation("UploadPart", allow="s3:PutObject", headers=CHECKSUM_HEADERS)
def upload_part(call: Call) -> Reply:
    number = read_part_number(call)
    key, upload_id = call.request.key, call.query["uploadId"]
    wanted = call.store.uploads.get(call.bucket, key, upload_id).checksum_algorithm
    checks = integrity(call.headers, default=wanted or DEFAULT)
    if wanted and checks.algorithm != wanted:
        raise S3Error(
            codes.InvalidRequest,
            f"Checksum Type mismatch occurred, expected checksum Type: {wanted}, actual checksum Type: "
            f"{checks.algorithm}",
        )
    part = call.store.uploads.put_part(call.bucket, key, upload_id, number, incoming(call, checks))
    return empty_reply([("ETag", f'"{part.etag}"'), *checksum_headers(part.checksums)])


@operation("UploadPartCopy", allow="s3:PutObject", headers=COPY_HEADERS | {_RANGE})
def upload_part_copy(call: Call) -> Reply:
    number = read_part_number(call)
    key, upload_id = call.request.key, call.query["uploadId"]
    call.store.uploads.get(call.bucket, key, upload_id)
    source = open_copy_source(call, parse_copy_source(call.headers[HEADER]))
    try:
        text = call.headers.get(_RANGE)
        if text is not None and source.size is None:
            raise S3Error(codes.NotImplemented, "A range of what a transform streams cannot be copied")
        span = None if text is None else parse_copy_range(text, source.size)
        size = source.size if span is None else span.size
        if size is not None and size > LARGEST_PUT:
            raise too_large(size, LARGEST_PUT)
        part = call.store.uploads.copy_part(source, span, call.bucket, key, upload_id, number)
    finally:
        source.close()
    members = {"LastModified": part.modified, "ETag": f'"{part.etag}"', **checksum_members(part)}
    return xml_reply(write_document(call.operation, {"CopyPartResult": members}))


@operation("ListParts", allow="s3:ListMultipartUploadParts")
def list_parts(call: Call) -> Reply:
    query = call.query
    key, upload_id = call.request.key, query["uploadId"]
    limit = read_limit(query, "max-parts", MOST_PARTS)
    after = read_limit(query, "part-number-marker", LAST_NUMBER) if query.get("part-number-marker") else 0
    upload = call.store.uploads.get(call.bucket, key, upload_id)
    parts, truncated = call.store.uploads.parts(call.bucket, key, upload_id, after=after, limit=limit)
    owner = {"ID": upload.owner, "DisplayName": display_name(call, upload.owner)}
    members: dict[str, Any] = {
        "Bucket": call.bucket.name,
        "Key": key,
        "UploadId": upload_id,
        "PartNumberMarker": after,
        "NextPartNumberMarker": parts[-1].number if parts else after,
        "MaxParts": limit,
        "IsTruncated": truncated,
        "Parts": [listed_part(part) for part in parts],
        "Initiator": {"ID": upload.initiator, "DisplayName": display_name(call, upload.initiator)},
        "Owner": owner,
        "StorageClass": upload.storage_class,
        "ChecksumAlgorithm": upload.checksum_algorithm.upper() or None,
        "ChecksumType": upload.checksum_type or None,
    }
    return xml_reply(write_document(call.operation, members))


def listed_part(part: Part) -> dict[str, Any]:
    return {
        "PartNumber": part.number,
        "LastModified": part.modified,
        "ETag": f'"{part.etag}"',
        "Size": part.size,
        **checksum_members(part),
    }


def checksum_members(part: Part) -> dict[str, str]:
    return {f"Checksum{name.upper()}": value for name, value in part.checksums.items()}


def display_name(call: Call, owner: str) -> str:
    """The account's name where it is the caller's; names of others are not known here, so their id stands for them."""
    return call.principal.name if owner == call.principal.id else owner


def read_part_number(call: Call) -> int:
    text = call.query["partNumber"]
    try:
        number = whole_number(text)
    except BadValue:
        number = 0
    if not 1 <= number <= LAST_NUMBER:
        raise S3Error(
            codes.InvalidArgument,
            "Part number must be an integer between 1 and 10000, inclusive",
            ArgumentName="partNumber",
            ArgumentValue=text,
        )
    return number
