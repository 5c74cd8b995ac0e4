"""ListMultipartUploads."""

from __future__ import annotations

from typing import Any, Final

from s3api.call import Call
from s3api.declare import operation
from s3api.listing_terms import read_encoding, read_limit, url_encoded
from s3api.operations.parts import display_name
from s3api.reply import Reply, xml_reply
from s3api.writer import write_document
from storage.records import Upload

MOST_UPLOADS: Final = 1000


@operation("ListMultipartUploads", allow="s3:ListBucketMultipartUploads")
def list_multipart_uploads(call: Call) -> Reply:
    query = call.query
    read_encoding(query)
    encode = url_encoded if "encoding-type" in query else str
    limit = read_limit(query, "max-uploads", MOST_UPLOADS)
    key_marker = query.get("key-marker", "")
    upload_marker = query.get("upload-id-marker", "") if key_marker else ""
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    page = call.store.uploads.list(
        call.bucket, prefix=prefix, delimiter=delimiter, key_after=key_marker, upload_after=upload_marker, limit=limit
    )
    members: dict[str, Any] = {
        "Bucket": call.bucket.name,
        "KeyMarker": encode(key_marker),
        "UploadIdMarker": upload_marker,
        "NextKeyMarker": encode(page.last_key) if page.truncated else None,
        "NextUploadIdMarker": page.last_upload if page.truncated else None,
        "Prefix": encode(prefix),
        "Delimiter": encode(delimiter) if delimiter else None,
        "MaxUploads": limit,
        "IsTruncated": page.truncated,
        "EncodingType": "url" if "encoding-type" in query else None,
        "Uploads": [listed_upload(call, encode(key), upload) for key, upload in page.entries],
        "CommonPrefixes": [{"Prefix": encode(name)} for name in page.prefixes],
    }
    return xml_reply(write_document(call.operation, members))


def listed_upload(call: Call, key: str, upload: Upload) -> dict[str, Any]:
    return {
        "UploadId": upload.id,
        "Key": key,
        "Initiated": upload.initiated,
        "StorageClass": upload.storage_class,
        "Owner": {"ID": upload.owner, "DisplayName": display_name(call, upload.owner)},
        "Initiator": {"ID": upload.initiator, "DisplayName": display_name(call, upload.initiator)},
        "ChecksumAlgorithm": upload.checksum_algorithm.upper() or None,
        "ChecksumType": upload.checksum_type or None,
    }
