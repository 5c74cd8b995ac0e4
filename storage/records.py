"""What the index holds: records as msgspec structs, each stored as one byte of format version and a msgpack array.

New fields go to the end, with defaults, so that older records are still read; anything else is a new format version.
Times are nanoseconds since the epoch (UTC), sizes are bytes.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

FORMAT = b"\x01"

NONE: dict[str, str] = {}

Value = bool | int | str  # of a bucket's property


class Bucket(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A bucket. `id` is never used again, so a bucket created anew sees nothing of the one deleted before."""

    id: int
    name: str
    owner: str  # canonical id of the account
    created: int  # ns
    region: str = ""  # the LocationConstraint given at creation, "" when none was
    generation: int = 1  # counts the changes of this record
    properties: dict[str, Value] = {}  # those that differ from their defaults, by name; see storage.properties


class Blob(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An immutable file of a volume."""

    id: str  # 32 hexadecimal digits
    size: int


class Part(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One part of a multipart upload, or of the object completed from it."""

    number: int
    size: int
    etag: str  # hex MD5
    modified: int  # ns
    checksums: dict[str, str]  # base64 by algorithm
    blob: Blob | None = None  # None: it has no bytes, or (of a completed object) the object's `blobs` name it
    checksum: str = ""  # as an object's, where the parts' can be combined


class ObjectRecord(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The current version of a key. What an S3 listing shows comes first: `Listed` reads a prefix."""

    size: int
    modified: int  # ns
    etag: str  # without quotes: hex MD5, or hex MD5 of MD5s, a hyphen and the number of parts
    owner: str  # canonical id of the account
    storage_class: str = "STANDARD"
    checksums: dict[str, str] = NONE  # base64 (a COMPOSITE one ends in -N) by algorithm name
    checksum_type: str = "FULL_OBJECT"  # or "COMPOSITE"
    content: dict[str, str] = NONE  # content-type, cache-control, …, lower-case names, values as sent (latin-1)
    metadata: dict[str, str] = NONE  # the names after x-amz-meta-, lower-case; values as sent (latin-1)
    tags: tuple[tuple[str, str], ...] = ()
    version: str = ""  # its number, where the bucket counts versions; S3 knows all of them as the null version
    blobs: tuple[Blob, ...] = ()  # the bytes, in order, unless they are in `data`
    parts: tuple[Part, ...] = ()  # of a completed upload: numbers, sizes, checksums; their blobs are in `blobs`
    data: bytes = b""
    checksum: str = ""  # of the type that the bucket wanted as it was written: "xxhash2:45ab…" (hex); "": none is known


class Listed(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The first fields of an `ObjectRecord`: all that a listing shows."""

    size: int
    modified: int
    etag: str
    owner: str
    storage_class: str
    checksums: dict[str, str]
    checksum_type: str


class Described(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An `ObjectRecord` as native listings show it: without its bytes, which are skipped and not copied."""

    size: int
    modified: int
    etag: str
    owner: str
    storage_class: str
    checksums: msgspec.Raw
    checksum_type: str
    content: msgspec.Raw
    metadata: dict[str, str]
    tags: msgspec.Raw = msgspec.Raw()
    version: str = ""
    blobs: msgspec.Raw = msgspec.Raw()
    parts: msgspec.Raw = msgspec.Raw()
    data: msgspec.Raw = msgspec.Raw()
    checksum: str = ""


class Sized(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The first fields of an `ObjectRecord`."""

    size: int
    modified: int
    etag: str


class Upload(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A multipart upload under way: what its object will be."""

    id: str
    initiated: int  # ns
    initiator: str  # canonical id of the account
    owner: str
    storage_class: str = "STANDARD"
    checksum_algorithm: str = ""  # "" when the creator named none
    checksum_type: str = ""
    content: dict[str, str] = NONE
    metadata: dict[str, str] = NONE
    tags: tuple[tuple[str, str], ...] = ()
    whole: str = ""  # the type of a checksum over all bytes that the object must have, even if that takes reading them
    minimum: int | None = None  # bytes, of every part but the last; None: what the store asks for


class Append(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Content that is being appended to and is no object yet: an object's first blobs, then a file that grows."""

    touched: int  # ns, the last change
    size: int
    etag: str  # of what was appended so far, piece by piece
    pieces: int
    last: tuple[int, str]  # the size before the last piece, and the hex MD5 of that piece
    tail: Blob
    base: tuple[Blob, ...] = ()


class Completion(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What completing an upload or an append answered, kept for a while so that the same request sent again is answered
    the same."""

    request: bytes  # digest of the list of parts; an append's handle
    expires: int  # ns
    record: ObjectRecord  # without its blobs and parts


class Referenced(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The fields of an `ObjectRecord` up to its blobs: which files it names, without copying its bytes."""

    size: int
    modified: int
    etag: str
    owner: str
    storage_class: str
    checksums: msgspec.Raw
    checksum_type: str
    content: msgspec.Raw
    metadata: msgspec.Raw
    tags: msgspec.Raw
    version: str
    blobs: tuple[Blob, ...]


Record = TypeVar("Record", bound=msgspec.Struct)


class Codec(Generic[Record]):
    """Records of one type to and from the index's bytes."""

    __slots__ = ("_decode", "_encode")

    def __init__(self, kind: type[Record]) -> None:
        self._decode = msgspec.msgpack.Decoder(kind).decode
        self._encode = msgspec.msgpack.Encoder().encode

    def encode(self, record: Record) -> bytes:
        return FORMAT + self._encode(record)

    def decode(self, raw: bytes | memoryview) -> Record:
        """The record; `msgspec.DecodeError` when these bytes are not of this type and format."""
        if raw[0] != FORMAT[0]:
            raise msgspec.DecodeError(f"record format {raw[0]} is not known to this release")
        return self._decode(memoryview(raw)[1:])


BUCKET = Codec(Bucket)
OBJECT = Codec(ObjectRecord)
LISTED = Codec(Listed)
SIZED = Codec(Sized)
DESCRIBED = Codec(Described)
REFERENCED = Codec(Referenced)
UPLOAD = Codec(Upload)
PART = Codec(Part)
COMPLETION = Codec(Completion)
APPEND = Codec(Append)
