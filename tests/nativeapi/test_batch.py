"""Batch get, as native-wire §13 says it."""

from __future__ import annotations

import base64
import json
import re
import time
from typing import Any

import pytest

from tests.nativeapi.conftest import Answer, Api
from tests.storage.archived import SUFFIXES, made, members_of

SMALL, LARGE = b"hello", b"large" * 200_000
OBJECTS = {"o0": SMALL, "dir/o 1": b"world" * 10, "large": LARGE, "empty": b"", "é": b"accent"}
TYPES = {
    ".tar": "application/x-tar",
    ".tgz": "application/gzip",
    ".tar.gz": "application/gzip",
    ".zip": "application/zip",
    ".tar.lz4": "application/x-lz4",
}


@pytest.fixture
def filled(api: Api, bucket: str) -> str:
    for name, data in OBJECTS.items():
        assert api("PUT", f"/v1/objects/{bucket}/{name.replace(' ', '%20').replace('é', '%C3%A9')}", data).status == 200
    for suffix in SUFFIXES:
        api("PUT", f"/v1/objects/{bucket}/shard{suffix}", made(suffix, {"a": b"0123456789", "d/b": LARGE, "c": b""}))
    return bucket


def get(
    api: Api, *entries: dict[str, Any], path: str = "/music?provider=ais", token: str = "root-token", **fields: Any
) -> Answer:
    body = {"in": list(entries), "strm": True, "coer": False, **fields}
    return api("GET", f"/v1/ml/moss{path}", json.dumps(body).encode(), token=token)


def parts(answer: Answer) -> tuple[dict[str, Any], bytes]:
    """The metadata and the archive of a multipart answer."""
    found = re.fullmatch(r"multipart/mixed; boundary=([0-9a-f]{60})", answer.headers["Content-Type"])
    assert found, answer
    boundary = found[1]
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    before, first, second, after = answer.body.split(b"--" + boundary.encode())
    assert (before, after) == (b"", b"--\r\n")
    head, _, metadata = first.partition(b"\r\n\r\n")
    assert head == b'\r\nContent-Disposition: form-data; name="metadata"'
    told: dict[str, Any] = json.loads(metadata)
    head, _, archive = second.partition(b"\r\n\r\n")
    name = f'name="archive"; filename="get-batch[{told["uuid"]}]"'
    assert head.decode() == f"\r\nContent-Disposition: form-data; {name}\r\nContent-Type: application/octet-stream"
    return told, archive.removesuffix(b"\r\n")


def test_objects_come_in_the_order_of_the_request(api: Api, filled: str) -> None:
    for mime in (*TYPES, "tgz", ""):
        answer = get(api, *({"objname": name} for name in OBJECTS), mime=mime)
        suffix = f".{mime.removeprefix('.') or 'tar'}"
        assert (answer.status, answer.headers["Content-Type"]) == (200, TYPES[suffix])
        assert members_of(suffix, answer.body) == [(f"music/{name}", data) for name, data in OBJECTS.items()]


def test_kept_archive_comes_with_what_is_known_of_each_entry(api: Api, filled: str) -> None:
    for mime in TYPES:
        opaque = base64.b64encode(b"mine").decode()
        entries = {"objname": "o0", "opaque": opaque}, {"objname": "large"}, {"objname": "nope"}
        told, archive = parts(get(api, *entries, mime=mime, strm=False, coer=True))
        assert re.fullmatch(r"gbt-[A-Za-z][\w-]{8}", told["uuid"])
        *found, missing = told["out"]
        assert found == [
            {"objname": "o0", "bucket": "music", "provider": "ais", "size": 5, "opaque": opaque},
            {"objname": "large", "bucket": "music", "provider": "ais", "size": len(LARGE)},
        ]
        assert missing.pop("err_msg").endswith("]: ais://music/nope does not exist")
        assert missing == {"objname": "nope", "bucket": "music", "provider": "ais", "size": 0}
        named = [("music/o0", SMALL), ("music/large", LARGE), ("__404__/music/nope", b"")]
        assert members_of(mime, archive) == named


def test_archive_larger_than_memory_is_kept_all_the_same(api: Api, filled: str) -> None:
    told, archive = parts(get(api, *[{"objname": "large"}] * 9, strm=False))
    assert [entry["size"] for entry in told["out"]] == [len(LARGE)] * 9
    assert [data for _, data in members_of(".tar", archive)] == [LARGE] * 9


def test_names_without_the_bucket(api: Api, filled: str) -> None:
    answer = get(api, {"objname": "o0"}, {"objname": "nope"}, onob=True, coer=True)
    assert members_of(".tar", answer.body) == [("o0", SMALL), ("__404__/nope", b"")]


def test_members_of_archives_in_any_order(api: Api, filled: str) -> None:
    for suffix in SUFFIXES:
        shard = f"shard{suffix}"
        asked = ["c", "a", "d/b", "nope", "/a", "a"]
        answer = get(api, *({"objname": shard, "archpath": path} for path in asked), coer=True)
        name = f"music/{shard}"
        assert members_of(".tar", answer.body) == [
            (f"{name}/c", b""), (f"{name}/a", b"0123456789"), (f"{name}/d/b", LARGE),
            (f"__404__/{name}/nope", b""), (f"{name}/a", b"0123456789"), (f"{name}/a", b"0123456789"),
        ]  # fmt: skip


def test_ranges_of_objects_and_of_members(api: Api, filled: str) -> None:
    for suffix in SUFFIXES:
        shard = f"shard{suffix}"
        asked = [
            {"objname": "o0", "start": 1, "length": 3},
            {"objname": "large", "start": 300_000, "length": -1},
            {"objname": "o0", "length": 2},
            {"objname": "o0", "length": -1},
            {"objname": shard, "archpath": "a", "start": 7, "length": -1},
            {"objname": shard, "archpath": "d/b", "start": 3, "length": 900_000},
        ]
        expected = [b"ell", LARGE[300_000:], b"he", SMALL, b"789", LARGE[3:900_003]]
        assert [data for _, data in members_of(".tar", get(api, *asked).body)] == expected
        told, archive = parts(get(api, *asked, strm=False))
        assert [entry["size"] for entry in told["out"]] == [len(data) for data in expected]
        assert [data for _, data in members_of(".tar", archive)] == expected


def test_entries_may_lie_in_several_buckets(api: Api, filled: str) -> None:
    api.action("POST", "/v1/buckets/other", "create-bck")
    api("PUT", "/v1/objects/other/o0", b"other")
    entries = [
        {"objname": "o0"},
        {"objname": "o0", "bucket": "other", "provider": "ais"},
        {"uname": "ais/@#/other/o0"},
    ]
    named = [("music/o0", SMALL), ("other/o0", b"other"), ("other/o0", b"other")]
    assert members_of(".tar", get(api, *entries).body) == named
    assert members_of(".tar", get(api, *entries[1:], path="").body) == named[1:]


def test_bucket_in_a_namespace_is_named_without_it(api: Api, bucket: str) -> None:
    query = "provider=ais&namespace=%40%23ns"
    assert api.action("POST", f"/v1/buckets/music?{query}", "create-bck").status == 200
    api("PUT", f"/v1/objects/music/o0?{query}", b"inside")
    answer = get(api, {"objname": "o0"}, {"uname": "ais/@#ns/music/o0"}, path=f"/music?{query}")
    assert members_of(".tar", answer.body) == [("music/o0", b"inside")] * 2


REFUSED: list[tuple[dict[str, Any], int, str, str]] = [
    ({"in": []}, 400, "", "moss: empty input"),
    ({}, 400, "", "moss: empty input"),
    ({"in": [{"objname": "o0"}], "mime": ".foo"}, 400, "errUnknownMime", 'unknown mime type ".foo"'),
    ({"in": [{"objname": "o0"}], "coloc": 7}, 400, "", 'invalid colocation hint "7"'),
    ({"in": [{"objname": "o0", "start": 1}]}, 400, "", 'invalid byte range for object "o0"'),
    ({"in": [{"objname": "o0", "start": -1, "length": 1}]}, 400, "", 'invalid byte range for object "o0"'),
    ({"in": [{"objname": "o0", "length": -2}]}, 400, "", 'invalid byte range for object "o0"'),
    ({"in": [{"objname": "../o0"}]}, 400, "errInvalidPath", 'invalid object name "../o0"'),
    ({"in": [{"objname": "o0", "bucket": "nope"}]}, 404, "ErrBckNotFound", 'bucket "ais://nope" does not exist'),
    ({"in": [{"objname": "o0", "bucket": "b", "provider": "foo"}]}, 400, "ErrInvalidBackendProvider", "foo"),
    ({"in": [{"objname": "nope"}]}, 404, "ErrNotFound", "ais://music/nope does not exist"),
    ({"in": [{"objname": "shard.tar", "archpath": "x"}]}, 404, "ErrNotFound", "x in ais://music/shard.tar does"),
    ({"in": [{"objname": "o0", "archpath": "x"}], "coer": True}, 400, "", "unsupported file format"),
    (
        {"in": [{"objname": "o0", "start": 100, "length": 2}], "coer": True}, 400, "ErrRangeNotSatisfiable",
        "size=5: not satisfiable range [start=100,length=2]",
    ),
    ({"in": [{"objname": "o0", "start": 2, "length": 4}]}, 400, "ErrRangeNotSatisfiable", "[start=2,length=4]"),
    ({"in": 5}, 400, "", "failed to unmarshal"),
    ({"in": [{"objname": "o0", "start": "x"}]}, 400, "", "failed to unmarshal"),
]  # fmt: skip


@pytest.mark.parametrize("streamed", [True, False])
def test_what_cannot_be_delivered_is_refused_before_the_first_byte(api: Api, filled: str, streamed: bool) -> None:
    for fields, status, code, message in REFUSED:
        answer = api("GET", "/v1/ml/moss/music?provider=ais", json.dumps({**fields, "strm": streamed}).encode())
        assert (answer.status, answer.json.get("tcode", "")) == (status, code)
        assert message in answer.message


def test_other_refusals(api: Api, filled: str) -> None:
    assert get(api, {"objname": "o0"}, path="").message == 'missing bucket specification for object "o0"'
    assert get(api, {"objname": "o0"}, path="/nope").status == 404
    assert get(api, {"objname": "o0"}, path="/music?coloc=1").status == 200
    assert get(api, {"objname": "o0"}, path="/music?coloc=3").status == 400
    assert api("POST", "/v1/ml/moss/music").status == 405
    assert api("GET", "/v1/ml/moss/music", b"{").status == 400
    assert get(api, {"objname": "o0"}, token="").status == 401


def test_every_bucket_must_be_readable(api: Api, filled: str) -> None:
    api.action("POST", "/v1/buckets/hers", "create-bck", token="alice-token")
    api("PUT", "/v1/objects/hers/song", b"hers", token="alice-token")
    hers = {"objname": "song", "bucket": "hers", "provider": "ais"}
    assert get(api, hers, path="", token="alice-token").status == 200
    assert get(api, hers, {"objname": "o0", "bucket": "music"}, path="", token="alice-token").status == 403
    assert get(api, hers, path="/music", token="alice-token").status == 403


def test_failure_after_the_first_bytes_breaks_the_stream(api: Api, filled: str) -> None:
    from storage.errors import NoSuchKey

    with pytest.raises(NoSuchKey):
        get(api, {"objname": "large"}, {"objname": "nope"})


def test_requests_are_a_job_of_their_bucket_that_counts_and_can_be_aborted(api: Api, filled: str) -> None:
    first = parts(get(api, {"objname": "o0"}, {"objname": "large"}, strm=False))[0]["uuid"]
    second = parts(get(api, {"objname": "o0"}, strm=False))[0]["uuid"]
    assert first == second
    api.native.attendance._tell()
    job = api.native.jobs.get(first)
    assert (job.definition.kind, job.definition.bucket) == ("get-batch", "music")
    assert (job.state.objects, job.state.size) == (3, 2 * len(SMALL) + len(LARGE))
    api.native.jobs.abort(first)
    deadline = time.monotonic() + 10
    while parts(get(api, {"objname": "o0"}, strm=False))[0]["uuid"] == first:
        api.native.attendance._tell()
        assert time.monotonic() < deadline
