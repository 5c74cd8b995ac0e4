"""An object's attributes as reply headers: AIStore's names over what storage keeps.

An object has one checksum, of the type that its bucket wanted when it was written, whichever door it came through;
those that S3 clients ask for are kept beside it and are S3's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from email.utils import formatdate

from nativeapi.call import Headers
from nativeapi.errors import NativeError
from nativeapi.nodes import Nodes
from storage.records import Described, ObjectRecord

SECOND = 1_000_000_000  # ns

CONTROL = re.compile(r"[\x00-\x1f\x7f]")  # what no header can hold


def checksum(record: ObjectRecord | Described) -> tuple[str, str]:
    """The type and hex value of the object's checksum; empty strings when none is known."""
    kind, _, value = record.checksum.partition(":")
    return kind, value


def checksum_headers(record: ObjectRecord, _nodes: Nodes) -> Headers:
    kind, value = checksum(record)
    return [("Ais-Checksum-Type", kind), ("Ais-Checksum-Value", value)] if kind else []


def atime_headers(record: ObjectRecord, _nodes: Nodes) -> Headers:
    """Reads are not recorded: the time of the last write stands for the last access."""
    return [("Ais-Atime", str(record.modified))]


def version_headers(record: ObjectRecord, _nodes: Nodes) -> Headers:
    return [("Ais-Version", record.version)] if record.version else []


def custom_text(metadata: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in metadata.items())


def custom_headers(record: ObjectRecord, _nodes: Nodes) -> Headers:
    return [("Ais-Custom-Md", custom_text(record.metadata))] if record.metadata else []


def last_modified_headers(record: ObjectRecord, _nodes: Nodes) -> Headers:
    return [("Last-Modified", formatdate(record.modified // SECOND, usegmt=True))]


def etag_headers(record: ObjectRecord, _nodes: Nodes) -> Headers:
    return [("Etag", f'"{record.etag}"')]


def location_headers(_record: ObjectRecord, nodes: Nodes) -> Headers:
    return [("Ais-Location", f"t[{nodes.target}]")]


def copies_headers(_record: ObjectRecord, _nodes: Nodes) -> Headers:
    return [("Ais-Mirror-Copies", "1")]


def chunked_headers(record: ObjectRecord, _nodes: Nodes) -> Headers:
    if not record.parts:
        return []
    largest = max(part.size for part in record.parts)
    return [("Ais-Chunks-Count", str(len(record.parts))), ("Ais-Chunks-Max-Chunk-Size", str(largest))]


def nothing(_record: ObjectRecord, _nodes: Nodes) -> Headers:
    """For properties that every reply shows anyway, and for those that no object here has."""
    return []


Property = Callable[[ObjectRecord, Nodes], Headers]

PROPERTIES: dict[str, Property] = {
    "name": nothing,
    "size": nothing,
    "cached": nothing,
    "status": nothing,
    "ec": nothing,
    "checksum": checksum_headers,
    "atime": atime_headers,
    "version": version_headers,
    "custom": custom_headers,
    "last-modified": last_modified_headers,
    "etag": etag_headers,
    "location": location_headers,
    "copies": copies_headers,
    "chunked": chunked_headers,
}

WITH_CONTENT: tuple[Property, ...] = (atime_headers, checksum_headers, version_headers, custom_headers)
LEGACY: tuple[Property, ...] = (*WITH_CONTENT, location_headers, copies_headers)


def content_headers(record: ObjectRecord, nodes: Nodes) -> Headers:
    """What a GET tells of the object beside its bytes."""
    return [header for row in WITH_CONTENT for header in row(record, nodes)]


def selected_headers(props: str, record: ObjectRecord, nodes: Nodes) -> Headers:
    """What a HEAD with `props=` asks for."""
    found: Headers = []
    for name in filter(None, (item.strip() for item in props.split(","))):
        row = PROPERTIES.get(name)
        if row is None:
            raise NativeError(400, f'invalid property "{name}" in props list')
        found += row(record, nodes)
    return found


def legacy_headers(bucket: str, key: str, record: ObjectRecord, nodes: Nodes) -> Headers:
    """What a HEAD without `props=` (older SDKs, Go) expects."""
    shown = CONTROL.sub(lambda found: f"%{ord(found[0]):02X}", key).encode().decode("latin-1")
    named = [("Ais-Name", shown), ("Ais-Bucket-Name", bucket), ("Ais-Bucket-Provider", "ais")]
    return named + [header for row in LEGACY for header in row(record, nodes)]
