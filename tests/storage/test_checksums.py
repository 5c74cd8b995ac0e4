"""Checksums: published check values, and digests of a whole from the digests of its parts."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.checksums import ALGORITHMS, COMPOSITE, FULL_OBJECT, combine, composite, digest, hasher

# The check values of the CRC catalogue are for "123456789"; the xxHash ones are for the empty input.
CHECK = b"123456789"


@pytest.mark.parametrize(
    ("name", "data", "value"),
    [
        ("crc32", CHECK, "cbf43926"),
        ("crc32c", CHECK, "e3069283"),
        ("crc64nvme", CHECK, "ae8b14860a799888"),
        ("sha1", b"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("md5", b"abc", "900150983cd24fb0d6963f7d28e17f72"),
        ("xxhash64", b"", "ef46db3751d8e999"),
        ("xxhash3", b"", "2d06800538d394c2"),
        ("xxhash128", b"", "99aa06d3014798d86001c324468d497f"),
    ],
)
def test_published_value_is_computed(name: str, data: bytes, value: str) -> None:
    assert digest(name, data).hex() == value


@pytest.mark.parametrize("name", ALGORITHMS)
@given(pieces=st.lists(st.binary(max_size=300), max_size=5))
def test_pieces_give_the_digest_of_the_whole(name: str, pieces: list[bytes]) -> None:
    fresh = hasher(name)
    for piece in pieces:
        fresh.update(memoryview(bytearray(piece)))
    assert fresh.digest() == digest(name, b"".join(pieces))
    assert len(fresh.digest()) == ALGORITHMS[name].size


@pytest.mark.parametrize("name", [name for name, row in ALGORITHMS.items() if FULL_OBJECT in row.types])
@given(parts=st.lists(st.binary(max_size=300), max_size=5))
def test_parts_combine_to_the_digest_of_the_whole(name: str, parts: list[bytes]) -> None:
    assert combine(name, [(digest(name, part), len(part)) for part in parts]) == digest(name, b"".join(parts))


@pytest.mark.parametrize("name", ["crc32", "crc32c", "crc64nvme"])
def test_parts_beyond_four_gibibytes_combine(name: str) -> None:
    """Zeros double: the digest of 2^33 of them from 33 combinations equals that from one."""
    length, value = 1, digest(name, b"\0")
    while length < 1 << 32:
        length, value = length * 2, combine(name, [(value, length), (value, length)])
    half = combine(name, [(value, length), (value, length)])
    assert combine(name, [(value, length)] * 4) == combine(name, [(half, 2 * length), (half, 2 * length)])


def test_hashes_do_not_combine() -> None:
    with pytest.raises(ValueError, match="sha256"):
        combine("sha256", [(bytes(32), 1)])


def test_composite_is_the_digest_of_the_digests() -> None:
    digests = [hashlib.sha256(part).digest() for part in (b"a", b"b")]
    assert composite("sha256", digests) == hashlib.sha256(digests[0] + digests[1]).digest()
    assert all(row.types[0] == COMPOSITE for name, row in ALGORITHMS.items() if name != "crc64nvme")
