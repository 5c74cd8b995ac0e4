"""HTTP as S3 speaks it: what every answer has, how bodies are framed, refusals and hosts."""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from hashlib import md5
from typing import Any

import pytest

from tests.s3compat.outcomes import outcome
from tests.s3compat.raw import UNSIGNED, Raw
from tests.s3compat.wire import Answer

REFUSALS = [
    ("GET", "/{bucket}/absent", (404, "NoSuchKey")),
    ("GET", "/no-such-bucket-at-all/key", (404, "NoSuchBucket")),
    ("GET", "/{bucket}/key?acl=&uploads=", (400, None)),
    ("PUT", "/A_BAD_NAME", (400, "InvalidBucketName")),
    ("DELETE", "/", (405, "MethodNotAllowed")),
    ("GET", "/{bucket}?tagging", (501, "NotImplemented")),
]


def md5_of(body: bytes) -> str:
    return b64encode(md5(body).digest()).decode()


@pytest.mark.parametrize(("method", "form", "expected"), REFUSALS, ids=lambda value: str(value)[:40])
def test_error_body_has_codes_ids_and_no_namespace(
    raw: Raw, bucket: str, method: str, form: str, expected: tuple[int, str | None]
) -> None:
    """Checklist 1: every error is an Error document whose RequestId is the one of the header."""
    answer = raw(method, form.format(bucket=bucket))
    if expected[1] is not None:
        assert answer.refusal == expected
    assert answer.status >= 400
    assert answer.header("Content-Type") == "application/xml"
    assert answer.root.tag == "Error"
    assert [child.tag for child in answer.root][:2] == ["Code", "Message"]
    assert answer.text("Message")
    assert answer.text("RequestId") == answer.header("x-amz-request-id")
    assert answer.text("HostId") == answer.header("x-amz-id-2")


@pytest.mark.parametrize("status", [200, 204, 206, 304, 404, 403, 501])
def test_every_answer_has_request_ids_date_and_server(
    raw: Raw, nobody: Raw, path: str, bucket: str, status: int
) -> None:
    """Checklist 2: ids, Date and Server on success and on refusal."""
    etag = raw("PUT", path, body=b"1234").header("ETag") or ""
    answer = {
        200: lambda: raw("GET", path),
        204: lambda: raw("DELETE", path),
        206: lambda: raw("GET", path, {"Range": "bytes=0-1"}),
        304: lambda: raw("GET", path, {"If-None-Match": etag}),
        404: lambda: raw("HEAD", f"/{bucket}/absent"),
        403: lambda: nobody("GET", path),
        501: lambda: raw("GET", f"/{bucket}?tagging"),
    }[status]()
    assert answer.status == status
    assert re.fullmatch("[0-9A-Z]{16}", answer.header("x-amz-request-id") or "")
    assert answer.header("x-amz-id-2")
    assert answer.header("Server")
    age = datetime.now(timezone.utc) - parsedate_to_datetime(answer.header("Date") or "")
    assert abs(age.total_seconds()) < 60


def test_request_ids_differ(raw: Raw, bucket: str) -> None:
    """Checklist 2: an id names one request."""
    assert len({raw("GET", f"/{bucket}").header("x-amz-request-id") for _ in range(8)}) == 8


def test_head_tells_by_status_alone(s3: Any, raw: Raw, alt_raw: Raw, path: str, bucket: str, key: str) -> None:
    """Checklist 3: no body with HEAD, whatever the outcome; boto3 shows the bare number."""
    etag = raw("PUT", path, body=b"1234").header("ETag") or ""
    assert raw("HEAD", path).status == 200
    assert raw("HEAD", f"/{bucket}/absent").status == 404
    assert alt_raw("HEAD", path).status == 403
    assert raw("HEAD", path, {"If-Match": '"other"'}).status == 412
    assert raw("HEAD", path, {"If-None-Match": etag}).status == 304
    assert raw("HEAD", f"{path}?partNumber=0").status == 400
    assert outcome(s3.head_object, Bucket=bucket, Key="absent") == (404, "404")
    with raw.connect() as connection:
        for target in (f"/{bucket}/absent", path):  # a stray body would be taken for the second answer
            connection.send(raw.prepared("HEAD", target).wire)
            status = connection.answer("HEAD").status
        assert status == 200


def test_not_modified_repeats_validators(raw: Raw, path: str) -> None:
    """Checklist 4: 304 has no body, but the validators and what was stored about caching."""
    raw("PUT", path, {"Cache-Control": "max-age=7", "Expires": "Thu, 01 Dec 2044 16:00:00 GMT"}, b"1234")
    stored = raw("GET", path)
    with raw.connect() as connection:
        request = raw.prepared("GET", path, {"If-None-Match": stored.header("ETag") or ""})
        answer = connection.send(request.wire).answer()
        assert answer.status == 304
        for name in ("ETag", "Last-Modified", "Cache-Control", "Expires"):
            assert answer.header(name) == stored.header(name) is not None
        assert connection.send(raw.prepared("GET", path).wire).answer().body == b"1234"


def test_deletions_answer_204(raw: Raw, make_bucket: Any) -> None:
    """Checklist 5: DeleteObject, AbortMultipartUpload and DeleteBucket, without a body."""
    name = make_bucket()
    raw("PUT", f"/{name}/key", body=b"x")
    upload = raw("POST", f"/{name}/key?uploads").text("UploadId")
    for target in (f"/{name}/key", f"/{name}/key?uploadId={upload}", f"/{name}"):
        answer = raw("DELETE", target)
        assert (answer.status, answer.header("Content-Length")) in ((204, None), (204, "0"))
    raw("PUT", f"/{name}")


@pytest.mark.parametrize(
    ("form", "headers", "expected"),
    [
        ("/{bucket}/key", {"x-amz-content-sha256": UNSIGNED}, (403, "AccessDenied")),
        ("/no-such-bucket-at-all/key", {}, (404, "NoSuchBucket")),
        ("/{bucket}/key", {"Content-MD5": "junk"}, (400, "InvalidDigest")),
        ("/{bucket}/there", {"If-None-Match": "*"}, (412, "PreconditionFailed")),
        ("/{bucket}/key", {"x-amz-storage-class": "NONE"}, (400, "InvalidStorageClass")),
    ],
    ids=lambda value: str(value)[:40],
)
def test_refused_upload_is_not_invited(
    raw: Raw, nobody: Raw, bucket: str, form: str, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    """Checklist 7: with Expect, all that can be refused from the head is refused without a 100 before it."""
    raw("PUT", f"/{bucket}/there", body=b"x")
    sender = nobody if "x-amz-content-sha256" in headers else raw
    headers = {**headers, "Expect": "100-continue", "Content-Length": "5"}
    request = sender.prepared("PUT", form.format(bucket=bucket), headers, content=UNSIGNED)
    with raw.connect() as connection:
        assert connection.send(request.head).answer("PUT").refusal == expected


def test_allowed_upload_is_invited(raw: Raw, path: str) -> None:
    """Checklist 7: an allowed one gets its 100 before the body is sent, and the final answer after it."""
    request = raw.prepared("PUT", path, {"Expect": "100-continue"}, b"12345")
    with raw.connect() as connection:
        assert connection.send(request.head).answer().status == 100
        assert connection.send(request.body).answer("PUT").status == 200
    assert raw("GET", path).body == b"12345"


@pytest.mark.parametrize("bucket_name", ["no-such-bucket-at-all", None])
def test_refused_body_is_no_next_request(raw: Raw, alt_raw: Raw, bucket: str, bucket_name: str | None) -> None:
    """Checklist 8: after a refusal the unread body never counts as a request: it is drained, or the connection ends."""
    name = bucket_name or bucket
    hidden = raw.prepared("PUT", f"/{bucket}/smuggled", body=b"x").wire
    sender = raw if bucket_name else alt_raw
    with raw.connect() as connection:
        connection.send(sender.prepared("PUT", f"/{name}/key", body=hidden).wire)
        assert connection.answer("PUT").status in (403, 404)
        try:
            answer: Answer | None = connection.send(raw.prepared("GET", f"/{bucket}/smuggled").wire).answer()
        except (EOFError, ConnectionError):
            answer = None
    assert answer is None or answer.refusal == (404, "NoSuchKey")
    assert raw("HEAD", f"/{bucket}/smuggled").status == 404


@pytest.mark.parametrize("value", ["200", "", "something"])
def test_unknown_expectation_is_ignored(raw: Raw, path: str, value: str) -> None:
    """Checklist 9: no 417."""
    assert raw("PUT", path, {"Expect": value}, b"1").status == 200


@pytest.mark.parametrize("value", ["-1", "", "abc", "1 1"])
def test_length_that_is_none_is_refused(raw: Raw, path: str, value: str) -> None:
    """Checklist 10: `Content-Length: -1` or an empty one is 400, and nothing is stored."""
    request = raw.prepared("PUT", path, framed=False).adding(("Content-Length", value))
    assert raw.send(request).status == 400
    assert raw("HEAD", path).status == 404


def test_upload_without_length_is_refused(raw: Raw, path: str) -> None:
    """Checklist 10: 411 MissingContentLength, of a part too."""
    upload = raw("POST", f"{path}?uploads").text("UploadId")
    for target in (path, f"{path}?partNumber=1&uploadId={upload}"):
        answer = raw.send(raw.prepared("PUT", target, framed=False))
        assert answer.refusal == (411, "MissingContentLength")


def test_bucket_is_created_without_length(raw: Raw, s3: Any) -> None:
    """Checklist 10: a PUT that has no body needs no Content-Length."""
    name = "s3compat-without-length"
    assert raw.send(raw.prepared("PUT", f"/{name}", framed=False)).status == 200
    s3.delete_bucket(Bucket=name)


def test_body_longer_than_its_length(raw: Raw, bucket: str) -> None:
    """Checklist 10: exactly Content-Length bytes are the object; what follows is none, nor is it kept for a request."""
    with raw.connect() as connection:
        request = raw.prepared("PUT", f"/{bucket}/longer", {"Content-Length": "3"}, b"abc")
        assert connection.send(request.head + b"abcdef\r\n\r\n").answer("PUT").status == 200
        try:
            assert connection.answer().status == 400
        except (EOFError, ConnectionError):
            pass
        assert connection.closed()
    assert raw("GET", f"/{bucket}/longer").body == b"abc"


def test_body_longer_than_its_length_fails_its_digest(raw: Raw, path: str) -> None:
    """Checklist 10: the digest of the longer body is not that of the bytes which count."""
    headers = {"Content-Length": "3", "Content-MD5": md5_of(b"abcdef")}
    request = raw.prepared("PUT", path, headers, b"abc")
    with raw.connect() as connection:
        assert connection.send(request.head + b"abcdef").answer("PUT").refusal == (400, "BadDigest")
    assert raw("HEAD", path).status == 404


@pytest.mark.parametrize("size", [0, 1, 70_000])
def test_chunked_transfer(raw: Raw, path: str, size: int) -> None:
    """Checklist 11: an upload in chunks, without any length."""
    body = bytes(size)
    request = raw.prepared("PUT", path, {"Transfer-Encoding": "chunked"}, content=UNSIGNED)
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (body[:10], body[10:]) if piece)
    with raw.connect() as connection:
        assert connection.send(request.head + chunks + b"0\r\n\r\n").answer("PUT").status == 200
    assert raw("GET", path).body == body


def test_chunked_transfer_of_aws_chunks(raw: Raw, path: str) -> None:
    """Checklist 11: with x-amz-decoded-content-length, too."""
    request = raw.streamed(path, [b"a" * 9000, b"b" * 10], {"Transfer-Encoding": "chunked"})
    body = request.body
    with raw.connect() as connection:
        wire = request.head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        assert connection.send(wire).answer("PUT").status == 200
    assert raw("GET", path).body == b"a" * 9000 + b"b" * 10


@pytest.mark.parametrize("size", [100, 200_000])
def test_body_that_ends_early_changes_nothing(raw: Raw, path: str, size: int) -> None:
    """Checklist 12: 400 IncompleteBody or no answer at all; the object is as before."""
    raw("PUT", path, body=b"before")
    request = raw.prepared("PUT", path, body=bytes(size))
    with raw.connect() as connection:
        connection.send(request.wire[:-1]).end()
        try:
            assert connection.answer("PUT").refusal in ((400, "IncompleteBody"), (400, "RequestTimeout"))
        except (EOFError, ConnectionError):
            pass
    assert raw("GET", path).body == b"before"


@pytest.mark.parametrize("agent", ["", None])
def test_user_agent_may_be_missing(raw: Raw, path: str, agent: str | None) -> None:
    """Checklist 13: an empty User-Agent, or none."""
    assert raw("PUT", path, {} if agent is None else {"User-Agent": agent}, b"1").status == 200


@pytest.mark.parametrize("kind", ["", None])
def test_content_type_has_a_default(raw: Raw, path: str, kind: str | None) -> None:
    """Checklist 13: an empty Content-Type is accepted; the answer says binary/octet-stream."""
    assert raw("PUT", path, {} if kind is None else {"Content-Type": kind}, b"1").status == 200
    assert raw("GET", path).header("Content-Type") == "binary/octet-stream"
    assert raw("HEAD", path).header("Content-Type") == "binary/octet-stream"


def test_spelling_of_header_names(raw: Raw, path: str) -> None:
    """Checklist 18: `ETag`, and metadata in lower case whatever the client wrote."""
    raw("PUT", path, {"X-Amz-Meta-Colour": "Blue"}, b"1")
    for method in ("GET", "HEAD"):
        names = [name for name, _ in raw(method, path).headers]
        assert "ETag" in names and "x-amz-meta-colour" in names
        assert {"Content-Type", "Content-Length", "Last-Modified", "Accept-Ranges"} <= set(names)


def test_method_that_nothing_has(raw: Raw, bucket: str) -> None:
    """Checklist 22: 405 names the method and the resource."""
    for method, target in (("POST", f"/{bucket}/key"), ("PATCH", f"/{bucket}"), ("DELETE", "/"), ("PUT", "/")):
        answer = raw(method, target)
        assert answer.refusal == (405, "MethodNotAllowed")
        assert answer.text("Method") == method
        assert answer.text("ResourceType")
        assert answer.header("Allow")


@pytest.mark.parametrize(
    "body",
    [
        b"<Delete>",
        b"not xml",
        b"<Delete><Thing/></Delete>",
        b"<Other><Object><Key>k</Key></Object></Other>",
        b"<Delete><Quiet>maybe</Quiet><Object><Key>k</Key></Object></Delete>",
        b'<!DOCTYPE Delete [<!ENTITY a "k">]><Delete><Object><Key>&a;</Key></Object></Delete>',
        b"<Delete><Object><Key>k</Key></Object></Delete><more/>",
    ],
    ids=lambda body: body[:24].decode(),
)
def test_document_off_the_schema_is_malformed(raw: Raw, bucket: str, body: bytes) -> None:
    """Checklist 23: 400 MalformedXML, and nothing is done."""
    raw("PUT", f"/{bucket}/k", body=b"x")
    assert raw("POST", f"/{bucket}?delete", {"Content-MD5": md5_of(body)}, body).refusal == (400, "MalformedXML")
    assert raw("HEAD", f"/{bucket}/k").status == 200


@pytest.mark.parametrize("text", ["", "YWJj", "not base64!!", "1B2M2Y8AsgTpgAmY7PhCfg", "z" * 200])
def test_digest_that_is_none_is_refused(raw: Raw, path: str, text: str) -> None:
    """Checklist 25: Content-MD5 that is not 16 bytes in base64, or is empty: InvalidDigest, nothing stored."""
    assert raw("PUT", path, {"Content-MD5": text}, b"body").refusal == (400, "InvalidDigest")
    assert raw("HEAD", path).status == 404


def test_digest_that_is_wrong_is_refused(raw: Raw, path: str) -> None:
    """Checklist 25: well formed but wrong: BadDigest, and the old object stays."""
    raw("PUT", path, body=b"before")
    assert raw("PUT", path, {"Content-MD5": md5_of(b"other")}, b"body").refusal == (400, "BadDigest")
    assert raw("GET", path).body == b"before"
    assert raw("PUT", path, {"Content-MD5": md5_of(b"body")}, b"body").status == 200


def test_expected_bucket_owner(s3: Any, raw: Raw, nobody: Raw, bucket: str, key: str, main_owner: Any) -> None:
    """Checklist 26: another owner than the one expected is 403 AccessDenied on bucket and object calls."""
    named = {"Bucket": bucket, "ExpectedBucketOwner": main_owner.id}
    s3.put_object(**named, Key=key, Body=b"x")
    assert s3.get_object(**named, Key=key)["Body"].read() == b"x"
    wrong = {"x-amz-expected-bucket-owner": "111122223333"}
    for method, target in (
        ("GET", f"/{bucket}"), ("GET", f"/{bucket}/{key}"), ("PUT", f"/{bucket}/{key}"), ("DELETE", f"/{bucket}/{key}"),
        ("GET", f"/{bucket}?location"), ("POST", f"/{bucket}/{key}?uploads"), ("DELETE", f"/{bucket}"),
        ("GET", f"/{bucket}?uploads"),
    ):
        assert raw(method, target, wrong).refusal == (403, "AccessDenied"), target
        assert nobody(method, target, wrong).refusal == (403, "AccessDenied"), target
    assert s3.get_object(**named, Key=key)["Body"].read() == b"x"
    assert raw("HEAD", f"/{bucket}", wrong).status == 403
    copy = {"x-amz-copy-source": f"{bucket}/{key}", "x-amz-source-expected-bucket-owner": "111122223333"}
    assert raw("PUT", f"/{bucket}/copied", copy).refusal == (403, "AccessDenied")
    copy["x-amz-source-expected-bucket-owner"] = main_owner.id
    assert raw("PUT", f"/{bucket}/copied", copy).status == 200


def test_request_payer_is_accepted(raw: Raw, path: str, bucket: str) -> None:
    """Checklist 27: everywhere, and nobody is charged where the bucket does not ask for it."""
    payer = {"x-amz-request-payer": "requester"}
    for method, target in (("PUT", path), ("GET", path), ("HEAD", path), ("GET", f"/{bucket}"), ("DELETE", path)):
        answer = raw(method, target, payer)
        assert answer.status in (200, 204)
        assert answer.header("x-amz-request-charged") is None


def test_listing_and_head_show_the_same_second(s3: Any, raw: Raw, bucket: str, key: str) -> None:
    """Checklist 28: ISO 8601 with .000Z in XML, RFC 1123 in headers, one and the same second."""
    for _ in range(5):
        raw("PUT", f"/{bucket}/{key}", body=b"x")
        header = raw("HEAD", f"/{bucket}/{key}").header("Last-Modified") or ""
        assert header.endswith(" GMT")
        listed = raw("GET", f"/{bucket}?list-type=2&prefix={key}").text("LastModified") or ""
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z", listed)
        assert datetime.fromisoformat(listed) == parsedate_to_datetime(header)


@pytest.mark.parametrize("character", ["\x01", "\x0b", "\x1f", "\x7f", "\x0a", "<&>", "\ufffe", "é"])
def test_errors_that_echo_are_well_formed(raw: Raw, bucket: str, character: str) -> None:
    """Checklist 1, 17: what a client sent comes back in a body that any XML parser reads."""
    encoded = "".join(f"%{byte:02X}" for byte in character.encode())
    assert raw("GET", f"/{bucket}/absent{encoded}").refusal == (404, "NoSuchKey")
    assert raw("GET", f"/{bucket}?list-type=2&continuation-token={encoded}").refusal == (400, "InvalidArgument")
    assert raw("GET", f"/{bucket}?encoding-type={encoded}").refusal == (400, "InvalidArgument")
    assert raw("GET", f"/{bucket}/k?uploadId=a{encoded}").refusal == (404, "NoSuchUpload")
    assert raw("GET", f"/no-such-bucket{encoded}/key").status in (400, 404)
