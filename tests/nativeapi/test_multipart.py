"""Native multipart uploads: AIStore's rules about parts."""

from __future__ import annotations

from typing import Any

import pytest
import xxhash

from tests.nativeapi.conftest import Answer, Api

SONG = "/v1/objects/music/song"
PIECES = [b"a" * 10, b"b" * 7, b"c"]


def begin(api: Api, target: str = SONG, **headers: str) -> str:
    made = api.action("POST", target, "mpt-upload", **headers)
    assert (made.status, made.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    return made.body.decode()


def put(api: Api, upload: str, number: object, data: bytes, target: str = SONG, **options: Any) -> Answer:
    return api("PUT", f"{target}?provider=ais&uploadId={upload}&partNumber={number}", data, **options)


def complete(api: Api, upload: str, numbers: list[int], target: str = SONG) -> Answer:
    value = [{"part-number": number, "etag": ""} for number in numbers]
    return api.action("POST", f"{target}?uploadId={upload}", "mpt-complete", value)


def test_parts_become_the_object_in_the_order_of_their_numbers(api: Api, bucket: str) -> None:
    upload = begin(api, ais_custom_md="artist=Bach")
    for number in (3, 1, 2):
        sent = put(api, upload, number, PIECES[number - 1])
        assert (sent.status, sent.body) == (200, b"")
    assert api("HEAD", SONG).status == 404
    assert complete(api, upload, [2, 3, 1]).status == 200
    got = api("GET", SONG)
    whole = b"".join(PIECES)
    assert got.body == whole
    assert got.headers["Ais-Checksum-Type"] == "xxhash2"
    assert got.headers["Ais-Checksum-Value"] == xxhash.xxh64_hexdigest(whole)
    assert got.headers["Ais-Custom-Md"] == "artist=Bach"
    head = api("HEAD", f"{SONG}?props=chunked").headers
    assert (head["Ais-Chunks-Count"], head["Ais-Chunks-Max-Chunk-Size"]) == ("3", "10")


def test_plain_put_makes_it_a_plain_object_again(api: Api, bucket: str) -> None:
    upload = begin(api)
    put(api, upload, 1, b"x")
    complete(api, upload, [1])
    api("PUT", SONG, b"plain")
    assert "Ais-Chunks-Count" not in api("HEAD", f"{SONG}?props=chunked").headers


def test_part_uploaded_again_replaces_the_earlier_one(api: Api, bucket: str) -> None:
    upload = begin(api)
    for data in (b"first", b"second"):
        put(api, upload, 1, data)
    assert complete(api, upload, [1]).status == 200
    assert api("GET", SONG).body == b"second"


@pytest.mark.parametrize(
    ("uploaded", "requested", "message"),
    [
        ([1, 3], [1, 3], "chunk at (1) has invalid number 3 (count=2)"),
        ([2], [2], "chunk at (0) has invalid number 2 (count=1)"),
        ([1, 2], [1, 2, 3], "partial completion is not allowed: requested 3 parts, have 2"),
        ([1, 2], [1], "partial completion is not allowed: requested 1 parts, have 2"),
        ([1, 2], [1, 1], "partial completion is not allowed: requested 2 parts, have 2"),
        ([1, 2], [1, 3], "partial completion is not allowed: requested 2 parts, have 2"),
        ([], [], "no chunks"),
        ([], [1], "no chunks"),
    ],
)
def test_list_that_is_not_of_all_parts_is_refused(
    api: Api, bucket: str, uploaded: list[int], requested: list[int], message: str
) -> None:
    upload = begin(api)
    for number in uploaded:
        put(api, upload, number, b"x")
    refused = complete(api, upload, requested)
    assert (refused.status, refused.message) == (400, message)
    for number in {1, *range(1, max(uploaded, default=0))}:
        put(api, upload, number, b"y")
    assert complete(api, upload, [*range(1, max(uploaded, default=1) + 1)]).status == 200


@pytest.mark.parametrize("announced", [True, False])
def test_part_without_bytes_is_refused(api: Api, bucket: str, announced: bool) -> None:
    upload = begin(api)
    put(api, upload, 1, b"before")
    refused = put(api, upload, 1, b"", announced=announced)
    assert (refused.status, refused.message) == (400, "ais://music/song: put-part invalid size (0)")
    assert complete(api, upload, [1]).status == 200
    assert api("GET", SONG).body == b"before"


@pytest.mark.parametrize("number", ["0", "-1", "x", "", "10001", "1.0", "%C2%B2", "9" * 30])
def test_part_numbers_are_from_1_to_10000(api: Api, bucket: str, number: str) -> None:
    upload = begin(api)
    assert put(api, upload, number, b"x").status == 400
    assert put(api, upload, 10000, b"x").status == 200


def test_part_that_is_not_what_was_announced_is_refused(api: Api, bucket: str) -> None:
    upload = begin(api)
    refused = put(api, upload, 1, b"x", ais_checksum_type="md5", ais_checksum_value="0" * 32)
    assert refused.message.startswith("BAD DATA CHECKSUM: md5(")
    assert complete(api, upload, [1]).message == "no chunks"


@pytest.mark.parametrize("end", ["unknown", "finished", "aborted", "another"])
def test_upload_that_is_not_under_way_is_not_found(api: Api, bucket: str, end: str) -> None:
    upload = begin(api)
    put(api, upload, 1, b"x")
    target = SONG
    if end == "unknown":
        upload = "nope"
    elif end == "finished":
        complete(api, upload, [1])
    elif end == "aborted":
        assert api.action("DELETE", f"{SONG}?uploadId={upload}", "mpt-abort").status == 200
    else:
        target = "/v1/objects/music/other"
    key = target.rpartition("/")[2]
    for refused in (put(api, upload, 1, b"x", target), complete(api, upload, [1], target)):
        assert (refused.status, refused.message) == (404, f"o[music/{key}(-)]: {upload} does not exist")
        assert refused.json["tcode"] == "ErrNotFound"
    gone = api.action("DELETE", f"{target}?uploadId={upload}", "mpt-abort")
    assert (gone.status, f"ais://music/{key}" in gone.message) == (404, True)


def test_old_object_is_read_until_completion_and_lends_its_metadata(api: Api, bucket: str) -> None:
    api("PUT", SONG, b"old", ais_custom_md="artist=Bach")
    upload = begin(api)
    put(api, upload, 1, b"new")
    assert api("GET", SONG).body == b"old"
    complete(api, upload, [1])
    got = api("GET", SONG)
    assert (got.body, got.headers["Ais-Custom-Md"]) == (b"new", "artist=Bach")


@pytest.mark.parametrize("value", ["x", [1], [{"etag": ""}], {"part-number": 1}, [{"part-number": "x"}]])
def test_what_is_no_list_of_parts_is_refused(api: Api, bucket: str, value: object) -> None:
    upload = begin(api)
    put(api, upload, 1, b"x")
    assert api.action("POST", f"{SONG}?uploadId={upload}", "mpt-complete", value).status == 400
    assert api.action("POST", SONG, "mpt-complete", [{"part-number": 1}]).status == 400
