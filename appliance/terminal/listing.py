"""The objects of a bucket, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from appliance.terminal.names import Bucket
from nativeapi.client import NativeClient

# Bits of a request's flags.
CACHED, MISSING, ARCHIVES, NAME_ONLY, BUCKET_PRESENT = 1, 2, 8, 16, 64
DONT_HEAD, DONT_ADD, NOT_CACHED, NO_RECURSION, DIFF, NO_DIRECTORIES = 128, 256, 512, 2048, 4096, 8192

# Bits of an entry's flags.
PRESENT, IN_ARCHIVE, DIRECTORY, ARCHIVE, CHANGED, REMOVED, CHUNKED = 64, 128, 256, 512, 1024, 2048, 8192

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Query:
    """Which objects of a bucket, and what of them."""

    bucket: Bucket
    prefix: str = ""
    props: str = ""
    flags: int = 0
    page_size: int = 0
    limit: int | None = None
    start_after: str = ""
    headers: dict[str, str] = field(default_factory=dict)


def pages(client: NativeClient, query: Query) -> Iterator[list[Entry]]:
    """The pages, in the order of names; together not more than the limit."""
    value: dict[str, Any] = {
        "uuid": "",
        "props": query.props,
        "prefix": query.prefix,
        "start_after": query.start_after,
        "continuation_token": "",
        "flags": str(query.flags),
        "pagesize": query.page_size,
    }
    left = query.limit
    while left is None or left > 0:
        if left is not None and (not query.page_size or left < query.page_size):
            value["pagesize"] = left
        found = client.json(
            "GET",
            query.bucket.path,
            query=query.bucket.query,
            message={"action": "list", "name": "", "value": value},
            headers=query.headers,
        )
        page = (found.get("entries") or [])[:left]
        yield page
        if not found.get("continuation_token"):
            return
        left = None if left is None else left - len(page)
        value |= {"uuid": found.get("uuid", ""), "continuation_token": found["continuation_token"], "start_after": ""}


def entries(client: NativeClient, query: Query) -> Iterator[Entry]:
    return (entry for page in pages(client, query) for entry in page)


def first(client: NativeClient, query: Query, count: int) -> list[Entry]:
    return list(islice(entries(client, query), count))


def bytes_of(entry: Entry) -> int:
    return int(entry.get("size") or 0)


def is_directory(entry: Entry) -> bool:
    return bool(int(entry.get("flags") or 0) & DIRECTORY)
