"""Both engines keep the promises of the index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from storage.engines.lmdb import LmdbIndex
from storage.engines.memory import MemoryIndex
from storage.index import Index
from storage.testing.index_contract import CHECKS, MakeIndex

numbers = count()


def on_disk(folder: Path) -> Index:
    return LmdbIndex(folder / str(next(numbers)))


def in_memory(folder: Path) -> Index:
    return MemoryIndex()


@pytest.fixture(params=[on_disk, in_memory], ids=["lmdb", "memory"])
def make_index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeIndex]:
    make: Callable[[Path], Index] = request.param
    yield lambda: make(tmp_path)


@pytest.mark.parametrize("check", CHECKS, ids=[check.__name__.removeprefix("check_") for check in CHECKS])
def test_the_engine_keeps_its_promise(check: Callable[[MakeIndex], None], make_index: MakeIndex) -> None:
    check(make_index)
