"""UploadPartCopy."""

from __future__ import annotations

from hashlib import md5
from typing import Any
from urllib.parse import quote

import pytest

from tests.s3compat.outcomes import outcome
from tests.s3compat.raw import Raw, completion
from tests.s3compat.test_multipart import MIB, begin

HEADER = "x-amz-copy-source"
BODY = bytes(range(256)) * 400  # bytes of the source


@pytest.fixture(scope="module")
def source(raw: Raw, bucket: str) -> str:
    raw("PUT", f"/{bucket}/source", body=BODY)
    return f"/{bucket}/source"


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        (None, 0, len(BODY) - 1), ("bytes=0-0", 0, 0), ("bytes=21-30", 21, 30),
        (f"bytes=0-{len(BODY) - 1}", 0, len(BODY) - 1),
    ],
)
def test_part_of_a_source(raw: Raw, path: str, source: str, text: str | None, first: int, last: int) -> None:
    """Checklist 147: a complete range, or the whole source without one."""
    upload = begin(raw, path)
    headers = {HEADER: source, **({} if text is None else {f"{HEADER}-range": text})}
    answer = raw("PUT", f"{path}?partNumber=1&uploadId={upload}", headers)
    assert answer.root.tag == "{http://s3.amazonaws.com/doc/2006-03-01/}CopyPartResult"
    etag = answer.text("ETag")
    assert etag == f'"{md5(BODY[first : last + 1]).hexdigest()}"' and answer.text("LastModified")
    assert raw("POST", f"{path}?uploadId={upload}", body=completion((1, etag))).status == 200
    assert raw("GET", path).body == BODY[first : last + 1]


@pytest.mark.parametrize(
    "text",
    ["0-2", "bytes=0", "bytes=hello-world", "bytes=0-bar", "bytes=hello-", "bytes=0-2,3-5", "bytes=5-", "bytes=-5",
     "bytes=5-4", ""],
)
def test_range_that_is_none(raw: Raw, path: str, source: str, text: str) -> None:
    """Checklist 147: 400 InvalidArgument."""
    upload = begin(raw, path)
    headers = {HEADER: source, f"{HEADER}-range": text}
    answer = raw("PUT", f"{path}?partNumber=1&uploadId={upload}", headers)
    assert answer.refusal == (400, "InvalidArgument")
    raw("DELETE", f"{path}?uploadId={upload}")


@pytest.mark.parametrize("text", [f"bytes=0-{len(BODY)}", f"bytes={len(BODY)}-{len(BODY) + 5}"])
def test_range_beyond_the_source(raw: Raw, path: str, source: str, text: str) -> None:
    """Checklist 147: a refusal; nothing is cut silently."""
    upload = begin(raw, path)
    headers = {HEADER: source, f"{HEADER}-range": text}
    answer = raw("PUT", f"{path}?partNumber=1&uploadId={upload}", headers)
    assert answer.refusal in ((400, "InvalidArgument"), (400, "InvalidRequest"), (416, "InvalidRange"))
    assert raw("GET", f"{path}?uploadId={upload}").texts("Part/PartNumber") == []
    raw("DELETE", f"{path}?uploadId={upload}")


@pytest.mark.parametrize("name", ["with space", "_", "__", "?versionId", "any%25.txt", "any%.txt", "é", "a+b"])
def test_odd_names_of_sources(raw: Raw, bucket: str, path: str, name: str) -> None:
    """Checklist 147: decoded once: `any%25.txt` is not `any%.txt`."""
    raw("PUT", f"/{bucket}/{quote(name)}", body=name.encode())
    upload = begin(raw, path)
    answer = raw("PUT", f"{path}?partNumber=1&uploadId={upload}", {HEADER: f"/{bucket}/{quote(name)}"})
    assert answer.text("ETag") == f'"{md5(name.encode()).hexdigest()}"'
    raw("DELETE", f"{path}?uploadId={upload}")
    raw("DELETE", f"/{bucket}/{quote(name)}")


def test_missing_sources(raw: Raw, bucket: str, path: str) -> None:
    """Checklist 128, 147: as for CopyObject."""
    upload = begin(raw, path)
    target = f"{path}?partNumber=1&uploadId={upload}"
    assert raw("PUT", target, {HEADER: f"{bucket}/absent"}).refusal == (404, "NoSuchKey")
    assert raw("PUT", target, {HEADER: "no-such-bucket-at-all/key"}).refusal == (404, "NoSuchBucket")
    assert raw("PUT", target, {HEADER: "nothing"}).refusal == (400, "InvalidArgument")
    raw("DELETE", f"{path}?uploadId={upload}")


def test_source_of_another_account(s3: Any, alt_s3: Any, bucket: str, alt_bucket: str, key: str) -> None:
    """Checklist 132: 403."""
    alt_s3.put_object(Bucket=alt_bucket, Key=key, Body=b"theirs")
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    named = {"Bucket": bucket, "Key": key, "UploadId": upload}
    theirs = {"Bucket": alt_bucket, "Key": key}
    assert outcome(s3.upload_part_copy, **named, PartNumber=1, CopySource=theirs) == (403, "AccessDenied")
    s3.abort_multipart_upload(**named)


def test_object_made_of_other_objects(raw: Raw, path: str) -> None:
    """Checklist 147, 143: whole objects, ranges across parts and sent parts in one upload; sources may go."""
    large = bytes(5 * MIB) + b"tail of the first"
    raw("PUT", f"{path}-1", body=large)
    upload = begin(raw, path)
    target = f"{path}?uploadId={upload}"
    parts: list[tuple[int, str | None]] = []
    for number, headers in ((1, {}), (2, {f"{HEADER}-range": f"bytes=17-{5 * MIB + 16}"})):
        answer = raw("PUT", f"{target}&partNumber={number}", {HEADER: f"{path}-1", **headers})
        parts.append((number, answer.text("ETag")))
    parts.append((3, raw("PUT", f"{target}&partNumber=3", body=b"sent").header("ETag")))
    raw("DELETE", f"{path}-1")
    assert raw("POST", target, body=completion(*parts)).status == 200
    whole = large + large[17:] + b"sent"
    assert raw("GET", path).body == whole
    again = begin(raw, f"{path}-2")
    span = {HEADER: path, f"{HEADER}-range": f"bytes={5 * MIB}-{10 * MIB + 10}"}
    etag = raw("PUT", f"{path}-2?partNumber=1&uploadId={again}", span).text("ETag")
    assert raw("POST", f"{path}-2?uploadId={again}", body=completion((1, etag))).status == 200
    assert raw("GET", f"{path}-2").body == whole[5 * MIB : 10 * MIB + 11]
