"""Who sent a request: Signature V4 and V2 in the header, clocks, anonymous requests."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from hashlib import sha256
from typing import Any

import pytest
from botocore.awsrequest import AWSRequest

from tests.s3compat.conftest import client
from tests.s3compat.outcomes import outcome
from tests.s3compat.raw import EMPTY, UNSIGNED, Prepared, Raw, Signer
from tests.s3compat.wire import Account, Target


def now(**offset: int) -> datetime:
    return datetime.now(timezone.utc) + timedelta(**offset)


@pytest.mark.parametrize(
    "name", ["a b", "a//b", "./a", "../a", "a+b", "a=b&c", "~a", "a%2Fb", "é", "a:b@c", "*'()!$,;", "/", "a/", "%41"]
)
def test_path_is_signed_as_encoded_once(s3: Any, bucket: str, name: str) -> None:
    """Checklist 31: the path is encoded once and never normalised."""
    s3.put_object(Bucket=bucket, Key=f"path/{name}", Body=name.encode())
    assert s3.get_object(Bucket=bucket, Key=f"path/{name}")["Body"].read() == name.encode()


@pytest.mark.parametrize(
    "query",
    [
        "prefix=a&delimiter=%2F", "delimiter=%2F&prefix=a", "prefix=", "prefix", "prefix=b&prefix=a",
        "prefix=%7E&max-keys=5",
    ],
)
def test_query_is_signed_in_its_canonical_order(raw: Raw, bucket: str, query: str) -> None:
    """Checklist 31: sorted by name, then value; a name alone is `name=`."""
    names = sorted(piece if "=" in piece else f"{piece}=" for piece in query.split("&"))
    signed = raw.prepared("GET", f"/{bucket}?{'&'.join(names).replace('%7E', '~')}")
    assert raw.send(replace(signed, target=f"/{bucket}?{query}")).status == 200


def test_header_values_are_signed_without_superfluous_spaces(raw: Raw, path: str) -> None:
    """Checklist 31: trimmed, and runs of spaces are one."""
    assert raw("PUT", path, {"x-amz-meta-a": "  one   two  "}, b"x").status == 200


def test_date_header_alone_is_enough(raw: Raw, path: str) -> None:
    """Checklist 31: Date in place of x-amz-date."""
    request = raw.prepared("PUT", path, {"Date": "replaced by the signer"}, b"x")
    assert not any(name.lower() == "x-amz-date" for name, _ in request.headers)
    assert raw.send(request).status == 200


def test_amz_date_may_be_rfc_1123(raw: Raw, target: Target, path: str) -> None:
    """Checklist 31: x-amz-date in HTTP's form."""
    moment = now()
    request = AWSRequest("PUT", f"{target.endpoint}{path}", data=b"x")
    stated = format_datetime(moment, usegmt=True)
    Signer(target.main, target.region, moment=moment, stated=stated).sign_header(request)
    pairs = [("Host", target.host), ("Content-Length", "1"), *request.headers.items()]
    assert raw.send(Prepared("PUT", path, pairs, b"x")).status == 200


def test_payload_hash(raw: Raw, path: str) -> None:
    """Checklist 32: the body's SHA-256 or UNSIGNED-PAYLOAD."""
    assert raw("PUT", path, body=b"signed").status == 200
    assert raw("PUT", path, body=b"unsigned", content=UNSIGNED).status == 200
    assert raw("GET", path).body == b"unsigned"


def test_payload_of_another_hash_is_refused(raw: Raw, path: str, bucket: str) -> None:
    """Checklist 32: 400 XAmzContentSHA256Mismatch, and nothing is stored or done."""
    raw("PUT", path, body=b"before")
    answer = raw("PUT", path, body=b"body", content=EMPTY)
    assert answer.refusal == (400, "XAmzContentSHA256Mismatch")
    assert answer.text("ClientComputedContentSHA256") == EMPTY
    assert answer.text("S3ComputedContentSHA256") == sha256(b"body").hexdigest()
    assert raw("GET", path).body == b"before"
    doomed = f"<Delete><Object><Key>{path.rpartition('/')[2]}</Key></Object></Delete>".encode()
    refused = raw("POST", f"/{bucket}?delete", {"x-amz-checksum-crc32": "AAAAAA=="}, doomed, content=EMPTY)
    assert refused.status == 400
    assert raw("GET", path).body == b"before"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("junk", (400, "InvalidArgument")),
        ("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", (501, "NotImplemented")),
        ("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER", (501, "NotImplemented")),
    ],
)
def test_payload_hash_that_is_none(raw: Raw, path: str, content: str, expected: tuple[int, str]) -> None:
    """Checklist 32: junk is InvalidArgument; asymmetric signatures are refused."""
    assert raw("PUT", path, body=b"x", content=content).refusal == expected


def test_missing_payload_hash(raw: Raw, path: str) -> None:
    """Checklist 32: 400 InvalidRequest."""
    request = raw.prepared("PUT", path, body=b"x").without("x-amz-content-sha256")
    assert raw.send(request).refusal == (400, "InvalidRequest")


def test_unknown_access_key(raw: Raw, target: Target, path: str) -> None:
    """Checklist 36: 403 InvalidAccessKeyId."""
    stranger = Raw(target, Account("NOSUCHKEY00000000000", "secret"))
    answer = stranger("GET", path)
    assert answer.refusal == (403, "InvalidAccessKeyId")
    assert answer.text("AWSAccessKeyId") == "NOSUCHKEY00000000000"
    assert stranger.send(stranger.signed_v2("GET", path)).refusal == (403, "InvalidAccessKeyId")


def test_wrong_secret(raw: Raw, target: Target, path: str) -> None:
    """Checklist 36: 403 SignatureDoesNotMatch says what was signed, and nothing is stored."""
    forger = Raw(target, Account(target.main.access_key, "wrong"))
    request = forger.prepared("PUT", path, body=b"x")
    answer = forger.send(request)
    assert answer.refusal == (403, "SignatureDoesNotMatch")
    assert answer.text("AWSAccessKeyId") == target.main.access_key
    assert (answer.text("StringToSign") or "").startswith("AWS4-HMAC-SHA256\n")
    assert (answer.text("CanonicalRequest") or "").startswith(f"PUT\n{path}\n")
    authorization = next(value for name, value in request.headers if name == "Authorization")
    assert answer.text("SignatureProvided") == authorization.rpartition("Signature=")[2]
    assert forger.send(forger.signed_v2("PUT", path, body=b"x")).refusal == (403, "SignatureDoesNotMatch")
    assert raw("HEAD", path).status == 404


@pytest.mark.parametrize("change", ["method", "query", "header", "path"])
def test_signature_covers_the_request(raw: Raw, path: str, change: str) -> None:
    """Checklist 36: whatever is changed after signing, the signature no longer holds."""
    raw("PUT", path, body=b"x")
    request = raw.prepared("GET", path, {"x-amz-checksum-mode": "ENABLED"})
    changed = {
        "method": replace(request, method="DELETE"),
        "query": replace(request, target=f"{path}?response-content-type=text%2Fhtml"),
        "header": request.without("x-amz-checksum-mode").adding(("x-amz-checksum-mode", "enabled")),
        "path": replace(request, target=f"{path}x"),
    }[change]
    assert raw.send(changed).refusal == (403, "SignatureDoesNotMatch")
    assert raw("GET", path).body == b"x"


@pytest.mark.parametrize("minutes", [-16, 16])
def test_clock_too_far_off(raw: Raw, path: str, minutes: int) -> None:
    """Checklist 37: beyond a quarter of an hour, both ways, both versions: 403 RequestTimeTooSkewed."""
    moment = now(minutes=minutes)
    assert raw("GET", path, moment=moment).refusal == (403, "RequestTimeTooSkewed")
    v2 = raw.signed_v2("GET", path, date=format_datetime(moment, usegmt=True))
    assert raw.send(v2).refusal == (403, "RequestTimeTooSkewed")


@pytest.mark.parametrize("minutes", [-14, 14])
def test_clock_a_little_off(raw: Raw, bucket: str, minutes: int) -> None:
    """Checklist 37: within it, the request is good."""
    moment = now(minutes=minutes)
    assert raw("GET", f"/{bucket}", moment=moment).status == 200
    v2 = raw.signed_v2("GET", f"/{bucket}/", date=format_datetime(moment, usegmt=True))
    assert raw.send(v2).status == 200


@pytest.mark.parametrize(
    ("date", "code"),
    [
        ("Bad Date", "AccessDenied"),
        ("", "AccessDenied"),
        ("Tue, 07 Jul 1950 21:53:04 GMT", "AccessDenied"),
        ("Tue, 07 Jul 9999 21:53:04 GMT", "RequestTimeTooSkewed"),
    ],
)
def test_odd_dates_under_v2(raw: Raw, path: str, date: str, code: str) -> None:
    """Checklist 38: unparsable, empty or before 1970 is AccessDenied; the year 9999 is too far off."""
    assert raw.send(raw.signed_v2("GET", path, date=date)).refusal == (403, code)


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        ("AWS HAHAHA", "InvalidArgument"),
        ("AWS ", "InvalidArgument"),
        ("Basic dXNlcjpzZWNyZXQ=", "InvalidArgument"),
        ("Bearer token", "InvalidArgument"),
        ("garbage", "InvalidArgument"),
        ("AWS4-HMAC-SHA256 nothing", "AuthorizationHeaderMalformed"),
        ("AWS4-HMAC-SHA256 Credential=a/b,SignedHeaders=host,Signature=0", "AuthorizationHeaderMalformed"),
        (
            "AWS4-HMAC-SHA256 Credential=A/20200101/us-east-1/s3/aws4_request,Signature=0",
            "AuthorizationHeaderMalformed",
        ),
        (
            "AWS4-HMAC-SHA256 Credential=A/20200101/us-east-1/s3/aws4_request,SignedHeaders=host",
            "AuthorizationHeaderMalformed",
        ),
        (
            "AWS4-HMAC-SHA256 Credential=A/20200101/us-east-1/ec2/aws4_request,SignedHeaders=host,Signature=0",
            "AuthorizationHeaderMalformed",
        ),
    ],
)
def test_malformed_authorization(nobody: Raw, path: str, authorization: str, code: str) -> None:
    """Checklist 39: each is a 400 with its code."""
    headers = {"Authorization": authorization, "x-amz-date": now().strftime("%Y%m%dT%H%M%SZ"),
               "x-amz-content-sha256": UNSIGNED}
    assert nobody("GET", path, headers).refusal == (400, code)


def test_wrong_region(target: Target, path: str) -> None:
    """Checklist 39: AuthorizationHeaderMalformed names the region that is right."""
    foreigner = Raw(replace(target, region="mars-north-1"), target.main)
    answer = foreigner("GET", path)
    assert answer.refusal == (400, "AuthorizationHeaderMalformed")
    assert answer.text("Region") == target.region


def test_anonymous_is_refused(nobody: Raw, raw: Raw, path: str, bucket: str) -> None:
    """Checklist 40: 403 AccessDenied, not 401, for reads and writes alike."""
    raw("PUT", path, body=b"x")
    for method, request_path in (
        ("GET", path), ("PUT", path), ("DELETE", path), ("GET", f"/{bucket}"), ("PUT", "/s3compat-anonymous"),
        ("DELETE", f"/{bucket}"), ("POST", f"/{bucket}?delete"), ("POST", f"{path}?uploads"),
    ):
        assert nobody(method, request_path).refusal == (403, "AccessDenied")
    assert nobody("HEAD", path).status == 403
    assert raw("GET", path).body == b"x"


def test_anonymous_list_of_buckets(nobody: Raw) -> None:
    """Checklist 41: 403 AccessDenied."""
    assert nobody("GET", "/").refusal == (403, "AccessDenied")


def test_another_account_is_refused(alt_s3: Any, s3: Any, bucket: str, key: str) -> None:
    """Checklist 40, 58: what belongs to one account is closed to the other."""
    s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    denied = (403, "AccessDenied")
    assert outcome(alt_s3.get_object, Bucket=bucket, Key=key) == denied
    assert outcome(alt_s3.put_object, Bucket=bucket, Key=key, Body=b"y") == denied
    assert outcome(alt_s3.delete_object, Bucket=bucket, Key=key) == denied
    assert outcome(alt_s3.delete_objects, Bucket=bucket, Delete={"Objects": [{"Key": key}]}) == denied
    assert outcome(alt_s3.list_objects, Bucket=bucket) == denied
    assert outcome(alt_s3.list_objects_v2, Bucket=bucket) == denied
    assert outcome(alt_s3.list_multipart_uploads, Bucket=bucket) == denied
    assert outcome(alt_s3.create_multipart_upload, Bucket=bucket, Key=key) == denied
    assert outcome(alt_s3.delete_bucket, Bucket=bucket) == denied
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"x"


def test_v2_signs_everything(target: Target, s3: Any, bucket: str, key: str) -> None:
    """Checklist 42: objects, buckets, listings, uploads and odd keys, as boto3 signs them with V2."""
    v2 = client(target, target.main, signature_version="s3")
    odd = f"{key}/a b+ü"
    v2.put_object(Bucket=bucket, Key=odd, Body=b"two", Metadata={"b": "2", "a": "1"}, ContentType="text/plain")
    assert v2.get_object(Bucket=bucket, Key=odd, ResponseContentType="a/b")["ContentType"] == "a/b"
    assert v2.head_object(Bucket=bucket, Key=odd)["Metadata"] == {"a": "1", "b": "2"}
    assert [entry["Key"] for entry in v2.list_objects(Bucket=bucket, Prefix=key)["Contents"]] == [odd]
    assert v2.list_objects_v2(Bucket=bucket, Prefix=key)["KeyCount"] == 1
    assert bucket in [each["Name"] for each in v2.list_buckets()["Buckets"]]
    v2.get_bucket_location(Bucket=bucket)
    v2.head_bucket(Bucket=bucket)
    upload = v2.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    part = v2.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
    assert len(v2.list_parts(Bucket=bucket, Key=key, UploadId=upload)["Parts"]) == 1
    parts = {"Parts": [{"PartNumber": 1, "ETag": part}]}
    v2.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload, MultipartUpload=parts)
    v2.copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": odd})
    v2.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}, {"Key": odd}]})
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket, Prefix=key)


def test_v2_creates_and_deletes_buckets(target: Target) -> None:
    """Checklist 42: botocore signs `/bucket/` and asks for `/bucket`."""
    v2 = client(target, target.main, signature_version="s3")
    v2.create_bucket(Bucket="s3compat-made-with-v2")
    v2.delete_bucket(Bucket="s3compat-made-with-v2")


@pytest.mark.parametrize("subresource", ["acl", "policy", "uploads", "versions", "delete", "tagging", "partNumber=1"])
def test_v2_signs_subresources(raw: Raw, path: str, subresource: str) -> None:
    """Checklist 42: a signature for the object is none for its sub-resource."""
    raw("PUT", path, body=b"x")
    request = replace(raw.signed_v2("GET", path), target=f"{path}?{subresource}")
    assert raw.send(request).status in (403, 405, 501)
    assert raw("GET", path).body == b"x"


def test_session_token_of_nobody(raw: Raw, path: str) -> None:
    """Checklist 47: 400 InvalidToken, in the header and in the query."""
    assert raw("GET", path, {"x-amz-security-token": "token"}).refusal == (400, "InvalidToken")
    presigned = raw.presigned("GET", f"{path}?X-Amz-Security-Token=token")
    assert raw.send(presigned).refusal == (400, "InvalidToken")


def test_signature_comes_before_existence(raw: Raw, target: Target) -> None:
    """Checklist 48: a bad signature on a missing bucket is 403."""
    forger = Raw(target, Account(target.main.access_key, "wrong"))
    for path in ("/no-such-bucket-at-all", "/no-such-bucket-at-all/key"):
        assert raw("GET", path).refusal == (404, "NoSuchBucket")
        assert forger("GET", path).refusal == (403, "SignatureDoesNotMatch")
        assert forger("PUT", path + "/key", body=b"x").refusal == (403, "SignatureDoesNotMatch")
