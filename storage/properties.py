"""The properties of a bucket that storage itself acts on, by AIStore's names.

A bucket's record keeps the properties that differ from their defaults. What else there is, and how clients write and
see it, is the native API's table; both doors live by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from storage.records import Bucket, Value
from storage.rights import EVERYTHING

CHECKSUM_TYPE: Final = "checksum.type"
NUMBERED: Final = "versioning.enabled"
ACCESS: Final = "access"
VALIDATES: Final = "checksum.validate_warm_get"
LIMITED: Final = "rate_limit.frontend.enabled"
INTERVAL: Final = "rate_limit.frontend.interval"
TOKENS: Final = "rate_limit.frontend.max_tokens"
BURST: Final = "rate_limit.frontend.burst_size"
EVICTED: Final = "lru.enabled"
SAFE_TIME: Final = "lru.dont_evict_time"
EVICTION_BATCH: Final = "lru.batch_size"

# Defaults; a bucket's record does not repeat them.
XXHASH2: Final = "xxhash2"
USUAL_INTERVAL: Final = 60 * 10**9  # ns
USUAL_TOKENS: Final = 1000
USUAL_BURST: Final = 375
SAFE: Final = 7200 * 1_000_000_000  # ns
BATCH: Final = 32_768  # objects

# AIStore's checksum types by the names of storage.checksums; "": none is kept.
CHECKSUM_TYPES: Final = {
    "none": "",
    "xxhash": "xxhash64",
    "xxhash2": "xxhash64",
    "md5": "md5",
    "crc32c": "crc32c",
    "sha256": "sha256",
    "sha512": "sha512",
}


def checksum_type(bucket: Bucket) -> str:
    """The type of the checksum that every object written into the bucket gets."""
    return bucket.properties.get(CHECKSUM_TYPE, XXHASH2)  # type: ignore[return-value]  # of this property


def numbers_versions(bucket: Bucket) -> bool:
    """Whether each object's versions are counted; the content of earlier ones is not kept."""
    return bool(bucket.properties.get(NUMBERED, False))


def validates(bucket: Bucket) -> bool:
    """Whether an object's bytes are verified before they are read or copied."""
    return bool(bucket.properties.get(VALIDATES, False))


def evictable(bucket: Bucket) -> bool:
    """Whether objects may be removed to make room."""
    return bool(bucket.properties.get(EVICTED, False))


def safe_time(bucket: Bucket) -> int:
    """For how long (ns) an object is not removed after its last write."""
    return bucket.properties.get(SAFE_TIME, SAFE)  # type: ignore[return-value]  # of this property


def evicted_at_once(bucket: Bucket) -> int:
    """How many objects are weighed at a time."""
    return bucket.properties.get(EVICTION_BATCH, BATCH)  # type: ignore[return-value]  # of this property


def access(bucket: Bucket) -> int:
    """The rights (see AIStore's bits) that the bucket lets through at all."""
    return bucket.properties.get(ACCESS, EVERYTHING)  # type: ignore[return-value]  # of this property


@dataclass(frozen=True, slots=True)
class RequestLimit:
    """So many requests (tokens) in an interval (ns), so many of them at once."""

    interval: int
    tokens: int
    burst: int


def request_limit(bucket: Bucket) -> RequestLimit:
    """What holds for the requests on the bucket's objects, if they are limited."""
    usual = ((INTERVAL, USUAL_INTERVAL), (TOKENS, USUAL_TOKENS), (BURST, USUAL_BURST))
    return RequestLimit(*(int(bucket.properties.get(name, value)) for name, value in usual))


def next_version(current: str) -> str:
    """The number of the version that replaces the one numbered `current` ("": it has none, or there is none)."""
    return str(int(current) + 1) if current.isdecimal() else "1"


def plain(properties: Mapping[str, Value]) -> dict[str, Value]:
    """A copy that will not change with the original, in one order, so that equal ones are equal records."""
    return dict(sorted(properties.items()))
