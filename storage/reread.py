"""Digests of bytes that are stored already, where they cannot be combined from the digests of their pieces."""

from __future__ import annotations

import os
from collections.abc import Sequence

from storage import checksums
from storage.errors import Corrupt
from storage.properties import CHECKSUM_TYPES
from storage.records import Blob, ObjectRecord
from storage.threads import run
from storage.volume import Volume

BUFFER_SIZE = 1024 * 1024  # bytes


def stored_digest(volume: Volume, blobs: Sequence[Blob], name: str) -> bytes:
    """The digest, of the algorithm `name`, of the blobs' bytes one after the other, read off the hub.

    `FileNotFoundError` when a blob is gone, `Corrupt` when one is shorter than recorded.
    """
    return run(_digest, volume, blobs, name)


def copied_checksum(original: ObjectRecord, kind: str, volume: Volume, blobs: Sequence[Blob]) -> str:
    """The checksum, of the type that its bucket wants, of a copy whose files are `blobs`: the original's where that is
    of this type. Of one whose checksum nobody knows nobody knows the copy's."""
    had, algorithm = original.checksum.partition(":")[0], CHECKSUM_TYPES[kind]
    if had == kind or not had:
        return original.checksum
    if not algorithm:
        return ""
    digest = stored_digest(volume, blobs, algorithm) if blobs else checksums.digest(algorithm, original.data)
    return f"{kind}:{digest.hex()}"


def _digest(volume: Volume, blobs: Sequence[Blob], name: str) -> bytes:
    hasher = checksums.hasher(name)
    buffer = memoryview(bytearray(BUFFER_SIZE))
    for blob in blobs:
        fd = volume.blobs.open(blob.id)
        try:
            _feed(hasher, fd, blob, buffer)
        finally:
            os.close(fd)
    return hasher.digest()


def _feed(hasher: checksums.Hasher, fd: int, blob: Blob, buffer: memoryview) -> None:
    rest = blob.size
    while rest:
        read = os.readv(fd, [buffer[:min(rest, BUFFER_SIZE)]])
        if not read:
            raise Corrupt(blob.id)
        hasher.update(buffer[:read])
        rest -= read


def is_intact(volume: Volume, record: ObjectRecord) -> bool:
    """Whether the object's bytes, read for this, have the checksum that the record keeps; true where it keeps none.

    `FileNotFoundError` when it was overwritten meanwhile.
    """
    kind, _, value = record.checksum.partition(":")
    algorithm = CHECKSUM_TYPES.get(kind)
    if not algorithm:
        return True
    found = stored_digest(volume, record.blobs, algorithm) if record.blobs else checksums.digest(algorithm, record.data)
    return found.hex() == value
