"""The OpenAPI description of /v1, made from the tables that the requests are answered by.

AIStore puts many operations behind one path and method, told apart by a query parameter or by the action in the body.
OpenAPI knows one operation for both, so each is described with all that it may be asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import msgspec

from nativeapi.nodes import VERSION
from nativeapi.openapi.entries import OCTETS, TEXT, Body, Entry, ErrorDocument
from nativeapi.openapi.parameters import PARAMETERS, PATHS
from storage.rights import describe

REFERENCE = "#/components/schemas/{name}"
JSON = "application/json"
PLACE = re.compile(r"\{(\w+)\}")

Schema = dict[str, Any]
Schemas = dict[Any, Schema]  # by the type


def document(entries: Iterable[Entry]) -> dict[str, Any]:
    """The description of all entries; `ValueError` when one of them names a parameter that nobody has described."""
    rows = sorted(entries, key=lambda entry: (entry.path, entry.method))
    schemas, components = schemas_of(rows)
    paths: dict[str, Any] = {}
    for (path, method), group in groupby(rows, key=lambda entry: (entry.path, entry.method)):
        paths.setdefault(path, {})[method.lower()] = operation(path, method, list(group), schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sluice, the native API",
            "version": VERSION,
            "description": "AIStore's protocol under /v1. Every path but /v1/health takes a bearer token.",
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": components,
        },
    }


def operation(path: str, method: str, entries: list[Entry], schemas: Schemas) -> Schema:
    """What may be asked of a path with a method."""
    described: Schema = {
        "operationId": identity(method, path),
        "tags": [path.split("/")[2]],
        "summary": entries[0].summary if len(entries) == 1 else f"{len(entries)} operations, see the list",
        "description": listed(entries),
        "parameters": [*in_path(path), *in_query(entries)],
        "responses": responses(method, entries, schemas),
    }
    body = request_body(entries, schemas)
    if body:
        described["requestBody"] = {"content": body}
    if all(entry.open for entry in entries):
        described["security"] = []
    return described


def identity(method: str, path: str) -> str:
    """A name for generated clients: "getBucketsByBucket"."""
    words = PLACE.sub(r"by \1", path.removeprefix("/v1/")).replace("/", " ").replace("-", " ")
    return method.lower() + words.title().replace(" ", "")


def listed(entries: list[Entry]) -> str:
    """The operations as a Markdown table."""
    lines = ["| operation | chosen by | right | |", "|---|---|---|---|"]
    for entry in entries:
        about = entry.summary if entry.offered else f"{entry.summary} Not offered by this node: 501."
        chosen = f"`{entry.chosen}`" if entry.chosen else ""
        lines.append(f"| {entry.name} | {chosen} | {describe(entry.right)} | {about} |")
    return "\n".join(lines)


def in_path(path: str) -> Iterator[Schema]:
    for name in PLACE.findall(path):
        about = PATHS[name]
        yield {"name": name, "in": "path", "required": True, "description": about, "schema": {"type": "string"}}


def in_query(entries: list[Entry]) -> Iterator[Schema]:
    """The parameters of any of the operations; `what` with all that it may ask."""
    names = dict.fromkeys(name for entry in entries for name in entry.query)
    for name in names:
        schema, about = PARAMETERS[name]
        yield {"name": name, "in": "query", "required": False, "description": about, "schema": dict(schema)}
    asked = [entry.what for entry in entries if entry.what]
    if asked:
        schema = {"type": "string", "enum": list(dict.fromkeys(asked))}
        yield {"name": "what", "in": "query", "required": True, "description": "What is asked.", "schema": schema}


def request_body(entries: list[Entry], schemas: Schemas) -> Schema:
    """What may be sent: action messages, documents, or the bytes of an object."""
    content: Schema = {}
    messages = [message(entry, schemas) for entry in entries if entry.body is Body.ACTION]
    messages += [schemas[entry.value] for entry in entries if entry.body is Body.DOCUMENT]
    if messages:
        content[JSON] = {"schema": messages[0] if len(messages) == 1 else {"anyOf": messages}}
    if any(entry.body is Body.BYTES for entry in entries):
        content[OCTETS] = {"schema": {"type": "string", "format": "binary"}}
    return content


def message(entry: Entry, schemas: Schemas) -> Schema:
    """AIStore's action message for one action."""
    value = {} if entry.value is None else schemas[entry.value]
    return {
        "type": "object",
        "title": entry.action,
        "required": ["action"],
        "properties": {"action": {"const": entry.action}, "name": {"type": "string"}, "value": value},
    }


def responses(method: str, entries: list[Entry], schemas: Schemas) -> Schema:
    content: Schema = {}
    for kind in (kind for entry in entries for kind in entry.replies):
        if isinstance(kind, str):
            binary = {} if kind == TEXT else {"format": "binary"}
            content[kind] = {"schema": {"type": "string", **binary}}
            continue
        alternatives = content.setdefault(JSON, {"schema": {"anyOf": []}})["schema"]["anyOf"]
        if schemas[kind] not in alternatives:
            alternatives.append(schemas[kind])
    done: Schema = {"description": "Done."}
    if content and method != "HEAD":
        done["content"] = content
    told: Schema = {"2XX": done, "default": refusal(method, schemas)}
    if not all(entry.offered for entry in entries):
        absent = refusal(method, schemas) | {"description": "AIStore offers this, this node does not."}
        absent.get("content", {})[TEXT] = {"schema": {"type": "string"}}
        told["501"] = absent
    return told


def refusal(method: str, schemas: Schemas) -> Schema:
    refused: Schema = {"description": "Refused; the message says why."}
    if method != "HEAD":
        refused["content"] = {JSON: {"schema": schemas[ErrorDocument]}}
    return refused


def schemas_of(entries: Iterable[Entry]) -> tuple[Schemas, Schema]:
    """The schemas of all types that entries name, and those that they refer to."""
    named = [kind for entry in entries for kind in (entry.value, *entry.replies)]
    types = (kind for kind in named if kind is not None and not isinstance(kind, str))
    kinds = list(dict.fromkeys((ErrorDocument, *types)))
    schemas, components = msgspec.json.schema_components(kinds, ref_template=REFERENCE)
    return dict(zip(kinds, schemas)), dict(components)
