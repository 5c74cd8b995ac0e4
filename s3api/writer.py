"""Answers written by the model's shapes: the dict that a handler returns becomes headers and an XML body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from s3api.model import Member, Operation, Shape
from s3api.times import SECOND, http_date, iso_date
from s3api.xml import HEADER, NAMESPACE, escape

Headers = list[tuple[str, str]]


def write_headers(operation: Operation, members: Mapping[str, Any]) -> Headers:
    """The members of an answer that stand in headers, in the model's order."""
    headers: Headers = []
    for member in operation.output.members:
        value = members.get(member.name)
        if value is None:
            continue
        if member.location == "header":
            headers.append((member.wire, _text(value, member.shape, timestamp_format="rfc822")))
        elif member.location == "headers":
            headers.extend((member.wire + name, text) for name, text in value.items())
    return headers


def write_document(operation: Operation, members: Mapping[str, Any]) -> bytes:
    """The XML body: the payload member, or all members that stand nowhere else. Absent ones and None are left out."""
    shape = operation.output
    if shape.payload:
        member = shape.member(shape.payload)
        shape, members = member.shape, members[member.name]
    parts = [HEADER, f'<{operation.root} xmlns="{NAMESPACE}">']
    _write_structure(parts, shape, members)
    parts.append(f"</{operation.root}>")
    return "".join(parts).encode()


def _write_structure(parts: list[str], shape: Shape, members: Mapping[str, Any]) -> None:
    for member in shape.elements.values():
        value = members.get(member.name)
        if value is not None:
            _write_member(parts, member, value)


def _write_member(parts: list[str], member: Member, value: Any) -> None:
    shape = member.shape
    if shape.kind != "list":
        _write_element(parts, member.wire, shape, value)
    elif shape.flattened:
        _write_items(parts, member.wire, shape, value)
    else:
        parts.append(f"<{member.wire}>")
        _write_items(parts, shape.item_name, shape, value)
        parts.append(f"</{member.wire}>")


def _write_items(parts: list[str], name: str, shape: Shape, items: Sequence[Any]) -> None:
    assert shape.item is not None
    for item in items:
        _write_element(parts, name, shape.item, item)


def _write_element(parts: list[str], name: str, shape: Shape, value: Any) -> None:
    if shape.kind != "structure":
        parts.append(f"<{name}>{escape(_text(value, shape, timestamp_format='iso8601'))}</{name}>")
        return
    parts.append(f"<{name}{_attributes(shape, value)}>")
    _write_structure(parts, shape, value)
    parts.append(f"</{name}>")


def _attributes(shape: Shape, members: Mapping[str, Any]) -> str:
    prefix, uri = shape.namespace
    text = f' xmlns:{prefix}="{uri}"' if prefix else ""
    for member in shape.attributes:
        if members.get(member.name) is not None:
            text += f' {member.wire}="{escape(members[member.name])}"'
    return text


def _text(value: Any, shape: Shape, *, timestamp_format: str) -> str:
    """A scalar as it is written; times are ns since the epoch."""
    if shape.kind == "boolean":
        return "true" if value else "false"
    if shape.kind == "timestamp":
        return iso_date(value // SECOND) if timestamp_format == "iso8601" else http_date(value // SECOND)
    return str(value)
