"""Keys longer than LMDB's are indistinguishable from short ones; compared with a dict in sorted order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

import lmdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from storage.engines import longkeys
from storage.engines.longkeys import Trees

# Pieces around the lengths at which keys are cut, and the bytes beside the mark: long shared prefixes are the rule.
PIECES = [b"a" * 492, b"a" * 499, b"a" * 500, b"a", b"b", b"\x00", b"\x01", b"\x02", b"\xff"]
KEYS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map(b"".join)
BOUNDS = st.one_of(KEYS, st.just(b""), st.just(b"\xff" * 3000))
CHANGES = st.lists(st.tuples(KEYS, st.one_of(st.none(), st.binary(max_size=3))), max_size=40)

Walk: TypeAlias = Callable[..., Iterator[tuple[bytes, memoryview]]]


@dataclass(frozen=True)
class Store:
    environment: lmdb.Environment
    trees: Trees


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder: Path = tmp_path_factory.mktemp("longkeys")
    with lmdb.open(str(folder), max_dbs=2, map_size=1 << 30, sync=False) as environment:
        yield Store(environment, Trees(environment.open_db(b"keys"), environment.open_db(b"rests")))


def change(txn: lmdb.Transaction[bytes], trees: Trees, key: bytes, value: bytes | None) -> None:
    if value is None:
        longkeys.delete(txn, trees, key)
    else:
        longkeys.put(txn, trees, key, value)


def walked(walk: Walk, txn: lmdb.Transaction[Any], trees: Trees, *bounds: bytes) -> list[tuple[bytes, bytes]]:
    return [(key, bytes(value)) for key, value in walk(txn, trees, *bounds)]


@settings(max_examples=400, deadline=None)
@given(changes=CHANGES, ranges=st.lists(st.tuples(BOUNDS, BOUNDS), min_size=1, max_size=8))
@example(changes=[(b"a" * 500, b"1"), (b"a" * 501, b"2"), (b"a" * 500 + b"\x00", b"3")], ranges=[(b"", b"\xff" * 3000)])
def test_long_keys_read_as_a_sorted_dict_does(
    store: Store, changes: list[tuple[bytes, bytes | None]], ranges: list[tuple[bytes, bytes]]
) -> None:
    trees = store.trees
    model: dict[bytes, bytes] = {}
    with store.environment.begin(write=True) as txn:
        for key, value in changes:
            change(txn, trees, key, value)
            model.pop(key, None)
            if value is not None:
                model[key] = value
            assert longkeys.get(txn, trees, key) == value
        for start, stop in ranges:
            expected = sorted((key, value) for key, value in model.items() if start <= key < stop)
            assert walked(longkeys.ascending, txn, trees, start, stop) == expected
            assert walked(longkeys.descending, txn, trees, start, stop) == expected[::-1]
        txn.abort()


@settings(max_examples=200, deadline=None)
@given(keys=st.lists(KEYS, unique=True, max_size=30), order=st.randoms(use_true_random=False))
def test_nothing_remains_of_long_keys_that_are_deleted(store: Store, keys: list[bytes], order: Random) -> None:
    trees = store.trees
    with store.environment.begin(write=True) as txn:
        for key in keys:
            longkeys.put(txn, trees, key, key)
        order.shuffle(keys)
        while keys:
            longkeys.delete(txn, trees, keys.pop())
            assert all(longkeys.get(txn, trees, key) == key for key in keys)
        assert txn.stat(trees.keys)["entries"] == txn.stat(trees.rests)["entries"] == 0
        txn.abort()
