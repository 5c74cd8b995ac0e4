"""Names as AIStore writes them: providers, namespaces, buckets, objects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from nativeapi.errors import NativeError, unsupported
from nativeapi.nodes import Nodes

OWN = "ais"
GLOBAL = ("", "@#")
OBJECT_LIMIT = 1024  # bytes, as S3
BUCKET_LIMIT = 64  # characters
BUCKET = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Provider:
    """A kind of bucket; `scheme` is how its URLs begin, `title` how messages call it."""

    name: str
    scheme: str
    title: str


PROVIDERS = {
    row.name: row
    for row in (
        Provider(OWN, "ais", "AIS"),
        Provider("aws", "s3", "AWS"),
        Provider("azure", "az", "Azure"),
        Provider("gcp", "gs", "GCP"),
        Provider("oci", "oc", "OCI"),
    )
}
ALIASES = {row.scheme: row for row in PROVIDERS.values()}


def provider_called(name: str) -> Provider:
    """The provider of this name or alias; the empty name is AIStore's own."""
    known = PROVIDERS.get(name or OWN) or ALIASES.get(name)
    if known is None:
        listed = " ".join(PROVIDERS)
        raise NativeError(
            400, f'invalid backend provider "{name}": must be one of [{listed}]', code="ErrInvalidBackendProvider"
        )
    return known


def require_own(bucket: str, provider: str, namespace: str, nodes: Nodes) -> None:
    """Raise AIStore's refusal unless the bucket is one of this node's own, in the global namespace."""
    known = provider_called(provider)
    if known.name != OWN:
        raise NativeError(
            404,
            f"p[{nodes.proxy}]: failed to lookup bucket {known.scheme}://{bucket}, err: {missing_backend(known)}",
            code="ErrFailedTo",
        )
    if namespace in GLOBAL:
        return
    if namespace.startswith("@") and not namespace.startswith("@#"):
        raise NativeError(400, "no remote ais clusters attached")
    raise unsupported(f'namespace "{namespace}"')


def missing_backend(provider: Provider) -> str:
    return f"{provider.title} backend is missing in the cluster configuration"


def check_bucket_name(name: str) -> None:
    """Raise unless a bucket of this name may be created: AIStore's rule, wider than S3's."""
    if len(name) > BUCKET_LIMIT:
        raise NativeError(400, f"bucket name is too long: {len(name)} > {BUCKET_LIMIT}(max length)")
    if not BUCKET.fullmatch(name) or name.startswith(".") or ".." in name:
        raise NativeError(
            400,
            "bucket name is invalid: may only contain letters, numbers, dashes (-), underscores (_), and dots (.)",
        )


def check_object_name(name: str) -> None:
    """Raise unless an object of this name can be asked for.

    Any key that S3 can write is reachable, except those with a `.` or `..` component, which AIStore refuses.
    """
    components = name.split("/")
    if not name or "\0" in name or name.startswith("~/") or "." in components or ".." in components:
        raise NativeError(400, f'invalid object name "{name}"', code="errInvalidPath")
    if len(name.encode()) > OBJECT_LIMIT:
        raise NativeError(400, f"object name is too long: {len(name.encode())} > {OBJECT_LIMIT}(max length)")


def check_new_object_name(name: str) -> None:
    """As `check_object_name`, for a name about to be written: AIStore makes no object whose name ends with a slash."""
    check_object_name(name)
    if name.endswith("/"):
        raise NativeError(400, f'invalid object name "{name}"', code="errInvalidPath")


class Namespace(msgspec.Struct, frozen=True):
    uuid: str = ""
    name: str = ""


class BucketDocument(msgspec.Struct, frozen=True):
    """A bucket as messages name it."""

    name: str = ""
    provider: str = ""
    namespace: Namespace | None = None


@dataclass(frozen=True, slots=True)
class ObjectName:
    bucket: str
    key: str


def parse_unified(text: str, nodes: Nodes) -> ObjectName:
    """The object that AIStore's unified name (`ais/@#/bucket/name`) or URL (`ais://bucket/name`) means."""
    scheme, url, rest = text.partition("://")
    if url:
        provider, namespace = scheme, ""
    else:
        provider, _, rest = text.partition("/")
        namespace, _, rest = rest.partition("/")
    bucket, _, key = rest.partition("/")
    if not bucket or not key:
        raise NativeError(400, f'invalid object name "{text}": expecting provider/@uuid#namespace/bucket/object')
    require_own(bucket, provider, namespace, nodes)
    check_new_object_name(key)
    return ObjectName(bucket, key)


def parse_bucket_path(text: str, nodes: Nodes) -> str:
    """The bucket that AIStore's form for queries (`ais/@#/bucket/`) or a URL (`ais://bucket`) means."""
    scheme, url, rest = text.partition("://")
    if url:
        provider, namespace, bucket = scheme, "", rest.rstrip("/")
    else:
        provider, namespace, bucket = (*text.split("/", 2), "", "")[:3]
        bucket = bucket.rstrip("/")
    if not bucket or "/" in bucket:
        raise NativeError(400, f'invalid bucket "{text}": expecting provider/@uuid#namespace/bucket/')
    require_own(bucket, provider, namespace, nodes)
    return bucket


def own_bucket(bucket: str, query: Mapping[str, str], nodes: Nodes) -> str:
    """The bucket that a request's path and query mean."""
    provider, namespace = query.get("provider", ""), query.get("namespace", "")
    if provider != OWN or namespace:
        require_own(bucket, provider, namespace, nodes)
    return bucket


def bucket_document(name: str) -> dict[str, Any]:
    """A bucket of this node as AIStore's JSON has it; "" is no bucket."""
    return {"name": name, "provider": OWN if name else "", "namespace": {"uuid": "", "name": ""}}


def bucket_in(document: Any, nodes: Nodes) -> str:
    """The bucket of this node that a JSON document names; "" when it names none."""
    if not document:
        return ""
    try:
        given = msgspec.convert(document, BucketDocument)
    except msgspec.ValidationError as error:
        raise NativeError(400, f"failed to unmarshal a bucket: {error}") from error
    if given.name:
        space = given.namespace
        named = f"@{space.uuid}#{space.name}" if space is not None and (space.uuid or space.name) else ""
        require_own(given.name, given.provider, named, nodes)
    return given.name
