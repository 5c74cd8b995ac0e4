from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.channels.bodies import chunked, sized, until_close
from etl.channels.outgoing import chunks
from etl.errors import TransformFailed


def receiver(pieces: list[bytes]) -> Callable[[], bytes]:
    left = iter(pieces)
    return lambda: next(left, b"")


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    """`data` as a connection might deliver it."""
    places = sorted({min(cut, len(data)) for cut in cuts} - {0})
    pieces = [data[start:stop] for start, stop in zip([0, *places], [*places, len(data)])]
    return [piece for piece in pieces if piece]


CUTS = st.lists(st.integers(0, 400), max_size=20)


@given(st.lists(st.binary(max_size=60), max_size=6), CUTS)
def test_chunks_are_read_however_they_are_delivered(contents: list[bytes], cuts: list[int]) -> None:
    first, *later = split(b"".join(chunks(iter(contents))), cuts)
    assert b"".join(chunked(receiver(later), first)) == b"".join(contents)


@given(st.binary(max_size=300), CUTS, st.booleans())
def test_a_sized_body_is_read_however_it_is_delivered(data: bytes, cuts: list[int], with_head: bool) -> None:
    pieces = split(data, cuts)
    first = pieces.pop(0) if pieces and with_head else b""
    assert b"".join(sized(receiver(pieces), first, len(data))) == data
    assert b"".join(until_close(receiver(pieces), first)) == data


@given(st.binary(min_size=1, max_size=100), st.integers(0, 99))
def test_a_body_that_is_cut_is_never_taken_for_a_whole_one(data: bytes, cut: int) -> None:
    whole = b"".join(chunks(iter((data,))))
    in_chunks = chunked(receiver([]), whole[: cut % len(whole)])
    by_length = sized(receiver([]), data[: cut % len(data)], len(data))
    for body in (in_chunks, by_length):
        with pytest.raises(TransformFailed, match="closed the connection"):
            drain(body)


def test_extensions_and_trailers_are_dropped() -> None:
    assert list(chunked(receiver([]), b"3;x=y\r\nabc\r\n0;z\r\nA: b\r\nC: d\r\n\r\n")) == [b"abc"]


@pytest.mark.parametrize(
    "body", [b"x\r\nabc\r\n0\r\n\r\n", b"-3\r\nabc\r\n0\r\n\r\n", b"\r\n", b"3\r\nabcd\r\n0\r\n\r\n", b"0\r\n\r\nmore",
             b"0x3\r\nabc\r\n0\r\n\r\n", b"1_0\r\n", b"9" * 5000]
)
def test_what_is_no_chunk_is_refused(body: bytes) -> None:
    with pytest.raises(TransformFailed, match="ETL error"):
        drain(chunked(receiver([]), body))


def test_more_than_announced_is_refused() -> None:
    with pytest.raises(TransformFailed, match="more than the Content-Length"):
        drain(sized(receiver([]), b"abcd", 3))


def drain(body: Iterator[bytes]) -> None:
    for _ in body:
        pass
