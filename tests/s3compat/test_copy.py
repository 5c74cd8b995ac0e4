"""CopyObject."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.s3compat.outcomes import outcome
from tests.s3compat.raw import Raw, completion

MIB = 1024 * 1024
HEADER = "x-amz-copy-source"
CONTENT = {
    "Cache-Control": "no-store", "Content-Disposition": "inline", "Content-Encoding": "gzip", "Content-Language": "da",
    "Content-Type": "text/x", "Expires": "soon", "x-amz-meta-colour": "blue",
}


def told(raw: Raw, path: str) -> dict[str, str | None]:
    answer = raw("HEAD", path)
    return {name: answer.header(name) for name in CONTENT}


@pytest.mark.parametrize("size", [0, 5, 100_000, 16 * MIB])
def test_copy_of_any_size(s3: Any, raw: Raw, bucket: str, key: str, path: str, size: int) -> None:
    """Checklist 133, 134: the same bytes and ETag; the answer is a CopyObjectResult."""
    body = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    etag = s3.put_object(Bucket=bucket, Key=key, Body=body)["ETag"]
    answer = raw("PUT", f"{path}-copy", {HEADER: path})
    assert answer.status == 200
    assert answer.root.tag == "{http://s3.amazonaws.com/doc/2006-03-01/}CopyObjectResult"
    assert (answer.text("ETag"), bool(answer.text("LastModified"))) == (etag, True)
    got = raw("GET", f"{path}-copy")
    assert (got.body, got.header("ETag")) == (body, etag)


@pytest.mark.parametrize("name", ["a b", "a+b", "a%b", "a%25b", "é", "a//b", "/a", "a?b", "a&b=c", "../a"])
def test_source_is_encoded_once(raw: Raw, bucket: str, name: str) -> None:
    """Checklist 127: with or without a slash before the bucket; a plus is a plus."""
    raw("PUT", f"/{bucket}/{quote(name)}", body=name.encode())
    sources = [f"{bucket}/{quote(name)}", f"/{bucket}/{quote(name, safe='/+')}", quote(f"{bucket}/{name}", safe="")]
    for source in sources:
        assert raw("PUT", f"/{bucket}/copied", {HEADER: source}).status == 200
        assert raw("GET", f"/{bucket}/copied").body == name.encode()
        raw("DELETE", f"/{bucket}/copied")


@pytest.mark.parametrize(
    "source", ["nothing", "/", "//", "bucket/", "", "arn:aws:s3:us-east-1:1:accesspoint/a/object/k"]
)
def test_source_that_is_none(raw: Raw, path: str, source: str) -> None:
    """Checklist 127: 400 InvalidArgument, and no plain PUT."""
    raw("PUT", path, body=b"before")
    assert raw("PUT", path, {HEADER: source}).refusal == (400, "InvalidArgument")
    assert raw("GET", path).body == b"before"


def test_missing_source(raw: Raw, bucket: str, path: str) -> None:
    """Checklist 128: which of the two is missing."""
    assert raw("PUT", path, {HEADER: "no-such-bucket-at-all/key"}).refusal == (404, "NoSuchBucket")
    assert raw("PUT", path, {HEADER: f"{bucket}/absent"}).refusal == (404, "NoSuchKey")
    assert raw("PUT", "/no-such-bucket-at-all/key", {HEADER: f"{bucket}/absent"}).refusal == (404, "NoSuchBucket")
    assert raw("HEAD", path).status == 404


def test_versions_of_a_source(raw: Raw, path: str) -> None:
    """Checklist 119: without versioning, `null` is the one there is."""
    raw("PUT", path, body=b"x")
    assert raw("PUT", f"{path}-copy", {HEADER: f"{path}?versionId=null"}).status == 200
    missing = raw("PUT", f"{path}-copy", {HEADER: f"{path}?versionId=L4kqtJlcpXroDTDmpUMLUo"})
    assert missing.refusal == (404, "NoSuchVersion")


def test_onto_itself_without_a_change(s3: Any, raw: Raw, path: str) -> None:
    """Checklist 129: 400 InvalidRequest, with Amazon's message."""
    raw("PUT", path, {"x-amz-meta-colour": "blue"}, b"x")
    answer = raw("PUT", path, {HEADER: path})
    assert answer.refusal == (400, "InvalidRequest")
    assert "without changing the object's metadata" in (answer.text("Message") or "")
    same = {HEADER: path, "x-amz-metadata-directive": "COPY"}
    assert raw("PUT", path, same).refusal == (400, "InvalidRequest")
    assert raw("HEAD", path).header("x-amz-meta-colour") == "blue"


@pytest.mark.parametrize("size", [1, 100_000])
def test_onto_itself_with_a_change(raw: Raw, path: str, size: int) -> None:
    """Checklist 129: new metadata, class or redirect; the bytes stay."""
    raw("PUT", path, {"x-amz-meta-colour": "blue"}, b"x" * size)
    changes = {"x-amz-metadata-directive": "REPLACE", "x-amz-meta-colour": "red"}
    assert raw("PUT", path, {HEADER: path, **changes}).status == 200
    assert raw("HEAD", path).header("x-amz-meta-colour") == "red"
    assert raw("PUT", path, {HEADER: path, "x-amz-storage-class": "STANDARD_IA"}).status == 200
    assert raw("PUT", path, {HEADER: path, "x-amz-website-redirect-location": "/b"}).status == 200
    answer = raw("GET", path)
    assert (answer.body, answer.header("x-amz-meta-colour")) == (b"x" * size, "red")


def test_directive_copy(raw: Raw, path: str) -> None:
    """Checklist 130: everything of the source, nothing of the request."""
    raw("PUT", path, CONTENT, b"x")
    for directive in ({}, {"x-amz-metadata-directive": "COPY"}):
        ignored = {"Content-Type": "ignored/ignored", "x-amz-meta-new": "1", "Cache-Control": "ignored"}
        assert raw("PUT", f"{path}-copy", {HEADER: path, **directive, **ignored}).status == 200
        assert told(raw, f"{path}-copy") == CONTENT
        assert raw("HEAD", f"{path}-copy").header("x-amz-meta-new") is None


def test_directive_replace(raw: Raw, path: str) -> None:
    """Checklist 130: the request's alone; the type is the default again."""
    raw("PUT", path, CONTENT, b"x")
    replaced = {HEADER: path, "x-amz-metadata-directive": "REPLACE", "x-amz-meta-new": "1"}
    assert raw("PUT", f"{path}-copy", replaced).status == 200
    assert told(raw, f"{path}-copy") == {**dict.fromkeys(CONTENT), "Content-Type": "binary/octet-stream"}
    assert raw("HEAD", f"{path}-copy").header("x-amz-meta-new") == "1"


def test_tagging_directive(raw: Raw, path: str) -> None:
    """Checklist 130: tags have a directive of their own."""
    raw("PUT", path, {"x-amz-tagging": "a=1&b=2"}, b"x")
    for directives, count in (
        ({}, "2"), ({"x-amz-metadata-directive": "REPLACE"}, "2"),
        ({"x-amz-tagging-directive": "REPLACE", "x-amz-tagging": "c=3"}, "1"),
        ({"x-amz-tagging-directive": "REPLACE"}, None),
    ):
        assert raw("PUT", f"{path}-copy", {HEADER: path, **directives}).status == 200
        assert raw("HEAD", f"{path}-copy").header("x-amz-tagging-count") == count


@pytest.mark.parametrize("name", ["x-amz-metadata-directive", "x-amz-tagging-directive"])
def test_unknown_directive(raw: Raw, path: str, name: str) -> None:
    """Checklist 130: 400 InvalidArgument."""
    raw("PUT", path, body=b"x")
    assert raw("PUT", f"{path}-copy", {HEADER: path, name: "MERGE"}).refusal == (400, "InvalidArgument")


def test_class_is_the_requests(raw: Raw, path: str) -> None:
    """Checklist 130: a class is not inherited."""
    raw("PUT", path, {"x-amz-storage-class": "STANDARD_IA"}, b"x")
    raw("PUT", f"{path}-copy", {HEADER: path})
    assert raw("HEAD", f"{path}-copy").header("x-amz-storage-class") is None
    raw("PUT", f"{path}-copy", {HEADER: path, "x-amz-storage-class": "ONEZONE_IA"})
    assert raw("HEAD", f"{path}-copy").header("x-amz-storage-class") == "ONEZONE_IA"


def test_owner_is_the_caller(s3: Any, raw: Raw, bucket: str, key: str, path: str, main_owner: Any) -> None:
    """Checklist 131: as of any object."""
    raw("PUT", path, body=b"x")
    raw("PUT", f"{path}-copy", {HEADER: path})
    entries = s3.list_objects(Bucket=bucket, Prefix=f"{key}-copy")["Contents"]
    assert [entry["Owner"]["ID"] for entry in entries] == [main_owner.id]


def test_rights_on_both_ends(
    s3: Any, alt_s3: Any, anonymous_s3: Any, bucket: str, alt_bucket: str, key: str
) -> None:
    """Checklist 132: reading the source and writing the target; otherwise 403, nothing copied."""
    s3.put_object(Bucket=bucket, Key=key, Body=b"mine")
    alt_s3.put_object(Bucket=alt_bucket, Key=key, Body=b"theirs")
    denied = (403, "AccessDenied")
    mine, theirs = {"Bucket": bucket, "Key": key}, {"Bucket": alt_bucket, "Key": key}
    assert outcome(alt_s3.copy_object, Bucket=alt_bucket, Key="stolen", CopySource=mine) == denied
    assert outcome(s3.copy_object, Bucket=bucket, Key="stolen", CopySource=theirs) == denied
    assert outcome(s3.copy_object, Bucket=alt_bucket, Key="pushed", CopySource=mine) == denied
    assert outcome(anonymous_s3.copy_object, Bucket=bucket, Key="stolen", CopySource=mine) == denied
    assert outcome(s3.head_object, Bucket=bucket, Key="stolen") == (404, "404")
    assert [entry["Key"] for entry in alt_s3.list_objects_v2(Bucket=alt_bucket)["Contents"]] == [key]


def test_copy_between_buckets(s3: Any, raw: Raw, make_bucket: Any, path: str) -> None:
    """Checklist 133: the source is untouched by what happens to the copy."""
    other = make_bucket()
    raw("PUT", path, body=b"x" * 100_000)
    assert raw("PUT", f"/{other}/copy", {HEADER: path}).status == 200
    raw("DELETE", path)
    assert raw("GET", f"/{other}/copy").body == b"x" * 100_000
    raw("PUT", path, body=b"new")
    assert raw("GET", f"/{other}/copy").body == b"x" * 100_000


def test_copy_of_an_object_in_parts(raw: Raw, path: str) -> None:
    """Checklist 134: size, type, metadata and bytes; copied again, too."""
    upload = raw("POST", f"{path}?uploads", {"Content-Type": "text/x", "x-amz-meta-colour": "blue"}).text("UploadId")
    bodies = [b"1" * 5 * MIB, b"2" * 1000]
    parts = [
        (number, raw("PUT", f"{path}?partNumber={number}&uploadId={upload}", body=body).header("ETag"))
        for number, body in enumerate(bodies, 1)
    ]
    assert raw("POST", f"{path}?uploadId={upload}", body=completion(*parts)).status == 200
    for source, target in ((path, f"{path}-1"), (f"{path}-1", f"{path}-2")):
        assert raw("PUT", target, {HEADER: source}).status == 200
    raw("DELETE", path)
    answer = raw("GET", f"{path}-2")
    assert answer.body == b"".join(bodies)
    assert (answer.header("Content-Type"), answer.header("x-amz-meta-colour")) == ("text/x", "blue")
    assert raw("GET", f"{path}-2", {"Range": f"bytes={5 * MIB - 1}-{5 * MIB}"}).body == b"12"


def test_range_has_no_part_in_a_copy(raw: Raw, path: str) -> None:
    """Checklist 135: refused, or ignored and all of it copied."""
    raw("PUT", path, body=b"0123456789")
    answer = raw("PUT", f"{path}-copy", {HEADER: path, "Range": "bytes=0-1"})
    assert answer.refusal == (400, "InvalidRequest") or raw("GET", f"{path}-copy").body == b"0123456789"


def test_encryption_of_a_copy_is_granted_or_refused(raw: Raw, path: str) -> None:
    """Checklist 136, 200: what cannot be done is 501."""
    raw("PUT", path, body=b"x")
    for name in ("x-amz-server-side-encryption", "x-amz-copy-source-server-side-encryption-customer-algorithm"):
        assert raw("PUT", f"{path}-copy", {HEADER: path, name: "AES256"}).refusal == (501, "NotImplemented")
    assert raw("HEAD", f"{path}-copy").status == 404


def test_body_of_a_copy_is_no_object(raw: Raw, path: str) -> None:
    """Checklist 8, 133: a client that sends one gets a copy or a refusal, and the connection stays in step."""
    raw("PUT", path, body=b"source")
    with raw.connect() as connection:
        answer = connection.send(raw.prepared("PUT", f"{path}-copy", {HEADER: path}, b"a body").wire).answer()
        if answer.status == 200:
            assert connection.send(raw.prepared("GET", f"{path}-copy").wire).answer().body == b"source"


def test_source_beyond_five_gibibytes(raw: Raw, path: str) -> None:
    """Checklist 133: 400 InvalidRequest; in parts it can be copied."""
    piece = 64 * MIB
    count = 5 * 1024 // 64 + 1
    raw("PUT", f"{path}-piece", body=bytes(piece))
    upload = raw("POST", f"{path}?uploads").text("UploadId")
    parts = [
        (number, raw("PUT", f"{path}?partNumber={number}&uploadId={upload}", {HEADER: f"{path}-piece"}).text("ETag"))
        for number in range(1, count + 1)
    ]
    assert raw("POST", f"{path}?uploadId={upload}", body=completion(*parts)).status == 200
    assert raw("HEAD", path).header("Content-Length") == str(count * piece)
    assert raw("PUT", f"{path}-copy", {HEADER: path}).refusal == (400, "InvalidRequest")
    assert raw("GET", path, {"Range": "bytes=-3"}).body == bytes(3)
    upload = raw("POST", f"{path}-copy?uploads").text("UploadId")
    target = f"{path}-copy?partNumber=1&uploadId={upload}"
    assert raw("PUT", target, {HEADER: path}).status == 400
    assert raw("PUT", target, {HEADER: path, f"{HEADER}-range": f"bytes=5-{5 + 5 * MIB}"}).status == 200
    raw("DELETE", f"{path}-copy?uploadId={upload}")
