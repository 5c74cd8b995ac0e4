"""Amazon's own model of S3, which botocore ships, compiled into what routing, parsing and rendering need.

It is read once, at import; botocore's JSON is then forgotten. What the model leaves out stands in the tables below.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any, Final, TypeAlias

import botocore

Json: TypeAlias = dict[str, Any]


class Level(Enum):
    """What the path of a request names."""

    SERVICE = "SERVICE"
    BUCKET = "BUCKET"
    OBJECT = "OBJECT"


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a structure, and where it stands on the wire."""

    name: str  # in the dicts that handlers take and return
    wire: str  # element, query or header name; headers in lower case
    location: str  # "uri", "querystring", "header", "headers" (a prefix), "statusCode", "attribute" or "" (the body)
    shape: Shape
    namespace: str  # of the element, "" when it has none of its own


@dataclass(frozen=True, slots=True)
class Shape:
    """A type of the model. `kind` is the model's word: structure, list, string, integer, long, boolean, timestamp, blob
    or map."""

    kind: str
    members: tuple[Member, ...] = ()
    required: frozenset[str] = frozenset()  # member names
    payload: str = ""  # the member that is the whole body, "" when the body holds every member without a location
    item: Shape | None = None
    item_name: str = ""  # element of a list's items
    flattened: bool = False  # the items stand in the parent, without an element round them
    enum: frozenset[str] = frozenset()
    timestamp_format: str = ""
    namespace: tuple[str, str] = ("", "")  # prefix and URI that the element declares
    elements: Mapping[str, Member] = field(init=False, repr=False, compare=False)  # those in the body, by wire name
    attributes: tuple[Member, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        elements = {member.wire: member for member in self.members if not member.location}
        object.__setattr__(self, "elements", elements)
        object.__setattr__(self, "attributes", tuple(m for m in self.members if m.location == "attribute"))

    def member(self, name: str) -> Member:
        return next(member for member in self.members if member.name == name)


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation: how a request for it looks, what comes in and what goes out."""

    name: str
    method: str
    level: Level
    query: tuple[tuple[str, str | None], ...]  # static: a name alone must be there, a value must be equal
    required_query: frozenset[str]
    required_headers: frozenset[str]
    known_query: frozenset[str]  # every query name that it understands
    headers: frozenset[str]  # every header that it understands, lower case
    status: int
    input: Shape
    output: Shape
    root: str  # element of the answer

    @property
    def specificity(self) -> int:
        return len(self.query) + len(self.required_query) + len(self.required_headers)


EMPTY: Final = Shape("structure")

# Names of answers' root elements, which the model's JSON form does not keep, where they are not the payload's.
ROOTS: Final = {
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "CreateSession": "CreateSessionResult",
    "DeleteObjects": "DeleteResult",
    "GetBucketAccelerateConfiguration": "AccelerateConfiguration",
    "GetBucketAcl": "AccessControlPolicy",
    "GetBucketCors": "CORSConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketLocation": "LocationConstraint",
    "GetBucketLogging": "BucketLoggingStatus",
    "GetBucketNotificationConfiguration": "NotificationConfiguration",
    "GetBucketRequestPayment": "RequestPaymentConfiguration",
    "GetBucketTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "GetBucketWebsite": "WebsiteConfiguration",
    "GetObjectAcl": "AccessControlPolicy",
    "GetObjectAttributes": "GetObjectAttributesResponse",
    "GetObjectTagging": "Tagging",
    "ListBucketAnalyticsConfigurations": "ListBucketAnalyticsConfigurationResult",
    "ListBucketInventoryConfigurations": "ListInventoryConfigurationsResult",
    "ListBucketMetricsConfigurations": "ListMetricsConfigurationsResult",
    "ListBuckets": "ListAllMyBucketsResult",
    "ListMultipartUploads": "ListMultipartUploadsResult",
    "ListObjectVersions": "ListVersionsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult",
    "ListParts": "ListPartsResult",
}


# Amazon's regions are listed; a node's may have any name.
OPEN_ENUMS: Final = frozenset({"BucketLocationConstraint"})


def _bare(name: str, method: str, level: Level) -> Operation:
    nothing: frozenset[str] = frozenset()
    return Operation(name, method, level, (), nothing, nothing, nothing, nothing, 200, EMPTY, EMPTY, name)


# What browsers send; no SDK does, so the model does not know it.
BROWSER_OPERATIONS: Final = (
    _bare("PostObject", "POST", Level.BUCKET),
    _bare("PreflightBucket", "OPTIONS", Level.BUCKET),
    _bare("PreflightObject", "OPTIONS", Level.OBJECT),
)


def _read_json() -> Json:
    folder = Path(botocore.__file__).parent / "data" / "s3" / "2006-03-01"
    packed = folder / "service-2.json.gz"
    raw = gzip.decompress(packed.read_bytes()) if packed.exists() else (folder / "service-2.json").read_bytes()
    model: Json = json.loads(raw)
    return model


class _Compiler:
    def __init__(self, shapes: Json) -> None:
        self._json = shapes
        self._done: dict[str, Shape] = {}

    def shape(self, name: str) -> Shape:
        found = self._done.get(name)
        if found is None:
            found = self._compile(self._json[name])
            if name in OPEN_ENUMS:
                found = replace(found, enum=frozenset())
            self._done[name] = found
        return found

    def _compile(self, json_shape: Json) -> Shape:
        kind = json_shape["type"]
        space = json_shape.get("xmlNamespace", {})
        if kind == "list":
            item = json_shape["member"]
            return Shape(
                kind,
                item=self.shape(item["shape"]),
                item_name=item.get("locationName", "member"),
                flattened=json_shape.get("flattened", False),
            )
        return Shape(
            kind,
            members=tuple(self._member(*pair) for pair in json_shape.get("members", {}).items()),
            required=frozenset(json_shape.get("required", ())),
            payload=json_shape.get("payload", ""),
            enum=frozenset(json_shape.get("enum", ())),
            timestamp_format=json_shape.get("timestampFormat", ""),
            namespace=(space.get("prefix", ""), space.get("uri", "")),
        )

    def _member(self, name: str, json_member: Json) -> Member:
        location = "attribute" if json_member.get("xmlAttribute") else json_member.get("location", "")
        wire = json_member.get("locationName", "")
        shape = self.shape(json_member["shape"])
        if not wire:
            wire = shape.item_name if shape.flattened and shape.item_name != "member" else name
        if location in ("header", "headers"):
            wire = wire.lower()
        return Member(name, wire, location, shape, json_member.get("xmlNamespace", {}).get("uri", ""))

    def operation(self, name: str, json_operation: Json) -> Operation:
        path, _, static = json_operation["http"]["requestUri"].partition("?")
        source = self.shape(json_operation["input"]["shape"]) if "input" in json_operation else EMPTY
        target = self.shape(json_operation["output"]["shape"]) if "output" in json_operation else EMPTY
        query = tuple(_static(part) for part in static.split("&") if part)
        return Operation(
            name=name,
            method=json_operation["http"]["method"],
            level=_level(path),
            query=query,
            required_query=_wires(source, "querystring", source.required),
            required_headers=_wires(source, "header", source.required) & ROUTING_HEADERS,
            known_query=_wires(source, "querystring") | {name for name, _ in query},
            headers=_wires(source, "header"),
            status=json_operation["http"].get("responseCode", 200),
            input=source,
            output=target,
            root=_root(name, target),
        )


# The only header that tells two operations of the same method and path apart.
ROUTING_HEADERS: Final = frozenset({"x-amz-copy-source"})


def _static(part: str) -> tuple[str, str | None]:
    name, equals, value = part.partition("=")
    return name, value if equals else None


def _level(path: str) -> Level:
    return {"/": Level.SERVICE, "/{Bucket}": Level.BUCKET, "/{Bucket}/{Key+}": Level.OBJECT}[path]


def _wires(shape: Shape, location: str, names: frozenset[str] | None = None) -> frozenset[str]:
    return frozenset(
        member.wire
        for member in shape.members
        if member.location == location and (names is None or member.name in names)
    )


def _root(name: str, output: Shape) -> str:
    if output.payload:
        return output.member(output.payload).wire
    return ROOTS.get(name, name + "Result")


def _is_ours(json_operation: Json) -> bool:
    """Not superseded by a later form of itself, and sent to the endpoint of a general-purpose bucket."""
    if json_operation.get("deprecated") or "endpoint" in json_operation:
        return False
    express = json_operation.get("staticContextParams", {}).get("UseS3ExpressControlEndpoint")
    return not (express and json_operation["http"]["requestUri"] == "/")


def _compile_operations() -> dict[str, Operation]:
    model = _read_json()
    compiler = _Compiler(model["shapes"])
    compiled = {
        name: compiler.operation(name, operation)
        for name, operation in model["operations"].items()
        if _is_ours(operation)
    }
    return compiled | {operation.name: operation for operation in BROWSER_OPERATIONS}


OPERATIONS: Final = _compile_operations()
