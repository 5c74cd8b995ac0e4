"""What a listing shows of objects: the entries of a page, by the properties that were asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from heapq import merge
from typing import Any

import msgspec

from nativeapi.golayout import formatted
from nativeapi.properties import checksum
from storage.listing import Page
from storage.records import DESCRIBED, SIZED, Described

# Bits of an entry's flags.
PRESENT = 1 << 6
DIRECTORY = 1 << 8
CHUNKED = 1 << 13

EMPTY_LIST = 0x90  # in msgpack


class Entry(msgspec.Struct, omit_defaults=True, gc=False):
    n: str  # name
    cs: str = ""  # checksum
    a: str = ""  # access time
    v: str = ""  # version
    t: str = ""  # location
    m: str = ""  # custom metadata
    s: int = 0  # size, bytes
    c: int = 0  # copies
    f: int = 0  # flags


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


@dataclass(frozen=True, slots=True)
class View:
    """How entries are to be shown: `props` are names of `PROPS`, `layout` is how times look, `location` says where an
    object lies."""

    props: frozenset[str]
    layout: str
    location: Callable[[str], str]


def custom_text(metadata: Mapping[str, str]) -> str:
    """Pairs as Go prints them."""
    pairs = " ".join(f"{name}:{value}" for name, value in sorted(metadata.items()))
    return f"[{as_text(pairs)}]" if pairs else ""


def as_text(sent: str) -> str:
    """What storage keeps a character a byte as the text that it is, if it is any."""
    return sent.encode("latin-1", "replace").decode("utf-8", "replace")


# What fills the fields of an entry that are asked for by name.
FIELDS: dict[str, tuple[str, Callable[[View, str, Described], str | int]]] = {
    "size": ("s", lambda view, name, record: record.size),
    "checksum": ("cs", lambda view, name, record: checksum(record)[1]),
    "atime": ("a", lambda view, name, record: formatted(record.modified, view.layout)),
    "version": ("v", lambda view, name, record: record.version),
    "location": ("t", lambda view, name, record: view.location(name)),
    "copies": ("c", lambda view, name, record: 1),
    "custom": ("m", lambda view, name, record: custom_text(record.metadata)),
}
EVERYWHERE = frozenset({"name", "cached", "status", "ec"})  # that every entry shows, or none has
PROPS = EVERYWHERE | FIELDS.keys()


def standing(etag: str, raw: memoryview) -> int:
    """The flags of the object whose record this is; only those that were uploaded in parts have a hyphen in their
    ETag."""
    if "-" not in etag:
        return PRESENT
    parts = memoryview(DESCRIBED.decode(raw).parts)
    return PRESENT if not parts or parts[0] == EMPTY_LIST else PRESENT | CHUNKED


def sized(raw: memoryview) -> tuple[int, int]:
    """An object's size and flags."""
    record = SIZED.decode(raw)
    return record.size, standing(record.etag, raw)


def full(raw: memoryview) -> tuple[Described, int]:
    """An object's record and flags."""
    record = DESCRIBED.decode(raw)
    return record, standing(record.etag, raw)


def of_names(view: View, found: Iterable[tuple[str, Any]]) -> list[Entry]:
    return [Entry(name, f=PRESENT) for name, _ in found]


def of_sizes(view: View, found: Iterable[tuple[str, tuple[int, int]]]) -> list[Entry]:
    return [Entry(name, s=size, f=flags) for name, (size, flags) in found]


def of_records(view: View, found: Iterable[tuple[str, tuple[Described, int]]]) -> list[Entry]:
    return [described(view, name, record, flags) for name, (record, flags) in found]


def described(view: View, name: str, record: Described, flags: int) -> Entry:
    fields: dict[str, Any] = {}
    for prop in view.props:
        field, value = FIELDS[prop]
        fields[field] = value(view, name, record)
    return Entry(name, f=flags, **fields)


@dataclass(frozen=True, slots=True)
class Depth:
    """How much of the records a listing reads, and the entries that this is enough for."""

    decode: Callable[[memoryview], Any]
    entries: Callable[[View, Iterable[tuple[str, Any]]], list[Entry]]


NAMES = Depth(len, of_names)
SIZES = Depth(sized, of_sizes)
RECORDS = Depth(full, of_records)


def depth(props: frozenset[str]) -> Depth:
    """The least that has to be read for these properties."""
    if not props:
        return NAMES
    return SIZES if props == {"size"} else RECORDS


def entries(view: View, page: Page[Any], read: Depth) -> list[Entry]:
    """The page's objects and directories, ordered by the bytes of their names."""
    objects = read.entries(view, page.entries)
    if not page.prefixes:
        return objects
    directories = [Entry(name, f=DIRECTORY) for name in page.prefixes]
    return list(merge(objects, directories, key=lambda entry: entry.n.encode()))


def as_json(entry: Entry) -> dict[str, str | int]:
    fields = {name: getattr(entry, field) for field, name in JSON_NAMES.items() if getattr(entry, field)}
    if "size" in fields:
        fields["size"] = str(fields["size"])
    return fields
