"""Requests read by the model's shapes: headers, query and XML body become the dict that a handler takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from lxml import etree

from s3api.errors import S3Error, codes
from s3api.model import Member, Operation, Shape
from s3api.times import parse_http_date, parse_iso_date

Members: TypeAlias = dict[str, Any]

LARGEST_BODY: Final = 8 * 1024 * 1024  # bytes; 10,000 parts with checksums fit, and 1,000 of the longest keys escaped
_BOOLEANS: Final = {"true": True, "false": False, "TRUE": True, "FALSE": False, "True": True, "False": False}
_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_LONGEST_NUMBER: Final = 19  # digits


class BadValue(ValueError):
    """A text is not of its shape's type."""


def parse_document(body: bytes) -> etree._Element:
    """The root of a document without DTD, entities, comments or network; MalformedXML when it is none of that kind.

    libxml2 itself bounds depth (256) and the size of what it expands.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise S3Error(codes.MalformedXML) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise S3Error(codes.MalformedXML)
    return root


def read_document(body: bytes, root: str, shape: Shape) -> Members:
    """The members of an XML document whose root element is `root`; MalformedXML unless it is exactly of that shape."""
    element = parse_document(body)
    if local_name(element) != root:
        raise S3Error(codes.MalformedXML)
    try:
        return _structure(element, shape)
    except BadValue as error:
        raise S3Error(codes.MalformedXML) from error


def local_name(element: etree._Element) -> str:
    tag: str = element.tag
    return tag.rpartition("}")[2]


def _value(element: etree._Element, shape: Shape) -> Any:
    if shape.kind == "structure":
        return _structure(element, shape)
    if shape.kind == "list":
        return _items(element, shape)
    if len(element):
        raise BadValue(element.tag)
    return scalar(element.text or "", shape, timestamp_format="iso8601")


def _items(element: etree._Element, shape: Shape) -> list[Any]:
    assert shape.item is not None
    if any(local_name(child) != shape.item_name for child in element):
        raise BadValue(element.tag)
    return [_value(child, shape.item) for child in element]


def _structure(element: etree._Element, shape: Shape) -> Members:
    found: Members = {}
    for child in element:
        member = shape.elements.get(local_name(child))
        if member is None:
            raise BadValue(child.tag)
        if member.shape.flattened:
            assert member.shape.item is not None
            found.setdefault(member.name, []).append(_value(child, member.shape.item))
        elif member.name in found:
            raise BadValue(child.tag)
        else:
            found[member.name] = _value(child, member.shape)
    if shape.attributes:
        _read_attributes(element, shape, found)
    if not shape.required.issubset(found):
        raise BadValue(element.tag)
    return found


def _read_attributes(element: etree._Element, shape: Shape, found: Members) -> None:
    for member in shape.attributes:
        text = element.get(_XSI + member.wire.removeprefix("xsi:"))
        if text is not None:
            found[member.name] = scalar(text, member.shape)


def scalar(text: str, shape: Shape, *, timestamp_format: str = "rfc822") -> Any:
    """A text as its shape's type; `BadValue` when it is not one. Strings are taken as they are, spaces included."""
    if shape.kind == "string":
        if shape.enum and text not in shape.enum:
            raise BadValue(text)
        return text
    text = text.strip()
    if shape.kind in ("integer", "long"):
        return whole_number(text)
    if shape.kind == "boolean":
        if text not in _BOOLEANS:
            raise BadValue(text)
        return _BOOLEANS[text]
    if shape.kind == "timestamp":
        return _timestamp(text, timestamp_format)
    return text


def whole_number(text: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > _LONGEST_NUMBER:
        raise BadValue(text)
    return int(text)


def _timestamp(text: str, form: str) -> int:
    moment = parse_iso_date(text) if form == "iso8601" else None
    if moment is None:
        moment = parse_http_date(text)
    if moment is None:
        raise BadValue(text)
    return moment


def read_members(
    operation: Operation, *, query: Mapping[str, str], headers: Mapping[str, str], body: bytes = b""
) -> Members:
    """All that a request says, by the names of the model. Bucket and key are not in it: the request has them.

    Raises InvalidArgument for a header or parameter of the wrong type, MalformedXML for the body.
    """
    found: Members = {}
    for member in operation.input.members:
        if member.location == "querystring":
            _take(found, member, query)
        elif member.location == "header":
            _take(found, member, headers)
        elif member.location == "headers":
            found[member.name] = metadata(headers, prefix=member.wire)
    payload = operation.input.payload
    if payload:
        member = operation.input.member(payload)
        if body or payload in operation.input.required:
            found[payload] = read_document(body, member.wire, member.shape)
    return found


def metadata(headers: Mapping[str, str], *, prefix: str = "x-amz-meta-") -> dict[str, str]:
    return {name[len(prefix) :]: value for name, value in headers.items() if name.startswith(prefix)}


def _take(found: Members, member: Member, values: Mapping[str, str]) -> None:
    text = values.get(member.wire)
    if text is None:
        return
    try:
        found[member.name] = scalar(text, member.shape)
    except BadValue as error:
        raise S3Error(codes.InvalidArgument, ArgumentName=member.wire, ArgumentValue=text) from error
