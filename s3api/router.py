"""Which operation a request asks for. The table is the vendor's model; nothing falls through to another operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from s3api.errors import S3Error, codes
from s3api.model import OPERATIONS, Level, Operation

COPY_SOURCE: Final = "x-amz-copy-source"
VERSION: Final = "versionId"
_DETAILS: Final = {"list-type": "Invalid List Type specified in Request"}


def _table() -> dict[tuple[str, Level, str], tuple[Operation, ...]]:
    """By method, level and selecting name ("" is none): what a request with that name may mean, the narrowest first."""
    table: dict[tuple[str, Level, str], list[Operation]] = {}
    for operation in sorted(OPERATIONS.values(), key=lambda operation: -operation.specificity):
        for name in {name for name, _ in operation.query} | operation.required_query or {""}:
            table.setdefault((operation.method, operation.level, name), []).append(operation)
    return {place: tuple(operations) for place, operations in table.items()}


TABLE: Final = _table()

# The operation of a request that has neither routing parameters nor routing headers.
PLAIN: Final = {(o.method, o.level): o for o in OPERATIONS.values() if not o.specificity}

# Names that select operations, by level: a sub-resource of the model, or what an operation without one requires.
SUBRESOURCES: Final = {
    level: frozenset(name for found in OPERATIONS.values() if found.level is level for name, _ in found.query)
    for level in Level
}
SELECTORS: Final = {
    level: SUBRESOURCES[level].union(
        *(o.required_query for o in OPERATIONS.values() if o.level is level and not o.query)
    )
    for level in Level
}
EVERY_SUBRESOURCE: Final = frozenset().union(*SUBRESOURCES.values())
# Parameters of this server's own, which name a transform; they may be empty.
TRANSFORM_NAMES: Final = frozenset({"etl_name", "etl_args", "etl_pipeline"})
KNOWN_NAMES: Final = TRANSFORM_NAMES.union(*(operation.known_query for operation in OPERATIONS.values()))
_ROUTING: Final = {level: SELECTORS[level] | EVERY_SUBRESOURCE for level in Level}


def match(method: str, level: Level, query: Mapping[str, str], headers: Mapping[str, str]) -> Operation:
    """The one operation that the request means; 405, 501 or InvalidArgument when it means none.

    A name without a value that no operation knows is a sub-resource of the future: refused, never ignored. Unknown
    names that have a value are ignored, as Amazon does, but a version is never: who names one for an operation that
    has none would change another than he means.
    """
    operation = _choose(method, level, query, headers)
    if VERSION in query and level is Level.OBJECT and VERSION not in operation.known_query:
        raise S3Error(
            codes.InvalidArgument,
            "This operation does not accept a version-id.",
            ArgumentName=VERSION,
            ArgumentValue=query[VERSION],
        )
    return operation


def _choose(method: str, level: Level, query: Mapping[str, str], headers: Mapping[str, str]) -> Operation:
    if (not query or _is_plain(level, query)) and COPY_SOURCE not in headers:
        plain = PLAIN.get((method, level))
        if plain is not None:
            return plain
    return _match(method, level, query, headers)


def _is_plain(level: Level, query: Mapping[str, str]) -> bool:
    return _ROUTING[level].isdisjoint(query) and "" not in query.values()


def _match(method: str, level: Level, query: Mapping[str, str], headers: Mapping[str, str]) -> Operation:
    _refuse_unknown(level, query)
    chosen = next((name for name in query if name in SELECTORS[level]), "")
    selected = TABLE.get((method, level, chosen), ()) if chosen else ()
    for operation in selected + TABLE.get((method, level, ""), ()):
        if _matches(operation, query, headers):
            _refuse_leftovers(operation, query, headers)
            return operation
    raise _not_allowed(method, level, query)


def _matches(operation: Operation, query: Mapping[str, str], headers: Mapping[str, str]) -> bool:
    return (
        all(name in query and value in (None, query[name]) for name, value in operation.query)
        and operation.required_query.issubset(query)
        and operation.required_headers.issubset(headers)
    )


def _refuse_unknown(level: Level, query: Mapping[str, str]) -> None:
    for name, value in query.items():
        foreign = name in EVERY_SUBRESOURCE and name not in SUBRESOURCES[level]
        if foreign or not (value or name in KNOWN_NAMES or name[:6].lower() == "x-amz-"):
            raise S3Error(codes.NotImplemented, f"The sub-resource {name} is not implemented")


def _refuse_leftovers(operation: Operation, query: Mapping[str, str], headers: Mapping[str, str]) -> None:
    left = [name for name in query if name in SELECTORS[operation.level] and name not in operation.known_query]
    for name in left:
        if name in _DETAILS:
            raise S3Error(codes.InvalidArgument, _DETAILS[name], ArgumentName=name, ArgumentValue=query[name])
    if not left:
        return
    chosen = [name for name, _ in operation.query]
    if chosen:
        raise S3Error(
            codes.InvalidArgument,
            f"Conflicting query string parameters: {', '.join(sorted(chosen + left))}",
            ArgumentName="ResourceType",
            ArgumentValue=chosen[0],
        )
    raise _not_allowed(operation.method, operation.level, query)


def _not_allowed(method: str, level: Level, query: Mapping[str, str]) -> S3Error:
    """405 for a resource that has other methods, 501 for a combination that nobody has."""
    named = [name for name in query if name in SUBRESOURCES[level]]
    selecting = [name for name in query if name in SELECTORS[level]]
    if selecting and not named:
        return S3Error(codes.NotImplemented, f"{method} with the parameters {', '.join(selecting)} is not implemented")
    allowed = {
        operation.method
        for operation in OPERATIONS.values()
        if operation.level is level and (not named or named[0] in dict(operation.query))
    }
    resource = named[0].upper() if named else level.value
    return S3Error(
        codes.MethodNotAllowed,
        headers=(("Allow", ", ".join(sorted(allowed))),),
        Method=method,
        ResourceType=resource,
    )
