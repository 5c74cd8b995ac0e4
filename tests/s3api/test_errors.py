"""Refusals: the table, the translation of storage's and the transforms' errors, the body."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import pytest

import etl.errors
import storage.errors
from s3api.errors import CODES, S3Error, codes, render
from s3api.translate import TRANSLATED, translate
from storage.records import ObjectRecord

RECORD = ObjectRecord(1, 1_640_995_200_000_000_000, "e" * 32, "me", content={"cache-control": "no-store"})
SAMPLES: dict[str, Any] = {"record": RECORD, "volume": Path("/data"), "seconds": 1.0, "status": 500}
NUMBERS = {"number", "size", "minimum", "expected", "received", "found"}


def classes(module: ModuleType) -> list[type[Exception]]:
    return [found for _, found in inspect.getmembers(module, inspect.isclass) if issubclass(found, Exception)]


def sample(kind: type[Exception]) -> Exception:
    if kind.__init__ is Exception.__init__:
        return kind()
    names = list(inspect.signature(kind).parameters)
    given = [name for name in names if name not in ("args", "kwargs")]
    return kind(*(SAMPLES.get(name, 1 if name in NUMBERS else "text") for name in given))


EVERY = [*classes(storage.errors), *classes(etl.errors)]


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_every_error_of_the_layers_below_has_a_translation(kind: type[Exception]) -> None:
    error = sample(kind)

    assert isinstance(error, TRANSLATED)
    assert isinstance(translate(error), S3Error)


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        (storage.errors.NoSuchBucket, "NoSuchBucket", 404),
        (storage.errors.NoSuchKey, "NoSuchKey", 404),
        (storage.errors.MissingForMatch, "NoSuchKey", 404),
        (storage.errors.PreconditionFailed, "PreconditionFailed", 412),
        (storage.errors.NotModified, "NotModified", 304),
        (storage.errors.Conflict, "ConditionalRequestConflict", 409),
        (storage.errors.PartTooSmall, "EntityTooSmall", 400),
        (storage.errors.BodyTimeout, "RequestTimeout", 400),
        (storage.errors.OutOfSpace, "StorageFull", 507),
        (storage.errors.VolumeFailed, "ServiceUnavailable", 503),
        (storage.errors.Corrupt, "InternalError", 500),
        (etl.errors.NoSuchTransform, "NoSuchTransform", 404),
        (etl.errors.TransformBroken, "TransformFailed", 500),
        (etl.errors.TransformTimeout, "TransformTimeout", 400),
    ],
)
def test_translation_says_what_clients_act_on(kind: type[Exception], code: str, status: int) -> None:
    refusal = translate(sample(kind))

    assert (refusal.code.name, refusal.code.status) == (code, status)


@pytest.mark.parametrize(("answered", "status"), [(400, 400), (404, 400), (499, 400), (500, 500), (503, 500)])
def test_only_what_a_transform_refuses_is_not_worth_a_repetition(answered: int, status: int) -> None:
    refusal = translate(etl.errors.TransformFailed(answered, "ETL error: no"))

    assert (refusal.code.name, refusal.code.status) == ("TransformFailed", status)
    assert (refusal.message, refusal.details) == ("ETL error: no", {"TransformStatus": answered})


def test_not_modified_repeats_the_validators() -> None:
    headers = dict(translate(storage.errors.NotModified(RECORD)).headers)

    assert headers["ETag"] == f'"{"e" * 32}"'
    assert headers["Last-Modified"] == "Sat, 01 Jan 2022 00:00:00 GMT"
    assert headers["Cache-Control"] == "no-store"


def test_codes_are_named_as_they_are_held() -> None:
    assert all(code.name == name and 300 <= code.status < 600 and code.message for name, code in CODES.items())
    assert codes.NoSuchKey.name == "NoSuchKey"


def test_body_has_the_details_between_message_and_resource_and_escapes_them() -> None:
    error = S3Error(codes.NoSuchKey, Key='<&">\r\x01')

    body = render(error, resource="/b/<k>", request_id="0A", host_id="host")

    assert body == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code>'
        b"<Message>The specified key does not exist.</Message><Key>&lt;&amp;&quot;&gt;&#13;\xef\xbf\xbd</Key>"
        b"<Resource>/b/&lt;k&gt;</Resource><RequestId>0A</RequestId><HostId>host</HostId></Error>"
    )


@pytest.mark.parametrize("code", list(CODES.values()), ids=lambda code: code.name)
def test_every_body_is_well_formed(code: Any) -> None:
    root = ElementTree.fromstring(render(S3Error(code), resource="/", request_id="0", host_id="h"))

    assert [child.tag for child in root] == ["Code", "Message", "Resource", "RequestId", "HostId"]
