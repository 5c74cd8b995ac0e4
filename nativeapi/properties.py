"""An object's attributes as reply headers: AIStore's names over what storage keeps.

An object has one checksum, of the type that its bucket wanted when it was written, whichever door it came through;
those that S3 clients ask for are kept beside it and are S3's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from email.utils import formatdate
from pathlib import Path
from typing import NamedTuple, TypeAlias

from nativeapi.bucket_name import BucketName
from nativeapi.call import Headers
from nativeapi.errors import NativeError
from nativeapi.golayout import SECOND
from nativeapi.native import Native
from storage.keys import object_key
from storage.mounts import mount_of
from storage.records import Bucket, Described, ObjectRecord

Property: TypeAlias = "Callable[[Seen], Headers]"

CONTROL = re.compile(r"[\x00-\x1f\x7f]")  # what no header can hold


def checksum(record: ObjectRecord | Described) -> tuple[str, str]:
    """The type and hex value of the object's checksum; empty strings when none is known."""
    kind, _, value = record.checksum.partition(":")
    return kind, value


def content_headers(record: ObjectRecord) -> Headers:
    """What a GET tells of the object beside its bytes. Reads are not recorded: the time of the last write stands for
    the last access."""
    found: Headers = [("Ais-Atime", str(record.modified))]
    kind, value = checksum(record)
    if kind:
        found += [("Ais-Checksum-Type", kind), ("Ais-Checksum-Value", value)]
    if record.version:
        found.append(("Ais-Version", record.version))
    if record.metadata:
        found.append(("Ais-Custom-Md", custom_text(record.metadata)))
    return found


def custom_text(metadata: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in metadata.items())


class Seen(NamedTuple):
    """An object whose attributes are shown."""

    native: Native
    bucket: Bucket
    key: str
    record: ObjectRecord


def among_content(*names: str) -> Property:
    """Those of the `content_headers` that have one of the names."""
    return lambda seen: [pair for pair in content_headers(seen.record) if pair[0] in names]


def last_modified_headers(seen: Seen) -> Headers:
    return [("Last-Modified", formatdate(seen.record.modified // SECOND, usegmt=True))]


def etag_headers(seen: Seen) -> Headers:
    return [("Etag", f'"{seen.record.etag}"')]


def mountpath(native: Native, bucket: Bucket, key: str) -> Path:
    """The directory of the volume that the key lies on."""
    return native.store.partitions.of(object_key(bucket.id, key)).path


def location(native: Native, bucket: Bucket, key: str) -> str:
    """Where the object lies, as AIStore says it: the target, and the mountpath with its device and filesystem."""
    path = mountpath(native, bucket, key)
    mount = mount_of(path)
    return f"t[{native.nodes.target}]:mp[{path}, {mount.device}, {mount.kind}]"


def location_headers(seen: Seen) -> Headers:
    return [("Ais-Location", location(seen.native, seen.bucket, seen.key))]


def copies_headers(seen: Seen) -> Headers:
    return [("Ais-Mirror-Copies", "1"), ("Ais-Mirror-Paths", str(mountpath(seen.native, seen.bucket, seen.key)))]


def chunked_headers(seen: Seen) -> Headers:
    parts = seen.record.parts
    if not parts:
        return []
    largest = max(part.size for part in parts)
    return [("Ais-Chunks-Count", str(len(parts))), ("Ais-Chunks-Max-Chunk-Size", str(largest))]


def nothing(_seen: Seen) -> Headers:
    """For properties that every reply shows anyway, and for those that no object here has."""
    return []


PROPERTIES: dict[str, Property] = {
    "name": nothing,
    "size": nothing,
    "cached": nothing,
    "status": nothing,
    "ec": nothing,
    "checksum": among_content("Ais-Checksum-Type", "Ais-Checksum-Value"),
    "atime": among_content("Ais-Atime"),
    "version": among_content("Ais-Version"),
    "custom": among_content("Ais-Custom-Md"),
    "last-modified": last_modified_headers,
    "etag": etag_headers,
    "location": location_headers,
    "copies": copies_headers,
    "chunked": chunked_headers,
}


def selected_headers(props: str, seen: Seen) -> Headers:
    """What a HEAD with `props=` asks for."""
    found: Headers = []
    for name in filter(None, (item.strip() for item in props.split(","))):
        row = PROPERTIES.get(name)
        if row is None:
            raise NativeError(400, f'invalid property "{name}" in props list')
        found += row(seen)
    return found


def legacy_headers(seen: Seen) -> Headers:
    """What a HEAD without `props=` (older SDKs, Go) expects."""
    shown = CONTROL.sub(lambda found: f"%{ord(found[0]):02X}", seen.key).encode().decode("latin-1")
    bucket = BucketName.of(seen.bucket.name)
    return [
        ("Ais-Name", shown),
        ("Ais-Bucket-Name", bucket.name),
        ("Ais-Bucket-Provider", "ais"),
        *([("Ais-Bucket-Namespace-Name", bucket.namespace)] if bucket.namespace else []),
        *content_headers(seen.record),
        *location_headers(seen),
        ("Ais-Mirror-Copies", "1"),
        ("Ais-Mirror-Paths", f"[{mountpath(seen.native, seen.bucket, seen.key)}]"),
    ]
