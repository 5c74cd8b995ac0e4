"""Completing an upload: the list of parts checked against the parts that there are, and the object made of them."""

from __future__ import annotations

import hashlib
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from storage.checksums import ALGORITHMS, COMPOSITE, DEFAULT, FULL_OBJECT, combine, composite
from storage.errors import ChecksumMismatch, InvalidPart, InvalidPartOrder, PartTooSmall, SizeMismatch
from storage.properties import CHECKSUM_TYPES
from storage.records import ObjectRecord, Part, Upload

MINIMUM_PART_SIZE = 5 * 1024 * 1024  # bytes, of every part but the last


@dataclass(frozen=True, slots=True)
class PartRef:
    """A part as the completing request describes it: the ETag without quotes, the checksums as base64 by algorithm."""

    number: int
    etag: str
    checksums: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expected:
    """What the completing request says about the whole object; checksums as base64 by algorithm, `-N` or not."""

    size: int | None = None
    checksums: Mapping[str, str] = field(default_factory=dict)


def digest_of(refs: Sequence[PartRef]) -> bytes:
    """What tells the same list of parts, sent again, from another one."""
    listed = hashlib.sha256()
    for ref in refs:
        listed.update(f"{ref.number} {ref.etag} {sorted(ref.checksums.items())}\n".encode())
    return listed.digest()


def chosen(refs: Sequence[PartRef], parts: Mapping[int, Part], minimum: int) -> list[Part]:
    """The parts that the request names, checked as S3 checks them.

    `InvalidPartOrder`, `InvalidPart`, `PartTooSmall`.
    """
    refuse_disorder(refs)
    named = [described(ref, parts.get(ref.number)) for ref in refs]
    for part in named[:-1]:
        if part.size < minimum:
            raise PartTooSmall(part.number, part.size, minimum, part.etag)
    return named


def refuse_disorder(refs: Sequence[PartRef]) -> None:
    if not refs:
        raise InvalidPart(0)
    for before, ref in zip(refs, refs[1:]):
        if ref.number <= before.number:
            raise InvalidPartOrder(ref.number)


def described(ref: PartRef, part: Part | None) -> Part:
    """The part, if it is the one described; its checksums may be left out."""
    if part is None or part.etag != ref.etag:
        raise InvalidPart(ref.number)
    for name, value in ref.checksums.items():
        if part.checksums.get(name) != value:
            raise InvalidPart(ref.number)
    return part


def completed(
    upload: Upload, parts: Sequence[Part], modified: int, expected: Expected, reread: Callable[[str], bytes]
) -> ObjectRecord:
    """The record of the object made of the parts; `SizeMismatch` and `ChecksumMismatch` when it is not as expected.

    `reread` gives the digest, of the algorithm named, of all the parts' bytes.
    """
    size = sum(part.size for part in parts)
    if expected.size is not None and expected.size != size:
        raise SizeMismatch(expected.size, size)
    sums, kind = whole_checksums(upload, parts)
    for name, value in expected.checksums.items():
        if plain(sums.get(name, value)) != plain(value):
            raise ChecksumMismatch(name)
    etags = hashlib.md5(b"".join(bytes.fromhex(part.etag) for part in parts), usedforsecurity=False)
    return ObjectRecord(
        size, modified, f"{etags.hexdigest()}-{len(parts)}", upload.owner, upload.storage_class, sums, kind,
        upload.content, upload.metadata, upload.tags,
        blobs=tuple(part.blob for part in parts if part.blob is not None),
        parts=tuple(Part(part.number, part.size, part.etag, part.modified, part.checksums) for part in parts),
        checksum=joined_checksum(parts) or read_checksum(upload.whole, reread),
    )


def plain(value: str) -> str:
    """A checksum without the number of parts that a COMPOSITE one ends in."""
    return value.partition("-")[0]


def whole_checksums(upload: Upload, parts: Sequence[Part]) -> tuple[dict[str, str], str]:
    """The object's checksums and their type, from the parts': of the upload's algorithm, or of the default one when its
    creator named none and every part has it. `InvalidPart` when a part lacks the one that the upload asked for."""
    name = upload.checksum_algorithm or DEFAULT
    for part in parts:
        if name not in part.checksums:
            if upload.checksum_algorithm:
                raise InvalidPart(part.number)
            return {}, FULL_OBJECT
    kind = upload.checksum_type or ALGORITHMS[name].types[0]
    digests = [a2b_base64(part.checksums[name]) for part in parts]
    if kind == COMPOSITE:
        return {name: f"{base64_of(composite(name, digests))}-{len(parts)}"}, COMPOSITE
    return {name: base64_of(combine(name, ((digest, part.size) for digest, part in zip(digests, parts))))}, FULL_OBJECT


def joined_checksum(parts: Sequence[Part]) -> str:
    """The checksum of the bucket's type over the whole object; "" unless every part has one of the same type."""
    kind = parts[0].checksum.partition(":")[0]
    digests = [(bytes.fromhex(value), part.size) for part in parts for name, _, value in [part.checksum.partition(":")]
               if name == kind]
    if not kind or len(digests) < len(parts):
        return ""
    return f"{kind}:{combine(CHECKSUM_TYPES[kind], digests).hex()}"


def read_checksum(kind: str, reread: Callable[[str], bytes]) -> str:
    """The checksum of this type, over bytes that must be read again; "" when there is to be none."""
    algorithm = CHECKSUM_TYPES.get(kind, "")
    return f"{kind}:{reread(algorithm).hex()}" if algorithm else ""


def base64_of(digest: bytes) -> str:
    return b2a_base64(digest, newline=False).decode()
