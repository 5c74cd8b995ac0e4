"""Pages of a bucket's objects, as msgpack for clients that accept it, else as JSON."""

from __future__ import annotations

import time
from collections.abc import Callable
from heapq import merge
from typing import Any

import msgspec

from nativeapi.call import Call, Reply, json_reply
from nativeapi.errors import NativeError
from nativeapi.native import Native
from nativeapi.properties import SECOND, checksum
from storage.listing import Page
from storage.records import DESCRIBED, Bucket, Described

MSGPACK = "application/msgpack"  # exactly: the SDK decodes nothing else as msgpack
LARGEST_PAGE = 10_000  # entries, as AIStore for its own buckets

# Bits of a request's flags.
NAME_ONLY = 1 << 4
NOT_CACHED = 1 << 9
NO_RECURSION = 1 << 11
DIFF = 1 << 12

# Bits of an entry's flags.
PRESENT = 1 << 6
DIRECTORY = 1 << 8


class Request(msgspec.Struct):
    """The value of the action `list`."""

    prefix: str = ""
    pagesize: int = 0
    uuid: str = ""
    props: str = ""
    continuation_token: str = ""
    flags: int = 0
    target: str = ""
    start_after: str = ""


class Entry(msgspec.Struct, omit_defaults=True):
    n: str  # name
    cs: str = ""  # checksum
    a: str = ""  # access time
    v: str = ""  # version
    t: str = ""  # location
    m: str = ""  # custom metadata
    s: int = 0  # size, bytes
    c: int = 0  # copies
    f: int = 0  # flags


class Listing(msgspec.Struct):
    UUID: str
    ContinuationToken: str
    Entries: list[Entry]
    Flags: int = 0


ENCODE_MSGPACK = msgspec.msgpack.Encoder().encode


def parse(value: Any) -> Request:
    """The request; numbers may come as strings."""
    try:
        asked = msgspec.convert(value or {}, Request, strict=False)
    except msgspec.ValidationError as error:
        raise NativeError(400, f"bad list-objects request: {error}") from error
    if asked.pagesize < 0:
        raise NativeError(400, f"bad list-objects request: negative page size {asked.pagesize}")
    if ".." in asked.prefix.split("/"):
        raise NativeError(400, f'bad list-objects request: invalid prefix "{asked.prefix}"', code="errInvalidPath")
    return asked


def check_flags(flags: int, bucket: str) -> None:
    if flags & NOT_CACHED:
        raise NativeError(400, f"ais://{bucket} is not a remote bucket - cannot list 'not cached' objects")
    if flags & DIFF:
        raise NativeError(400, f"cannot perform remote versions check for ais://{bucket}")


def atime(record: Described) -> str:
    return time.strftime("%d %b %y %H:%M UTC", time.gmtime(record.modified // SECOND))


# What fills the fields of an entry that are asked for by name.
FIELDS: dict[str, tuple[str, Callable[[Native, Described], str | int]]] = {
    "size": ("s", lambda native, record: record.size),
    "checksum": ("cs", lambda native, record: checksum(record)[1]),
    "atime": ("a", lambda native, record: atime(record)),
    "location": ("t", lambda native, record: f"t[{native.nodes.target}]"),
    "copies": ("c", lambda native, record: 1),
}
PLAIN = frozenset({"name", "size", "cached"})


def wanted(asked: Request) -> frozenset[str]:
    """The properties that entries show."""
    props = frozenset(item.strip() for item in asked.props.split(",") if item.strip())
    if asked.flags & NAME_ONLY or props == {"name"}:
        return frozenset()
    return (props or PLAIN) & FIELDS.keys()


def entries(native: Native, page: Page[Described], props: frozenset[str]) -> list[Entry]:
    """The page's objects and directories, ordered by the bytes of their names."""
    if props == {"size"}:
        objects = [Entry(name, s=record.size, f=PRESENT) for name, record in page.entries]
    else:
        objects = [described(native, name, record, props) for name, record in page.entries]
    if not page.prefixes:
        return objects
    directories = [Entry(name, f=DIRECTORY) for name in page.prefixes]
    return list(merge(objects, directories, key=lambda entry: entry.n.encode()))


def described(native: Native, name: str, record: Described, props: frozenset[str]) -> Entry:
    fields: dict[str, Any] = {}
    for prop in props:
        field, value = FIELDS[prop]
        fields[field] = value(native, record)
    return Entry(name, f=PRESENT, **fields)


def read_page(native: Native, bucket: Bucket, asked: Request) -> Page[Described]:
    return native.store.objects.list_as(
        DESCRIBED.decode,
        bucket,
        prefix=asked.prefix.removesuffix("*"),
        delimiter="/" if asked.flags & NO_RECURSION else "",
        after=asked.continuation_token or asked.start_after,
        limit=min(asked.pagesize or LARGEST_PAGE, LARGEST_PAGE),
    )


def list_objects(native: Native, call: Call, bucket: Bucket, value: Any) -> Reply:
    """A page. Its token is the last name it shows, so that any worker can go on from there."""
    asked = parse(value)
    check_flags(asked.flags, bucket.name)
    page = read_page(native, bucket, asked)
    token = page.last if page.truncated else ""
    uuid = asked.uuid or f"l{native.nodes.target}{bucket.id % 1000:03d}"
    found = Listing(uuid, token, entries(native, page, wanted(asked)))
    if MSGPACK not in call.header(b"accept"):
        return json_reply(as_json(found))
    body = ENCODE_MSGPACK(found)
    return Reply(200, [("Content-Type", MSGPACK), ("Content-Length", str(len(body)))], body)


# The names of an entry's fields in JSON, where sizes are strings.
JSON_NAMES = {
    "n": "name",
    "cs": "checksum",
    "a": "atime",
    "v": "version",
    "t": "location",
    "m": "custom-md",
    "s": "size",
    "c": "copies",
    "f": "flags",
}


def as_json(listing: Listing) -> dict[str, Any]:
    shown = []
    for entry in listing.Entries:
        fields = {name: getattr(entry, field) for field, name in JSON_NAMES.items() if getattr(entry, field)}
        if "size" in fields:
            fields["size"] = str(fields["size"])
        shown.append(fields)
    return {
        "uuid": listing.UUID,
        "continuation_token": listing.ContinuationToken,
        "entries": shown,
        "flags": listing.Flags,
    }
