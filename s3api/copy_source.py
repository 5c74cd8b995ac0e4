"""The x-amz-copy-source header: which object is copied, and through which transform."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import unquote_to_bytes

from s3api.call import ETL_ARGS, ETL_ARGS_HEADER, ETL_NAME, ETL_NAME_HEADER, ETL_PIPELINE, Call
from s3api.conditions import copy_conditions
from s3api.errors import S3Error, codes
from s3api.request import decode_term
from s3api.versions import NULL_VERSION
from storage.conditions import Conditions
from storage.errors import NotModified
from storage.rights import GET
from storage.source import Source

HEADER: Final = "x-amz-copy-source"
COPY_HEADERS: Final = frozenset(
    {HEADER, *(f"{HEADER}-if-{name}" for name in ("match", "none-match", "modified-since", "unmodified-since"))}
)
_VERSION: Final = "?versionId="
_TRANSFORM: Final = re.compile(rf"\?(?=(?:(?:{ETL_ARGS}|{ETL_PIPELINE})=[^&?]*&)*{ETL_NAME}=)")


@dataclass(frozen=True, slots=True)
class CopySource:
    bucket: str
    key: str
    version: str = NULL_VERSION
    query: Mapping[str, str] = field(default_factory=dict)  # the parameters of a transform, empty without one

    @property
    def is_plain(self) -> bool:
        return not self.query


def lensed_copy_source(headers: Mapping[str, str]) -> CopySource:
    """The source that a CopyObject names, through the transform that it names there or in headers of its own.

    s3cmd takes a question mark for a wildcard, so it cannot name one there.
    """
    named = parse_copy_source(headers[HEADER])
    name = headers.get(ETL_NAME_HEADER)
    if not name:
        return named
    if named.query:
        raise S3Error(
            codes.InvalidArgument, "The transform is named twice", ArgumentName=ETL_NAME_HEADER, ArgumentValue=name
        )
    return replace(named, query={ETL_NAME: name, ETL_ARGS: _text(headers.get(ETL_ARGS_HEADER, ""))})


def _text(value: str) -> str:
    """A header's value as the UTF-8 that it is."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeDecodeError as error:
        raise S3Error(
            codes.InvalidArgument, "Not UTF-8", ArgumentName=ETL_ARGS_HEADER, ArgumentValue=value
        ) from error


def parse_copy_source(text: str) -> CopySource:
    """`[/]bucket/key`, encoded once, with `?versionId=…` or `?etl_name=…[&etl_args=…]` (in any order) behind it.

    botocore encodes a question mark before `etl_name` as if it were part of the key, so that form is taken, too.
    """
    raw, marker, rest = text.rpartition(_VERSION)
    if not marker:
        raw, marker, rest = _split_transform(text)
    path = _decoded(raw)
    if not marker:
        path, marker, rest = _split_transform(path)
        rest = rest.encode().decode("latin-1")
    bucket, slash, key = path.removeprefix("/").partition("/")
    if not (slash and bucket and key) or bucket.startswith("arn:"):
        raise S3Error(
            codes.InvalidArgument,
            "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
            ArgumentName=HEADER,
            ArgumentValue=text,
        )
    if marker == _VERSION:
        return CopySource(bucket, key, version=_decoded(rest))
    return CopySource(bucket, key, query=_parameters(rest))


def _split_transform(text: str) -> tuple[str, str, str]:
    """As rpartition does, at the question mark before the parameters of a transform."""
    last = None
    for last in _TRANSFORM.finditer(text):
        pass
    return (text[:last.start()], "?", text[last.end():]) if last else (text, "", "")


def _decoded(raw: str) -> str:
    """A plus stays a plus, and an escape that is none stays as it is: not every client encodes."""
    try:
        return unquote_to_bytes(raw.encode("latin-1", "surrogateescape")).decode()
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        raise S3Error(codes.InvalidURI) from error


def _parameters(query: str) -> dict[str, str]:
    pieces = [piece.partition("=") for piece in query.split("&") if piece]
    return {decode_term(name): decode_term(value) for name, _, value in pieces}


def open_copy_source(call: Call, named: CopySource) -> Source:
    """The source, opened for the caller, who must be allowed to read it and whose conditions on it hold."""
    bucket = call.service.bucket(named.bucket)
    expected = call.headers.get("x-amz-source-expected-bucket-owner")
    call.authorise(GET, bucket)
    if expected not in (None, bucket.owner):
        raise S3Error(codes.AccessDenied)
    if named.version != NULL_VERSION:
        raise S3Error(codes.NoSuchVersion, VersionId=named.version)
    given = copy_conditions(call.headers)
    try:
        return call.lens(named.query)(bucket, named.key, given)
    except NotModified as error:
        raise S3Error(codes.PreconditionFailed, Condition=_failed(given)) from error


def _failed(given: Conditions) -> str:
    name = "if-none-match" if given.if_none_match is not None else "if-modified-since"
    return f"{HEADER}-{name}"
