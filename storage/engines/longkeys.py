"""Keys that LMDB cannot hold (it stops at 511 bytes), in order and invisibly.

A key of at most SHORT bytes is stored as it is, in the tree `keys`. Of a longer one, the first SHORT bytes and MARK
are stored there, a *pointer*, with the number of a node; the rest is stored in the tree `rests`, behind the eight
bytes of that number. A rest too long for that is cut again in the same way.

The order is kept because a pointer, SHORT + 1 bytes, sorts after the key that its first SHORT bytes are and before
every other key that is stored whole, which is where the keys that it stands for belong; within a node, the rests
sort as their keys do. A pointer exists while its node has rests: whoever takes the last one away takes it away too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import lmdb

SHORT = 500  # bytes
MARK = b"\x01"
NODE = 8  # bytes of a node's number

Tree: TypeAlias = Any  # what Environment.open_db() returns; lmdb's own name for it is not public


@dataclass(frozen=True, slots=True)
class Trees:
    keys: Tree
    rests: Tree


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a tree: what is stored there as `prefix + rest` is the key `lead + rest`."""

    tree: Tree
    prefix: bytes
    lead: bytes

    def position(self, key: bytes) -> bytes:
        """Where `key`, or the pointer to its node, lies or would lie among what is stored of this node."""
        own = key[:len(self.lead)]
        if own < self.lead:
            return self.prefix
        if own > self.lead:
            return _following(self.prefix)
        return _stored(self.prefix + key[len(self.lead):])

    def below(self, pointer: bytes, number: bytes, trees: Trees) -> Node:
        return Node(trees.rests, number, self.lead + pointer[len(self.prefix):SHORT])


def _stored(whole: bytes) -> bytes:
    return whole if len(whole) <= SHORT else whole[:SHORT] + MARK


def _following(number: bytes) -> bytes:
    return (int.from_bytes(number) + 1).to_bytes(NODE)


def get(txn: lmdb.Transaction[bytes], trees: Trees, key: bytes) -> bytes | None:
    tree, stored = trees.keys, key
    while len(stored) > SHORT:
        number = txn.get(stored[:SHORT] + MARK, None, tree)
        if number is None:
            return None
        tree, stored = trees.rests, number + stored[SHORT:]
    return txn.get(stored, None, tree)


def put(txn: lmdb.Transaction[bytes], trees: Trees, key: bytes, value: bytes) -> None:
    tree, stored = trees.keys, key
    while len(stored) > SHORT:
        pointer = stored[:SHORT] + MARK
        number = txn.get(pointer, None, tree)
        if number is None:
            number = _unused_number(txn, trees, above=b"" if tree is trees.keys else stored[:NODE])
            txn.put(pointer, number, db=tree)
        tree, stored = trees.rests, number + stored[SHORT:]
    txn.put(stored, value, db=tree)


def _unused_number(txn: lmdb.Transaction[bytes], trees: Trees, *, above: bytes) -> bytes:
    """A number that no node has; `above` is the one just given, whose node may have no rests yet."""
    with txn.cursor(trees.rests) as cursor:
        greatest = cursor.key()[:NODE] if cursor.last() else b""
    return _following(max(greatest, above))


def delete(txn: lmdb.Transaction[bytes], trees: Trees, key: bytes) -> None:
    """Take the key away, and with it every pointer to a node that has no rests any more."""
    pointers: list[tuple[Tree, bytes, bytes]] = []
    tree, stored = trees.keys, key
    while len(stored) > SHORT:
        pointer = stored[:SHORT] + MARK
        number = txn.get(pointer, None, tree)
        if number is None:
            return
        pointers.append((tree, pointer, number))
        tree, stored = trees.rests, number + stored[SHORT:]
    txn.delete(stored, db=tree)
    for tree, pointer, number in reversed(pointers):
        if _has_rests(txn, trees, number):
            return
        txn.delete(pointer, db=tree)


def _has_rests(txn: lmdb.Transaction[bytes], trees: Trees, number: bytes) -> bool:
    with txn.cursor(trees.rests) as cursor:
        return cursor.set_range(number) and cursor.key().startswith(number)


def ascending(
    txn: lmdb.Transaction[memoryview], trees: Trees, start: bytes, stop: bytes
) -> Iterator[tuple[bytes, memoryview]]:
    """The pairs of [start, stop) in order; the values are valid until the transaction ends."""
    return _ascending(txn, trees, Node(trees.keys, b"", b""), start, stop)


def descending(
    txn: lmdb.Transaction[memoryview], trees: Trees, start: bytes, stop: bytes
) -> Iterator[tuple[bytes, memoryview]]:
    """The pairs of [start, stop) in the opposite order; the values are valid until the transaction ends."""
    return _descending(txn, trees, Node(trees.keys, b"", b""), start, stop)


def _ascending(
    txn: lmdb.Transaction[memoryview], trees: Trees, node: Node, start: bytes, stop: bytes
) -> Iterator[tuple[bytes, memoryview]]:
    cursor = txn.cursor(node.tree)
    if not cursor.set_range(node.position(start)):
        return
    prefix, lead = node.prefix, node.lead
    for stored, value in cursor:
        key = bytes(stored)
        if not key.startswith(prefix):
            return
        if len(key) > SHORT:
            below = node.below(key, bytes(value), trees)
            if below.lead >= stop:
                return
            yield from _ascending(txn, trees, below, start, stop)
            continue
        if prefix:
            key = lead + key[NODE:]
        if key >= stop:
            return
        yield key, value


def _descending(
    txn: lmdb.Transaction[memoryview], trees: Trees, node: Node, start: bytes, stop: bytes
) -> Iterator[tuple[bytes, memoryview]]:
    cursor = txn.cursor(node.tree)
    if not _seek_last(cursor, node.position(stop)):
        return
    prefix, lead = node.prefix, node.lead
    for stored, value in cursor.iterprev():
        key = bytes(stored)
        if not key.startswith(prefix):
            return
        if len(key) > SHORT:
            below = node.below(key, bytes(value), trees)
            if below.lead < start[:len(below.lead)]:
                return
            yield from _descending(txn, trees, below, start, stop)
            continue
        if prefix:
            key = lead + key[NODE:]
        if key < start:
            return
        yield key, value


def _seek_last(cursor: lmdb.Cursor[memoryview], position: bytes) -> bool:
    """Move to the last entry before `position`, or to the pointer that lies there; False when there is none."""
    if not cursor.set_range(position):
        return cursor.last()
    if len(position) > SHORT and cursor.key() == position:
        return True
    return cursor.prev()
