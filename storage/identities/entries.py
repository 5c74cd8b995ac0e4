"""Records of one kind in the catalog, by name: added once, changed by compare-and-set, removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from storage.catalog import Catalog, Changed
from storage.errors import IdentityExists, NoSuchIdentity
from storage.records import Codec

LONGEST_NAME = 1000  # characters; a key of the index has room for the longest of them

Entry = TypeVar("Entry", bound=msgspec.Struct)


class Entries(Generic[Entry]):
    """Changes are durable, and seen by every process, when a call returns."""

    def __init__(self, catalog: Catalog, kind: str, codec: Codec[Entry]) -> None:
        self._catalog = catalog
        self._kind = kind
        self._codec = codec

    def find(self, name: str) -> Entry | None:
        raw = self._raw(name)
        return None if raw is None else self._codec.decode(raw)

    def get(self, name: str) -> Entry:
        """The entry; `NoSuchIdentity`."""
        found = self.find(name)
        if found is None:
            raise NoSuchIdentity(self._kind, name)
        return found

    def all(self) -> dict[str, Entry]:
        """By name, in its order."""
        return {name: self._codec.decode(raw) for name, raw in self._catalog.all(self._kind)}

    def add(self, name: str, entry: Entry) -> None:
        """`IdentityExists` when the name is taken."""
        try:
            self._catalog.put(self._kind, name, self._codec.encode(entry), expected=None)
        except Changed as taken:
            raise IdentityExists(self._kind, name) from taken

    def change(self, name: str, change: Callable[[Entry], Entry], *, absent: Entry | None = None) -> None:
        """Replace the entry by what `change` makes of it, or of `absent` when there is none (None: `NoSuchIdentity`).

        `change` is called again when another process was faster; it may raise.
        """
        while True:
            before = self._raw(name)
            current = absent if before is None else self._codec.decode(before)
            if current is None:
                raise NoSuchIdentity(self._kind, name)
            try:
                self._catalog.put(self._kind, name, self._codec.encode(change(current)), expected=before)
                return
            except Changed:
                continue

    def remove(self, name: str) -> None:
        """Take the entry away; `NoSuchIdentity`."""
        raw = self._raw(name)
        while raw is not None:
            try:
                self._catalog.delete(self._kind, name, expected=raw)
                return
            except Changed as changed:
                raw = changed.found
        raise NoSuchIdentity(self._kind, name)

    def _raw(self, name: str) -> bytes | None:
        """The record; None for what is no name, too, however long it is."""
        return self._catalog.get(self._kind, name) if len(name) <= LONGEST_NAME else None
