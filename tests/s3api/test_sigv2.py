"""Signature V2: Amazon's published examples, botocore's signers, and every refusal with its code."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import HmacV1Auth, HmacV1QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from s3api.auth import Authenticator, SignatureV4
from s3api.errors import S3Error, codes
from s3api.request import Request
from tests.s3api.signing import ACCESS_KEY, OWNER, REGION, SECRET, Ring, authenticator

CREDENTIALS = Credentials(ACCESS_KEY, SECRET)
PRESIGNED = f"AWSAccessKeyId={ACCESS_KEY}&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620"
GET_DATE = "Tue, 27 Mar 2007 19:36:42 +0000"
GET = {"date": GET_DATE, "authorization": f"AWS {ACCESS_KEY}:bWq2s1WEIj+Ydj0vQ697zp+IXMU="}
UPLOAD = {
    "x-amz-acl": "public-read",
    "content-type": "application/x-download",
    "content-md5": "4gJE4saaMU4BqNR0kLY+lw==",
    "x-amz-meta-reviewedby": "joe@johnsmith.net,jane@johnsmith.net",
    "x-amz-meta-filechecksum": "0x02661779",
    "x-amz-meta-checksumalgorithm": "crc32",
}


def at(date: str) -> float:
    return parsedate_to_datetime(date).timestamp()


def refusal(headers: dict[str, str], *, path: str = "/photos/puppy.jpg", query: str = "", now: float) -> S3Error:
    with pytest.raises(S3Error) as caught:
        authenticator().authenticate("GET", path, query, headers, now=now, bucket="johnsmith")
    return caught.value


@pytest.mark.parametrize(
    ("method", "path", "query", "bucket", "headers", "date", "signature"),
    [
        ("GET", "/photos/puppy.jpg", "", "johnsmith", {}, GET_DATE, "bWq2s1WEIj+Ydj0vQ697zp+IXMU="),
        (
            "PUT", "/photos/puppy.jpg", "", "johnsmith", {"content-type": "image/jpeg"},
            "Tue, 27 Mar 2007 21:15:45 +0000", "MyyxeRY7whkBe+bq8fHCL/2kKUg=",
        ),
        (
            "GET", "/", "prefix=photos&max-keys=50&marker=puppy", "johnsmith", {},
            "Tue, 27 Mar 2007 19:42:41 +0000", "htDYFYduRNen8P9ZfE/s9SuKy0U=",
        ),
        ("GET", "/", "acl", "johnsmith", {}, "Tue, 27 Mar 2007 19:44:46 +0000", "c2WLPFtWHVgbEmeEG93a4cG37dM="),
        (
            "PUT", "/db-backup.dat.gz", "", "static.johnsmith.net", UPLOAD,
            "Tue, 27 Mar 2007 21:06:08 +0000", "ilyl83RwaSoYIEdixDQcA4OnAnc=",
        ),
        ("GET", "/", "", None, {}, "Wed, 28 Mar 2007 01:29:59 +0000", "qGdzdERIC03wnaRNKh6OqZehG9s="),
        (
            "GET", "/dictionary/fran%C3%A7ais/pr%c3%a9f%c3%a8re", "", None, {},
            "Wed, 28 Mar 2007 01:49:49 +0000", "DNEZGsoieTZ92F3bUfSPQcbGmlM=",
        ),
    ],
)
def test_published_example_is_accepted(
    method: str, path: str, query: str, bucket: str | None, headers: dict[str, str], date: str, signature: str
) -> None:
    given = headers | {"date": date, "authorization": f"AWS {ACCESS_KEY}:{signature}"}
    signed = authenticator().authenticate(method, path, query, given, now=at(date), bucket=bucket)
    assert signed is not None and signed.principal == OWNER and not signed.presigned


def test_published_presigned_example_is_accepted() -> None:
    signed = authenticator().authenticate("GET", "/photos/puppy.jpg", PRESIGNED, {}, now=1175139620, bucket="johnsmith")
    assert signed is not None and signed.principal == OWNER and signed.presigned


HOST = "node.example:9000"
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
SUBRESOURCE = st.sampled_from(["", "acl", "uploads", "versionId=a%2Fd", "prefix=x", "partNumber=3&uploadId=4"])
METADATA = st.dictionaries(
    st.from_regex("x-amz-meta-[a-z0-9]{1,8}", fullmatch=True), st.from_regex("[!-~]{1,12}", fullmatch=True), max_size=3
)


def arrived(request: AWSRequest) -> tuple[str, str, dict[str, str]]:
    parts = urlsplit(request.prepare().url)
    return parts.path, parts.query, {name.lower(): str(value) for name, value in request.headers.items()}


@given(KEYS, SUBRESOURCE, METADATA)
def test_request_signed_by_botocore_is_accepted(key: str, query: str, metadata: dict[str, str]) -> None:
    address = f"http://{HOST}/bucket/{quote(key, safe='/~')}" + (f"?{query}" if query else "")
    request = AWSRequest("PUT", address, headers=metadata)
    HmacV1Auth(CREDENTIALS).add_auth(request)
    path, raw_query, headers = arrived(request)
    assert authenticator().authenticate("PUT", path, raw_query, headers, now=time.time())


@given(KEYS, SUBRESOURCE, METADATA)
def test_address_signed_by_botocore_is_accepted(key: str, query: str, metadata: dict[str, str]) -> None:
    """botocore moves the headers it signed into the query."""
    address = f"http://{HOST}/bucket/{quote(key, safe='/~')}" + (f"?{query}" if query else "")
    request = AWSRequest("GET", address, headers=metadata | {"Content-Type": "text/plain"})
    HmacV1QueryAuth(CREDENTIALS, expires=60).add_auth(request)
    path, raw_query, _ = arrived(request)
    assert authenticator().authenticate("GET", path, raw_query, {"host": HOST}, now=time.time())


@pytest.mark.parametrize(
    ("signed_path", "path", "bucket"),
    [
        ("/bucket/", "/bucket", None),
        ("/bucket/", "/s3/bucket", None),
        ("/bucket/key", "/s3/bucket/key", None),
        ("/s3/bucket/key", "/s3/bucket/key", None),
        ("/", "/s3", None),
        ("/bucket/", "/", "bucket"),
        ("/bucket/key", "/key", "bucket"),
    ],
)
def test_resource_is_found_however_the_client_says_it(signed_path: str, path: str, bucket: str | None) -> None:
    request = AWSRequest("GET", f"http://{HOST}{signed_path}?location")
    HmacV1Auth(CREDENTIALS).add_auth(request)
    _, query, headers = arrived(request)
    assert authenticator().authenticate("GET", path, query, headers, now=time.time(), bucket=bucket)


def test_subresource_added_to_an_address_is_refused() -> None:
    for name in ("acl", "retention", "versionId=1", "response-content-type=text%2Fhtml", "encryption"):
        error = refusal({}, query=f"{PRESIGNED}&{name}", now=1175139620)
        assert error.code is codes.SignatureDoesNotMatch


def test_subresource_added_in_disguise_is_refused() -> None:
    """The operation is found by the decoded name."""
    for name in ("%61cl", "version%49d=1", "etl_name=upper", "e%74l_args=x"):
        assert refusal({}, query=f"{PRESIGNED}&{name}", now=1175139620).code is codes.SignatureDoesNotMatch


@given(
    st.lists(
        st.sampled_from([("x-amz-copy-source", "/b/open"), ("x-amz-copy-source", "/b/secret"), ("content-md5", "m"),
                         ("X-Amz-Signature", "0"), ("content-type", "a/b"), ("content-type", "text/html")]),
        max_size=4,
    ),
    st.dictionaries(st.sampled_from(["x-amz-copy-source", "content-type"]), st.just("/b/secret"), max_size=2),
    st.booleans(),
)
def test_address_means_nothing_but_what_was_signed(
    added: list[tuple[str, str]], sent: dict[str, str], leads: bool
) -> None:
    """Whoever holds an address may add parameters and send headers; what the operation then sees was signed."""
    signed = {"x-amz-copy-source": "/b/open", "content-type": "a/b", "host": HOST}
    request = AWSRequest("PUT", f"http://{HOST}/b/k", headers=signed)
    HmacV1QueryAuth(CREDENTIALS, expires=60).add_auth(request)
    path, query, _ = arrived(request)
    extra = "&".join(f"{name}={quote(value, safe='')}" for name, value in added)
    raw = "&".join(filter(None, [extra, query] if leads else [query, extra]))
    pairs = [(name.encode(), value.encode()) for name, value in ({"host": HOST} | sent).items()]
    found = Request({
        "REQUEST_METHOD": "PUT", "RAW_URI": f"{path}?{raw}", "sluice.headers": pairs, "wsgi.url_scheme": "http"
    })
    try:
        authenticator().authenticate("PUT", found.path, found.raw_query, found.signed_headers, now=time.time())
    except S3Error:
        return
    assert {name: found.headers.get(name) for name in signed} == signed


def test_tampered_request_is_refused() -> None:
    now = at(GET_DATE)
    for change in ({"date": "Tue, 27 Mar 2007 19:36:43 +0000"}, {"content-type": "a/b"}, {"x-amz-acl": "public-read"}):
        assert refusal(GET | change, now=now).code is codes.SignatureDoesNotMatch
    assert refusal(GET, path="/photos/puppy.jpeg", now=now).code is codes.SignatureDoesNotMatch
    error = refusal(GET | {"authorization": f"AWS {ACCESS_KEY}:é="}, now=now)
    assert (error.code, error.details["SignatureProvided"]) == (codes.SignatureDoesNotMatch, "é=")


def test_unknown_key_is_refused() -> None:
    assert refusal(GET | {"authorization": "AWS NOBODY:abc="}, now=at(GET_DATE)).code is codes.InvalidAccessKeyId


@pytest.mark.parametrize("text", ["AWS HAHAHA", "AWS", "AWS ", "AWS :x"])
def test_malformed_authorization_is_refused(text: str) -> None:
    assert refusal(GET | {"authorization": text}, now=at(GET_DATE)).code is codes.InvalidArgument


@pytest.mark.parametrize("date", ["", "Bad Date", "Tue, 07 Jul 1950 21:53:04 GMT", "\x07"])
def test_date_that_is_none_is_refused(date: str) -> None:
    assert refusal(GET | {"date": date}, now=at(GET_DATE)).code is codes.AccessDenied
    assert refusal(GET | {"x-amz-date": date or "-"}, now=at(GET_DATE)).code is codes.AccessDenied


def test_clock_that_differs_too_much_is_refused() -> None:
    far = "Tue, 07 Jul 9999 21:53:04 GMT"
    assert refusal(GET | {"date": far}, now=at(GET_DATE)).code is codes.RequestTimeTooSkewed
    for offset in (-901, 901):
        assert refusal(GET, now=at(GET_DATE) + offset).code is codes.RequestTimeTooSkewed


def test_expired_address_is_refused() -> None:
    error = refusal({}, query=PRESIGNED, now=1175139621)
    assert (error.code, error.message) == (codes.AccessDenied, "Request has expired")


@pytest.mark.parametrize("missing", ["AWSAccessKeyId", "Signature", "Expires"])
def test_address_that_lacks_a_parameter_is_refused(missing: str) -> None:
    query = "&".join(term for term in PRESIGNED.split("&") if not term.startswith(missing))
    assert refusal({}, query=query, now=1175139620).code is codes.AccessDenied


def test_v2_that_is_switched_off_is_refused() -> None:
    only_v4 = Authenticator(SignatureV4(Ring(), region=REGION), None)
    for query, headers in (("", GET), (PRESIGNED, {})):
        with pytest.raises(S3Error) as caught:
            only_v4.authenticate("GET", "/photos/puppy.jpg", query, headers, now=1175139620, bucket="johnsmith")
        assert caught.value.code is codes.InvalidRequest
        assert "AWS4-HMAC-SHA256" in caught.value.message
