"""Archives as this node reads and makes them, against those of the standard library."""

from __future__ import annotations

import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.archives import tar
from storage.archives.file import ContentFile
from storage.archives.formats import BY_SUFFIX, FORMATS, TAR, TGZ, ZIP, named, signed, typed
from storage.archives.making import Beginning, Entry, packed
from storage.archives.matching import MODES
from storage.archives.reading import Stored
from storage.content import Content, Segment, Segments, Span
from storage.errors import CorruptArchive, IncompleteBody, InvalidPattern
from tests.storage.archived import SUFFIXES, made, members_of

NAMES = ["a", "b/c" * 30, "é/x", "d" * 150, "x/" * 120 + "y", "r" * 100 + "/" + "s" * 100, "t" * 155 + "/" + "u" * 100]
MEMBERS = {name: name.encode() * (number * 400) for number, name in enumerate(NAMES)}


@contextmanager
def in_files(data: bytes, *lengths: int) -> Iterator[Segments]:
    """The data in several files, each of which holds other bytes at its ends, as parts of an object do not."""
    items, fds, position = [], [], 0
    for length in (*lengths, len(data) - sum(lengths)):
        with tempfile.TemporaryFile() as file:
            file.write(b"##" + data[position : position + length] + b"##")
            file.flush()
            fds.append(os.dup(file.fileno()))
        items.append(Segment(fds[-1], 2, length))
        position += length
    with Segments(items, fds) as segments:
        yield segments


def read(suffix: str, content: Content) -> list[tuple[str, bytes]]:
    return [(one.name, b"".join(one.read(one.whole))) for one in BY_SUFFIX[suffix].members(content)]


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_members_of_others_archives_are_read_in_order(suffix: str, form: int) -> None:
    members = {name: data for name, data in MEMBERS.items() if form != tarfile.USTAR_FORMAT or name[0] not in "dx"}
    data = made(suffix, members, form=form)
    assert read(suffix, data) == list(members.items())
    with in_files(data, 1, 700, 512) as segments:
        assert read(suffix, segments) == list(members.items())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_parts_of_members_are_read_alone_and_others_passed_over(suffix: str) -> None:
    found = [
        b"".join(one.read(Span(3, 5)))
        for one in BY_SUFFIX[suffix].members(made(suffix, MEMBERS))
        if len(one.name) % 2 and one.size
    ]
    assert found == [data[3:5] for name, data in MEMBERS.items() if len(name) % 2 and data]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_archives_made_here_are_read_by_others_and_here(suffix: str) -> None:
    row = BY_SUFFIX[suffix]
    entries = [Entry(name, len(data), [data[:7], data[7:]], 1_700_000_000) for name, data in MEMBERS.items()]
    data = b"".join(packed(Beginning(row.packer()), entries, row.codec))
    assert members_of(suffix, data) == list(MEMBERS.items())
    assert read(suffix, data) == list(MEMBERS.items())
    assert signed(data) is row


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_archive_goes_on_where_another_ends(suffix: str) -> None:
    row = BY_SUFFIX[suffix]
    data = made(suffix, MEMBERS)
    for number in range(3):
        data = b"".join(packed(row.after(data), [Entry("a", 3, [b"%03d" % number])], row.codec))
    added = [("a", b"000"), ("a", b"001"), ("a", b"002")]
    assert members_of(suffix, data) == [*MEMBERS.items(), *added]
    assert read(suffix, data) == [*MEMBERS.items(), *added]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_archive_of_nothing_is_one(suffix: str) -> None:
    row = BY_SUFFIX[suffix]
    data = b"".join(packed(Beginning(row.packer()), [], row.codec))
    assert members_of(suffix, data) == read(suffix, data) == []


def test_member_with_other_bytes_than_it_says_makes_no_archive() -> None:
    for pieces in ([b"ab"], [b"abc", b"d"]):
        with pytest.raises(IncompleteBody):
            list(packed(Beginning(TAR.packer()), [Entry("a", 3, pieces)], None))


def test_sizes_beyond_octal_digits_are_written_and_read() -> None:
    head = tar.header("big", 9 << 30)
    assert tarfile.TarInfo.frombuf(head[-512:], "utf-8", "strict").name == "big"
    with in_files(head) as segments, pytest.raises(CorruptArchive, match="ends within a member"):
        list(TAR.members(segments))
    one = next(tar.headers(Stored(ContentFile(head))))
    assert (one.name, one.size) == ("big", 9 << 30)


@pytest.mark.parametrize("size", [1025, 2**62, 2**88 - 1])
def test_member_that_claims_more_than_the_archive_holds_is_none(size: int) -> None:
    head = bytearray(tar._block(b"x", b"", b"0", 0, 0))
    head[124:136] = b"\x80" + size.to_bytes(11, "big")
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    with pytest.raises(CorruptArchive):
        next(TAR.members(bytes(head) + bytes(1024)))


@pytest.mark.timeout(5)
def test_headers_without_end_before_a_file_are_refused() -> None:
    head = tar._block(b"x", b"", tar.LONG_NAME, 0, 0)
    with pytest.raises(CorruptArchive, match="headers of more than 2097152 bytes"):
        list(TAR.members(head * 200_000))


def test_formats_are_told_by_names_types_and_first_bytes() -> None:
    assert named("A.TAR.GZ") is typed("tar.gz") is typed(".tgz") is typed("application/gzip") is TGZ
    assert named("a.tar.lz4") is FORMATS[-1]
    assert named("a.gz") is named("tar") is typed("foo") is typed(".foo") is None
    assert typed("zip") is ZIP
    assert signed(b"") is signed(b"PK") is None


@pytest.mark.parametrize(
    ("mode", "text", "found"),
    [
        ("regexp", r"^x/\d+\.", ["x/1.jpg", "x/1.seg.png"]),
        ("prefix", "x/", ["x/1.jpg", "x/1.seg.png", "x/.hidden"]),
        ("suffix", ".jpg", ["x/1.jpg", "y/x/12.jpg"]),
        ("substr", "x/1", ["x/1.jpg", "x/1.seg.png", "y/x/12.jpg"]),
        ("wdskey", "1", ["x/1.jpg", "x/1.seg.png"]),
    ],
)
def test_modes_match_as_they_are_called(mode: str, text: str, found: list[str]) -> None:
    names = ["x/1.jpg", "x/1.seg.png", "y/x/12.jpg", "x/.hidden"]
    assert [name for name in names if MODES[mode](text)(name)] == found


@pytest.mark.timeout(5)
def test_expressions_that_would_go_back_forever_do_not() -> None:
    assert not MODES["regexp"]("(a|a)*(a|a)*$b")("a" * 100_000)
    for wrong in ("(", "a{2000}{2000}", r"(?<=a)b"):
        with pytest.raises(InvalidPattern):
            MODES["regexp"](wrong)


def test_headers_that_claim_gigabytes_are_refused_unread() -> None:
    for kind in (tar.PAX, tar.LONG_NAME):
        head = tar._block(b"x", b"", kind, 1 << 30, 0)
        with pytest.raises(CorruptArchive, match="header of 1073741824 bytes"):
            list(TAR.members(head + bytes(4096)))
    with pytest.raises(CorruptArchive):  # a central directory of 4 GB
        list(ZIP.members(bytes(30) + b"PK\x05\x06" + bytes(8) + b"\xff\xff\xff\x7f" + bytes(6)))


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(suffix=st.sampled_from(SUFFIXES), data=st.data())
def test_damaged_archives_are_refused_and_nothing_else_happens(suffix: str, data: st.DataObject) -> None:
    raw = bytearray(made(suffix, {"a": b"hello" * 20, "b" * 130: b"x" * 600, "é": b""}))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(raw[: data.draw(st.integers(0, len(raw)))])
    for work in (lambda: read(suffix, cut), lambda: list(BY_SUFFIX[suffix].after(cut).pieces)):
        try:
            work()
        except CorruptArchive as error:
            assert error.reason
