"""The index's key spaces: one byte for the space, the bucket's id in eight bytes, then what is kept there.

    b id                                    the bucket's marker (see storage.markers)
    o id key                                the current version of a key
    u id key NUL NUL upload                 an upload under way, by key, then by initiation
    p id key NUL NUL upload number          a part of it
    f id key NUL NUL upload                 what completing it answered, or what flushing an append did
    a id key NUL NUL append                 content being appended to
    s id key NUL NUL …                      where the members of a TAR lie (see storage.archives.shards)
    c kind NUL name                         the node's catalog (see storage.catalog)
    j …                                     jobs, in the primary volume (see storage.jobs.records)

A NUL within the key of an upload is written as NUL 0xFF, which keeps the order and ends before NUL NUL.
"""

from __future__ import annotations

from storage.errors import KeyTooLong

MARKERS = b"b"
OBJECTS = b"o"
UPLOADS = b"u"
PARTS = b"p"
COMPLETIONS = b"f"
APPENDS = b"a"
SHARDS = b"s"
CATALOG = b"c"
JOBS = b"j"
OF_BUCKETS = (OBJECTS, UPLOADS, PARTS, COMPLETIONS, APPENDS, SHARDS)  # whose keys begin with a bucket's id
PREFIX_SIZE = 9  # bytes of space and bucket id
UPLOAD_ID_SIZE = 32  # hexadecimal digits, of an append's id too
END = b"\0\0"
LONGEST_KEY = 1024  # bytes


def marker_key(bucket_id: int) -> bytes:
    return MARKERS + bucket_id.to_bytes(8, "big")


def object_key(bucket_id: int, key: str) -> bytes:
    return OBJECTS + bucket_id.to_bytes(8, "big") + key.encode()


def composed(*parts: str) -> str:
    """The key that the parts make together; `KeyTooLong`. Doors check the keys that clients send whole."""
    key = "".join(parts)
    if len(key.encode()) > LONGEST_KEY:
        raise KeyTooLong(len(key.encode()), LONGEST_KEY)
    return key


def space_of(space: bytes, bucket_id: int) -> tuple[bytes, bytes]:
    """The half-open range of a bucket's keys in a key space."""
    prefix = space + bucket_id.to_bytes(8, "big")
    return prefix, after_prefix(prefix)


def after_prefix(prefix: bytes) -> bytes:
    """The first of all bytes that sorts after everything with the prefix, which is not empty and not 0xFF alone."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes((kept[-1] + 1,))


def bucket_of(raw: bytes) -> int:
    """The bucket's id in a key of any space but the catalog."""
    return int.from_bytes(raw[1:PREFIX_SIZE], "big")


def escaped(key: str) -> bytes:
    return key.encode().replace(b"\0", b"\0\xff")


def upload_suffix(bucket_id: int, key: str, upload_id: str) -> bytes:
    """What follows the space byte in the keys of an upload, of its parts and of its completion."""
    return bucket_id.to_bytes(8, "big") + escaped(key) + END + upload_id.encode()


def part_key(suffix: bytes, number: int) -> bytes:
    return PARTS + suffix + number.to_bytes(2, "big")


def parts_after(suffix: bytes, number: int) -> tuple[bytes, bytes]:
    """The half-open range of an upload's parts with higher numbers than `number`."""
    return part_key(suffix, number + 1), after_prefix(PARTS + suffix)


def suffix_of_part(raw: bytes) -> bytes:
    """The `upload_suffix` of a part's key."""
    return raw[1:-2]


def upload_of(raw: bytes) -> tuple[str, str]:
    """The key and the id of an upload from the index's key."""
    key = raw[PREFIX_SIZE:-UPLOAD_ID_SIZE - len(END)].replace(b"\0\xff", b"\0")
    return key.decode(), raw[-UPLOAD_ID_SIZE:].decode()


def shard_of(raw: bytes) -> str:
    """The key of the TAR that a record of its members is about, from the index's key."""
    return raw[PREFIX_SIZE:].partition(END)[0].replace(b"\0\xff", b"\0").decode()


BUCKETS = "bucket"  # the kind of a bucket's record in the catalog, whose name is the bucket's
