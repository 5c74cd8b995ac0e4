"""DeleteObjects."""

from __future__ import annotations

from base64 import b64encode
from hashlib import md5, sha256
from typing import Any
from zlib import crc32

import pytest

from tests.s3compat.conftest import MakeBucket
from tests.s3compat.outcomes import outcome
from tests.s3compat.raw import CHUNKS_UNSIGNED_TRAILER, Raw


def document(*keys: str, quiet: str = "") -> bytes:
    objects = "".join(f"<Object><Key>{key}</Key></Object>" for key in keys)
    return f"<Delete>{f'<Quiet>{quiet}</Quiet>' if quiet else ''}{objects}</Delete>".encode()


def crc(body: bytes) -> str:
    return b64encode(crc32(body).to_bytes(4, "big")).decode()


def protected(body: bytes) -> dict[str, str]:
    return {"Content-MD5": b64encode(md5(body).digest()).decode()}


def put(s3: Any, bucket: str, *names: str) -> None:
    for name in names:
        s3.put_object(Bucket=bucket, Key=name, Body=b"x")


def left(s3: Any, bucket: str, prefix: str) -> list[str]:
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]


def test_there_or_not(s3: Any, bucket: str, key: str) -> None:
    """Checklist 123, 124: missing keys are Deleted too; nothing else is said of them."""
    put(s3, bucket, key, f"{key}-kept")
    told = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}, {"Key": f"{key}-absent"}]})
    assert told["Deleted"] == [{"Key": key}, {"Key": f"{key}-absent"}]
    assert "Errors" not in told
    assert left(s3, bucket, key) == [f"{key}-kept"]


def test_thousand_keys(s3: Any, raw: Raw, bucket: str) -> None:
    """Checklist 123: 1,000 at once."""
    names = [f"thousand/{number:04}" for number in range(1000)]
    for name in names[::10]:
        raw("PUT", f"/{bucket}/{name}", body=b"x")
    told = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": name} for name in names]})
    assert [entry["Key"] for entry in told["Deleted"]] == names
    assert left(s3, bucket, "thousand/") == []


@pytest.mark.parametrize("number", [0, 1001])
def test_too_few_or_too_many(s3: Any, raw: Raw, bucket: str, number: int) -> None:
    """Checklist 123: 400 MalformedXML, and none is deleted."""
    put(s3, bucket, "many-0")
    body = document(*(f"many-{each}" for each in range(number)))
    assert raw("POST", f"/{bucket}?delete", protected(body), body).refusal == (400, "MalformedXML")
    assert left(s3, bucket, "many-0") == ["many-0"]


def test_quiet(s3: Any, bucket: str, key: str) -> None:
    """Checklist 124: only errors are listed."""
    put(s3, bucket, key)
    objects = [{"Key": key}, {"Key": f"{key}-absent"}, {"Key": "k" * 1025}]
    told = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    assert "Deleted" not in told
    assert [error["Code"] for error in told["Errors"]] == ["KeyTooLongError"]
    assert left(s3, bucket, key) == []


def test_null_version(s3: Any, bucket: str, key: str) -> None:
    """Checklist 124: a VersionId that was given comes back; objects of a bucket without versions are `null`."""
    put(s3, bucket, key)
    told = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key, "VersionId": "null"}]})
    assert told["Deleted"] == [{"Key": key, "VersionId": "null"}]
    assert left(s3, bucket, key) == []


def test_bypass_of_governance_is_accepted(s3: Any, bucket: str, key: str) -> None:
    """Checklist 125: where nothing is locked, it changes nothing."""
    put(s3, bucket, key)
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}]}, BypassGovernanceRetention=True)
    assert left(s3, bucket, key) == []


def test_thousand_longest_keys(raw: Raw, bucket: str) -> None:
    """Checklist 123: of 1,024 bytes each, and every one of them an entity."""
    body = document(*(f"{number:04}" + "&amp;" * 1020 for number in range(1000)))
    assert len(raw("POST", f"/{bucket}?delete", protected(body), body).texts("Deleted/Key")) == 1000


def test_another_accounts_bucket(s3: Any, alt_s3: Any, anonymous_s3: Any, bucket: str, key: str) -> None:
    """Checklist 126: refused, and nothing is deleted."""
    put(s3, bucket, key)
    doomed = {"Objects": [{"Key": key}]}
    for client in (alt_s3, anonymous_s3):
        assert outcome(client.delete_objects, Bucket=bucket, Delete=doomed) == (403, "AccessDenied")
    assert left(s3, bucket, key) == [key]


def test_entities_are_decoded_once(s3: Any, raw: Raw, make_bucket: MakeBucket) -> None:
    """Checklist 126: `&amp;lt;` is the key `&lt;`; spaces at the ends belong to the key."""
    bucket = make_bucket()
    put(s3, bucket, "&lt;", "<", "a&#10;b", " spaced ", "spaced")
    body = document("&amp;lt;", "a&amp;#10;b", " spaced ")
    answer = raw("POST", f"/{bucket}?delete", protected(body), body)
    assert answer.texts("Deleted/Key") == ["&lt;", "a&#10;b", " spaced "]
    assert left(s3, bucket, "") == ["<", "spaced"]
    put(s3, bucket, "a\nb\tc")
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "<"}, {"Key": "spaced"}, {"Key": "a\nb\tc"}]})
    assert left(s3, bucket, "") == []


def test_one_key_twice(s3: Any, bucket: str, key: str) -> None:
    """Checklist 123: harmless."""
    put(s3, bucket, key)
    told = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}, {"Key": key}]})
    assert {entry["Key"] for entry in told["Deleted"]} == {key}
    assert left(s3, bucket, key) == []


def test_body_may_be_protected_in_any_way(raw: Raw, s3: Any, bucket: str, key: str) -> None:
    """Checklist 24: Content-MD5, a checksum header, a trailer."""
    body = document(key)
    ways = [
        protected(body),
        {"x-amz-checksum-crc32": crc(body)},
        {"x-amz-checksum-sha256": b64encode(sha256(body).digest()).decode()},
        {"x-amz-checksum-crc32": crc(body), "x-amz-sdk-checksum-algorithm": "CRC32"},
    ]
    for headers in ways:
        put(s3, bucket, key)
        assert raw("POST", f"/{bucket}?delete", headers, body).status == 200
        assert left(s3, bucket, key) == []
    put(s3, bucket, key)
    trailer = f"x-amz-checksum-crc32:{crc(body)}"
    streamed = raw.streamed(f"/{bucket}?delete=", [body], mode=CHUNKS_UNSIGNED_TRAILER, trailer=trailer, method="POST")
    assert raw.send(streamed).status == 200
    assert left(s3, bucket, key) == []


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}, "BadDigest"),
        ({"Content-MD5": "junk"}, "InvalidDigest"),
        ({"x-amz-checksum-crc32": "AAAAAA=="}, "BadDigest"),
    ],
)
def test_body_whose_protection_fails(
    raw: Raw, s3: Any, bucket: str, key: str, headers: dict[str, str], code: str
) -> None:
    """Checklist 24, 25: 400, and nothing is deleted."""
    put(s3, bucket, key)
    assert raw("POST", f"/{bucket}?delete", headers, document(key)).refusal == (400, code)
    assert left(s3, bucket, key) == [key]


def test_document_with_namespace(raw: Raw, s3: Any, bucket: str, key: str) -> None:
    """Checklist 23: with S3's namespace or without, with a prolog and white space between the elements."""
    put(s3, bucket, key)
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">\n'
        f"  <Object>\n    <Key>{key}</Key>\n  </Object>\n  <Quiet>false</Quiet>\n</Delete>\n"
    ).encode()
    answer = raw("POST", f"/{bucket}?delete", protected(body), body)
    assert (answer.status, answer.texts("Deleted/Key")) == (200, [key])
    assert answer.root.tag == "{http://s3.amazonaws.com/doc/2006-03-01/}DeleteResult"
    assert left(s3, bucket, key) == []


def test_missing_bucket(s3: Any) -> None:
    """Checklist 67: 404 NoSuchBucket."""
    told = outcome(s3.delete_objects, Bucket="no-such-bucket-at-all", Delete={"Objects": [{"Key": "k"}]})
    assert told == (404, "NoSuchBucket")
