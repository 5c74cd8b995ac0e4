"""The commits of one transaction: each is judged by what the ones before it will have left, then all are written."""

from __future__ import annotations

import lmdb

from storage.engines import longkeys
from storage.engines.committer import Commit
from storage.engines.longkeys import SHORT, Trees


class Group:
    """Values are read once and written once, however many commits of the group look at them or change them.

    That is more than thrift: every call of LMDB gives the interpreter's lock away, and getting it
    back from busy greenlets takes long.
    """

    def __init__(self, txn: lmdb.Transaction[bytes], trees: Trees) -> None:
        self._txn = txn
        self._trees = trees
        self._values: dict[bytes, bytes | None] = {}  # as of the commits admitted so far; None: absent
        self._changed: dict[bytes, bytes | None] = {}  # what is to be written of them

    def admit(self, commit: Commit) -> None:
        """Decide the commit; nothing of one whose check fails remains."""
        for key, expected in commit.checks:
            found = self._value(key)
            if found != expected:
                commit.refuse(key, found)
                return
        previous = commit.previous
        values, changed = self._values, self._changed
        for key, value in commit.puts:
            previous.append(self._value(key))
            values[key] = changed[key] = value
        for key in commit.deletes:
            found = self._value(key)
            previous.append(found)
            if found is not None:
                values[key] = changed[key] = None

    def write(self) -> None:
        for key, value in self._changed.items():
            self._write(key, value)

    def _value(self, key: bytes) -> bytes | None:
        try:
            return self._values[key]
        except KeyError:
            value = self._values[key] = self._read(key)
            return value

    def _read(self, key: bytes) -> bytes | None:
        if len(key) > SHORT:
            return longkeys.get(self._txn, self._trees, key)
        return self._txn.get(key) if key else None

    def _write(self, key: bytes, value: bytes | None) -> None:
        if len(key) > SHORT:
            if value is None:
                longkeys.delete(self._txn, self._trees, key)
            else:
                longkeys.put(self._txn, self._trees, key, value)
        elif value is None:
            self._txn.delete(key)
        else:
            self._txn.put(key, value)
