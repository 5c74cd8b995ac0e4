"""The table of routes, walked: every request means one operation of the model or is refused."""

from __future__ import annotations

import itertools

import pytest

import s3api.operations  # noqa: F401  declares them
from s3api.declare import DECLARED, operation
from s3api.errors import S3Error
from s3api.model import OPERATIONS, Level, Operation
from s3api.router import SUBRESOURCES, match
from tests.s3api.conftest import Client

CORE = {
    "AbortMultipartUpload", "CompleteMultipartUpload", "CopyObject", "CreateBucket", "CreateMultipartUpload",
    "DeleteBucket", "DeleteObject", "DeleteObjects", "GetBucketLocation", "GetObject", "HeadBucket", "HeadObject",
    "ListBuckets", "ListMultipartUploads", "ListObjects", "ListObjectsV2", "ListParts", "PutObject", "UploadPart",
    "UploadPartCopy",
}
EVERY = sorted(OPERATIONS.values(), key=lambda found: found.name)
PATHS = {Level.SERVICE: "/", Level.BUCKET: "/bucket", Level.OBJECT: "/bucket/key"}


def smallest_query(wanted: Operation) -> dict[str, str]:
    return {name: value or "" for name, value in wanted.query} | {name: "1" for name in wanted.required_query}


def smallest_headers(wanted: Operation) -> dict[str, str]:
    return {name: "/bucket/key" for name in wanted.required_headers}


def target_of(wanted: Operation) -> str:
    terms = [f"{name}={value}" if value else name for name, value in smallest_query(wanted).items()]
    return PATHS[wanted.level] + ("?" + "&".join(terms) if terms else "")


@pytest.mark.parametrize("wanted", EVERY, ids=lambda found: found.name)
def test_smallest_request_of_an_operation_means_that_operation(wanted: Operation) -> None:
    assert match(wanted.method, wanted.level, smallest_query(wanted), smallest_headers(wanted)) is wanted


def test_no_two_operations_match_the_same_requests() -> None:
    def shape(found: Operation) -> tuple[object, ...]:
        return found.method, found.level, found.query, found.required_query, found.required_headers

    shapes = [shape(found) for found in EVERY]
    assert len(shapes) == len(set(shapes))


@pytest.mark.parametrize("wanted", [found for found in EVERY if found.name not in CORE], ids=lambda found: found.name)
def test_operation_that_nobody_declared_is_501_and_changes_nothing(alice: Client, wanted: Operation) -> None:
    alice("PUT", "/bucket/key", body=b"as it was")

    answer = alice(wanted.method, target_of(wanted), smallest_headers(wanted), b"<Anything/>")

    assert answer.status == 501
    assert alice("GET", "/bucket/key").body == b"as it was"


def test_the_core_is_declared() -> None:
    assert CORE <= set(DECLARED)


def test_every_declared_operation_is_of_the_model() -> None:
    assert all(OPERATIONS[name] is declared.operation for name, declared in DECLARED.items())


def test_operation_declared_twice_is_refused() -> None:
    with pytest.raises(ValueError):
        operation("GetObject", allow="s3:GetObject")(DECLARED["GetObject"].handler)


def test_header_that_the_model_does_not_know_cannot_be_declared() -> None:
    with pytest.raises(ValueError):
        operation("GetBucketAcl", allow="s3:GetBucketAcl", headers=frozenset({"x-amz-no-such"}))(
            DECLARED["GetObject"].handler
        )


METHODS = ("GET", "PUT", "POST", "DELETE", "HEAD", "PATCH", "TRACE")


@pytest.mark.parametrize(
    ("method", "level", "name"),
    [(method, level, name) for method in METHODS for level in Level for name in sorted(SUBRESOURCES[level])],
)
def test_subresource_never_falls_through_to_another_operation(method: str, level: Level, name: str) -> None:
    try:
        found = match(method, level, {name: ""}, {})
    except S3Error as refused:
        assert refused.code.status in (400, 405, 501)
    else:
        assert name in dict(found.query)


@pytest.mark.parametrize(("method", "level"), [*itertools.product(METHODS, (Level.BUCKET, Level.OBJECT))])
def test_unknown_subresource_is_not_implemented(method: str, level: Level) -> None:
    with pytest.raises(S3Error) as refused:
        match(method, level, {"flux": ""}, {})

    assert refused.value.code.name == "NotImplemented"


def test_subresource_of_a_bucket_on_an_object_is_not_implemented() -> None:
    with pytest.raises(S3Error) as refused:
        match("PUT", Level.OBJECT, {"versioning": ""}, {})

    assert refused.value.code.name == "NotImplemented"


@pytest.mark.parametrize("query", [{"partNumber": "1"}, {"uploadId": "u"}])
def test_put_with_half_of_a_part_is_not_a_put(query: dict[str, str]) -> None:
    with pytest.raises(S3Error):
        match("PUT", Level.OBJECT, query, {})


def test_unknown_parameter_with_a_value_is_ignored() -> None:
    assert match("GET", Level.OBJECT, {"color": "blue"}, {}).name == "GetObject"


def test_two_subresources_are_refused() -> None:
    with pytest.raises(S3Error) as refused:
        match("GET", Level.BUCKET, {"acl": "", "tagging": ""}, {})

    assert refused.value.message == "Conflicting query string parameters: acl, tagging"


def test_list_type_other_than_two_is_an_invalid_argument() -> None:
    with pytest.raises(S3Error) as refused:
        match("GET", Level.BUCKET, {"list-type": "3"}, {})

    assert refused.value.code.name == "InvalidArgument"


def test_method_that_a_resource_does_not_have_is_405_with_method_and_resource(alice: Client) -> None:
    answer = alice("POST", "/bucket?policy")

    assert answer.status == 405
    assert (answer.code, answer.text("Method"), answer.text("ResourceType")) == ("MethodNotAllowed", "POST", "POLICY")
    assert answer.headers["allow"] == "DELETE, GET, PUT"
    assert alice("DELETE", "/").text("ResourceType") == "SERVICE"


def test_the_sdks_notes_are_no_subresources(alice: Client) -> None:
    assert alice("PUT", "/bucket/key?x-id=PutObject", {"amz-sdk-invocation-id": "1"}, b"data").status == 200
