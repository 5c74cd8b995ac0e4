"""The node's catalog: small records (buckets, transforms, settings, jobs) kept on every volume.

The first volume that is present, the primary, decides; the others follow, so that any of them can take its place.
A version counts the changes; at start the highest one is copied to the volumes that are behind.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from enum import Enum

from storage.errors import OutOfSpace, VolumeFailed
from storage.index import Check, CheckFailed, Index, Put
from storage.keys import CATALOG, after_prefix
from storage.volume import Partitions

VERSION = CATALOG + b"\0"
ENTRIES = CATALOG + b"\x01"  # every kind's name begins above
END = after_prefix(CATALOG)

log = logging.getLogger(__name__)


class Anything(Enum):
    """What `expected` is when it does not matter what the record was."""

    ANYTHING = "anything"


ANYTHING = Anything.ANYTHING
Expected = bytes | None | Anything


class Changed(Exception):
    """The record was not the expected one; nothing was changed. `found` is what it is (None: absent)."""

    def __init__(self, kind: str, name: str, found: bytes | None) -> None:
        super().__init__(kind, name)
        self.name = name
        self.found = found


def entry_key(kind: str, name: str) -> bytes:
    return b"%b%b\0%b" % (CATALOG, kind.encode(), name.encode())


class Catalog:
    """Records by kind and name; every change is atomic, durable and seen by all processes when the call returns."""

    def __init__(self, partitions: Partitions) -> None:
        self._primary = partitions.primary.index
        self._followers = tuple(volume.index for volume in partitions.present[1:])

    def version(self) -> int:
        """How often anything in the catalog has changed."""
        return version_of(self._primary.get(VERSION))

    def get(self, kind: str, name: str) -> bytes | None:
        return self._primary.get(entry_key(kind, name))

    def all(self, kind: str, *, prefix: str = "", after: str = "") -> Iterator[tuple[str, bytes]]:
        """The records of a kind whose names begin with `prefix` and come after `after`, by name."""
        start = entry_key(kind, prefix)
        skip = len(start) - len(prefix.encode())
        stop = after_prefix(start) if prefix else entry_key(kind, "")[:-1] + b"\x01"
        if after:
            start = max(start, entry_key(kind, after) + b"\0")
        for key, value in self._primary.scan(start, stop):
            yield key[skip:].decode(), value

    def put(
        self, kind: str, name: str, value: bytes, *, expected: Expected = ANYTHING, checks: Sequence[Check] = ()
    ) -> None:
        """Write the record; `Changed` unless it was `expected`. `checks` are on other records of the primary volume
        and fail as `CheckFailed`."""
        self._change(kind, name, expected, checks, puts=((entry_key(kind, name), value),))

    def delete(
        self,
        kind: str,
        name: str,
        *,
        expected: Expected = ANYTHING,
        checks: Sequence[Check] = (),
        also: Sequence[bytes] = (),
    ) -> None:
        """Take the record away, if it is there, and with it the keys in `also`; otherwise like `put`."""
        self._change(kind, name, expected, checks, deletes=(entry_key(kind, name), *also))

    def move(self, kind: str, name: str, to: str, value: bytes, *, expected: bytes) -> None:
        """Put the record under another name, with another value; `Changed` unless it was `expected`, and also when the
        other name, which the exception then tells, is taken."""
        target = entry_key(kind, to)
        try:
            self._change(
                kind, name, expected, [(target, None)], puts=[(target, value)], deletes=[entry_key(kind, name)]
            )
        except CheckFailed as failed:
            raise Changed(kind, to, failed.found) from failed

    def _change(
        self,
        kind: str,
        name: str,
        expected: Expected,
        checks: Sequence[Check],
        *,
        puts: Sequence[Put] = (),
        deletes: Sequence[bytes] = (),
    ) -> None:
        key = entry_key(kind, name)
        wanted = [*checks] if isinstance(expected, Anything) else [(key, expected), *checks]
        while True:
            before = self._primary.get(VERSION)
            bump = (VERSION, (version_of(before) + 1).to_bytes(8, "big"))
            try:
                self._primary.commit(checks=[*wanted, (VERSION, before)], puts=[*puts, bump], deletes=deletes)
                break
            except CheckFailed as failed:
                if failed.key == key:
                    raise Changed(kind, name, failed.found) from failed
                if failed.key != VERSION:
                    raise
        for follower in self._followers:
            self._follow(follower, before, [*puts, bump], deletes)

    def _follow(self, follower: Index, before: bytes | None, puts: Sequence[Put], deletes: Sequence[bytes]) -> None:
        """Apply the change to a volume that was up to date before it; copy everything to one that was not."""
        try:
            follower.commit(checks=[(VERSION, before)], puts=puts, deletes=deletes)
        except CheckFailed:
            copy(self._primary, follower)
        except (OutOfSpace, VolumeFailed) as error:
            log.warning("a volume's copy of the catalog is behind until the next change or start: %s", error)


def version_of(raw: bytes | None) -> int:
    return int.from_bytes(raw or b"", "big")


def reconcile(indexes: Sequence[Index]) -> None:
    """Bring every volume's catalog to the highest version among them; several processes may do so at once."""
    newest = max(indexes, key=lambda index: version_of(index.get(VERSION)))
    for index in indexes:
        if index is not newest:
            copy(newest, index)


def copy(source: Index, target: Index) -> None:
    """Make the catalog of `target` that of `source`, unless it is as new already."""
    while True:
        version, theirs = source.get(VERSION), target.get(VERSION)
        if version_of(theirs) >= version_of(version) or version is None:
            return
        records = dict(source.scan(ENTRIES, END))
        if source.get(VERSION) != version:
            continue
        stale = [key for key, _ in target.scan(ENTRIES, END) if key not in records]
        try:
            target.commit(checks=[(VERSION, theirs)], puts=[*records.items(), (VERSION, version)], deletes=stale)
            return
        except CheckFailed:
            continue
