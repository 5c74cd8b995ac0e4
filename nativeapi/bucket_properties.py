"""A bucket's properties as clients see and change them; which there are is in `nativeapi.property_table`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from json import dumps
from typing import Any, Final

from nativeapi import names
from nativeapi.call import EMPTY, Action, Call, Reply
from nativeapi.errors import NativeError, unsupported
from nativeapi.native import Native
from nativeapi.property_table import DISABLE_COLD_GET, OF_CLUSTER, PROPERTIES, STREAM_COLD_GET, TABLE, Effect, Property
from nativeapi.remote import expecting_remote
from storage import properties as stored
from storage.records import Bucket, Value
from storage.rights import BCK_SET_ACL

OWN_BIT: Final = 1 << 63  # AIStore marks the ids of its own buckets with it
FORCE: Final = "force"  # beside the properties in a change; there is nothing here that it would force
BACKEND: Final = "backend_bck"

DEEPEST: Final = max(name.count(".") for name in PROPERTIES)  # dots in a name
INHERITABLE: Final = frozenset(row.name for row in TABLE if row.effect in (Effect.GOVERNS, Effect.KEPT)) - OF_CLUSTER


def inherited(native: Native) -> dict[str, Value]:
    """What a bucket made through this API has from the cluster's configuration, where it differs from the defaults."""
    values = native.configuration.values()
    return {name: values[name] for name in values.keys() & INHERITABLE if values[name] != PROPERTIES[name].default}


def flattened(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of a change by their dotted names, no deeper than properties lie; null leaves one as it is."""
    for name, inner in value.items():
        if isinstance(inner, dict) and prefix.count(".") < DEEPEST:
            yield from flattened(inner, f"{prefix}{name}.")
        elif inner is not None:
            yield f"{prefix}{name}", inner


def changes(native: Native, bucket: Bucket, value: Any) -> dict[str, Value]:
    """The properties that a client's (partial) object sets, each as it is kept; raises for what cannot be."""
    if not isinstance(value, dict):
        raise NativeError(400, "bucket properties must be an object")
    refuse_backend(native, value.get(BACKEND))
    found: dict[str, Value] = {}
    for name, written in flattened(value):
        if name == FORCE:
            continue
        row = PROPERTIES.get(name)
        if row is None:
            raise NativeError(400, f'unknown property "{name}"')
        found[name] = read(bucket, row, written)
    return found


def refuse_backend(native: Native, backend: object) -> None:
    """Raise where a bucket of a backend is named: there is none on this node. An empty name disconnects."""
    if isinstance(backend, dict) and isinstance(name := backend.get("name"), str) and name:
        names.stored_name(name, str(backend.get("provider", "")), "", native.nodes)
        raise NativeError(400, f"backend bucket ais://{name} must be remote")


def read(bucket: Bucket, row: Property, written: object) -> Value:
    if row.effect is Effect.READ_ONLY:
        if written != leaf(bucket, row):
            raise NativeError(400, f'property "{row.name}" is read-only')
        return row.default
    try:
        kept = row.kind.read(written)
    except ValueError as error:
        raise NativeError(400, f'invalid {row.name} "{written}": expecting {row.kind.accepts}') from error
    if kept != row.default:
        refuse(bucket, row)
    return kept


def refuse(bucket: Bucket, row: Property) -> None:
    """Raise unless a bucket of this node may have another value than the default."""
    if row.name == "ec.enabled":
        raise NativeError(
            400,
            f"ais://{bucket.name}: erasure coding needs data_slices + parity_slices + 1 targets: not enough targets "
            "(have 1)",
            code="ErrNotEnoughTargets",
        )
    if row.effect is Effect.REFUSED:
        raise unsupported(row.name)
    if row.effect is Effect.REMOTE:
        raise expecting_remote(row.name, bucket)


def merged(current: Mapping[str, Value], change: Mapping[str, Value]) -> dict[str, Value]:
    """The properties after a change, without those that have their defaults; raises where two of them do not fit."""
    after = {**current, **change}
    check_together(after)
    return {name: value for name, value in after.items() if value != PROPERTIES[name].default}


def check_together(found: Mapping[str, Value]) -> None:
    burst, tokens = number(found, stored.BURST), number(found, stored.TOKENS)
    if burst > tokens // 2:
        raise NativeError(
            400, f"invalid rate_limit.frontend.burst_size {burst}: expecting at most half of max_tokens {tokens}"
        )
    if number(found, "features") & (both := DISABLE_COLD_GET | STREAM_COLD_GET) == both:
        raise NativeError(400, "invalid features: Disable-Cold-GET and Streaming-Cold-GET exclude each other")


def number(found: Mapping[str, Value], name: str) -> int:
    return int(found.get(name, PROPERTIES[name].default))


def leaf(bucket: Bucket, row: Property) -> object:
    """The property's value as JSON shows it."""
    if row.effect is Effect.READ_ONLY:
        shown = {"bid": str(bucket.id | OWN_BIT), "created": str(bucket.created)}
        return shown.get(row.name, row.default)
    return row.kind.show(bucket.properties.get(row.name, row.default))


def document(bucket: Bucket) -> dict[str, Any]:
    """All of the bucket's properties, in AIStore's order; sections are shown even when there is nothing in them."""
    shown: dict[str, Any] = {}
    for row in TABLE:
        section = section_of(shown, row.name)
        if not row.optional or row.name in bucket.properties:
            section[row.name.rpartition(".")[2]] = leaf(bucket, row)
    return shown


def section_of(shown: dict[str, Any], name: str) -> dict[str, Any]:
    """The object in which a dotted name's last part stands."""
    for part in name.split(".")[:-1]:
        shown = shown.setdefault(part, {})
    return shown


def set_properties(native: Native, call: Call, bucket: Bucket, action: Action) -> Reply:
    """Change those that the value names, all or none; `access` takes the right to set it, too."""
    wanted = changes(native, bucket, action.value)
    if stored.ACCESS in wanted:
        require_acl(native, call, bucket)
    native.store.buckets.update(bucket, lambda current: merged(current, wanted))
    return EMPTY


def reset_properties(native: Native, call: Call, bucket: Bucket, action: Action) -> Reply:
    """Give every property the value that a new bucket has."""
    if stored.ACCESS in bucket.properties:
        require_acl(native, call, bucket)
    given = inherited(native)
    native.store.buckets.update(bucket, lambda current: given)
    return EMPTY


def require_acl(native: Native, call: Call, bucket: Bucket) -> None:
    assert call.principal is not None
    native.require(call.principal, BCK_SET_ACL, bucket)


def header(bucket: Bucket) -> tuple[str, str]:
    """All properties in one line, as HEAD tells them."""
    return "Ais-Bucket-Props", dumps(document(bucket))
