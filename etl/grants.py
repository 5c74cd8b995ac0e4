"""What a transform's server may read: the objects that requests have given it, for as long as they may take.

A server gets an object under the unified name that its request named. The place in that which names a cluster, and of
an object of this node names none, holds the grant: until when it is good, and a signature over that and the object,
with a key that its server never sees. So any worker of the node can tell what was granted, and nobody need remember it.
"""

from __future__ import annotations

import hmac
import re

from storage.records import Bucket

from etl.records import Transform

NAME = re.compile(r"ais/@([0-9a-f]+)-([0-9a-f]{32})#/([^/]+)/(.+)", re.DOTALL)
SECOND = 1_000_000_000  # ns


class NotGranted(Exception):
    """No request has given the server this object, or none that is still under way."""


def granted(transform: Transform, bucket: Bucket, key: str, *, now: int) -> str:
    """The unified name by which the transform's server may read the object from `now` (ns) on, as long as attempts may
    take: for obj_timeout they are repeated, and the last takes as long again."""
    until = now // SECOND + 2 * int(transform.spec.object_seconds) + 1
    return f"ais/@{until:x}-{signature(transform, until, bucket, key)}#/{bucket.name}/{key}"


def named(name: str) -> tuple[str, str]:
    """The bucket's name and the key of an object that is asked for."""
    found = NAME.fullmatch(name)
    if found is None:
        raise NotGranted
    return found[3], found[4]


def check(transform: Transform, name: str, bucket: Bucket, *, now: int) -> None:
    """Raise `NotGranted` unless the transform's server may read, `now`, the object of this name in this bucket."""
    found = NAME.fullmatch(name)
    if found is None or not transform.seal or len(found[1]) > 16:
        raise NotGranted
    until = int(found[1], 16)
    if until * SECOND < now or not hmac.compare_digest(found[2], signature(transform, until, bucket, found[4])):
        raise NotGranted


def signature(transform: Transform, until: int, bucket: Bucket, key: str) -> str:
    return hmac.digest(transform.seal.encode(), f"{until} {bucket.id} {key}".encode(), "sha256")[:16].hex()
