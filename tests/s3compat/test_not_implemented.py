"""Operations that are not built say so and change nothing: all others of the vendor's model and of the future."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.model import OperationModel, ServiceModel

from tests.s3compat.raw import Raw
from tests.s3compat.wire import Answer

BUILT = {
    "AbortMultipartUpload", "CompleteMultipartUpload", "CopyObject", "CreateBucket", "CreateMultipartUpload",
    "DeleteBucket", "DeleteObject", "DeleteObjects", "GetBucketLocation", "GetObject", "HeadBucket", "HeadObject",
    "ListBuckets", "ListMultipartUploads", "ListObjects", "ListObjectsV2", "ListParts", "PutObject", "UploadPart",
    "UploadPartCopy",
}
# Sent to endpoints of their own, where no sub-resource tells them apart from others: directory buckets, Object Lambda.
ELSEWHERE = {"ListDirectoryBuckets", "WriteGetObjectResponse"}
BODY = b"bytes that must survive"

MODEL: ServiceModel = boto3.client(
    "s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
).meta.service_model
MISSING = [name for name in MODEL.operation_names if name not in BUILT | ELSEWHERE]


def target_of(operation: OperationModel, bucket: str, key: str) -> tuple[str, str, dict[str, str]]:
    """Method, raw target and required headers of a plausible request for the operation."""
    path, _, static = operation.http["requestUri"].partition("?")
    terms = [static] if static else []
    headers: dict[str, str] = {}
    shape = operation.input_shape
    for name in shape.required_members if shape is not None else ():
        member = shape.members[name].serialization
        if member.get("location") == "querystring":
            terms.append(f"{member['name']}=value")
        if member.get("location") == "header":
            headers[member["name"]] = f"/{bucket}/{key}" if "source" in member["name"].lower() else "value"
    target = path.replace("{Bucket}", bucket).replace("{Key+}", key)
    return operation.http["method"], target + (f"?{'&'.join(terms)}" if terms else ""), headers


@pytest.fixture(scope="module")
def before(raw: Raw, bucket: str) -> Iterator[Any]:
    """The object that must survive everything, at `key`, under a listing that must stay the same."""
    raw("PUT", f"/{bucket}/key", {"x-amz-meta-colour": "blue", "x-amz-tagging": "a=1"}, BODY)
    state = seen(raw, bucket)
    yield state
    assert seen(raw, bucket) == state


def seen(raw: Raw, bucket: str) -> tuple[object, ...]:
    """All that a client sees of the bucket."""
    got = raw("GET", f"/{bucket}/key", {"x-amz-checksum-mode": "ENABLED"})
    changing = {"Date", "x-amz-request-id", "x-amz-id-2"}
    headers = [pair for pair in got.headers if pair[0] not in changing]
    return got.status, got.body, headers, raw("GET", f"/{bucket}").body, raw("GET", f"/{bucket}?uploads").body


def test_model_has_what_is_built() -> None:
    """Checklist 21: the two lists together are all of the model."""
    assert BUILT | ELSEWHERE <= set(MODEL.operation_names)
    assert len(MISSING) > 70


@pytest.mark.parametrize("name", MISSING)
def test_operation_is_refused(raw: Raw, bucket: str, before: Any, name: str) -> None:
    """Checklist 21, 200: 501 NotImplemented, with a body and without, and nothing changes."""
    method, target, headers = target_of(MODEL.operation_model(name), bucket, "key")
    for body in (b"", b"<Configuration/>"):
        answer = raw(method, target, headers, body)
        assert answer.status == 501
        assert method == "HEAD" or answer.code == "NotImplemented"
    assert seen(raw, bucket) == before


def subresources() -> list[str]:
    """Every name by which the model selects an operation."""
    names: set[str] = set()
    for name in MODEL.operation_names:
        static = MODEL.operation_model(name).http["requestUri"].partition("?")[2]
        names |= {piece.partition("=")[0] for piece in static.split("&") if piece}
    return sorted(names - {"x-id"})


READING = {"GET", "HEAD"}


@pytest.mark.parametrize("value", ["", "=", "=value"])
@pytest.mark.parametrize("name", [*subresources(), "partNumber", "uploadId"])
def test_subresources_are_never_the_resource(raw: Raw, bucket: str, before: Any, name: str, value: str) -> None:
    """Checklist 21: whatever the method and level, a sub-resource of the model is never taken for object or bucket."""
    for method in ("PUT", "POST", "DELETE"):
        for target in (f"/{bucket}/key", f"/{bucket}"):
            if name == "uploads" and method == "POST" and target.endswith("key"):
                continue  # CreateMultipartUpload
            answer = raw(method, f"{target}?{name}{value}", body=b"<X/>")
            assert 400 <= answer.status < 600 and answer.status != 500, (method, target)
    assert seen(raw, bucket) == before


@pytest.mark.parametrize("name", ["foo", "Acl", "TAGGING", "tagging2", "object-lock-2030", "x", "%20", "a.b"])
@pytest.mark.parametrize("level", ["/{bucket}/key", "/{bucket}", "/"])
def test_subresource_of_the_future(raw: Raw, bucket: str, before: Any, name: str, level: str) -> None:
    """Checklist 21: an unknown one is 501 for every method, never the plain operation."""
    for method in ("GET", "PUT", "POST", "DELETE", "HEAD"):
        answer: Answer = raw(method, f"{level.format(bucket=bucket)}?{name}", body=b"" if method in READING else b"x")
        assert answer.status == 501, method
        assert method == "HEAD" or answer.code == "NotImplemented"
    assert seen(raw, bucket) == before


def test_two_subresources(raw: Raw, bucket: str, before: Any) -> None:
    """Checklist 21: neither is chosen silently."""
    for method in ("PUT", "POST", "DELETE", "GET"):
        for query in ("acl&tagging", "tagging&uploadId=1", "uploads&acl", "delete&policy"):
            assert 400 <= raw(method, f"/{bucket}/key?{query}").status < 600
            assert 400 <= raw(method, f"/{bucket}?{query}").status < 600
    assert seen(raw, bucket) == before


def test_versions_of_an_object_without_versions(raw: Raw, bucket: str, before: Any) -> None:
    """Checklist 112, 114: another version than `null` is not there; deleting it deletes nothing."""
    assert raw("GET", f"/{bucket}/key?versionId=null").body == BODY
    assert raw("GET", f"/{bucket}/key?versionId=abc").refusal == (404, "NoSuchVersion")
    assert raw("DELETE", f"/{bucket}/key?versionId=abc").status == 204
    assert raw("DELETE", f"/{bucket}/key?versionId=").refusal == (400, "InvalidArgument")
    for query in ("versionId=abc", "versionId=null", "uploads&versionId=null"):
        method = "POST" if "uploads" in query else "PUT"
        assert raw(method, f"/{bucket}/key?{query}", body=b"x").refusal == (400, "InvalidArgument")
    assert seen(raw, bucket) == before


def test_form_upload_and_preflight(raw: Raw, bucket: str, before: Any) -> None:
    """Checklist 21, 200: what browsers send is refused as well."""
    form = {"Content-Type": "multipart/form-data; boundary=b"}
    assert raw("POST", f"/{bucket}", form, b"--b--\r\n").refusal == (501, "NotImplemented")
    origin = {"Origin": "https://example.com", "Access-Control-Request-Method": "PUT"}
    assert raw("OPTIONS", f"/{bucket}/key", origin).refusal == (501, "NotImplemented")
    assert raw("OPTIONS", f"/{bucket}", origin).refusal == (501, "NotImplemented")
    assert seen(raw, bucket) == before
