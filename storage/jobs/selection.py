"""Which objects of a bucket a job over many objects means, from the keys of its value:

    objnames     these, whether they exist or not
    template     see `storage.templates`; without ranges, or without an end of them, what the bucket has of it
    prefix       of those, or of the whole bucket, only what begins with it
    non-recurs   of what the bucket has, only what has no slash after the prefix
    asked        ns: of what the bucket has, only what was written before, so that a job does not come upon its own work
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from storage.jobs.records import Value
from storage.jobs.run import Unit
from storage.objects import Objects
from storage.records import Bucket
from storage.templates import Template, parse

PAGE = 1000  # keys


def named(value: Value) -> bool:
    """Whether the objects are named one by one: that one of them does not exist is an error then."""
    return bool(value.get("objnames"))


def units(objects: Objects, bucket: Bucket, value: Value, cursor: str) -> Iterator[Unit]:
    """A unit for each object, from the cursor of an earlier unit on; `InvalidTemplate`."""
    prefix: str = (value.get("prefix") or "").removesuffix("*")
    if named(value):
        return _numbered(value["objnames"], prefix, cursor)
    template = parse(value.get("template") or "")
    if template.counted:
        return _numbered(template.names(int(cursor or 0)), prefix, cursor)
    return _found(objects, bucket, template, prefix, value, cursor)


def is_up_to(value: Value, cursor: str, last: str) -> bool:
    """Whether a unit's cursor is that of the unit `last` or of one before it."""
    if named(value) or parse(value.get("template") or "").counted:
        return int(cursor) <= int(last)
    return cursor.encode() <= last.encode()


def _numbered(names: Iterable[str], prefix: str, cursor: str) -> Iterator[Unit]:
    """The names from the cursor, which is a position, on; those of a template begin there already."""
    start = int(cursor or 0)
    left = islice(names, start, None) if isinstance(names, list) else names
    return (Unit(name, str(position)) for position, name in enumerate(left, start + 1) if name.startswith(prefix))


def _found(
    objects: Objects, bucket: Bucket, template: Template, prefix: str, value: Value, cursor: str
) -> Iterator[Unit]:
    """What the bucket has, in order; the cursor is a name."""
    wanted = max(template.prefix, prefix, key=len)
    matches = template.matcher()
    delimiter = "/" if value.get("non-recurs") else ""
    latest = value.get("asked", float("inf"))
    more = wanted.startswith(prefix) and wanted.startswith(template.prefix)
    while more:
        page = objects.list(bucket, prefix=wanted, delimiter=delimiter, after=cursor, limit=PAGE)
        for name, record in page.entries:
            if matches(name) and record.modified <= latest:
                yield Unit(name, name)
        cursor, more = page.last, page.truncated
