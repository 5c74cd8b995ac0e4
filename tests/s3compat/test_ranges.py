"""Ranges and part numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.s3compat.raw import Raw

BODY = bytes(range(200))
PART = 5 * 1024 * 1024


class Whole(NamedTuple):
    path: str
    parts: list[bytes]
    etag: str

    @property
    def body(self) -> bytes:
        return b"".join(self.parts)


@pytest.fixture(scope="module")
def in_parts(s3: Any, bucket: str) -> Iterator[Whole]:
    """An object of parts 1, 3 and 7; part 3 was sent last."""
    parts = {1: b"1" * PART, 3: b"3" * (PART + 5), 7: b"7" * 100}
    upload = s3.create_multipart_upload(Bucket=bucket, Key="in-parts")["UploadId"]
    named = {"Bucket": bucket, "Key": "in-parts", "UploadId": upload}
    etags = {n: s3.upload_part(**named, PartNumber=n, Body=parts[n])["ETag"] for n in (7, 1, 3)}
    listed = {"Parts": [{"PartNumber": number, "ETag": etags[number]} for number in parts]}
    etag = s3.complete_multipart_upload(**named, MultipartUpload=listed)["ETag"]
    yield Whole(f"/{bucket}/in-parts", list(parts.values()), etag)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("bytes=0-0", 0, 0), ("bytes=4-7", 4, 7), ("bytes=10-", 10, 199), ("bytes=-7", 193, 199), ("bytes=0-", 0, 199),
        ("bytes=150-10000", 150, 199), ("bytes=-10000", 0, 199), ("bytes=199-199", 199, 199), ("bytes=0-199", 0, 199),
    ],
)
def test_range(raw: Raw, bucket: str, text: str, first: int, last: int) -> None:
    """Checklist 68, 69: 206 with what is there, an end beyond the object is cut; HEAD tells the same."""
    path = f"/{bucket}/range"
    raw("PUT", path, body=BODY)
    answer = raw("GET", path, {"Range": text})
    assert (answer.status, answer.body) == (206, BODY[first : last + 1])
    assert answer.header("Content-Range") == f"bytes {first}-{last}/200"
    assert answer.header("Content-Length") == str(last + 1 - first)
    assert answer.header("Accept-Ranges") == "bytes"
    head = raw("HEAD", path, {"Range": text})
    assert (head.status, head.header("Content-Length")) == (206, str(last + 1 - first))
    assert head.header("Content-Range") == f"bytes {first}-{last}/200"


@pytest.mark.parametrize(("text", "first", "last"), [("bytes=70000-80000", 70000, 80000), ("bytes=-5", 99995, 99999)])
def test_range_of_a_file(raw: Raw, path: str, text: str, first: int, last: int) -> None:
    """Checklist 68: the same of an object that is too large to lie in a record."""
    raw("PUT", path, body=BODY * 500)
    answer = raw("GET", path, {"Range": text})
    assert (answer.status, answer.body) == (206, (BODY * 500)[first : last + 1])
    assert answer.header("Content-Range") == f"bytes {first}-{last}/100000"


@pytest.mark.parametrize("text", ["bytes=200-", "bytes=200-300", "bytes=10000-10001", "bytes=-0"])
def test_range_beyond_the_object(raw: Raw, path: str, text: str) -> None:
    """Checklist 68: 416 InvalidRange says what was asked and what there is."""
    raw("PUT", path, body=BODY)
    answer = raw("GET", path, {"Range": text})
    assert answer.refusal == (416, "InvalidRange")
    assert (answer.text("RangeRequested"), answer.text("ActualObjectSize")) == (text, "200")
    assert raw("HEAD", path, {"Range": text}).status == 416


@pytest.mark.parametrize("text", ["bytes=0-", "bytes=0-0", "bytes=-1"])
def test_range_of_nothing(raw: Raw, path: str, text: str) -> None:
    """Checklist 68: any range on an empty object is 416."""
    raw("PUT", path)
    assert raw("GET", path, {"Range": text}).refusal == (416, "InvalidRange")


@pytest.mark.parametrize(
    "text",
    ["bytes=0-1,3-4", "bytes=5-4", "bytes=a-b", "lines=0-1", "bytes", "bytes=", "bytes=-", "0-4", "", "bytes=1--3"],
)
def test_range_that_is_ignored(raw: Raw, path: str, text: str) -> None:
    """Checklist 68: several, or no range by its syntax: 200 and everything."""
    raw("PUT", path, body=BODY)
    answer = raw("GET", path, {"Range": text})
    assert (answer.status, answer.body, answer.header("Content-Range")) == (200, BODY, None)


def test_range_of_an_object_that_has_changed(raw: Raw, path: str) -> None:
    """Checklist 68, 73: with If-Range, a client that resumes gets the new object whole instead of its end."""
    etag = raw("PUT", path, body=BODY).header("ETag") or ""
    modified = raw("HEAD", path).header("Last-Modified") or ""
    for same in (etag, modified):
        answer = raw("GET", path, {"Range": "bytes=100-", "If-Range": same})
        assert (answer.status, answer.body) == (206, BODY[100:])
    for other in ('"0123456789abcdef0123456789abcdef"', f"W/{etag}", "Sat, 29 Oct 1994 19:43:31 GMT", "junk"):
        answer = raw("GET", path, {"Range": "bytes=100-", "If-Range": other})
        assert (answer.status, answer.body) == (200, BODY)


def test_range_across_parts(raw: Raw, in_parts: Whole) -> None:
    """Checklist 68, 143: exact across the limits of parts."""
    body = in_parts.body
    for first, last in ((PART - 3, PART + 2), (PART, PART), (0, len(body) - 1), (2 * PART + 3, 2 * PART + 20)):
        answer = raw("GET", in_parts.path, {"Range": f"bytes={first}-{last}"})
        assert (answer.status, answer.body) == (206, body[first : last + 1])


def test_each_part(raw: Raw, in_parts: Whole) -> None:
    """Checklist 70: 206, the part alone, the number of parts, the whole object's ETag; numbers as uploaded."""
    start = 0
    for number, body in zip((1, 3, 7), in_parts.parts):
        for method in ("GET", "HEAD"):
            answer = raw(method, f"{in_parts.path}?partNumber={number}")
            assert answer.status == 206
            assert answer.header("Content-Length") == str(len(body))
            assert answer.header("Content-Range") == f"bytes {start}-{start + len(body) - 1}/{len(in_parts.body)}"
            assert answer.header("x-amz-mp-parts-count") == "3"
            assert answer.header("ETag") == in_parts.etag
            assert method == "HEAD" or answer.body == body
        start += len(body)


@pytest.mark.parametrize("number", ["2", "8", "10000"])
def test_part_that_is_not_there(raw: Raw, in_parts: Whole, number: str) -> None:
    """Checklist 70: 400 InvalidPart."""
    assert raw("GET", f"{in_parts.path}?partNumber={number}").refusal == (400, "InvalidPart")
    assert raw("HEAD", f"{in_parts.path}?partNumber={number}").status == 400


@pytest.mark.parametrize("number", ["0", "-1", "10001", "x", ""])
def test_part_number_that_is_none(raw: Raw, in_parts: Whole, number: str) -> None:
    """Checklist 70: a number from 1 to 10,000."""
    assert raw("GET", f"{in_parts.path}?partNumber={number}").refusal == (400, "InvalidArgument")


def test_part_of_an_object_without_parts(raw: Raw, path: str) -> None:
    """Checklist 70: number 1 is the whole object, others are InvalidPart."""
    raw("PUT", path, body=BODY)
    answer = raw("GET", f"{path}?partNumber=1")
    assert (answer.status, answer.body, answer.header("Content-Range")) == (206, BODY, "bytes 0-199/200")
    assert raw("GET", f"{path}?partNumber=2").refusal == (400, "InvalidPart")


def test_part_number_and_range(raw: Raw, in_parts: Whole) -> None:
    """Checklist 70: together 400 InvalidRequest."""
    answer = raw("GET", f"{in_parts.path}?partNumber=1", {"Range": "bytes=0-1"})
    assert answer.refusal == (400, "InvalidRequest")


def test_part_of_an_unfinished_upload(s3: Any, raw: Raw, bucket: str, key: str, path: str) -> None:
    """Checklist 71: 404 NoSuchKey."""
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=1, Body=b"x")
    assert raw("GET", f"{path}?partNumber=1").refusal == (404, "NoSuchKey")
    s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
