"""CreateMultipartUpload, CompleteMultipartUpload, AbortMultipartUpload."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from s3api.call import Call
from s3api.checksums import HEADERS, Integrity, algorithm_named, multipart_type
from s3api.conditions import clean_etag, write_conditions
from s3api.declare import operation
from s3api.errors import S3Error, codes
from s3api.headers import ATTRIBUTE_HEADERS, read_attributes
from s3api.reader import BadValue, read_document, whole_number
from s3api.reply import Headers, Reply, no_content, xml_reply
from s3api.writer import write_document
from storage.checksums import DEFAULT
from storage.completion import PartRef
from storage.errors import NoSuchUpload
from storage.records import Upload

_ALGORITHM: Final = "x-amz-checksum-algorithm"
_TYPE: Final = "x-amz-checksum-type"
_SIZE: Final = "x-amz-mp-object-size"
UNCHECKED: Final = Integrity(None)
CHECKSUM_FIELDS: Final = {f"Checksum{name.upper()}": name for name in HEADERS.values()}


@operation("CreateMultipartUpload", allow="s3:PutObject", headers=ATTRIBUTE_HEADERS | {_ALGORITHM, _TYPE})
def create_multipart_upload(call: Call) -> Reply:
    headers = call.headers
    attributes = read_attributes(headers, owner=call.principal.id)
    algorithm, kind = read_checksum_choice(headers)
    upload = call.store.uploads.create(
        call.bucket, call.request.key, attributes, checksum_algorithm=algorithm, checksum_type=kind
    )
    members = {"Bucket": call.bucket.name, "Key": call.request.key, "UploadId": upload.id}
    return xml_reply(write_document(call.operation, members), upload_checksum_headers(upload))


def read_checksum_choice(headers: Mapping[str, str]) -> tuple[str, str]:
    """Algorithm and type of the upload's checksums, "" for what is not chosen."""
    name = headers.get(_ALGORITHM)
    if name is None:
        if _TYPE in headers:
            raise S3Error(codes.InvalidRequest, "The x-amz-checksum-type header can only be used with the "
                          "x-amz-checksum-algorithm header.")
        return "", ""
    algorithm = algorithm_named(name)
    return algorithm, multipart_type(algorithm, headers.get(_TYPE))


def upload_checksum_headers(upload: Upload) -> Headers:
    if not upload.checksum_algorithm:
        return []
    return [(_ALGORITHM, upload.checksum_algorithm.upper()), (_TYPE, upload.checksum_type)]


@operation(
    "CompleteMultipartUpload", allow="s3:PutObject", headers=frozenset(HEADERS) | {_TYPE, _SIZE}
)
def complete_multipart_upload(call: Call) -> Reply:
    headers = call.headers
    key, upload_id = call.request.key, call.query["uploadId"]
    size = read_size(headers)
    checksums = {algorithm: headers[name] for name, algorithm in HEADERS.items() if name in headers}
    refuse_other_checksums(call, upload_id, checksums)
    refs = read_part_refs(call)
    record = call.store.uploads.complete(
        call.bucket, key, upload_id, refs, given=write_conditions(headers), size=size, checksums=checksums
    )
    members: dict[str, Any] = {
        "Location": location(call),
        "Bucket": call.bucket.name,
        "Key": key,
        "ETag": f'"{record.etag}"',
    }
    members |= {f"Checksum{name.upper()}": value for name, value in record.checksums.items()}
    if record.checksums:
        members["ChecksumType"] = record.checksum_type
    return xml_reply(write_document(call.operation, members))


def location(call: Call) -> str:
    """The object's URL as the client reached it."""
    request = call.request
    host = request.headers.get("host", "")
    bucket = "" if request.host_bucket is not None else f"/{call.bucket.name}"
    return f"{request.scheme}://{host}{bucket}/{quote(request.key)}"


def read_size(headers: Mapping[str, str]) -> int | None:
    text = headers.get(_SIZE)
    if text is None:
        return None
    try:
        return whole_number(text)
    except BadValue as error:
        raise S3Error(codes.InvalidRequest, "Value for x-amz-mp-object-size header is invalid.") from error


def refuse_other_checksums(call: Call, upload_id: str, checksums: Mapping[str, str]) -> None:
    """InvalidRequest when the request speaks of other checksums than the upload was created with."""
    kind = call.headers.get(_TYPE)
    if kind is None and not checksums:
        return
    try:
        upload = call.store.uploads.get(call.bucket, call.request.key, upload_id)
    except NoSuchUpload:
        return  # perhaps completed before by this very request, which the store can tell
    if kind is not None and upload.checksum_type and kind.upper() != upload.checksum_type:
        raise S3Error(
            codes.InvalidRequest,
            f"The upload was created using the {upload.checksum_type} checksum mode. The complete request must use "
            "the same checksum mode.",
        )
    algorithm = upload.checksum_algorithm or DEFAULT
    if checksums.keys() - {algorithm}:
        raise S3Error(
            codes.InvalidRequest,
            f"The upload was created using the {algorithm} checksum. The complete request must use the same checksum.",
        )


def read_part_refs(call: Call) -> list[PartRef]:
    """The parts that the body names, in its order; MalformedXML when there are none. The x-amz-checksum-* headers of
    this operation are of the object to be, not of the body."""
    shape = call.operation.input.member("MultipartUpload").shape
    parts = read_document(call.document(UNCHECKED), "CompleteMultipartUpload", shape).get("Parts")
    if not parts:
        raise S3Error(codes.MalformedXML)
    return [part_ref(part) for part in parts]


def part_ref(part: Mapping[str, Any]) -> PartRef:
    if "PartNumber" not in part or "ETag" not in part:
        raise S3Error(codes.MalformedXML)
    checksums = {CHECKSUM_FIELDS[name]: value for name, value in part.items() if name in CHECKSUM_FIELDS}
    return PartRef(part["PartNumber"], clean_etag(part["ETag"]), checksums)


@operation("AbortMultipartUpload", allow="s3:AbortMultipartUpload")
def abort_multipart_upload(call: Call) -> Reply:
    call.store.uploads.abort(call.bucket, call.request.key, call.query["uploadId"])
    return no_content()
