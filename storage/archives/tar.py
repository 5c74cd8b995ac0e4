"""TAR: headers read and written.

Python's tarfile takes 50 µs for a header, believes every size that one claims, and matches PAX headers with expressions
that backtrack (CVE-2024-6232, CVE-2025-8194 in releases that are in use). Archives come from anybody here.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Protocol
from zlib import adler32

from storage.errors import CorruptArchive

BLOCK = 512  # bytes
ADLER = 65521  # Adler-32 ends with the sum of the bytes, and one, modulo this: a tenth of what summing them costs
ZEROS = bytes(BLOCK)
END = bytes(2 * BLOCK)
LARGEST_EXTENSION = 1024 * 1024  # bytes of a PAX header or of a GNU long name
LARGEST_HEAD = 2 * LARGEST_EXTENSION  # bytes of all that stands before a file
LARGEST_OCTAL = 8**11 - 1
LARGEST = 2**63 - 1  # bytes of anything
REGULAR = frozenset((b"0", b"\0", b"7"))
WITHOUT_DATA = frozenset((b"1", b"2", b"3", b"4", b"5", b"6"))  # links, devices, folders, pipes
LONG_NAME, LONG_LINK, PAX, GLOBAL, SPARSE = b"L", b"K", b"x", b"g", b"S"
EXTENSIONS = frozenset((LONG_NAME, LONG_LINK, PAX, GLOBAL))


class Forward(Protocol):
    """Bytes that are read in one direction."""

    @property
    def position(self) -> int: ...

    def read(self, size: int) -> bytes:
        """The next bytes; fewer only at the end."""
        ...

    def forward(self, position: int) -> None:
        """Pass over everything before `position`; `CorruptArchive` when the end is before that."""
        ...


@dataclass(frozen=True, slots=True)
class Header:
    """A regular file of the archive; `head` is all that stands before its bytes, as it stands there."""

    name: str
    size: int
    head: bytes
    offset: int  # of its bytes


@dataclass(slots=True)
class Pending:
    """What extension headers say of the file that follows them."""

    head: bytearray = field(default_factory=bytearray)
    path: str = ""
    size: int | None = None


def headers(stream: Forward) -> Generator[Header, None, int]:
    """The regular files of the archive, in order; between two of them the stream may be read, but not past the file.

    Returns where the mark of the end is, or would be. Raises `CorruptArchive`.
    """
    pending = Pending()
    while True:
        start = stream.position
        block = first_block(stream)
        if block is None:
            return start
        kind, size = block[156:157], number(block[124:136])
        if kind in EXTENSIONS:
            extend(pending, kind, block, extension(stream, size))
            continue
        if kind == SPARSE:
            raise CorruptArchive("it has sparse members, which are not supported")
        name = pending.path or name_of(block)
        size = size if pending.size is None else pending.size
        offset = stream.position
        if kind in REGULAR and not (kind == b"\0" and name.endswith("/")):
            yield Header(name, size, bytes(pending.head + block), offset)
        stream.forward(offset + (0 if kind in WITHOUT_DATA else padded(size)))
        pending = Pending()


def first_block(stream: Forward) -> bytes | None:
    """The next header, verified; None at the end."""
    block = stream.read(BLOCK)
    if not block or block == ZEROS:
        return None
    if len(block) < BLOCK:
        raise CorruptArchive("it ends within a header")
    told = block[148:156]
    if (adler32(block) % 2**16 - 1 - sum(told) + 8 * 32 - number(told)) % ADLER:
        raise CorruptArchive(f"there is no header at byte {stream.position - BLOCK}")
    return block


def extension(stream: Forward, size: int) -> bytes:
    """The bytes of an extension header with their padding."""
    if size > LARGEST_EXTENSION:
        raise CorruptArchive(f"it has a header of {size} bytes")
    data = stream.read(padded(size))
    if len(data) < padded(size):
        raise CorruptArchive("it ends within a header")
    return data


def extend(pending: Pending, kind: bytes, block: bytes, data: bytes) -> None:
    size = number(block[124:136])
    pending.head += block + data
    if len(pending.head) > LARGEST_HEAD:
        raise CorruptArchive(f"it has headers of more than {LARGEST_HEAD} bytes before a file")
    if kind == LONG_NAME:
        pending.path = text(data[:size])
    elif kind == PAX:
        for key, value in records(data[:size]):
            if key == b"path":
                pending.path = text(value)
            elif key == b"size":
                pending.size = decimal(value)


def records(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The pairs of a PAX header, each of which begins with its own length."""
    start = 0
    while start < len(data):
        space = data.find(b" ", start, start + 20)
        length = decimal(data[start:space]) if space > 0 else 0
        record = data[space + 1 : start + length]
        key, equals, value = record.partition(b"=")
        if not equals or not value.endswith(b"\n"):
            raise CorruptArchive("it has a malformed PAX header")
        yield key, value[:-1]
        start += length


def decimal(digits: bytes) -> int:
    if not digits.isdigit() or len(digits) > 19:
        raise CorruptArchive("it has a malformed PAX header")
    return int(digits)


def number(field: bytes) -> int:
    """A number as headers hold it: octal digits, or binary where those do not suffice."""
    digits = field.strip(b" \0")
    try:
        value = int.from_bytes(field[1:], "big") if field[0] == 0x80 else int(digits or b"0", 8)
    except ValueError:
        value = -1
    if not 0 <= value <= LARGEST:
        raise CorruptArchive("it has a malformed header")
    return value


def name_of(block: bytes) -> str:
    name, prefix = text(block[:100]), block[345:500]
    if block[257:263] == b"ustar\0" and prefix[0]:
        return f"{text(prefix)}/{name}"
    return name


def text(raw: bytes) -> str:
    """A name, up to the first NUL; what is no UTF-8 is shown as such."""
    return raw.partition(b"\0")[0].decode(errors="replace")


def padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def padding(size: int) -> bytes:
    """What follows a file of this size."""
    return ZEROS[: -size % BLOCK]


# -- writing -------------------------------------------------------------------------------------------------------

_MIDDLE = b"0000644\x000000000\x000000000\x00"  # mode, owner, group
_AFTER_KIND = bytes(100) + b"ustar\x0000" + bytes(64) + b"0000000\x000000000\x00"  # link, magic, names, devices
_TAIL = bytes(12)
_FIXED_SUM = sum(_MIDDLE) + sum(_AFTER_KIND) + 8 * 32


def header(name: str, size: int, modified: int = 0) -> bytes:
    """All that stands before a regular file's bytes; `modified` in seconds since the epoch."""
    raw = name.encode()
    if len(raw) <= 100 and size <= LARGEST_OCTAL and name.isascii():
        return _block(raw, b"", b"0", size, modified)
    return _extended(raw, size, modified)


def _extended(raw: bytes, size: int, modified: int) -> bytes:
    """As `header` for what the plain one cannot hold: split where that is enough, else with a PAX header before it."""
    split = raw.rfind(b"/", 0, 156)
    if raw.isascii() and size <= LARGEST_OCTAL and split > 0 and len(raw) - split <= 101 and split + 1 < len(raw):
        return _block(raw[split + 1 :], raw[:split], b"0", size, modified)
    data = _record(b"path", raw)
    if size > LARGEST_OCTAL:
        data += _record(b"size", b"%d" % size)
    head = _block(b"././@PaxHeader", b"", PAX, len(data), 0)
    plain = _block(raw[:100], b"", b"0", min(size, LARGEST_OCTAL), modified)
    return head + data + padding(len(data)) + plain


def _record(key: bytes, value: bytes) -> bytes:
    length = len(key) + len(value) + 3  # a space, an equals sign, a line's end
    total = length + len(str(length))
    total = length + len(str(total))
    return b"%d %b=%b\n" % (total, key, value)


def _block(name: bytes, prefix: bytes, kind: bytes, size: int, modified: int) -> bytes:
    numbers = b"%011o\0%011o\0" % (size, modified)
    total = _FIXED_SUM + sum(name) + sum(prefix) + sum(numbers) + kind[0]
    return b"%b%b%b%06o\0 %b%b%b%b" % (
        name.ljust(100, b"\0"), _MIDDLE, numbers, total, kind, _AFTER_KIND, prefix.ljust(155, b"\0"), _TAIL,
    )  # fmt: skip
