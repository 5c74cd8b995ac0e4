"""Signature V4: Amazon's published examples, and every refusal with its code."""

from __future__ import annotations

import time
from hashlib import sha256
from hmac import digest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3api.auth import PayloadMode
from s3api.auth.credential import signing_key
from s3api.auth.mac import hmac_sha256
from s3api.auth.sigv4 import canonical_request
from s3api.errors import S3Error, codes
from tests.s3api.signing import (
    ACCESS_KEY,
    EMPTY,
    OWNER,
    PUBLISHED,
    SECRET,
    authenticator,
    authorization,
)

HOST = "examplebucket.s3.amazonaws.com"
DATE = "20130524T000000Z"
RANGE_SIGNATURE = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
PUT_HASH = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"
PRESIGNED = (
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
    "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
    "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
)


def headers(signed: str, signature: str, **more: str) -> dict[str, str]:
    given = {"host": HOST, "x-amz-content-sha256": EMPTY, "x-amz-date": DATE}
    given |= {name.replace("_", "-"): value for name, value in more.items()}
    given["authorization"] = authorization(signed, signature)
    return given


RANGE = headers("host;range;x-amz-content-sha256;x-amz-date", RANGE_SIGNATURE, range="bytes=0-9")
PUT = headers(
    "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
    "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    date="Fri, 24 May 2013 00:00:00 GMT",
    x_amz_content_sha256=PUT_HASH,
    x_amz_storage_class="REDUCED_REDUNDANCY",
)
THREE = "host;x-amz-content-sha256;x-amz-date"
LIFECYCLE = headers(THREE, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")
LISTING = headers(THREE, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")


def refusal(
    method: str, path: str, query: str, given: dict[str, str], *, now: float = PUBLISHED, region: str = "us-east-1"
) -> S3Error:
    with pytest.raises(S3Error) as caught:
        authenticator(region).authenticate(method, path, query, given, now=now)
    return caught.value


def changed(given: dict[str, str], old: str, new: str) -> dict[str, str]:
    assert old in given["authorization"]
    return given | {"authorization": given["authorization"].replace(old, new)}


@pytest.mark.parametrize(
    ("method", "path", "query", "given"),
    [
        pytest.param("GET", "/test.txt", "", RANGE, id="GET Object with a range"),
        pytest.param("PUT", "/test%24file.text", "", PUT, id="PUT Object"),
        pytest.param("PUT", "/test$file.text", "", PUT, id="PUT Object whose path is not escaped"),
        pytest.param("GET", "/", "lifecycle", LIFECYCLE, id="GET Bucket lifecycle"),
        pytest.param("GET", "/", "max-keys=2&prefix=J", LISTING, id="GET Bucket"),
        pytest.param("GET", "/", "prefix=J&max-keys=2", LISTING, id="GET Bucket in another order"),
    ],
)
def test_published_example_is_accepted(method: str, path: str, query: str, given: dict[str, str]) -> None:
    signed = authenticator().authenticate(method, path, query, given, now=PUBLISHED)
    assert signed is not None
    assert (signed.principal, signed.access_key, signed.presigned) == (OWNER, ACCESS_KEY, False)
    assert (signed.payload_mode, signed.content_sha256) == (PayloadMode.HASHED, given["x-amz-content-sha256"])


def test_published_presigned_example_is_accepted() -> None:
    signed = authenticator().authenticate("GET", "/test.txt", PRESIGNED, {"host": HOST}, now=PUBLISHED + 86400)
    assert signed is not None
    assert (signed.principal, signed.presigned, signed.payload_mode) == (OWNER, True, PayloadMode.UNSIGNED)


def test_request_without_signature_is_anonymous() -> None:
    given = {"host": HOST}
    assert authenticator().authenticate("GET", "/", "prefix=X-Amz-Algorithm", given, now=PUBLISHED) is None
    assert authenticator().authenticate("GET", "/", "", given | {"authorization": ""}, now=PUBLISHED) is None


@pytest.mark.parametrize(
    ("method", "path", "query", "change"),
    [
        ("PUT", "/test.txt", "", {}),
        ("GET", "/test.tx", "", {}),
        ("GET", "/test.txt", "acl", {}),
        ("GET", "/test.txt", "", {"range": "bytes=0-8"}),
        ("GET", "/test.txt", "", {"host": HOST + ":80"}),
        ("GET", "/test.txt", "", {"x-amz-content-sha256": PUT_HASH}),
        ("GET", "/test.txt", "", {"x-amz-date": "20130524T000001Z"}),
    ],
)
def test_tampered_request_is_refused(method: str, path: str, query: str, change: dict[str, str]) -> None:
    assert refusal(method, path, query, RANGE | change).code is codes.SignatureDoesNotMatch


def test_wrong_signature_shows_what_was_expected_to_be_signed() -> None:
    error = refusal("GET", "/test.txt", "", changed(RANGE, RANGE_SIGNATURE, "0" * 64))
    assert error.details["AWSAccessKeyId"] == ACCESS_KEY
    assert error.details["SignatureProvided"] == "0" * 64
    assert error.details["StringToSign"] == (
        f"AWS4-HMAC-SHA256\n{DATE}\n20130524/us-east-1/s3/aws4_request\n"
        "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972"
    )
    assert str(error.details["CanonicalRequest"]).startswith("GET\n/test.txt\n\nhost:examplebucket")
    assert SECRET not in str(error.details)


def test_signed_header_that_is_absent_is_refused_even_when_it_was_empty() -> None:
    given = RANGE | {"range": ""}
    names = ("host", "range", "x-amz-content-sha256", "x-amz-date")
    request = canonical_request("GET", "/test.txt", "", given, names, EMPTY)
    to_sign = f"AWS4-HMAC-SHA256\n{DATE}\n20130524/us-east-1/s3/aws4_request\n{sha256(request.encode()).hexdigest()}"
    signature = digest(signing_key(SECRET, "20130524", "us-east-1"), to_sign.encode(), "sha256").hex()
    given["authorization"] = authorization(";".join(names), signature)
    assert authenticator().authenticate("GET", "/test.txt", "", given, now=PUBLISHED)
    del given["range"]
    assert refusal("GET", "/test.txt", "", given).code is codes.SignatureDoesNotMatch


@pytest.mark.parametrize("offset", [-901, 901])
def test_clock_that_differs_too_much_is_refused(offset: int) -> None:
    error = refusal("GET", "/test.txt", "", RANGE, now=PUBLISHED + offset)
    assert error.code is codes.RequestTimeTooSkewed
    assert error.details["MaxAllowedSkewMilliseconds"] == 900000


@pytest.mark.parametrize("offset", [-900, 900])
def test_clock_that_differs_a_little_is_accepted(offset: int) -> None:
    assert authenticator().authenticate("GET", "/test.txt", "", RANGE, now=PUBLISHED + offset)


def test_unknown_key_is_refused_by_name() -> None:
    error = refusal("GET", "/test.txt", "", changed(RANGE, ACCESS_KEY, "AKIANOBODY"))
    assert (error.code, error.details) == (codes.InvalidAccessKeyId, {"AWSAccessKeyId": "AKIANOBODY"})


def test_wrong_region_tells_the_right_one() -> None:
    error = refusal("GET", "/test.txt", "", RANGE, region="eu-west-1")
    assert (error.code, error.details) == (codes.AuthorizationHeaderMalformed, {"Region": "eu-west-1"})
    error = refusal("GET", "/test.txt", PRESIGNED, {"host": HOST}, region="eu-west-1")
    assert (error.code, error.details) == (codes.AuthorizationQueryParametersError, {"Region": "eu-west-1"})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (f"Credential={ACCESS_KEY}/20130524/us-east-1/s3/aws4_request,", ""),
        ("SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,", ""),
        (",Signature=", ",Signed="),
        ("/20130524", ""),
        (ACCESS_KEY, ""),
        ("20130524", "2013-05-24"),
        ("20130524", "20130525"),
        ("/s3/", "/ec2/"),
        ("aws4_request", "aws5_request"),
        ("SignedHeaders=host;range;x-amz-content-sha256;x-amz-date", "SignedHeaders="),
        ("host;range", "host;;range"),
    ],
)
def test_malformed_authorization_is_refused(old: str, new: str) -> None:
    assert refusal("GET", "/test.txt", "", changed(RANGE, old, new)).code is codes.AuthorizationHeaderMalformed


@pytest.mark.parametrize("text", ["HAHAHA", "Bearer token", "Basic YTpi", "AWS4-HMAC-SHA512 Credential=x"])
def test_unknown_scheme_is_refused(text: str) -> None:
    error = refusal("GET", "/", "", RANGE | {"authorization": text})
    assert (error.code, error.message) == (codes.InvalidArgument, "Unsupported Authorization Type")
    assert error.details == {"ArgumentName": "Authorization", "ArgumentValue": text}


def test_parts_of_the_authorization_come_in_any_order_and_spacing() -> None:
    text = (
        f"AWS4-HMAC-SHA256   Signature={RANGE_SIGNATURE},   SignedHeaders=host;range;x-amz-content-sha256;x-amz-date ,"
        f"Credential={ACCESS_KEY}/20130524/us-east-1/s3/aws4_request"
    )
    assert authenticator().authenticate("GET", "/test.txt", "", RANGE | {"authorization": text}, now=PUBLISHED)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, codes.InvalidRequest),
        ("junk", codes.InvalidArgument),
        ("", codes.InvalidArgument),
        ("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", codes.NotImplemented),
        ("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER", codes.NotImplemented),
    ],
)
def test_payload_hash_that_is_none_is_refused(value: str | None, code: object) -> None:
    given = {name: text for name, text in RANGE.items() if name != "x-amz-content-sha256"}
    if value is not None:
        given["x-amz-content-sha256"] = value
    assert refusal("GET", "/test.txt", "", given).code is code


def test_asymmetric_signature_is_not_implemented() -> None:
    given = changed(RANGE, "AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256")
    assert refusal("GET", "/test.txt", "", given).code is codes.NotImplemented


def test_date_header_is_as_good_as_x_amz_date() -> None:
    error = refusal("GET", "/", "", RANGE | {"x-amz-date": "Fri, 24 May 2013 00:00:00 GMT"})
    assert error.code is codes.SignatureDoesNotMatch
    assert str(error.details["StringToSign"]).startswith(f"AWS4-HMAC-SHA256\n{DATE}\n")
    given = {name: text for name, text in RANGE.items() if name != "x-amz-date"}
    error = refusal("GET", "/", "", given | {"date": "Fri, 24 May 2013 00:00:00 GMT"})
    assert str(error.details["StringToSign"]).startswith(f"AWS4-HMAC-SHA256\n{DATE}\n")


@pytest.mark.parametrize("date", ["", "yesterday", "Fri, 24 May 1913 00:00:00 GMT", "20131324T000000Z", "9" * 4000])
def test_date_that_is_none_is_refused(date: str) -> None:
    assert refusal("GET", "/", "", RANGE | {"x-amz-date": date}).code is codes.AccessDenied


def test_extra_header_must_be_signed() -> None:
    error = refusal("GET", "/test.txt", "", RANGE | {"x-amz-acl": "public-read"})
    assert (error.code, error.details) == (codes.AccessDenied, {"HeadersNotSigned": "x-amz-acl"})
    error = refusal("GET", "/test.txt", PRESIGNED, {"host": HOST, "x-amz-acl": "public-read"})
    assert (error.code, error.details) == (codes.AccessDenied, {"HeadersNotSigned": "x-amz-acl"})


def test_payload_hash_beside_an_address_must_be_signed_unless_it_says_nothing() -> None:
    given = {"host": HOST, "x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    assert authenticator().authenticate("GET", "/test.txt", PRESIGNED, given, now=PUBLISHED)
    given["x-amz-content-sha256"] = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    error = refusal("GET", "/test.txt", PRESIGNED, given)
    assert (error.code, error.details) == (codes.AccessDenied, {"HeadersNotSigned": "x-amz-content-sha256"})


def test_host_must_be_signed() -> None:
    error = refusal("GET", "/test.txt", "", changed(RANGE, "SignedHeaders=host;", "SignedHeaders="))
    assert (error.code, error.details) == (codes.AccessDenied, {"HeadersNotSigned": "host"})


def test_security_token_of_a_permanent_key_is_refused() -> None:
    assert refusal("GET", "/", "", RANGE | {"x-amz-security-token": "t"}).code is codes.InvalidToken
    query = PRESIGNED + "&X-Amz-Security-Token=t"
    assert refusal("GET", "/test.txt", query, {"host": HOST}).code is codes.InvalidToken


def test_two_ways_to_sign_at_once_are_refused() -> None:
    for query in (PRESIGNED, "AWSAccessKeyId=a&Expires=1&Signature=b"):
        error = refusal("GET", "/test.txt", query, RANGE)
        assert error.code is codes.InvalidArgument
        assert error.message.startswith("Only one auth mechanism allowed")


def test_expired_address_tells_when() -> None:
    error = refusal("GET", "/test.txt", PRESIGNED, {"host": HOST}, now=PUBLISHED + 86401)
    assert (error.code, error.message) == (codes.AccessDenied, "Request has expired")
    assert error.details == {
        "X-Amz-Expires": 86400,
        "Expires": "2013-05-25T00:00:00Z",
        "ServerTime": "2013-05-25T00:00:01Z",
    }


def test_address_from_the_future_is_refused() -> None:
    assert refusal("GET", "/test.txt", PRESIGNED, {"host": HOST}, now=PUBLISHED - 901).code is codes.AccessDenied


@pytest.mark.parametrize(
    ("expires", "status"), [("0", 403), ("-7", 403), ("604801", 403), ("9" * 40, 403), ("soon", 400), ("", 400)]
)
def test_lifetime_out_of_range_is_refused(expires: str, status: int) -> None:
    query = PRESIGNED.replace("Expires=86400", f"Expires={expires}")
    error = refusal("GET", "/test.txt", query, {"host": HOST})
    assert (error.code.name, error.code.status) == ("AuthorizationQueryParametersError", status)


@pytest.mark.parametrize("missing", ["Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature"])
def test_address_that_lacks_a_parameter_is_refused(missing: str) -> None:
    query = "&".join(term for term in PRESIGNED.split("&") if not term.startswith(f"X-Amz-{missing}="))
    assert refusal("GET", "/test.txt", query, {"host": HOST}).code is codes.AuthorizationQueryParametersError


def test_every_byte_of_an_address_is_under_the_signature() -> None:
    for at, sent in enumerate(PRESIGNED):
        tampered = PRESIGNED[:at] + ("b" if sent == "a" else "a") + PRESIGNED[at + 1 :]
        refusal("GET", "/test.txt", tampered, {"host": HOST})


def test_parameter_added_to_an_address_is_refused() -> None:
    for query in (PRESIGNED + "&acl", "versionId=1&" + PRESIGNED, PRESIGNED + "&X-Amz-Signature=" + "0" * 64):
        assert refusal("GET", "/test.txt", query, {"host": HOST}).code is codes.SignatureDoesNotMatch


def test_long_authorization_is_refused_as_fast_as_a_short_one() -> None:
    """Whoever sends it needs no key."""
    for filling in ("a", "a=", "a,", "A=a,", ";"):
        given = {"host": "h", "authorization": f"AWS4-HMAC-SHA256 {filling * (16_000 // len(filling))},Signature=x"}
        started = time.process_time()
        assert refusal("GET", "/", "", given).code is codes.AuthorizationHeaderMalformed
        assert time.process_time() - started < 0.2


@given(key=st.binary(max_size=64), message=st.binary(max_size=300))
def test_remembered_keys_sign_as_hmac_does(key: bytes, message: bytes) -> None:
    for _ in range(2):
        assert hmac_sha256(key, message) == digest(key, message, "sha256").hex()
