"""The formats of archives, a row each, and which of them an object is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from storage.archives.codecs import GZIPPED, LZ4, Codec
from storage.archives.file import ContentFile
from storage.archives.making import Beginning, after_compressed_tar, after_tar, after_zip
from storage.archives.packing import Packer, TarPacker, ZipPacker
from storage.archives.reading import Members, in_compressed_tar, in_tar, in_zip
from storage.content import Content
from storage.errors import UnknownFormat


@dataclass(frozen=True, slots=True)
class Format:
    """`suffixes` are those of names, `name` among them; `signature` stands at byte `offset` of every archive."""

    name: str
    suffixes: tuple[str, ...]
    media_type: str
    signature: bytes
    offset: int
    members: Callable[[Content], Members]
    packer: Callable[[], Packer]
    after: Callable[[Content], Beginning]  # an archive that goes on where this one ends
    codec: Codec | None = None  # what the packed bytes are compressed with


TAR = Format(".tar", (".tar",), "application/x-tar", b"ustar", 257, in_tar, TarPacker, after_tar)
TGZ = Format(
    ".tgz", (".tgz", ".tar.gz"), "application/gzip", b"\x1f\x8b\x08", 0,
    partial(in_compressed_tar, GZIPPED), TarPacker, partial(after_compressed_tar, GZIPPED), GZIPPED,
)  # fmt: skip
ZIP = Format(".zip", (".zip",), "application/zip", b"PK\x03\x04", 0, in_zip, ZipPacker, after_zip)
TAR_LZ4 = Format(
    ".tar.lz4", (".tar.lz4",), "application/x-lz4", b"\x04\x22\x4d\x18", 0,
    partial(in_compressed_tar, LZ4), TarPacker, partial(after_compressed_tar, LZ4), LZ4,
)  # fmt: skip
FORMATS = (TAR, TGZ, ZIP, TAR_LZ4)
BY_SUFFIX = {suffix: row for row in FORMATS for suffix in row.suffixes}
assert len(BY_SUFFIX) == sum(len(row.suffixes) for row in FORMATS), "a suffix is declared twice"
SIGNED = max(row.offset + len(row.signature) for row in FORMATS)  # bytes that tell the format


def named(name: str) -> Format | None:
    """The format that an object's name tells."""
    lower = name.lower()
    return next((row for suffix, row in BY_SUFFIX.items() if lower.endswith(suffix)), None)


def typed(text: str) -> Format | None:
    """The format that AIStore calls so: a suffix, whose dot may be left out, or a media type."""
    lower = text.lower()
    by_type = next((row for row in FORMATS if row.media_type == lower), None)
    return by_type or BY_SUFFIX.get(f".{lower.removeprefix('.')}")


def signed(content: Content) -> Format | None:
    """The format that the first bytes tell."""
    start = ContentFile(content).read(SIGNED)
    return next((row for row in FORMATS if start[row.offset :].startswith(row.signature)), None)


def recognised(name: str, content: Content, *, told: Format | None = None) -> Format:
    """The format of an object by its name, else the one that is told, else by its bytes; `UnknownFormat`."""
    found = named(name) or told or signed(content)
    if found is None:
        raise UnknownFormat(name)
    return found
