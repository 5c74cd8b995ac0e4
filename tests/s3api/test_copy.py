"""CopyObject."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3api.copy_source import lensed_copy_source, parse_copy_source
from s3api.errors import S3Error
from tests.s3api.conftest import Client, World

DATA = b"data" * 5000
ETAG = f'"{hashlib.md5(DATA).hexdigest()}"'
PAST, FUTURE = "Sat, 29 Oct 1994 19:43:31 GMT", "Tue, 29 Oct 2199 19:43:31 GMT"


@pytest.fixture
def stored(s3: Any) -> Any:
    s3.put_object(
        Bucket="bucket", Key="source", Body=DATA, Metadata={"color": "blue"}, ContentType="text/plain",
        CacheControl="no-store", Tagging="a=1", WebsiteRedirectLocation="/there", StorageClass="STANDARD_IA",
    )
    return s3


@pytest.mark.parametrize("data", [b"", b"small", DATA], ids=len)
def test_copy_is_the_source(s3: Any, data: bytes) -> None:
    put = s3.put_object(Bucket="bucket", Key="a b+%é?", Body=data)

    copied = s3.copy_object(Bucket="bucket", Key="copy", CopySource={"Bucket": "bucket", "Key": "a b+%é?"})

    assert copied["CopyObjectResult"]["ETag"] == put["ETag"]
    assert s3.get_object(Bucket="bucket", Key="copy")["Body"].read() == data


def test_copy_takes_metadata_and_content_headers_but_neither_class_nor_redirect(stored: Any) -> None:
    stored.copy_object(Bucket="bucket", Key="copy", CopySource="bucket/source", Metadata={"ignored": "x"})

    head = stored.head_object(Bucket="bucket", Key="copy")
    assert (head["Metadata"], head["ContentType"]) == ({"color": "blue"}, "text/plain")
    assert (head["CacheControl"], head["TagCount"]) == ("no-store", 1)
    assert not {"StorageClass", "WebsiteRedirectLocation"} & set(head)


def test_replacing_copy_takes_the_requests(stored: Any) -> None:
    stored.copy_object(
        Bucket="bucket", Key="copy", CopySource="bucket/source", Metadata={"size": "big"}, MetadataDirective="REPLACE",
        TaggingDirective="REPLACE", Tagging="b=2&c=3", StorageClass="ONEZONE_IA", WebsiteRedirectLocation="/here",
    )

    head = stored.head_object(Bucket="bucket", Key="copy")
    assert (head["Metadata"], head["ContentType"], head["TagCount"]) == ({"size": "big"}, "binary/octet-stream", 2)
    assert (head["StorageClass"], head["WebsiteRedirectLocation"]) == ("ONEZONE_IA", "/here")
    assert "CacheControl" not in head


def test_copy_onto_itself_must_change_something(stored: Any, alice: Client) -> None:
    here = {"x-amz-copy-source": "/bucket/source"}
    refused = alice("PUT", "/bucket/source", here)

    assert refused.code == "InvalidRequest" and "copy an object to itself" in refused.text("Message")
    assert alice("PUT", "/bucket/source", {**here, "x-amz-metadata-directive": "REPLACE"}).status == 200
    assert alice("PUT", "/bucket/source", {**here, "x-amz-storage-class": "STANDARD"}).status == 200
    assert stored.get_object(Bucket="bucket", Key="source")["Body"].read() == DATA


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("/bucket/missing", "NoSuchKey"), ("/missing/source", "NoSuchBucket"), ("bucket", "InvalidArgument"),
        ("/bucket/", "InvalidArgument"), ("", "InvalidArgument"), ("/bucket/source?versionId=abc", "NoSuchVersion"),
        ("arn:aws:s3:us-west-2:1:accesspoint/x/object/y", "InvalidArgument"), ("/bucket/%ff", "InvalidURI"),
        ("/bucket/source?versionId=null", ""), ("bucket/source", ""), ("/bucket/sour%63e", ""),
    ],
)
def test_source_must_be_there(stored: Any, alice: Client, source: str, code: str) -> None:
    assert alice("PUT", "/bucket/copy", {"x-amz-copy-source": source}).code == code
    assert alice("HEAD", "/bucket/copy").status == (404 if code else 200)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"if-match": ETAG}, 200),
        ({"if-match": '"other"'}, 412),
        ({"if-none-match": ETAG}, 412),
        ({"if-none-match": '"other"'}, 200),
        ({"if-modified-since": PAST}, 200),
        ({"if-modified-since": FUTURE}, 412),
        ({"if-unmodified-since": PAST}, 412),
        ({"if-unmodified-since": FUTURE}, 200),
        ({"if-match": ETAG, "if-unmodified-since": PAST}, 200),
        ({"if-none-match": ETAG, "if-modified-since": PAST}, 412),
    ],
)
def test_copy_happens_when_the_conditions_on_its_source_hold(
    stored: Any, alice: Client, headers: dict[str, str], status: int
) -> None:
    conditions = {f"x-amz-copy-source-{name}": value for name, value in headers.items()}

    answer = alice("PUT", "/bucket/copy", {"x-amz-copy-source": "/bucket/source", **conditions})

    assert answer.status == status
    assert answer.code == ("" if status == 200 else "PreconditionFailed")


def test_conditions_on_the_destination(stored: Any, alice: Client) -> None:
    source = {"x-amz-copy-source": "/bucket/source"}

    assert alice("PUT", "/bucket/copy", {**source, "If-None-Match": "*"}).status == 200
    assert alice("PUT", "/bucket/copy", {**source, "If-None-Match": "*"}).status == 412
    assert alice("PUT", "/bucket/other", {**source, "If-Match": "*"}).status == 404


def test_source_must_be_readable_by_the_caller(world: World, stored: Any) -> None:
    world.bob("PUT", "/bobs-bucket")

    assert world.bob("PUT", "/bobs-bucket/copy", {"x-amz-copy-source": "/bucket/source"}).code == "AccessDenied"
    assert world.alice("PUT", "/bobs-bucket/copy", {"x-amz-copy-source": "/bucket/source"}).code == "AccessDenied"


def test_expected_owner_of_the_source(stored: Any, alice: Client) -> None:
    for owner, code in (("alice-id", ""), ("bob-id", "AccessDenied")):
        headers = {"x-amz-copy-source": "/bucket/source", "x-amz-source-expected-bucket-owner": owner}
        assert alice("PUT", "/bucket/copy", headers).code == code


def test_unknown_directive_is_an_invalid_argument(stored: Any, alice: Client) -> None:
    headers = {"x-amz-copy-source": "/bucket/source", "x-amz-metadata-directive": "MERGE"}

    assert alice("PUT", "/bucket/copy", headers).code == "InvalidArgument"


def test_copy_has_the_checksum_that_is_asked_for(stored: Any) -> None:
    copied = stored.copy_object(Bucket="bucket", Key="copy", CopySource="bucket/source", ChecksumAlgorithm="SHA256")
    head = stored.head_object(Bucket="bucket", Key="copy", ChecksumMode="ENABLED")

    assert copied["CopyObjectResult"]["ChecksumSHA256"] == head["ChecksumSHA256"]
    assert stored.get_object(Bucket="bucket", Key="copy", ChecksumMode="ENABLED")["Body"].read() == DATA


@pytest.mark.parametrize(
    "source",
    [
        "bucket/source?etl_name=upside&etl_args=a%20b",
        "bucket/source?etl_args=a+b&etl_pipeline=&etl_name=upside",
        {"Bucket": "bucket", "Key": "source?etl_name=upside&etl_args=a%20b"},
    ],
)
def test_copy_through_a_transform_from_boto3(stored: Any, source: Any) -> None:
    copied = stored.copy_object(Bucket="bucket", Key="copy", CopySource=source)

    expected = DATA[::-1] + b"a b"
    assert stored.get_object(Bucket="bucket", Key="copy")["Body"].read() == expected
    assert copied["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(expected).hexdigest()}"'


def test_parameters_without_a_transform_are_part_of_the_key() -> None:
    named = parse_copy_source("/b/k%3Fetl_args=x")

    assert (named.key, named.is_plain) == ("k?etl_args=x", True)


def test_copy_through_a_transform_that_a_header_names(stored: Any, alice: Client) -> None:
    headers = {"x-amz-copy-source": "/bucket/source", "x-amz-etl-name": "upside", "x-amz-etl-args": "a +%20"}

    assert alice("PUT", "/bucket/copy", headers).status == 200
    assert alice("GET", "/bucket/copy").body == DATA[::-1] + b"a +%20"


def test_arguments_in_a_header_are_utf_8() -> None:
    headers = {"x-amz-copy-source": "/b/k", "x-amz-etl-name": "upside", "x-amz-etl-args": "Ã©"}

    assert lensed_copy_source(headers).query == {"etl_name": "upside", "etl_args": "é"}
    with pytest.raises(S3Error, match="InvalidArgument"):
        lensed_copy_source(headers | {"x-amz-etl-args": "\xff"})


def test_transform_is_named_once(stored: Any, alice: Client) -> None:
    headers = {"x-amz-copy-source": "/bucket/source?etl_name=upside", "x-amz-etl-name": "upside"}

    assert alice("PUT", "/bucket/copy", headers).code == "InvalidArgument"
    assert alice("HEAD", "/bucket/copy").status == 404


@pytest.mark.parametrize(("method", "target"), [("PUT", "/bucket/key"), ("GET", "/bucket/source"), ("GET", "/bucket")])
def test_header_that_names_a_transform_is_refused_where_it_would_be_ignored(
    stored: Any, alice: Client, method: str, target: str
) -> None:
    assert alice(method, target, {"x-amz-etl-name": "upside"}).code == "NotImplemented"


def test_object_may_be_transformed_onto_itself(stored: Any, alice: Client) -> None:
    assert alice("PUT", "/bucket/source", {"x-amz-copy-source": "/bucket/source?etl_name=upside"}).status == 200
    assert alice("GET", "/bucket/source").body == DATA[::-1]


def test_transform_that_is_not_there_stores_nothing(stored: Any, alice: Client) -> None:
    assert alice("PUT", "/bucket/copy", {"x-amz-copy-source": "/bucket/source?etl_name=no"}).code == "NoSuchTransform"
    assert alice("HEAD", "/bucket/copy").status == 404


@given(st.text(st.characters(max_codepoint=255), max_size=40))
def test_any_source_is_read_or_refused(text: str) -> None:
    for start in ("", "/b/", "/b/k?versionId=", "/b/k?etl_name=", "/b/k%3Fetl_name%3D", "/b/k?etl_args=x&etl_name="):
        try:
            parse_copy_source(start + text)
        except S3Error as refused:
            assert refused.code.status == 400
