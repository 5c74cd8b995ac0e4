"""DeleteObjects."""

from __future__ import annotations

from typing import Any

import pytest

from tests.s3api.conftest import Client


def document(*keys: str, quiet: bool = False) -> bytes:
    objects = "".join(f"<Object><Key>{key}</Key></Object>" for key in keys)
    return f"<Delete>{objects}{'<Quiet>true</Quiet>' if quiet else ''}</Delete>".encode()


def test_objects_there_or_not_are_reported_as_deleted(s3: Any) -> None:
    keys = ["a", "b c+d%", "é&<", "x/y/", "missing"]
    for key in keys[:-1]:
        s3.put_object(Bucket="bucket", Key=key, Body=b"data")

    answer = s3.delete_objects(Bucket="bucket", Delete={"Objects": [{"Key": key} for key in keys]})

    assert answer["Deleted"] == [{"Key": key} for key in keys]
    assert "Contents" not in s3.list_objects_v2(Bucket="bucket")


def test_quiet_lists_errors_only(alice: Client) -> None:
    assert b"<Deleted>" not in alice("POST", "/bucket?delete", body=document("a", quiet=True)).body


def test_conditions_hold_key_by_key(s3: Any) -> None:
    for key in "abc":
        s3.put_object(Bucket="bucket", Key=key, Body=b"data")
    modified = s3.head_object(Bucket="bucket", Key="a")["LastModified"]
    objects = [
        {"Key": "a", "LastModifiedTime": modified, "Size": 4}, {"Key": "b", "ETag": '"no"'}, {"Key": "c", "Size": 5},
        {"Key": "missing", "Size": 5},
    ]

    answer = s3.delete_objects(Bucket="bucket", Delete={"Objects": objects})

    assert [found["Key"] for found in answer["Deleted"]] == ["a", "missing"]
    assert [(found["Key"], found["Code"]) for found in answer["Errors"]] == [
        ("b", "PreconditionFailed"), ("c", "PreconditionFailed"),
    ]
    assert [found["Key"] for found in s3.list_objects_v2(Bucket="bucket")["Contents"]] == ["b", "c"]


def test_only_the_null_version_is_deleted(s3: Any) -> None:
    s3.put_object(Bucket="bucket", Key="a", Body=b"data")
    other = s3.delete_objects(Bucket="bucket", Delete={"Objects": [{"Key": "a", "VersionId": "abc"}]})
    assert other["Deleted"] == [{"Key": "a", "VersionId": "abc"}]
    assert s3.head_object(Bucket="bucket", Key="a")

    null = s3.delete_objects(Bucket="bucket", Delete={"Objects": [{"Key": "a", "VersionId": "null"}]})

    assert null["Deleted"] == [{"Key": "a", "VersionId": "null"}]
    assert "Contents" not in s3.list_objects_v2(Bucket="bucket")


@pytest.mark.parametrize("count", [0, 1001])
def test_one_to_a_thousand_keys(alice: Client, count: int) -> None:
    assert alice("POST", "/bucket?delete", body=document(*map(str, range(count)))).code == "MalformedXML"


def test_keys_of_1024_bytes_are_deleted_and_longer_ones_reported(alice: Client) -> None:
    body = document(*(f"{n:04}" + "&lt;" * 1020 for n in range(400)))
    assert alice("POST", "/bucket?delete", body=body).status == 200
    assert b"KeyTooLongError" in alice("POST", "/bucket?delete", body=document("k" * 1025)).body


def test_body_is_bounded(alice: Client) -> None:
    answer = alice("POST", "/bucket?delete", body=b"<Delete>" + b" " * 9_000_000)

    assert (answer.code, answer.reads) == ("MaxMessageLengthExceeded", 0)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, ""),
        ({"x-amz-checksum-crc32": "AAAAAA=="}, "BadDigest"),
        ({"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}, "BadDigest"),
    ],
)
def test_body_is_checked_where_the_client_protects_it(alice: Client, headers: dict[str, str], code: str) -> None:
    alice("PUT", "/bucket/a", body=b"data")

    assert alice("POST", "/bucket?delete", headers, document("a")).code == code
    assert alice("HEAD", "/bucket/a").status == (200 if code else 404)
