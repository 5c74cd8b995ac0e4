"""PutObject, GetObject, HeadObject, DeleteObject: bytes, headers, ranges, parts, checksums, tags."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s3api.errors import S3Error
from s3api.headers import parse_tagging
from s3api.ranges import parse_range
from tests.s3api.conftest import Client

LARGE = bytes(range(256)) * 64  # beyond the inline limit of these tests


@pytest.mark.parametrize("data", [b"", b"x", LARGE], ids=len)
def test_object_is_what_was_put(alice: Client, data: bytes) -> None:
    put = alice("PUT", "/bucket/key", body=data)
    got = alice("GET", "/bucket/key")
    head = alice("HEAD", "/bucket/key")

    etag = f'"{hashlib.md5(data).hexdigest()}"'
    assert put.headers["etag"] == got.headers["etag"] == head.headers["etag"] == etag
    assert "ETag" in put.names and "ETag" in got.names
    assert got.body == data
    assert got.headers["content-length"] == head.headers["content-length"] == str(len(data))
    assert head.body == b"" and head.status == 200
    assert got.headers["content-type"] == "binary/octet-stream"
    assert got.headers["accept-ranges"] == "bytes"


KEYS = [" ", '"', "$", "%", "&", "'", "<", ">", "_", "_ _", "a//b", "/lead", "trail/", ".", "..", "a/../b", "é", "a+b",
        "%2F", "\n", "\x01", "😀", "k" * 1024]


@pytest.mark.parametrize("key", KEYS)
def test_key_of_any_characters_is_kept(alice: Client, key: str) -> None:
    target = "/bucket/" + quote(key, safe="/" if key not in (".", "..") else "")

    assert alice("PUT", target, body=key.encode()).status == 200
    assert alice("GET", target).body == key.encode()
    assert alice("DELETE", target).status == 204
    assert alice("HEAD", target).status == 404


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_any_key_is_kept_and_listed(s3: Any, key: str) -> None:
    s3.put_object(Bucket="bucket", Key=key, Body=b"data")

    assert [found["Key"] for found in s3.list_objects_v2(Bucket="bucket")["Contents"]] == [key]
    s3.delete_object(Bucket="bucket", Key=key)


HEADERS = {
    "Cache-Control": "public, max-age=14400",
    "Content-Disposition": "bla",
    "Content-Encoding": "deflate, gzip",
    "Content-Language": "esperanto",
    "Expires": "Tue, 15 Nov 1994 8:12 pm",
    "Content-Type": "text/plain; charset=x",
    "x-amz-website-redirect-location": "/elsewhere",
    "x-amz-meta-a_b": "under",
    "x-amz-meta-a-b": "dash",
    "x-amz-meta-empty": "",
    "x-amz-meta-latin": "\xc3\xa9",
    "x-amz-meta-word": "=?UTF-8?Q?=C3=A9?=",
}


def test_headers_are_returned_as_they_were_sent_and_never_inherited(alice: Client) -> None:
    alice("PUT", "/bucket/key", HEADERS, b"data")

    for method in ("GET", "HEAD"):
        headers = alice(method, "/bucket/key").headers
        assert {name: headers[name.lower()] for name in HEADERS} == HEADERS
    alice("PUT", "/bucket/key", body=b"data")
    assert not {name.lower() for name in HEADERS} - {"content-type"} & set(alice("GET", "/bucket/key").headers)


@pytest.mark.parametrize(
    ("sent", "stored"),
    [("gzip, aws-chunked", "gzip"), ("aws-chunked,gzip,aws-chunked", "gzip"), ("aws-chunked", None), ("gzip", "gzip")],
)
def test_transfer_coding_is_no_content_encoding(alice: Client, sent: str, stored: str | None) -> None:
    alice("PUT", "/bucket/key", {"Content-Encoding": sent}, b"data")

    assert alice("HEAD", "/bucket/key").headers.get("content-encoding") == stored


def test_metadata_is_bounded_and_repeated_headers_are_joined(alice: Client) -> None:
    assert alice("PUT", "/bucket/key", {"x-amz-meta-a": "x" * 2048}).code == "MetadataTooLarge"
    alice("PUT", "/bucket/key", [("x-amz-meta-a", "1"), ("x-amz-meta-a", "2")])

    assert alice("HEAD", "/bucket/key").headers["x-amz-meta-a"] == "1,2"


@pytest.mark.parametrize(
    ("text", "status", "start", "stop"),
    [
        ("bytes=0-0", 206, 0, 1),
        ("bytes=4-7", 206, 4, 8),
        ("bytes=4-", 206, 4, len(LARGE)),
        ("bytes=-7", 206, len(LARGE) - 7, len(LARGE)),
        ("bytes=-999999", 206, 0, len(LARGE)),
        ("bytes=1-99999999", 206, 1, len(LARGE)),
        ("bytes=0-1,3-4", 200, 0, len(LARGE)),
        ("bytes=7-4", 200, 0, len(LARGE)),
        ("bytes=x-y", 200, 0, len(LARGE)),
        ("items=0-1", 200, 0, len(LARGE)),
        ("bytes=-", 200, 0, len(LARGE)),
    ],
)
@pytest.mark.parametrize("size", [100, len(LARGE)], ids=["inline", "file"])
def test_range_selects_bytes(alice: Client, text: str, status: int, start: int, stop: int, size: int) -> None:
    data = LARGE[:size]
    start, stop = (size - 7 if text == "bytes=-7" else start), min(stop, size)
    alice("PUT", "/bucket/key", body=data)

    got = alice("GET", "/bucket/key", {"Range": text})
    head = alice("HEAD", "/bucket/key", {"Range": text})

    assert (got.status, got.body) == (status, data[start:stop])
    assert head.status == status
    assert got.headers["content-length"] == head.headers["content-length"] == str(stop - start)
    assert got.headers.get("content-range") == (f"bytes {start}-{stop - 1}/{size}" if status == 206 else None)


@pytest.mark.parametrize(
    ("data", "text"), [(b"abc", "bytes=3-"), (b"", "bytes=0-"), (b"", "bytes=-1"), (b"a", "bytes=-0")]
)
def test_range_without_a_byte_is_416(alice: Client, data: bytes, text: str) -> None:
    alice("PUT", "/bucket/key", body=data)

    answer = alice("GET", "/bucket/key", {"Range": text})

    assert (answer.status, answer.code) == (416, "InvalidRange")
    assert (answer.text("RangeRequested"), answer.text("ActualObjectSize")) == (text, str(len(data)))


@given(st.text(max_size=30))
def test_any_range_is_read_or_ignored(text: str) -> None:
    for prefix in ("", "bytes="):
        parse_range(prefix + text)


def test_response_parameters_replace_headers(alice: Client) -> None:
    alice("PUT", "/bucket/key", HEADERS, b"data")
    query = (
        "response-content-type=text%2Fx&response-expires=never&response-cache-control=a%20b&response-content-encoding=z"
    )

    for method in ("GET", "HEAD"):
        headers = alice(method, f"/bucket/key?{query}").headers
        assert [headers[name] for name in ("content-type", "expires", "cache-control", "content-encoding")] == [
            "text/x", "never", "a b", "z",
        ]


def test_response_parameter_cannot_break_out_of_its_header(alice: Client) -> None:
    alice("PUT", "/bucket/key", body=b"data")

    assert alice("GET", "/bucket/key?response-content-type=a%0D%0ASet-Cookie%3A%20b").code == "InvalidArgument"


@pytest.mark.parametrize("name", ["STANDARD_IA", "REDUCED_REDUNDANCY"])
def test_storage_class_is_shown_unless_it_is_standard(alice: Client, name: str) -> None:
    alice("PUT", "/bucket/key", {"x-amz-storage-class": name})
    alice("PUT", "/bucket/plain", {"x-amz-storage-class": "STANDARD"})

    assert alice("HEAD", "/bucket/key").headers["x-amz-storage-class"] == name
    assert "x-amz-storage-class" not in alice("HEAD", "/bucket/plain").headers
    assert f"<StorageClass>{name}</StorageClass>" in alice("GET", "/bucket").body.decode()


def test_unknown_storage_class_is_refused(alice: Client) -> None:
    assert alice("PUT", "/bucket/key", {"x-amz-storage-class": "FAST"}).code == "InvalidStorageClass"


def test_tags_are_counted(alice: Client) -> None:
    alice("PUT", "/bucket/key", {"x-amz-tagging": "a=1&b=&c%20d=e%26f"})

    assert alice("GET", "/bucket/key").headers["x-amz-tagging-count"] == "3"
    assert parse_tagging("a=1&b=&c%20d=e%26f") == (("a", "1"), ("b", ""), ("c d", "e&f"))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("&".join(f"k{n}=v" for n in range(11)), "BadRequest"), ("a=1&a=2", "InvalidTag"), ("aws:a=1", "InvalidTag"),
        ("k" * 129 + "=v", "InvalidTag"), ("k=" + "v" * 257, "InvalidTag"), ("=v", "InvalidTag"),
    ],
)
def test_tags_that_s3_does_not_take_are_refused(text: str, code: str) -> None:
    with pytest.raises(S3Error) as refused:
        parse_tagging(text)
    assert refused.value.code.name == code


def test_put_without_a_length_is_411(alice: Client) -> None:
    assert (alice("PUT", "/bucket/key", framed=False).status, alice("HEAD", "/bucket/key").status) == (411, 404)


def test_put_in_chunks_needs_no_length(alice: Client) -> None:
    answer = alice("PUT", "/bucket/key", {"Transfer-Encoding": "chunked"}, LARGE, framed=False)

    assert answer.status == 200
    assert alice("GET", "/bucket/key").body == LARGE


def test_put_of_more_than_5_gib_is_refused_by_its_announcement(alice: Client) -> None:
    answer = alice("PUT", "/bucket/key", {"Content-Length": str(5 * 1024**3 + 1)}, framed=False)

    assert (answer.code, answer.text("ProposedSize"), answer.reads) == ("EntityTooLarge", str(5 * 1024**3 + 1), 0)


def test_body_that_ends_early_stores_nothing(alice: Client) -> None:
    answer = alice("PUT", "/bucket/key", {"Content-Length": "100"}, b"short", framed=False)

    assert (answer.status, answer.code) == (400, "IncompleteBody")
    assert alice("HEAD", "/bucket/key").status == 404


@pytest.mark.parametrize(
    ("value", "code"),
    [("", "InvalidDigest"), ("bad", "InvalidDigest"), (b64encode(bytes(16)).decode(), "BadDigest")],
)
def test_put_whose_md5_is_wrong_changes_nothing(alice: Client, value: str, code: str) -> None:
    alice("PUT", "/bucket/key", body=b"as it was")

    assert alice("PUT", "/bucket/key", {"Content-MD5": value}, b"new").code == code
    assert alice("GET", "/bucket/key").body == b"as it was"


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_checksum_is_checked_echoed_and_shown_when_asked_for(s3: Any, algorithm: str) -> None:
    name = f"Checksum{algorithm}"
    put = s3.put_object(Bucket="bucket", Key="key", Body=LARGE, ChecksumAlgorithm=algorithm)
    shown = s3.head_object(Bucket="bucket", Key="key", ChecksumMode="ENABLED")

    assert (put["ChecksumType"], shown["ChecksumType"]) == ("FULL_OBJECT", "FULL_OBJECT")
    assert put[name] == shown[name]
    assert name not in s3.head_object(Bucket="bucket", Key="key")
    assert name not in s3.get_object(Bucket="bucket", Key="key", ChecksumMode="ENABLED", Range="bytes=0-1")
    assert s3.get_object(Bucket="bucket", Key="key", ChecksumMode="ENABLED")["Body"].read() == LARGE
    with pytest.raises(s3.exceptions.ClientError, match="BadDigest"):
        s3.put_object(Bucket="bucket", Key="key", Body=b"x", **{name: put[name]})


def test_checksum_is_computed_when_the_client_sends_none(alice: Client) -> None:
    put = alice("PUT", "/bucket/key", body=b"data")

    assert alice("HEAD", "/bucket/key", {"x-amz-checksum-mode": "ENABLED"}).headers["x-amz-checksum-crc64nvme"] == (
        put.headers["x-amz-checksum-crc64nvme"]
    )


def test_part_of_a_plain_object_is_the_whole(alice: Client) -> None:
    alice("PUT", "/bucket/key", body=b"data")

    answer = alice("GET", "/bucket/key?partNumber=1")

    assert (answer.status, answer.body) == (206, b"data")
    assert alice("GET", "/bucket/key?partNumber=2").code == "InvalidPart"
    assert alice("GET", "/bucket/key?partNumber=x").code == "InvalidArgument"
    assert alice("GET", "/bucket/key?partNumber=1", {"Range": "bytes=0-1"}).code == "InvalidRequest"


def test_only_the_null_version_exists(alice: Client) -> None:
    alice("PUT", "/bucket/key", body=b"data")

    assert alice("GET", "/bucket/key?versionId=null").headers["x-amz-version-id"] == "null"
    assert alice("GET", "/bucket/key?versionId=abc").code == "NoSuchVersion"
    assert alice("GET", "/bucket/key?versionId=").code == "InvalidArgument"
    assert alice("DELETE", "/bucket/key?versionId=abc").status == 204
    assert alice("GET", "/bucket/key").body == b"data"
    assert alice("DELETE", "/bucket/key?versionId=null").status == 204
    assert alice("GET", "/bucket/key").code == "NoSuchKey"


def test_get_through_a_transform_streams_its_result(alice: Client) -> None:
    alice("PUT", "/bucket/key", body=b"data")

    answer = alice("GET", "/bucket/key?etl_name=upside&etl_args=a%2Bb%20c", {"Range": "bytes=0-1"})

    assert (answer.status, answer.body) == (200, b"atada+b c")
    assert "content-length" not in answer.headers
    assert alice("GET", "/bucket/key?etl_name=none").code == "NoSuchTransform"
    assert alice("GET", "/bucket/missing?etl_name=upside").code == "NoSuchKey"
    assert alice("GET", "/bucket/key?etl_name=upside&etl_pipeline=a").code == "NotImplemented"
    assert alice("GET", "/bucket/key?etl_name=").body == b"data"
    assert alice("HEAD", "/bucket/key?etl_name=upside").headers["content-length"] == "4"
    assert alice("PUT", "/bucket/other?etl_name=upside", body=b"data").code == "NotImplemented"
