"""Requests signed in their query, with V4 and V2."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.s3compat.conftest import client
from tests.s3compat.raw import Prepared, Raw, completion
from tests.s3compat.wire import Answer, Target

VERSIONS = ["s3v4", "s3"]


@pytest.fixture(params=VERSIONS)
def signing(request: pytest.FixtureRequest, target: Target) -> Any:
    """A boto3 client that presigns with one of the versions."""
    return client(target, target.main, signature_version=request.param)


def ask(raw: Raw, method: str, url: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
    parts = urlsplit(url)
    pairs = [("Host", parts.netloc), ("Content-Length", str(len(body))), *(headers or {}).items()]
    return raw.send(Prepared(method, f"{parts.path}?{parts.query}", pairs, body))


def test_get_put_head_and_delete(signing: Any, raw: Raw, bucket: str, key: str) -> None:
    """Checklist 43, 44: whoever has the URL may do what it says."""
    named = {"Bucket": bucket, "Key": f"{key} é+/x"}
    assert ask(raw, "PUT", signing.generate_presigned_url("put_object", named), b"body").status == 200
    assert ask(raw, "GET", signing.generate_presigned_url("get_object", named)).body == b"body"
    assert ask(raw, "HEAD", signing.generate_presigned_url("head_object", named)).status == 200
    assert ask(raw, "DELETE", signing.generate_presigned_url("delete_object", named)).status == 204
    assert ask(raw, "GET", signing.generate_presigned_url("get_object", named)).refusal == (404, "NoSuchKey")


def test_overrides_are_signed(signing: Any, raw: Raw, bucket: str, key: str) -> None:
    """Checklist 43, 65: response-* of a presigned URL."""
    named = {"Bucket": bucket, "Key": key, "ResponseContentType": "text/x", "ResponseContentDisposition": "inline; a=b"}
    raw("PUT", f"/{bucket}/{key}", body=b"x")
    answer = ask(raw, "GET", signing.generate_presigned_url("get_object", named))
    assert (answer.header("Content-Type"), answer.header("Content-Disposition")) == ("text/x", "inline; a=b")


def test_url_of_one_method_is_none_of_another(signing: Any, raw: Raw, bucket: str, key: str) -> None:
    """Checklist 43, 44: 403 SignatureDoesNotMatch."""
    raw("PUT", f"/{bucket}/{key}", body=b"x")
    url = signing.generate_presigned_url("get_object", {"Bucket": bucket, "Key": key})
    for method in ("PUT", "DELETE"):
        assert ask(raw, method, url).refusal == (403, "SignatureDoesNotMatch")
    assert ask(raw, "GET", url.replace(key, key + "x")).refusal == (403, "SignatureDoesNotMatch")
    assert raw("GET", f"/{bucket}/{key}").body == b"x"


def test_upload_in_parts_through_urls(signing: Any, raw: Raw, bucket: str, key: str) -> None:
    """Checklist 43, 44: sub-resources are part of what is signed."""
    named = {"Bucket": bucket, "Key": key}
    upload = ask(raw, "POST", signing.generate_presigned_url("create_multipart_upload", named)).text("UploadId")
    part = {**named, "UploadId": upload, "PartNumber": 1}
    etag = ask(raw, "PUT", signing.generate_presigned_url("upload_part", part), b"part").header("ETag")
    url = signing.generate_presigned_url("complete_multipart_upload", {**named, "UploadId": upload})
    assert ask(raw, "POST", url, completion((1, etag))).status == 200
    assert raw("GET", f"/{bucket}/{key}").body == b"part"


@pytest.mark.parametrize("expires", ["1", "604800"])
def test_lifetimes_that_are_allowed(raw: Raw, bucket: str, expires: str) -> None:
    """Checklist 43: from a second to a week."""
    assert raw.send(raw.presigned("GET", f"/{bucket}", expires=expires)).status == 200


@pytest.mark.parametrize("expires", ["0", "-7", "604801", "99999999999999999999", "junk", ""])
def test_lifetimes_that_are_not_allowed(raw: Raw, bucket: str, expires: str) -> None:
    """Checklist 43: 403 AuthorizationQueryParametersError (Amazon: 400) for a wrong number."""
    answer = raw.send(raw.presigned("GET", f"/{bucket}", expires=expires))
    assert answer.code == "AuthorizationQueryParametersError"
    assert answer.status == (403 if expires.lstrip("-").isdigit() else 400)


def test_expired_url(raw: Raw, bucket: str) -> None:
    """Checklist 43: 403 AccessDenied says when it expired."""
    moment = datetime.now(timezone.utc) - timedelta(seconds=100)
    answer = raw.send(raw.presigned("GET", f"/{bucket}", expires="60", moment=moment))
    assert answer.refusal == (403, "AccessDenied")
    assert answer.text("Message") == "Request has expired"
    assert answer.text("X-Amz-Expires") == "60"
    assert answer.text("Expires") == (moment + timedelta(seconds=60)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert answer.text("ServerTime")


def test_url_of_the_future(raw: Raw, bucket: str) -> None:
    """Checklist 37, 43: signed too far ahead of the clock."""
    moment = datetime.now(timezone.utc) + timedelta(minutes=20)
    assert raw.send(raw.presigned("GET", f"/{bucket}", moment=moment)).status == 403


@pytest.mark.parametrize(
    "name", ["X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Credential", "X-Amz-Signature"]
)
def test_missing_parameter(raw: Raw, path: str, name: str) -> None:
    """Checklist 43: AuthorizationQueryParametersError."""
    request = raw.presigned("GET", path)
    location, _, query = request.target.partition("?")
    left = "&".join(piece for piece in query.split("&") if not piece.startswith(f"{name}="))
    assert raw.send(replace(request, target=f"{location}?{left}")).refusal == (400, "AuthorizationQueryParametersError")


def test_expired_url_of_v2(target: Target, raw: Raw, bucket: str, key: str) -> None:
    """Checklist 44: 403 AccessDenied."""
    signing = client(target, target.main, signature_version="s3")
    raw("PUT", f"/{bucket}/{key}", body=b"x")
    url = signing.generate_presigned_url("get_object", {"Bucket": bucket, "Key": key}, ExpiresIn=-100)
    assert ask(raw, "GET", url).refusal == (403, "AccessDenied")


def test_signed_acl_is_honoured(signing: Any, raw: Raw, bucket: str, key: str) -> None:
    """Checklist 45: a signed x-amz-acl, in the query (V2 moves it there) or as a header."""
    url = signing.generate_presigned_url("put_object", {"Bucket": bucket, "Key": key, "ACL": "private"})
    headers = {} if "x-amz-acl=" in url else {"x-amz-acl": "private"}
    assert ask(raw, "PUT", url, b"body", headers).status == 200
    url = signing.generate_presigned_url("put_object", {"Bucket": bucket, "Key": key, "ACL": "no-such-acl"})
    headers = {} if "x-amz-acl=" in url else {"x-amz-acl": "no-such-acl"}
    assert ask(raw, "PUT", url, b"body", headers).refusal == (400, "InvalidArgument")


def test_signed_metadata_is_stored(signing: Any, raw: Raw, s3: Any, bucket: str, key: str) -> None:
    """Checklist 45: metadata and storage class, whether the signer moves them into the query or not."""
    named = {"Bucket": bucket, "Key": key, "Metadata": {"colour": "blue"}, "StorageClass": "STANDARD_IA",
             "ContentType": "text/x"}
    url = signing.generate_presigned_url("put_object", named)
    sent = {"x-amz-meta-colour": "blue", "x-amz-storage-class": "STANDARD_IA"}
    headers = {name: value for name, value in sent.items() if f"{name}=" not in url}
    assert ask(raw, "PUT", url, b"x", {**headers, "Content-Type": "text/x"}).status == 200
    told = s3.head_object(Bucket=bucket, Key=key)
    assert told["Metadata"] == {"colour": "blue"}
    assert (told["StorageClass"], told["ContentType"]) == ("STANDARD_IA", "text/x")


def test_metadata_in_the_query_is_stored(raw: Raw, path: str) -> None:
    """Checklist 45: x-amz-* in a V4 query count as headers."""
    request = raw.presigned("PUT", f"{path}?x-amz-meta-colour=light%20blue&x-amz-storage-class=ONEZONE_IA", body=b"x")
    assert raw.send(request).status == 200
    answer = raw("HEAD", path)
    assert answer.header("x-amz-meta-colour") == "light blue"
    assert answer.header("x-amz-storage-class") == "ONEZONE_IA"


@pytest.mark.parametrize(
    "query",
    [
        "x-amz-meta-a=a%0D%0AX-Injected%3A%20yes", "x-amz-meta-a=a%0Ab", "x-amz-meta-a=%0D", "x-amz-meta-a=a%00",
        "x-amz-meta-a=%7F", "x-amz-meta-a%0D%0AX-Injected%3A=yes", "x-amz-meta-a%20b=1", "x-amz-meta-%C3%A9=1",
        "x-amz-website-redirect-location=%2Fa%0D%0Ab",
    ],
)
def test_query_that_could_be_no_header(raw: Raw, path: str, query: str) -> None:
    """Checklist 45: what is moved into the query obeys the rules of headers; no later answer can be split by it."""
    assert raw.send(raw.presigned("PUT", f"{path}?{query}", body=b"x")).refusal == (400, "InvalidArgument")
    assert raw.send(raw.presigned("POST", f"{path}?uploads=&{query}")).refusal == (400, "InvalidArgument")
    assert raw("HEAD", path).status == 404


def test_query_beyond_ascii(raw: Raw, path: str) -> None:
    """Checklist 19, 45: UTF-8 in the query is the same bytes in the answer's header."""
    assert raw.send(raw.presigned("PUT", f"{path}?x-amz-meta-a=gr%C3%BC%C3%9F", body=b"x")).status == 200
    assert (raw("HEAD", path).header("x-amz-meta-a") or "").encode("latin-1").decode() == "grüß"


def test_signed_header_that_is_absent(raw: Raw, path: str) -> None:
    """Checklist 45: 403 SignatureDoesNotMatch, even for an empty value."""
    for value in ("private", ""):
        request = raw.presigned("PUT", path, {"x-amz-acl": value}, b"x")
        assert "x-amz-acl" in request.target
        assert raw.send(request.without("x-amz-acl")).refusal == (403, "SignatureDoesNotMatch")


def test_unsigned_header_is_refused(raw: Raw, path: str) -> None:
    """Checklist 45: 403 AccessDenied says that headers were not signed."""
    request = raw.presigned("PUT", path, body=b"x").adding(("x-amz-meta-colour", "blue"))
    answer = raw.send(request)
    assert answer.refusal == (403, "AccessDenied")
    assert answer.text("Message") == "There were headers present in the request which were not signed"
    assert answer.text("HeadersNotSigned") == "x-amz-meta-colour"
    assert raw("HEAD", path).status == 404


def test_header_and_query_together(raw: Raw, path: str) -> None:
    """Checklist 39, 43: only one way of signing at a time."""
    presigned = raw.presigned("GET", path).target
    assert raw("GET", presigned).refusal == (400, "InvalidArgument")
