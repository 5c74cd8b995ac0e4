"""AIStore's easy URLs: `/ais` for the buckets, `/ais/BUCKET` for a list, `/ais/BUCKET/OBJECT` for an object, and the
same for backends, `/gs`, `/az` and `/oc`."""

from __future__ import annotations

from collections.abc import Iterable

from nativeapi import buckets, objects
from nativeapi.authn.tokens import BEARER
from nativeapi.call import Call, Reply, split_target
from nativeapi.errors import NativeError
from nativeapi.native import Native, method_not_allowed

SCHEMES = ("ais", "gs", "az", "oc")
BUCKET_OF_S3 = "ais"  # the one that is long enough for the name of a bucket of S3
READING = ["GET", "HEAD"]
SIGNED = ("x-amz-signature=", "signature=")  # in the query of a request that S3 signed


def is_certain(scheme: str, authorization: str) -> bool:
    """Whether a path that begins with the scheme means an easy URL, whatever buckets there are."""
    return scheme != BUCKET_OF_S3 or authorization.lower().startswith(BEARER)


def is_signed(target: str, authorization: str) -> bool:
    """Whether a request is signed as S3's are."""
    return bool(authorization) or any(mark in target.partition("?")[2].lower() for mark in SIGNED)


def answer(native: Native, call: Call) -> Reply:
    """What the long form of the URL answers."""
    scheme, bucket, key = (*call.path[1:].split("/", 2), "", "")[:3]
    if key:
        return objects.answer(native, expanded(call, f"objects/{bucket}/{key}", scheme))
    if call.method == "PUT" and bucket:
        call.log("native.PutObject", bucket)
        raise NativeError(400, f"missing destination object name in the URL '{call.path}'")
    if call.method not in READING:
        return method_not_allowed(READING)
    if bucket:
        return buckets.answer_bucket(native, expanded(call, f"buckets/{bucket}", scheme))
    return buckets.answer_buckets(native, expanded(call, "buckets", scheme))


def expanded(call: Call, path: str, scheme: str) -> Call:
    """The same request for the long form. The access log goes on to know it by the form that was sent."""
    sent = call.environ["RAW_URI"]
    query = split_target(sent)[1]
    call.environ["RAW_URI"] = f"/v1/{path}?provider={scheme}" + (f"&{query}" if query else "")
    try:
        return Call(call.environ)
    finally:
        call.environ["RAW_URI"] = sent


def paths() -> Iterable[str]:
    """In Flask's notation."""
    return (path for scheme in SCHEMES for path in (f"/{scheme}", f"/{scheme}/", f"/{scheme}/<path:rest>"))
