"""Bodies that become objects or parts: length known and within S3's limit, before and while they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from s3api.call import Call
from s3api.checksums import HEADERS, Integrity
from s3api.errors import S3Error, codes
from storage.payload import Payload

LARGEST_PUT: Final = 5 * 1024**3  # bytes, of an object put in one piece and of a part
CHECKSUM_HEADERS: Final = frozenset(HEADERS) | {"x-amz-sdk-checksum-algorithm"}


def incoming(call: Call, checks: Integrity) -> Payload:
    """The body of an object or part; MissingContentLength, EntityTooLarge. Nothing has been read yet."""
    headers = call.headers
    if "content-length" not in headers and "transfer-encoding" not in headers:
        raise S3Error(codes.MissingContentLength)
    payload = call.payload(checks)
    if payload.size is None:
        return Limited(payload, LARGEST_PUT)
    if payload.size > LARGEST_PUT:
        raise too_large(payload.size, LARGEST_PUT)
    return payload


def too_large(size: int, limit: int) -> S3Error:
    return S3Error(codes.EntityTooLarge, ProposedSize=size, MaxSizeAllowed=limit)


class Limited:
    """A payload of unknown size that is refused as soon as it goes beyond `limit` bytes."""

    __slots__ = ("_limit", "_payload", "_received", "algorithms", "size")

    def __init__(self, payload: Payload, limit: int) -> None:
        self.size: int | None = None
        self.algorithms = payload.algorithms
        self._payload = payload
        self._limit = limit
        self._received = 0

    def readinto(self, buffer: memoryview, /) -> int:
        got = self._payload.readinto(buffer)
        self._received += got
        if self._received > self._limit:
            raise too_large(self._received, self._limit)
        return got

    def verify(self, digests: Mapping[str, bytes]) -> Mapping[str, str]:
        return self._payload.verify(digests)
