"""Names as AIStore writes them: providers, namespaces, buckets, objects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from nativeapi.bucket_name import BucketName
from nativeapi.errors import NativeError
from nativeapi.nodes import Nodes

OWN = "ais"
GLOBAL = ("", "@#")
OBJECT_LIMIT = 1024  # bytes, as S3
BUCKET_LIMIT = 64  # characters
BUCKET = re.compile(r"[A-Za-z0-9._-]+")
NAMESPACE = re.compile(r"(?:@([^#@/]*))?(?:#([^#@/]*))?")


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


def stored_name(bucket: str, provider: str, namespace: str, nodes: Nodes) -> str:
    """The name under which this node keeps the bucket; raises AIStore's refusal unless it is one of its own."""
    known = provider_called(provider)
    if known.name != OWN:
        raise NativeError(
            404,
            f"p[{nodes.proxy}]: failed to lookup bucket {known.scheme}://{bucket}, err: {missing_backend(known)}",
            code="ErrFailedTo",
        )
    return bucket if namespace in GLOBAL else BucketName(bucket, local_namespace(namespace, nodes)).stored


def local_namespace(text: str, nodes: Nodes) -> str:
    """The name of the local namespace that `@#name`, `#name` or the same with this cluster's uuid means, "" for the
    global one; a namespace of another cluster is refused."""
    match = NAMESPACE.fullmatch(text)
    if match is None:
        raise NativeError(400, f'invalid namespace "{text}": expecting @uuid#name')
    uuid, name = match.groups("")
    if text == "@" or uuid not in ("", nodes.cluster):
        raise other_cluster(uuid, nodes)
    if name:
        check_name(name, "namespace")
    return name


class OtherCluster(NativeError):
    """A bucket of an attached cluster ("": buckets of all of them) was named. Whoever can relay the request does."""

    def __init__(self, cluster: str) -> None:
        super().__init__(501, f"access to the buckets of @{cluster} - operation not supported", code="ErrUnsupp")
        self.cluster = cluster


def other_cluster(uuid: str, nodes: Nodes) -> NativeError:
    """Why the buckets of another cluster ("": of any) cannot be had here."""
    others = nodes.others()
    if not others:
        return NativeError(400, "no remote ais clusters attached")
    if uuid and uuid not in others:
        return NativeError(400, f'remote ais cluster "{uuid}" is not attached')
    return OtherCluster(uuid)


def missing_backend(provider: Provider) -> str:
    return f"{provider.title} backend is missing in the cluster configuration"


def check_bucket_name(stored: str) -> None:
    """Raise unless a bucket may be created and kept under this name: AIStore's rule, wider than S3's."""
    found = BucketName.of(stored)
    check_name(found.name, "bucket name")
    if found.namespace:
        check_name(found.namespace, "namespace")


def check_name(name: str, what: str) -> None:
    """Raise unless this may be the name of a bucket or of a namespace."""
    if len(name) > BUCKET_LIMIT:
        raise NativeError(400, f"{what} is too long: {len(name)} > {BUCKET_LIMIT}(max length)")
    if not BUCKET.fullmatch(name) or name.startswith(".") or ".." in name:
        raise NativeError(
            400, f"{what} is invalid: may only contain letters, numbers, dashes (-), underscores (_), and dots (.)"
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
    bucket: str  # as this node keeps it
    key: str


def parse_unified(text: str, nodes: Nodes) -> ObjectName:
    """The object that AIStore's unified name (`ais/@#/bucket/name`) or URL (`ais://bucket/name`) means."""
    bucket, key = parse_path(text, nodes)
    if not bucket or not key:
        missing = "object name" if bucket else "bucket name"
        raise NativeError(400, f'{missing} is missing in "{text}": expecting provider/@uuid#namespace/bucket/object')
    check_new_object_name(key)
    return ObjectName(bucket, key)


def parse_bucket_path(text: str, nodes: Nodes) -> str:
    """The bucket, as this node keeps it, that a unified name (`ais/@#/bucket/`) or URL (`ais://bucket`) means."""
    bucket, key = parse_path(text, nodes)
    if not bucket or key:
        raise NativeError(400, f'invalid bucket "{text}": expecting provider/@uuid#namespace/bucket/')
    return bucket


def parse_path(text: str, nodes: Nodes) -> tuple[str, str]:
    """The bucket, as this node keeps it, and what follows it; "" for what is not there."""
    provider, url, rest = text.partition("://")
    if not url:
        provider, _, rest = text.partition("/")
    namespace = ""
    if not url or rest.startswith(("@", "#")):
        namespace, _, rest = rest.partition("/")
    bucket, _, key = rest.partition("/")
    return (stored_name(bucket, provider, namespace, nodes), key) if bucket else ("", key)


def own_bucket(bucket: str, query: Mapping[str, str], nodes: Nodes) -> str:
    """The bucket, as this node keeps it, that a request's path and query mean."""
    provider, namespace = query.get("provider", ""), query.get("namespace", "")
    if provider == OWN and not namespace:
        return bucket
    return stored_name(bucket, provider, namespace, nodes)


def bucket_document(name: str) -> dict[str, Any]:
    """A bucket, as this node keeps it, as AIStore's JSON has it; "" is no bucket."""
    found = BucketName.of(name)
    return {"name": found.name, "provider": OWN if name else "", "namespace": {"uuid": "", "name": found.namespace}}


def bucket_in(document: Any, nodes: Nodes) -> str:
    """The bucket, as this node keeps it, that a JSON document names; "" when it names none."""
    if not document:
        return ""
    try:
        given = msgspec.convert(document, BucketDocument)
    except msgspec.ValidationError as error:
        raise NativeError(400, f"failed to unmarshal a bucket: {error}") from error
    if not given.name:
        return ""
    space = given.namespace
    return stored_name(given.name, given.provider, "" if space is None else f"@{space.uuid}#{space.name}", nodes)
