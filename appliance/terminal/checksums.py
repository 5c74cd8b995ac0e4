"""Checksums as AIStore names them, of local files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from nativeapi.client_http import PIECE, Unreadable

if TYPE_CHECKING:
    from storage.checksums import Hasher

# AIStore's names and those of the table of algorithms; it calls XXH64 both xxhash and xxhash2.
ALGORITHMS = {
    "xxhash": "xxhash64",
    "xxhash2": "xxhash64",
    "md5": "md5",
    "crc32c": "crc32c",
    "sha256": "sha256",
    "sha512": "sha512",
}


def hasher(kind: str) -> Hasher | None:
    """Computes a checksum of this kind; None for a kind that is unknown or is none."""
    from storage import checksums

    return checksums.hasher(ALGORITHMS[kind]) if kind in ALGORITHMS else None


def pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        yield piece


def of_file(path: Path, kind: str) -> str:
    """The checksum of a file in hexadecimal; "" for a kind that cannot be computed. `Unreadable` names the file."""
    found = hasher(kind)
    if found is None:
        return ""
    try:
        with path.open("rb") as file:
            for piece in pieces(file):
                found.update(piece)
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}") from error
    return found.digest().hex()


def same(path: Path, size: int, kind: str, value: str) -> bool:
    """Whether the file has this size and, where there is a checksum that can be computed, this checksum."""
    if not path.is_file() or os.path.getsize(path) != size:
        return False
    mine = of_file(path, kind) if value else ""
    return not mine or mine == value
