"""Listing a bucket: the volumes' ordered scans merged, common prefixes skipped by a seek and never scanned.

A listing is a sequence of items ordered by the bytes of their names: keys, and each common prefix once in place of the
keys under it. A page holds the items whose names come after `after`, which need not exist.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from math import isqrt
from operator import itemgetter
from typing import Generic, TypeAlias, TypeVar

from storage.index import LARGEST_BATCH, Index
from storage.keys import (
    END, OBJECTS, PREFIX_SIZE, UPLOAD_ID_SIZE, UPLOADS, after_prefix, escaped, object_key, upload_of,
)
from storage.records import UPLOAD, Bucket, Upload
from storage.volume import Volume

T = TypeVar("T")

PATIENCE = 7  # keys under a common prefix that are read on before a seek past it is worth it
AFTER_SEEK = 1 + PATIENCE  # pairs of the first batch


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """At most `limit` items; `last` is the last one's name, from which the next page goes on when `truncated`."""

    entries: list[tuple[str, T]]
    prefixes: list[str]
    truncated: bool
    last: str


Item: TypeAlias = tuple[bytes, T | None]  # the index's key and the record; of a common prefix, None


def list_objects(
    volumes: Sequence[Volume],
    bucket: Bucket,
    decode: Callable[[memoryview], T],
    *,
    prefix: str,
    delimiter: str,
    after: str,
    limit: int,
) -> Page[T]:
    """A page of the bucket's objects, each record as `decode` sees it (as `Index.scan`'s); `limit` counts keys and
    common prefixes alike, 0 gives an empty page."""
    if limit <= 0:
        return Page([], [], False, "")
    start, stop = bounds(OBJECTS, bucket.id, prefix, after, delimiter)
    if delimiter:
        return _grouped_page(volumes, start, stop, object_key(bucket.id, prefix), delimiter.encode(), limit, decode)
    share = share_of(limit + 1, len(volumes))
    scans = [volume.index.scan(start, stop, batch=share, decode=decode) for volume in volumes]
    pairs = list(islice(scans[0], limit + 1)) if len(scans) == 1 else first_of(scans, limit + 1, share)
    entries = [(key[PREFIX_SIZE:].decode(), record) for key, record in pairs[:limit]]
    return Page(entries, [], len(pairs) > limit, entries[-1][0] if entries else "")


def share_of(limit: int, scans: int) -> int:
    """How many pairs of each of several scans almost always hold the first `limit` of all: keys are spread by chance,
    and four standard deviations are little beside a second round."""
    mean = limit // scans
    return min(limit if scans == 1 else mean + 4 * isqrt(mean) + 1, LARGEST_BATCH)


def first_of(scans: Sequence[Iterator[tuple[bytes, T]]], limit: int, share: int) -> list[tuple[bytes, T]]:
    """The first `limit` pairs of several ordered scans, `share` of each at a time; sorting beats `heapq.merge`."""
    found: list[tuple[bytes, T]] = []
    chunks: list[list[tuple[bytes, T]]] = [[] for _ in scans]
    bound: bytes | None = b""
    while bound is not None and len(found) < limit:
        for scan, chunk in zip(scans, chunks):
            chunk += islice(scan, share - len(chunk))
        # Up to the least of the last keys, of scans that may have more, nothing is missing.
        bound = min((chunk[-1][0] for chunk in chunks if len(chunk) == share), default=None)
        for chunk in chunks:
            cut = len(chunk) if bound is None else bisect_right(chunk, bound, key=itemgetter(0))
            found += chunk[:cut]
            del chunk[:cut]
        found.sort(key=itemgetter(0))
    return found[:limit]


def bounds(space: bytes, bucket_id: int, prefix: str, after: str, delimiter: str) -> tuple[bytes, bytes]:
    """The range of the index's keys with the prefix whose items' names come after `after`."""
    head = space + bucket_id.to_bytes(8, "big")
    first = head + prefix.encode()
    start = first
    if after:
        name = head + after.encode()
        group = group_of(name, len(first), delimiter.encode()) if delimiter and name.startswith(first) else None
        start = max(first, name + b"\0" if group is None else after_prefix(group))
    return start, after_prefix(first)


def group_of(key: bytes, skip: int, delimiter: bytes) -> bytes | None:
    """The common prefix that a key belongs to: up to the first delimiter after `skip` bytes, that included."""
    found = key.find(delimiter, skip)
    return None if found < 0 else key[:found + len(delimiter)]


def grouped(
    index: Index, start: bytes, stop: bytes, decode: Callable[[memoryview], T], group: Callable[[bytes], bytes | None]
) -> Iterator[Item[T]]:
    """The items of one index: keys in no group, and each group once."""
    pairs = index.scan(start, stop, decode=decode)
    pair = next(pairs, None)
    while pair is not None:
        key, record = pair
        common = group(key)
        if common is None:
            yield key, record
            pair = next(pairs, None)
            continue
        yield common, None
        beyond = after_prefix(common)
        pair = next((other for other in islice(pairs, PATIENCE) if other[0] >= beyond), None)
        if pair is None:
            pairs = index.scan(beyond, stop, batch=AFTER_SEEK, decode=decode)
            pair = next(pairs, None)


def merged(streams: Sequence[Iterable[Item[T]]]) -> Iterator[Item[T]]:
    """The items of several ordered streams in one order, a group that is in several of them once."""
    if len(streams) == 1:
        yield from streams[0]
        return
    last = b""
    for item in heapq.merge(*streams, key=lambda item: item[0]):
        if item[0] != last:
            yield item
        last = item[0] if item[1] is None else b""


def taken(items: Iterator[Item[T]], limit: int) -> tuple[list[Item[T]], bool]:
    """At most `limit` items, and whether there are more."""
    return list(islice(items, limit)), next(items, None) is not None


def _grouped_page(
    volumes: Sequence[Volume],
    start: bytes,
    stop: bytes,
    first: bytes,
    delimiter: bytes,
    limit: int,
    decode: Callable[[memoryview], T],
) -> Page[T]:
    skip = len(first)
    group = partial(group_of, skip=skip, delimiter=delimiter)
    streams = [grouped(volume.index, start, stop, decode, group) for volume in volumes]
    items, truncated = taken(merged(streams), limit)
    entries = [(key[PREFIX_SIZE:].decode(), record) for key, record in items if record is not None]
    prefixes = [key[PREFIX_SIZE:].decode() for key, record in items if record is None]
    return Page(entries, prefixes, truncated, items[-1][0][PREFIX_SIZE:].decode() if items else "")


@dataclass(frozen=True, slots=True)
class UploadPage:
    """At most `limit` items of a listing of uploads; `last_key` and `last_upload` (empty for a common prefix) are where
    the next page goes on when `truncated`."""

    entries: list[tuple[str, Upload]]
    prefixes: list[str]
    truncated: bool
    last_key: str
    last_upload: str


def list_uploads(
    volumes: Sequence[Volume],
    bucket: Bucket,
    *,
    prefix: str,
    delimiter: str,
    key_after: str,
    upload_after: str,
    limit: int,
) -> UploadPage:
    """A page of the bucket's uploads by key, then by initiation, that come after `key_after`, or (with `upload_after`)
    after that upload of that key."""
    if limit <= 0:
        return UploadPage([], [], False, "", "")
    start, stop, skip = upload_bounds(bucket.id, prefix, delimiter, key_after, upload_after)
    group = partial(upload_group, skip=skip, delimiter=escaped(delimiter))
    streams = [grouped(volume.index, start, stop, UPLOAD.decode, group) for volume in volumes]
    items, truncated = taken(merged(streams), limit)
    entries = [(upload_of(key)[0], upload) for key, upload in items if upload is not None]
    prefixes = [group_name(key) for key, upload in items if upload is None]
    last_key, last_upload = "", ""
    if items:
        key, upload = items[-1]
        last_key, last_upload = (group_name(key), "") if upload is None else (upload_of(key)[0], upload.id)
    return UploadPage(entries, prefixes, truncated, last_key, last_upload)


def upload_bounds(
    bucket_id: int, prefix: str, delimiter: str, key_after: str, upload_after: str
) -> tuple[bytes, bytes, int]:
    """The range of the index's keys to list, and how many bytes of each the prefix takes."""
    head = UPLOADS + bucket_id.to_bytes(8, "big")
    first = head + escaped(prefix)
    start = first
    if key_after:
        name = head + escaped(key_after)
        group = group_of(name, len(first), escaped(delimiter)) if delimiter and name.startswith(first) else None
        if group is not None:
            beyond = after_prefix(group)
        elif upload_after:
            beyond = name + END + upload_after.encode() + b"\0"
        else:
            beyond = after_prefix(name + END)
        start = max(first, beyond)
    return start, after_prefix(first), len(first)


def upload_group(raw: bytes, skip: int, delimiter: bytes) -> bytes | None:
    """`group_of` within the escaped key, without what follows it."""
    if not delimiter:
        return None
    return group_of(raw[:-UPLOAD_ID_SIZE - len(END)], skip, delimiter)


def group_name(raw: bytes) -> str:
    return raw[PREFIX_SIZE:].replace(b"\0\xff", b"\0").decode()
