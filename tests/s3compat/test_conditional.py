"""Conditions on reads, writes and deletes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

import pytest

from tests.s3compat.raw import Raw, completion
from tests.s3compat.wire import Answer

OTHER = '"0123456789abcdef0123456789abcdef"'
PAST = "Sat, 29 Oct 1994 19:43:31 GMT"
FUTURE = "Sat, 29 Oct 2094 19:43:31 GMT"
GONE, FAILED = (404, "NoSuchKey"), (412, "PreconditionFailed")


def put(raw: Raw, path: str, body: bytes = b"before") -> str:
    """The new object's ETag."""
    etag = raw("PUT", path, body=body).header("ETag")
    assert etag is not None
    return etag


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"If-Match": "{etag}"}, 200),
        ({"If-Match": "{bare}"}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-Match": OTHER + ", {etag}"}, 200),
        ({"If-Match": OTHER}, 412),
        ({"If-None-Match": "{etag}"}, 304),
        ({"If-None-Match": "{bare}"}, 304),
        ({"If-None-Match": "W/{etag}"}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": OTHER}, 200),
        ({"If-Modified-Since": PAST}, 200),
        ({"If-Modified-Since": "{modified}"}, 304),
        ({"If-Unmodified-Since": PAST}, 412),
        ({"If-Unmodified-Since": FUTURE}, 200),
        ({"If-Unmodified-Since": "{modified}"}, 200),
        ({"If-Match": "{etag}", "If-Unmodified-Since": PAST}, 200),
        ({"If-Match": OTHER, "If-Unmodified-Since": FUTURE}, 412),
        ({"If-None-Match": "{etag}", "If-Modified-Since": PAST}, 304),
        ({"If-None-Match": OTHER, "If-Modified-Since": "{modified}"}, 200),
        ({"If-Match": "{etag}", "If-None-Match": "{etag}"}, 304),
        ({"If-Modified-Since": "not a date"}, 200),
        ({"If-Unmodified-Since": "not a date"}, 200),
    ],
    ids=str,
)
def test_conditional_read(raw: Raw, path: str, given: dict[str, str], status: int) -> None:
    """Checklist 84, 61: RFC 9110's precedence; ETags with and without quotes or weakness; unparsable dates ignored."""
    etag = put(raw, path)
    modified = raw("HEAD", path).header("Last-Modified") or ""
    headers = {name: text.format(etag=etag, bare=etag.strip('"'), modified=modified) for name, text in given.items()}
    assert raw("HEAD", path, headers).status == status
    answer = raw("GET", path, headers)
    assert answer.status == status
    if status == 412:
        assert answer.code == "PreconditionFailed"
        assert answer.text("Condition") == ("If-Match" if "If-Match" in given else "If-Unmodified-Since")
    assert (answer.body == b"before") is (status == 200)


def test_condition_on_a_time_to_come(raw: Raw, path: str) -> None:
    """Checklist 84: a future If-Modified-Since is ignored."""
    put(raw, path)
    assert raw("GET", path, {"If-Modified-Since": FUTURE}).status == 200


def test_range_under_a_condition(raw: Raw, path: str) -> None:
    """Checklist 84: the condition comes before the range."""
    etag = put(raw, path)
    assert raw("GET", path, {"Range": "bytes=0-1", "If-Match": etag}).body == b"be"
    assert raw("GET", path, {"Range": "bytes=0-1", "If-None-Match": etag}).status == 304
    assert raw("GET", path, {"Range": "bytes=99-", "If-Match": OTHER}).status == 412


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"If-None-Match": "*"}, FAILED),
        ({"If-None-Match": "{etag}"}, FAILED),
        ({"If-None-Match": OTHER}, (200, None)),
        ({"If-Match": "{etag}"}, (200, None)),
        ({"If-Match": "{bare}"}, (200, None)),
        ({"If-Match": "*"}, (200, None)),
        ({"If-Match": OTHER}, FAILED),
    ],
    ids=str,
)
def test_conditional_overwrite(raw: Raw, path: str, headers: dict[str, str], expected: tuple[int, str | None]) -> None:
    """Checklist 85, 86, 88: a condition that fails leaves the old object."""
    etag = put(raw, path)
    headers = {name: text.format(etag=etag, bare=etag.strip('"')) for name, text in headers.items()}
    answer = raw("PUT", path, headers, b"after")
    assert answer.refusal == expected
    assert raw("GET", path).body == (b"after" if expected[0] == 200 else b"before")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"If-None-Match": "*"}, (200, None)),
        ({"If-None-Match": OTHER}, (200, None)),
        ({"If-Match": OTHER}, GONE),
        ({"If-Match": "*"}, GONE),
    ],
    ids=str,
)
def test_conditional_creation(raw: Raw, path: str, headers: dict[str, str], expected: tuple[int, str | None]) -> None:
    """Checklist 85, 86: If-Match without an object is 404 NoSuchKey, `*` too."""
    assert raw("PUT", path, headers, b"after").refusal == expected
    assert raw("HEAD", path).status == expected[0]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [({"If-None-Match": "*"}, FAILED), ({"If-Match": OTHER}, FAILED), ({"If-Match": "{etag}"}, (200, None))],
    ids=str,
)
def test_conditional_completion(
    raw: Raw, path: str, headers: dict[str, str], expected: tuple[int, str | None]
) -> None:
    """Checklist 85, 86, 88: as for PUT; a refused one leaves the object and the upload."""
    etag = put(raw, path)
    upload = raw("POST", f"{path}?uploads").text("UploadId")
    part = raw("PUT", f"{path}?partNumber=1&uploadId={upload}", body=b"after").header("ETag")
    xml = completion((1, part))
    headers = {name: text.format(etag=etag) for name, text in headers.items()}
    assert raw("POST", f"{path}?uploadId={upload}", headers, xml).refusal == expected
    if expected == FAILED:
        assert raw("GET", path).body == b"before"
        assert raw("GET", f"{path}?uploadId={upload}").texts("Part/PartNumber") == ["1"]
        assert raw("POST", f"{path}?uploadId={upload}", body=xml).status == 200
    assert raw("GET", path).body == b"after"


def test_completion_that_must_overwrite(raw: Raw, path: str) -> None:
    """Checklist 86: If-Match without an object is 404 NoSuchKey."""
    upload = raw("POST", f"{path}?uploads").text("UploadId")
    part = raw("PUT", f"{path}?partNumber=1&uploadId={upload}", body=b"after").header("ETag")
    xml = completion((1, part))
    assert raw("POST", f"{path}?uploadId={upload}", {"If-Match": "*"}, xml).refusal == GONE
    assert raw("POST", f"{path}?uploadId={upload}", {"If-None-Match": "*"}, xml).status == 200


def at_once(number: int, call: Callable[[int], Answer]) -> list[Answer]:
    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(call, range(number)))


@pytest.mark.parametrize("round", range(3))
def test_one_creator_wins(raw: Raw, path: str, round: int) -> None:
    """Checklist 87: of writers with If-None-Match: *, one; the others 412 or 409."""
    answers = at_once(8, lambda number: raw("PUT", path, {"If-None-Match": "*"}, f"writer {number}".encode()))
    winners = [number for number, answer in enumerate(answers) if answer.status == 200]
    assert len(winners) == 1
    assert {answer.refusal for answer in answers} <= {(200, None), FAILED, (409, "ConditionalRequestConflict")}
    assert raw("GET", path).body == f"writer {winners[0]}".encode()


@pytest.mark.parametrize("round", range(3))
def test_one_successor_wins(raw: Raw, path: str, round: int) -> None:
    """Checklist 87: of writers with If-Match on the same ETag, one."""
    etag = put(raw, path)
    answers = at_once(8, lambda number: raw("PUT", path, {"If-Match": etag}, f"writer {number}".encode()))
    winners = [number for number, answer in enumerate(answers) if answer.status == 200]
    assert len(winners) == 1
    assert raw("GET", path).body == f"writer {winners[0]}".encode()


@pytest.mark.parametrize("round", range(3))
def test_one_completion_wins(raw: Raw, path: str, round: int) -> None:
    """Checklist 87: of uploads completed with If-None-Match: *, one; the others keep theirs."""
    uploads = [raw("POST", f"{path}?uploads").text("UploadId") for _ in range(6)]
    etags = [
        raw("PUT", f"{path}?partNumber=1&uploadId={upload}", body=f"writer {number}".encode()).header("ETag")
        for number, upload in enumerate(uploads)
    ]

    def complete(number: int) -> Answer:
        target = f"{path}?uploadId={uploads[number]}"
        return raw("POST", target, {"If-None-Match": "*"}, completion((1, etags[number])))

    answers = at_once(6, complete)
    winners = [number for number, answer in enumerate(answers) if answer.status == 200]
    assert len(winners) == 1
    assert {answer.refusal for answer in answers} <= {(200, None), FAILED, (409, "ConditionalRequestConflict")}
    assert raw("GET", path).body == f"writer {winners[0]}".encode()
    kept = raw("GET", f"/{path.split('/')[1]}?uploads&prefix={path.split('/')[2]}").texts("Upload/UploadId")
    assert set(kept) == {upload for number, upload in enumerate(uploads) if number not in winners}


def test_condition_is_checked_again_at_the_end(raw: Raw, path: str) -> None:
    """Checklist 87: an object that appears while the body comes."""
    slow = raw.prepared("PUT", path, {"If-None-Match": "*"}, b"s" * 100_000)
    with raw.connect() as connection:
        connection.send(slow.wire[:-1])
        assert raw("PUT", path, body=b"quick").status == 200
        answer = connection.send(slow.wire[-1:]).answer("PUT")
    assert answer.refusal in (FAILED, (409, "ConditionalRequestConflict"))
    assert raw("GET", path).body == b"quick"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"If-Match": "{etag}"}, 204),
        ({"If-Match": "{bare}"}, 204),
        ({"If-Match": "*"}, 204),
        ({"If-Match": OTHER}, 412),
        ({"x-amz-if-match-size": "6"}, 204),
        ({"x-amz-if-match-size": "7"}, 412),
        ({"x-amz-if-match-last-modified-time": "{modified}"}, 204),
        ({"x-amz-if-match-last-modified-time": "{iso}"}, 204),
        ({"x-amz-if-match-last-modified-time": PAST}, 412),
        ({"If-Match": "{etag}", "x-amz-if-match-size": "7"}, 412),
    ],
    ids=str,
)
def test_conditional_delete(raw: Raw, path: str, given: dict[str, str], expected: int) -> None:
    """Checklist 89, 90: ETag, size, and time to the second."""
    etag = put(raw, path)
    modified = raw("HEAD", path).header("Last-Modified") or ""
    iso = parsedate_to_datetime(modified).strftime("%Y-%m-%dT%H:%M:%SZ")
    values = {"etag": etag, "bare": etag.strip('"'), "modified": modified, "iso": iso}
    answer = raw("DELETE", path, {name: text.format(**values) for name, text in given.items()})
    assert answer.refusal == ((204, None) if expected == 204 else FAILED)
    assert raw("HEAD", path).status == (404 if expected == 204 else 200)


@pytest.mark.parametrize(
    "headers",
    [{"If-Match": OTHER}, {"If-Match": "*"}, {"x-amz-if-match-size": "1"}, {"x-amz-if-match-last-modified-time": PAST}],
    ids=str,
)
def test_conditional_delete_of_nothing(raw: Raw, path: str, headers: dict[str, str]) -> None:
    """Checklist 89, 90: 204 in a bucket without versions."""
    assert raw("DELETE", path, headers).status == 204


@pytest.mark.parametrize(
    "headers", [{"x-amz-if-match-size": "many"}, {"x-amz-if-match-last-modified-time": "soon"}], ids=str
)
def test_delete_under_a_misspelt_condition(raw: Raw, path: str, headers: dict[str, str]) -> None:
    """Checklist 90: refused; a condition nobody understands must not be taken as met."""
    put(raw, path)
    assert raw("DELETE", path, headers).status == 400
    assert raw("GET", path).body == b"before"


def test_conditional_deletes_in_one_request(s3: Any, bucket: str, key: str) -> None:
    """Checklist 91: each entry has its own conditions; the failing ones are Errors, the status is 200."""
    names = [f"{key}-{number}" for number in range(8)]
    etag = [s3.put_object(Bucket=bucket, Key=name, Body=b"before")["ETag"] for name in names][0]
    modified = s3.head_object(Bucket=bucket, Key=names[4])["LastModified"]
    told = s3.delete_objects(Bucket=bucket, Delete={"Objects": [
        {"Key": names[0], "ETag": etag},
        {"Key": names[1], "ETag": OTHER},
        {"Key": names[2], "Size": 6},
        {"Key": names[3], "Size": 7},
        {"Key": names[4], "LastModifiedTime": modified},
        {"Key": names[5], "LastModifiedTime": modified - timedelta(days=1)},
        {"Key": names[6]},
        {"Key": f"{key}-absent", "ETag": etag},
    ]})
    assert {entry["Key"] for entry in told["Deleted"]} == {*(names[n] for n in (0, 2, 4, 6)), f"{key}-absent"}
    assert {(entry["Key"], entry["Code"]) for entry in told["Errors"]} == {
        (names[number], "PreconditionFailed") for number in (1, 3, 5)
    }
    left = s3.list_objects_v2(Bucket=bucket, Prefix=key)["Contents"]
    assert [entry["Key"] for entry in left] == [names[number] for number in (1, 3, 5, 7)]


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"if-match": "{etag}"}, 200),
        ({"if-match": OTHER}, 412),
        ({"if-none-match": OTHER}, 200),
        ({"if-none-match": "{etag}"}, 412),
        ({"if-modified-since": PAST}, 200),
        ({"if-modified-since": "{modified}"}, 412),
        ({"if-unmodified-since": FUTURE}, 200),
        ({"if-unmodified-since": PAST}, 412),
        ({"if-match": "{etag}", "if-unmodified-since": PAST}, 200),
        ({"if-none-match": "{etag}", "if-modified-since": PAST}, 412),
    ],
    ids=str,
)
def test_conditions_on_the_source_of_a_copy(raw: Raw, path: str, given: dict[str, str], status: int) -> None:
    """Checklist 92: every failure is 412, never 304; of CopyObject and of UploadPartCopy."""
    etag = put(raw, path)
    modified = raw("HEAD", path).header("Last-Modified") or ""
    headers = {
        f"x-amz-copy-source-{name}": text.format(etag=etag, modified=modified) for name, text in given.items()
    } | {"x-amz-copy-source": path}
    upload = raw("POST", f"{path}-copy?uploads").text("UploadId")
    for target in (f"{path}-copy", f"{path}-copy?partNumber=1&uploadId={upload}"):
        answer = raw("PUT", target, headers)
        assert answer.refusal == ((200, None) if status == 200 else FAILED)
    assert raw("HEAD", f"{path}-copy").status == (200 if status == 200 else 404)
    raw("DELETE", f"{path}-copy?uploadId={upload}")


def test_conditions_on_the_target_of_a_copy(raw: Raw, path: str) -> None:
    """Checklist 92: If-Match and If-None-Match as for PUT."""
    put(raw, path, b"source")
    copy = {"x-amz-copy-source": path}
    assert raw("PUT", f"{path}-copy", {**copy, "If-Match": "*"}).refusal == GONE
    assert raw("PUT", f"{path}-copy", {**copy, "If-None-Match": "*"}).status == 200
    etag = put(raw, f"{path}-copy")
    for refused in ({"If-None-Match": "*"}, {"If-Match": OTHER}):
        assert raw("PUT", f"{path}-copy", {**copy, **refused}).refusal == FAILED
    assert raw("GET", f"{path}-copy").body == b"before"
    assert raw("PUT", f"{path}-copy", {**copy, "If-Match": etag}).status == 200
    assert raw("GET", f"{path}-copy").body == b"source"


def test_times_are_compared_by_the_second(raw: Raw, path: str) -> None:
    """Checklist 84, 28: an object is not modified since the second that its Last-Modified shows."""
    put(raw, path)
    modified = parsedate_to_datetime(raw("HEAD", path).header("Last-Modified") or "")
    later = format_datetime(modified + timedelta(seconds=1), usegmt=True)
    earlier = format_datetime(modified - timedelta(seconds=1), usegmt=True)
    assert raw("GET", path, {"If-Modified-Since": earlier}).status == 200
    assert raw("GET", path, {"If-Unmodified-Since": earlier}).status == 412
    assert raw("GET", path, {"If-Unmodified-Since": later}).status == 200
    assert modified <= datetime.now(timezone.utc)
