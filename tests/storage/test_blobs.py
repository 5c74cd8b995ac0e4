"""Files of blobs, written past the page cache where that can be."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from storage.blobs import BLOCK, DIRECT_SIZE, FANOUT, Blobs


@pytest.fixture(params=["a disk", "memory"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Blobs]:
    """Blobs on a disk, and on a filesystem that may know no other way than through the page cache."""
    with TemporaryDirectory(dir="/dev/shm" if request.param == "memory" else tmp_path) as folder:
        root = Path(folder, "blobs")
        for name in FANOUT:
            (root / name).mkdir(parents=True)
        yield Blobs(root, durable=True)


def pages(data: bytes) -> memoryview:
    """The bytes in memory of their own, at the beginning of a page."""
    memory = mmap.mmap(-1, len(data))
    memory[:] = data
    return memoryview(memory)


def written(blobs: Blobs, pieces: list[memoryview]) -> bytes:
    file = blobs.create()
    for piece in pieces:
        file.write(piece)
    blob = file.seal()
    data = Path(blobs.path(blob.id)).read_bytes()
    assert blob.size == len(data)
    return data


@pytest.mark.parametrize(
    "sizes",
    [
        [DIRECT_SIZE],
        [DIRECT_SIZE, DIRECT_SIZE + BLOCK, 1],
        [DIRECT_SIZE, DIRECT_SIZE + 1],
        [1, DIRECT_SIZE, BLOCK, DIRECT_SIZE],
        [DIRECT_SIZE, 5000, DIRECT_SIZE, DIRECT_SIZE],
    ],
)
def test_pieces_of_any_size_are_written_in_order(blobs: Blobs, sizes: list[int]) -> None:
    pieces = [os.urandom(size) for size in sizes]
    assert written(blobs, [pages(piece) for piece in pieces]) == b"".join(pieces)


def test_bytes_that_begin_within_a_page_are_written_all_the_same(blobs: Blobs) -> None:
    data = os.urandom(2 * DIRECT_SIZE + 1)
    piece = pages(data)
    assert written(blobs, [piece[1 : DIRECT_SIZE + 1], piece[DIRECT_SIZE + 1 :]]) == data[1:]


def test_announced_size_takes_the_room_at_once_and_is_kept(blobs: Blobs) -> None:
    data = os.urandom(DIRECT_SIZE + 17)
    file = blobs.create(len(data))
    file.write(pages(data[:DIRECT_SIZE]))
    file.write(pages(data[DIRECT_SIZE:]))
    assert Path(blobs.path(file.seal().id)).read_bytes() == data
