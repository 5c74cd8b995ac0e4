"""Pages of a bucket's objects, as msgpack for clients that accept it, else as JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from nativeapi.archive_listing import OPENED, Expansion, Found, containing, place
from nativeapi.call import Call, Reply, json_reply
from nativeapi.entries import FIELDS, Entry, View, as_json, depth, entries
from nativeapi.errors import NativeError
from nativeapi.native import Native
from nativeapi.properties import location
from storage.listing import Page
from storage.records import Bucket

MSGPACK = "application/msgpack"  # exactly: the SDK decodes nothing else as msgpack
LARGEST_PAGE = 10_000  # entries, as AIStore for its own buckets
SINGLE = "list-page"  # in place of a job's id, of listings that are over with their first page

# Bits of a request's flags.
CACHED = 1 << 0
ARCH_DIR = 1 << 3
NAME_ONLY = 1 << 4
NAME_SIZE = 1 << 5
NOT_CACHED = 1 << 9
NO_RECURSION = 1 << 11
DIFF = 1 << 12
INVENTORY = 1 << 15
KNOWN = (1 << 16) - 1


class Request(msgspec.Struct, forbid_unknown_fields=True):
    """The value of the action `list`."""

    prefix: str = ""
    pagesize: int = 0
    uuid: str = ""
    props: str = ""
    continuation_token: str = ""
    flags: int = 0
    target: str = ""
    start_after: str = ""
    time_format: str = ""
    hdr: dict[str, Any] | None = None  # of requests to backends, of which there are none


class Listing(msgspec.Struct):
    UUID: str
    ContinuationToken: str
    Entries: list[Entry]
    Flags: int = 0


ENCODE_MSGPACK = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class Refused:
    """Flags that a bucket without a backend cannot be listed with."""

    flags: int
    message: str
    code: str = ""


REFUSED = (
    Refused(NOT_CACHED, "{bucket} is not a remote bucket - cannot list 'not cached' objects"),
    Refused(DIFF, "cannot perform remote versions check for {bucket}"),
    Refused(INVENTORY, "list: expecting remote bucket (have {bucket})", "ErrNotRemoteBck"),
    Refused(~KNOWN, "bad list-objects request: invalid flags for {bucket}"),
)


def parse(value: Any) -> Request:
    """The request; numbers may come as strings."""
    try:
        asked = msgspec.convert({} if value is None else value, Request, strict=False)
    except msgspec.ValidationError as error:
        raise NativeError(400, f"bad list-objects request: {error}") from error
    if asked.pagesize < 0:
        raise NativeError(400, f"bad list-objects request: negative page size {asked.pagesize}")
    if ".." in asked.prefix.split("/") or "\0" in asked.prefix:
        raise NativeError(400, f'bad list-objects request: invalid prefix "{asked.prefix}"', code="errInvalidPath")
    return asked


def check(native: Native, asked: Request, bucket: Bucket) -> None:
    """Raise unless this bucket can be listed so, on this node."""
    for row in REFUSED:
        if asked.flags & row.flags:
            raise NativeError(400, row.message.format(bucket=f"ais://{bucket.name}"), code=row.code)
    if asked.target not in ("", native.nodes.target):
        raise NativeError(404, f'bad list-objects request: no node "{asked.target}"', code="errNodeNotFound")


def wanted(asked: Request) -> frozenset[str]:
    """The properties that entries show beside their names; those that no object has are nothing to refuse."""
    if asked.flags & NAME_ONLY:
        return frozenset()
    without = "size,checksum,atime" if asked.flags & CACHED and not asked.flags & NAME_SIZE else "size"
    return frozenset(item.strip() for item in (asked.props or without).split(",")) & FIELDS.keys()


Read = Callable[..., Page[Any]]  # of `Objects.list_as`, but for what decides how much is read and of which bucket


def read_page(read: Read, asked: Request, *, after: str, limit: int) -> Page[Any]:
    prefix = asked.prefix.removesuffix("*")
    if not asked.flags & NO_RECURSION:
        return read(prefix=prefix, after=after, limit=limit)
    if prefix and not prefix.endswith("/") and read(prefix=f"{prefix}/", limit=1).entries:
        prefix += "/"  # the name of a directory means what is in it
    return read(prefix=prefix, delimiter="/", after=after, limit=limit)


def page_of(native: Native, bucket: Bucket, asked: Request, *, after: str, limit: int) -> tuple[Page[Any], list[Entry]]:
    """A page as storage has it and as it is shown."""
    props = wanted(asked)
    read = depth(props)
    page = read_page(partial(native.store.objects.list_as, read.decode, bucket), asked, after=after, limit=limit)
    view = View(props, asked.time_format, partial(location, native, bucket))
    return page, entries(view, page, read)


def limit_of(asked: Request) -> int:
    return min(asked.pagesize or LARGEST_PAGE, LARGEST_PAGE)


def plain_page(native: Native, bucket: Bucket, asked: Request) -> tuple[list[Entry], str]:
    """The entries of a page and its token."""
    limit = limit_of(asked)
    page, shown = page_of(native, bucket, asked, after=asked.continuation_token or asked.start_after, limit=limit)
    return shown, page.last if len(shown) == limit else ""


def expanded_page(native: Native, bucket: Bucket, asked: Request) -> tuple[list[Entry], str]:
    """The same with the members of archives after each; there may be a token although the page is not full."""
    limit = limit_of(asked)
    begin = place(asked.continuation_token)
    prefix = asked.prefix.removesuffix("*")
    after = begin.key or asked.start_after
    page, shown = page_of(native, bucket, asked, after=after, limit=min(limit, OPENED))
    found = [Found(entry.n, entry) for entry in shown]
    if begin.passed is not None:
        found.insert(0, Found(begin.key, None, begin.passed))
    expansion = Expansion(native, bucket, prefix, limit, "size" in wanted(asked))
    return expansion.page([*containing(prefix, begin), *found], page.last if page.truncated else "")


def attended(native: Native, call: Call, bucket: Bucket, count: int) -> str:
    """The id of the job that this page, of a listing of several, is a part of."""
    assert call.principal is not None
    with native.attendance.attend("list", owner=call.principal.id, bucket=bucket.name) as session:
        session.count(objects=count, size=0)
        return session.job


def list_objects(native: Native, call: Call, bucket: Bucket, value: Any) -> Reply:
    """A page. Its token is the last name it shows, so that any worker can go on from there; a full page has one even
    when nothing follows."""
    asked = parse(value)
    check(native, asked, bucket)
    shown, token = (expanded_page if asked.flags & ARCH_DIR else plain_page)(native, bucket, asked)
    session = attended(native, call, bucket, len(shown)) if token or asked.continuation_token else SINGLE
    found = Listing(asked.uuid or session, token, shown)
    if MSGPACK not in call.header(b"accept"):
        return json_reply(json_page(found))
    body = ENCODE_MSGPACK(found)
    return Reply(200, [("Content-Type", MSGPACK), ("Content-Length", str(len(body)))], body)


def json_page(listing: Listing) -> dict[str, Any]:
    return {
        "uuid": listing.UUID,
        "continuation_token": listing.ContinuationToken,
        "entries": [as_json(entry) for entry in listing.Entries],
        "flags": listing.Flags,
    }
