"""Appending to an object: AIStore's handles over storage's appends."""

from __future__ import annotations

from nativeapi.call import EMPTY, Call, Reply
from nativeapi.errors import NativeError
from nativeapi.native import Native
from nativeapi.transfer import attributes, payload
from storage.records import Bucket

HANDLE = "Ais-Append-Handle"


def append(native: Native, call: Call, bucket: Bucket, key: str) -> Reply:
    """Take in a piece; without a handle the first one, after what the object has now. Readers see none of it yet."""
    content = payload(call, f"ais://{bucket.name}/{key}")
    handle = native.store.appends.append(bucket, key, call.query.get("append_handle", ""), content)
    return Reply(200, [(HANDLE, handle), ("Content-Length", "0")])


def flush(native: Native, call: Call, bucket: Bucket, key: str) -> Reply:
    """Let readers see what was appended; a body is ignored."""
    handle = call.query.get("append_handle", "")
    if not handle:
        raise NativeError(400, f"ais://{bucket.name}/{key}: flush without an append handle")
    native.store.appends.flush(bucket, key, handle, attributes(native, call, bucket, key))
    return EMPTY


TYPES = {"append": append, "flush": flush}


def append_object(native: Native, call: Call, bucket: Bucket, key: str) -> Reply:
    kind = call.query["append_type"]
    handler = TYPES.get(kind)
    if handler is None:
        raise NativeError(400, f'invalid append type "{kind}": must be one of {[*TYPES]}')
    return handler(native, call, bucket, key)
