"""Listings that go into archives: each object that is one is followed by its members, in the archive's order.

Such a page goes on within an archive where its token says so: the object's name, NUL, and how many members are passed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from msgspec.structs import replace

from nativeapi.entries import PRESENT, Entry
from nativeapi.errors import NativeError
from nativeapi.native import Native
from storage.archives.formats import named
from storage.archives.stored import Archive
from storage.conditions import ALWAYS
from storage.errors import CorruptArchive, NoSuchKey, UnknownFormat
from storage.records import Bucket
from storage.threads import pause

OPENED = 1000  # objects that a page looks into, whatever its size
TAKEN = 10_000  # members that are read of an archive at a time
WITHIN = "\0"  # stands in a token between the object and the number of members

# Bits of an entry's flags.
MEMBER = 1 << 7
ARCHIVE = 1 << 9


class Place(NamedTuple):
    """Where a page begins: after an object, or, when `passed` is a number, within it after so many members."""

    key: str
    passed: int | None


def place(token: str) -> Place:
    key, within, number = token.partition(WITHIN)
    if within and not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise NativeError(400, "bad list-objects request: invalid continuation token")
    return Place(key, int(number) if within else None)


class Found(NamedTuple):
    """An object to show; without an entry only its members are, those after the first `passed`."""

    key: str
    entry: Entry | None
    passed: int = 0


def containing(prefix: str, begin: Place) -> Iterator[Found]:
    """The objects whose members the prefix may mean, since it goes on where their names end, that are still to come."""
    for position, character in enumerate(prefix):
        key = prefix[:position]
        if character == "/" and named(key) and key > begin.key:
            yield Found(key, None)


@dataclass(frozen=True, slots=True)
class Expansion:
    """A page of at most `limit` entries whose names begin with `prefix`; `sizes` says whether members show theirs."""

    native: Native
    bucket: Bucket
    prefix: str
    limit: int
    sizes: bool

    def page(self, found: list[Found], more: str) -> tuple[list[Entry], str]:
        """The entries of these objects and of their members, as many as fit, and the token of the rest, which is `more`
        when all of them are shown."""
        shown: list[Entry] = []
        for one in found:
            pause(0)  # looking into a file may take a while
            token = self._show(one, shown)
            if token:
                return shown, token
        return shown, more

    def _show(self, one: Found, shown: list[Entry]) -> str:
        """Add the object and its members; where to go on when the page is full, "" when it is not."""
        archive = self._opened(one.key)
        if archive is None:
            if one.entry is not None:
                shown.append(one.entry)
            return one.key if len(shown) == self.limit else ""
        with archive:
            if one.entry is not None:
                shown.append(replace(one.entry, f=one.entry.f | ARCHIVE))
            for passed, entry in self._members(one, archive):
                if len(shown) == self.limit:
                    return f"{one.key}{WITHIN}{passed}"
                shown.append(entry)
        return one.key if len(shown) == self.limit else ""

    def _members(self, one: Found, archive: Archive) -> Iterator[tuple[int, Entry]]:
        """The members' entries, each with how many members come before it; none more where the archive is broken."""
        passed = one.passed
        with suppress(CorruptArchive):
            more = True
            while more:
                members = archive.listed(passed, TAKEN)
                more = len(members) == TAKEN
                for member in members:
                    name = f"{one.key}/{member.name.removeprefix('/')}"
                    if name.startswith(self.prefix):
                        yield passed, Entry(name, s=member.size if self.sizes else 0, f=PRESENT | MEMBER)
                    passed += 1

    def _opened(self, key: str) -> Archive | None:
        try:
            return Archive(self.bucket, key, self.native.store.objects.open(self.bucket, key, ALWAYS))
        except (NoSuchKey, UnknownFormat):
            return None
