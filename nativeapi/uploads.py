"""Multipart uploads under /v1/objects: the same ones as S3's, with AIStore's rules about their parts.

A list of parts must name exactly those that were uploaded, numbered from 1 on without a gap; there is no smallest part,
and the object gets a checksum over all of its bytes.
"""

from __future__ import annotations

from typing import Any

import msgspec

from nativeapi.call import EMPTY, Call, Reply, text_reply
from nativeapi.errors import NativeError
from nativeapi.native import Native
from nativeapi.transfer import Body, NativePayload, attributes, payload
from storage.completion import PartRef
from storage.errors import Conflict, InvalidPart, NoSuchUpload
from storage.properties import checksum_type
from storage.records import Bucket, Part

LAST_NUMBER = 10_000


class Requested(msgspec.Struct, rename="kebab"):
    """A part in the value of `mpt-complete`; its ETag is optional and says nothing that the number does not."""

    part_number: int
    etag: str = ""


class PartPayload(NativePayload):
    """A part's bytes, of which there must be some."""

    __slots__ = ("_begun",)

    def __init__(self, body: Body, *, kind: str, value: bytes, name: str) -> None:
        super().__init__(body, kind=kind, value=value, name=name)
        self._begun = False

    def readinto(self, buffer: memoryview, /) -> int:
        read = super().readinto(buffer)
        if not read and not self._begun:
            raise NativeError(400, f"{self._name}: put-part invalid size (0)")
        self._begun = True
        return read


def create_upload(native: Native, call: Call, bucket: Bucket, key: str) -> Reply:
    made = native.store.uploads.create(
        bucket, key, attributes(native, call, bucket, key), whole=checksum_type(bucket), minimum=0
    )
    return text_reply(made.id)


def put_part(native: Native, call: Call, bucket: Bucket, key: str) -> Reply:
    text, upload_id = call.query.get("partNumber", ""), call.query["uploadId"]
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:6]) <= LAST_NUMBER):
        raise NativeError(400, f'invalid part number "{text}": must be between 1 and {LAST_NUMBER}')
    content = payload(call, f"ais://{bucket.name}/{key}", PartPayload)
    try:
        native.store.uploads.put_part(bucket, key, upload_id, int(text), content)
    except NoSuchUpload as error:
        raise unknown_upload(bucket, key, upload_id) from error
    return EMPTY


def complete_upload(native: Native, call: Call, bucket: Bucket, key: str) -> Reply:
    upload_id = call.query.get("uploadId", "")
    if not upload_id:
        raise NativeError(400, f"ais://{bucket.name}/{key}: missing upload ID")
    requested = parse_parts(call.action().value)
    uploads = native.store.uploads
    try:
        parts, _ = uploads.parts(bucket, key, upload_id, limit=LAST_NUMBER)
        check_parts(requested, parts)
        uploads.complete(bucket, key, upload_id, [PartRef(part.number, part.etag) for part in parts])
    except NoSuchUpload as error:
        raise unknown_upload(bucket, key, upload_id) from error
    except InvalidPart as error:  # uploaded again since it was looked at
        raise Conflict(key) from error
    return EMPTY


def abort_upload(native: Native, call: Call, bucket: Bucket, key: str) -> Reply:
    try:
        native.store.uploads.abort(bucket, key, call.query["uploadId"])
    except NoSuchUpload as error:
        message = f"ais://{bucket.name}/{key}: upload {error.upload} does not exist"
        raise NativeError(404, message, code="ErrNotFound") from error
    return EMPTY


def unknown_upload(bucket: Bucket, key: str, upload_id: str) -> NativeError:
    return NativeError(404, f"o[{bucket.name}/{key}(-)]: {upload_id} does not exist", code="ErrNotFound")


def parse_parts(value: Any) -> list[int]:
    """The numbers that the action's value names."""
    try:
        return [part.part_number for part in msgspec.convert(value or [], list[Requested])]
    except msgspec.ValidationError as error:
        raise NativeError(400, f"invalid list of parts: {error}") from error


def check_parts(requested: list[int], parts: list[Part]) -> None:
    """Raise unless the parts are numbered without a gap and all of them, and no others, are requested."""
    if not parts:
        raise NativeError(400, "no chunks")
    for position, part in enumerate(parts):
        if part.number != position + 1:
            raise NativeError(400, f"chunk at ({position}) has invalid number {part.number} (count={len(parts)})")
    if sorted(requested) != [part.number for part in parts]:
        raise NativeError(
            400, f"partial completion is not allowed: requested {len(requested)} parts, have {len(parts)}"
        )
