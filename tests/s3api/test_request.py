"""Bucket, key, parameters and headers out of what a client sends."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3api.errors import S3Error, codes
from s3api.model import Level
from s3api.request import Request

DOMAINS = ("s3.test", "example.org")


def request(target: str, *headers: tuple[str, str], method: str = "GET") -> Request:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "RAW_URI": target,
        "wsgi.url_scheme": "http",
        "sluice.headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
    }
    return Request(environ, domains=DOMAINS)


@pytest.mark.parametrize(
    ("target", "bucket", "key"),
    [
        ("/", "", ""),
        ("/bucket", "bucket", ""),
        ("/bucket/", "bucket", ""),
        ("/bucket/key", "bucket", "key"),
        ("/bucket//key", "bucket", "/key"),
        ("/bucket/a//b/", "bucket", "a//b/"),
        ("/bucket/./../.", "bucket", "./../."),
        ("/bucket/a+b%20c%2Bd%252F", "bucket", "a+b c+d%2F"),
        ("/bucket/%C3%A9", "bucket", "é"),
        ("/bucket/\xc3\xa9", "bucket", "é"),
        ("/bucket/a%0Ab", "bucket", "a\nb"),
        ("/s3", "", ""),
        ("/s3/", "", ""),
        ("/s3/bucket/key", "bucket", "key"),
        ("/s3bucket/key", "s3bucket", "key"),
        ("/bucket/s3/key", "bucket", "s3/key"),
        ("http://s3.test/bucket/key?x=1", "bucket", "key"),
    ],
)
def test_path_names_bucket_and_key_decoded_once(target: str, bucket: str, key: str) -> None:
    found = request(target)

    assert (found.bucket, found.key) == (bucket, key)
    assert found.level is (Level.OBJECT if key else Level.BUCKET if bucket else Level.SERVICE)


@pytest.mark.parametrize(
    ("host", "bucket", "key"),
    [
        ("s3.test", "a", "b"),
        ("s3.test:9000", "a", "b"),
        ("my-bucket.s3.test:9000", "my-bucket", "a/b"),
        ("My-Bucket.S3.Test", "my-bucket", "a/b"),
        ("with.dots.example.org", "with.dots", "a/b"),
        ("notexample.org", "a", "b"),
        ("127.0.0.1:9000", "a", "b"),
        ("[::1]:9000", "a", "b"),
    ],
)
def test_host_of_a_domain_names_the_bucket(host: str, bucket: str, key: str) -> None:
    found = request("/a/b", ("Host", host))

    assert (found.bucket, found.key) == (bucket, key)


def test_alias_of_the_root_is_a_key_in_virtual_host_style() -> None:
    assert request("/s3/key", ("Host", "bucket.s3.test")).key == "s3/key"


@pytest.mark.parametrize("target", ["/bucket/%FF", "/bucket/\xff", "/bucket/%zz", "/bucket/a%", "*", "bucket/key"])
def test_target_that_is_no_uri_of_utf8_is_refused(target: str) -> None:
    with pytest.raises(S3Error) as refused:
        request(target)

    assert (refused.value.code.name, refused.value.message) == ("InvalidURI", "Couldn't parse the specified URI.")


@pytest.mark.parametrize(("character", "bytes_each"), [("k", 1), ("%C3%A9", 2), ("%F0%9F%98%80", 4)])
def test_key_may_have_1024_bytes(character: str, bytes_each: int) -> None:
    request("/bucket/" + character * (1024 // bytes_each))
    with pytest.raises(S3Error) as refused:
        request("/bucket/" + character * (1024 // bytes_each) + "x")

    assert (refused.value.code.name, refused.value.details["Size"]) == ("KeyTooLongError", 1025)


def test_headers_sent_twice_are_joined() -> None:
    found = request("/", ("X-Amz-Meta-A", "1"), ("x-amz-meta-a", "2"), ("x-amz-meta-a_b", "3"), ("x-amz-meta-a-b", ""))

    assert found.headers == {"x-amz-meta-a": "1,2", "x-amz-meta-a_b": "3", "x-amz-meta-a-b": ""}


def test_query_is_decoded_once_with_plus_as_space_and_the_first_of_a_name_counts() -> None:
    assert request("/b?prefix=a+b%2Bc%252&delimiter=&uploads&prefix=z&x-id=ListObjects").query == {
        "prefix": "a b+c%2", "delimiter": "", "uploads": "",
    }


PRESIGNED_V4 = "X-Amz-Algorithm=A&X-Amz-Credential=C&X-Amz-Date=D&X-Amz-Expires=1&X-Amz-SignedHeaders=host"


def test_parameters_of_the_signature_are_not_the_operations() -> None:
    assert request(f"/b/k?{PRESIGNED_V4}&X-Amz-Signature=0").query == {}
    assert request("/b/k?AWSAccessKeyId=A&Expires=1&Signature=0").query == {}
    assert request(f"/b/k?versionId=null&{PRESIGNED_V4}&X-Amz-Signature=0").query == {"versionId": "null"}


def test_header_moved_into_a_presigned_url_counts_as_header() -> None:
    found = request(f"/b/k?{PRESIGNED_V4}&x-amz-meta-color=blue&X-Amz-Acl=private&X-Amz-Signature=0", ("Host", "h"))

    assert found.headers == {"host": "h", "x-amz-meta-color": "blue", "x-amz-acl": "private"}
    assert found.signed_headers == {"host": "h"}


def test_standard_header_moved_into_a_v2_url_counts_as_header() -> None:
    found = request("/b/k?AWSAccessKeyId=A&Expires=1&Signature=0&content-md5=m&content-type=a%2Fb", ("Host", "h"))

    assert found.headers == {"host": "h", "content-md5": "m", "content-type": "a/b"}


def test_header_precedes_the_one_moved_into_the_url() -> None:
    found = request("/b/k?Signature=0&x-amz-acl=private&x-amz-acl=public-read", ("x-amz-acl", "public-read-write"))

    assert found.headers == {"x-amz-acl": "public-read-write"}


@pytest.mark.parametrize("moved", ["x-amz-meta-a=1%0D%0AX:2", "x-amz-meta-a=1%0D", "x-amz-meta-a%0A=1",
                                   "x-amz-meta-%C4%80=1", "x-amz-meta-a%20b=1", "x-amz-meta-a%3A=1"])
def test_what_no_header_can_be_is_not_moved_into_a_url(moved: str) -> None:
    for signature in ("X-Amz-Signature", "Signature"):
        with pytest.raises(S3Error) as refused:
            request(f"/b/k?{signature}=0&{moved}")
        assert refused.value.code is codes.InvalidArgument


def test_parameter_of_a_request_that_is_not_presigned_is_no_header() -> None:
    assert request("/b/k?x-amz-copy-source=/b/secret", ("Host", "h")).headers == {"host": "h"}


LATIN = st.text(st.characters(max_codepoint=255), max_size=40)


@given(LATIN, st.lists(st.tuples(LATIN, LATIN), max_size=4))
def test_any_target_and_headers_are_read_or_refused(target: str, headers: list[tuple[str, str]]) -> None:
    for start in ("/", "/b/", "/b?", f"/b/k?{PRESIGNED_V4}&X-Amz-Signature=0&"):
        try:
            request(start + target, *headers)
        except S3Error as refused:
            assert refused.code.status == 400
