"""Listings of objects through the native API."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from tests.nativeapi.conftest import Answer, Api
from tests.nativeapi.pages import listed, names

LEVEL = str(1 << 11)


def test_list_is_ordered_by_bytes(api: Api, tree: list[str]) -> None:
    page = listed(api)
    assert names(page) == tree
    assert page["ContinuationToken"] == ""
    assert page["UUID"]
    assert page["Entries"][0] == {"n": "a", "f": 64}
    assert page["Entries"][1] == {"n": "dir-x", "s": 4, "f": 64}


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_pages_add_up_to_the_whole(api: Api, tree: list[str], size: int) -> None:
    seen: list[str] = []
    page = listed(api, pagesize=size, flags="0")
    while True:
        assert len(page["Entries"]) <= size
        seen += names(page)
        if not page["ContinuationToken"]:
            break
        page = listed(api, pagesize=size, uuid=page["UUID"], continuation_token=page["ContinuationToken"])
    assert seen == tree


def test_prefix_and_start_narrow_the_list(api: Api, tree: list[str]) -> None:
    assert names(listed(api, prefix="dir/")) == ["dir/1", "dir/2", "dir/sub/3"]
    assert names(listed(api, prefix="dir/*")) == ["dir/1", "dir/2", "dir/sub/3"]
    assert names(listed(api, start_after="dir/2")) == ["dir/sub/3", "z", "é"]


def test_one_level_shows_directories_once_and_in_order(api: Api, tree: list[str]) -> None:
    page = listed(api, flags=str(1 << 11))
    assert names(page) == ["a", "dir-x", "dir/", "z", "é"]
    assert page["Entries"][2] == {"n": "dir/", "f": 256}
    assert names(listed(api, prefix="dir/", flags=str(1 << 11))) == ["dir/1", "dir/2", "dir/sub/"]


def test_props_say_what_entries_show(api: Api, tree: list[str]) -> None:
    assert listed(api, props="name", prefix="z")["Entries"] == [{"n": "z", "f": 64}]
    (entry,) = listed(api, props="name,size,checksum,atime,location,copies,made-up", prefix="z")["Entries"]
    assert set(entry) == {"n", "s", "cs", "a", "t", "c", "f"}
    assert entry["a"].endswith(" UTC")


def test_json_is_for_those_who_do_not_ask_for_msgpack(api: Api, tree: list[str]) -> None:
    page = api("GET", "/v1/buckets/music").json
    assert page["entries"][1] == {"name": "dir-x", "size": "4", "flags": 64}
    assert set(page) == {"uuid", "continuation_token", "entries", "flags"}


@pytest.mark.parametrize(
    "value", [{"pagesize": -1}, {"prefix": "../x"}, {"flags": str(1 << 9)}, {"flags": str(1 << 12)}, {"flags": "x"}, 5]
)
def test_senseless_lists_are_refused(api: Api, bucket: str, value: object) -> None:
    assert api.action("GET", "/v1/buckets/music", "list", value).status == 400


def test_full_page_has_a_token_even_when_nothing_follows(api: Api, tree: list[str]) -> None:
    page = listed(api, pagesize=len(tree))
    assert (names(page), page["ContinuationToken"]) == (tree, tree[-1])
    last = listed(api, pagesize=len(tree), continuation_token=page["ContinuationToken"], uuid="whatever-it-is")
    assert (last["Entries"], last["ContinuationToken"], last["UUID"]) == ([], "", "whatever-it-is")


def test_start_counts_on_the_first_page_only(api: Api, tree: list[str]) -> None:
    page = listed(api, pagesize=2, start_after="dir/1")
    assert names(page) == ["dir/2", "dir/sub/3"]
    assert names(listed(api, start_after="dir/1", continuation_token="dir/sub/3")) == ["z", "é"]


@pytest.mark.parametrize("asked", [10_001, 2**40])
def test_pages_are_no_larger_than_aistores(api: Api, tree: list[str], asked: int) -> None:
    assert names(listed(api, pagesize=asked)) == tree


def test_name_of_a_directory_means_what_is_in_it(api: Api, tree: list[str]) -> None:
    assert names(listed(api, prefix="dir", flags=LEVEL)) == ["dir/1", "dir/2", "dir/sub/"]
    assert names(listed(api, prefix="di", flags=LEVEL)) == ["dir-x", "dir/"]
    assert names(listed(api, prefix="dir", flags="0")) == ["dir-x", "dir/1", "dir/2", "dir/sub/3"]
    assert names(listed(api, prefix="nowhere", flags=LEVEL)) == []


def test_directories_show_even_to_those_who_want_none(api: Api, tree: list[str]) -> None:
    assert "dir/" in names(listed(api, flags=str(1 << 11 | 1 << 13)))
    assert "dir/" not in names(listed(api, flags=str(1 << 13)))


@pytest.mark.parametrize("size", [1, 2])
def test_pages_of_a_level_add_up(api: Api, tree: list[str], size: int) -> None:
    seen, token = [], ""
    while True:
        page = listed(api, pagesize=size, flags=LEVEL, continuation_token=token)
        seen += names(page)
        token = page["ContinuationToken"]
        if not token:
            break
    assert seen == ["a", "dir-x", "dir/", "z", "é"]


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        ({}, "nsf"),
        ({"props": "name"}, "nf"),
        ({"flags": str(1 << 4)}, "nf"),
        ({"flags": str(1 << 4), "props": "size,checksum"}, "nf"),
        ({"flags": str(1 << 5)}, "nsf"),
        ({"props": "name,size"}, "nsf"),
        ({"flags": "1"}, "nsfca"),
        ({"flags": str(1 | 1 << 5)}, "nsf"),
        ({"props": "made-up"}, "nf"),
        ({"props": "cached,status,ec,version"}, "nfv"),
        ({"props": "name, copies ,custom"}, "nf1m"),
    ],
)
def test_flags_and_props_choose_the_fields(api: Api, bucket: str, value: dict[str, Any], fields: str) -> None:
    api("PUT", "/v1/objects/music/song", b"hello world", ais_custom_md="b=2")
    api.action("PATCH", "/v1/objects/music/song", "", {"a": "ü"})
    (entry,) = listed(api, **value)["Entries"]
    short = {"cs": "c", "c": "1"}
    assert sorted(short.get(name, name) for name in entry) == sorted(fields)
    assert entry["n"] == "song" and entry["f"] == 64
    assert entry.get("s", 11) == 11
    assert entry.get("cs", "45ab6734b21e6968") == "45ab6734b21e6968"
    assert entry.get("m", "[a:ü b:2]") == "[a:ü b:2]"


def test_versions_show_where_they_are_counted(api: Api, bucket: str) -> None:
    assert api.action("PATCH", "/v1/buckets/music", "set-bprops", {"versioning": {"enabled": True}}).status == 200
    for _ in range(2):
        api("PUT", "/v1/objects/music/song", b"x")
    assert listed(api, props="version")["Entries"] == [{"n": "song", "v": "2", "f": 64}]


def test_location_names_target_and_mountpath(api: Api, tree: list[str]) -> None:
    path = api.native.paths()[0]
    (entry,) = listed(api, props="location", prefix="z")["Entries"]
    assert re.fullmatch(rf"t\[{api.native.nodes.target}\]:mp\[{path}, [^,]+, [^,]+\]", entry["t"])
    assert api("HEAD", "/v1/objects/music/z?props=location").headers["Ais-Location"] == entry["t"]


def test_times_look_as_asked(api: Api, tree: list[str]) -> None:
    forms = {
        "": r"\d\d [A-Z][a-z][a-z] \d\d \d\d:\d\d UTC",
        "RFC3339": r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ",
        "2006/01/02": r"20\d\d/\d\d/\d\d",
    }
    for layout, form in forms.items():
        (entry,) = listed(api, props="atime", prefix="z", time_format=layout)["Entries"]
        assert re.fullmatch(form, entry["a"])


def test_objects_in_parts_show_that_they_are(api: Api, bucket: str) -> None:
    upload = api.action("POST", "/v1/objects/music/song", "mpt-upload").body.decode()
    api("PUT", f"/v1/objects/music/song?uploadId={upload}&partNumber=1", b"hello")
    api.action("POST", f"/v1/objects/music/song?uploadId={upload}", "mpt-complete", [{"part-number": 1}])
    api("PUT", "/v1/objects/music/plain", b"x")
    for props in ("", "checksum"):
        assert [entry["f"] for entry in listed(api, props=props)["Entries"]] == [64, 64 + 8192]


def test_one_target_may_be_named(api: Api, tree: list[str]) -> None:
    assert names(listed(api, target=api.native.nodes.target)) == tree
    other = api.action("GET", "/v1/buckets/music", "list", {"target": "t12345678"})
    assert (other.status, other.json["tcode"]) == (404, "errNodeNotFound")


def test_what_go_clients_send_is_understood(api: Api, tree: list[str]) -> None:
    message = {"uuid": "", "props": "name,size", "time_format": "", "prefix": "dir/", "start_after": "", "pagesize": 0}
    message |= {"continuation_token": "", "target": "", "flags": "448"}
    assert names(listed(api, **message)) == ["dir/1", "dir/2", "dir/sub/3"]


@pytest.mark.parametrize(
    ("value", "message", "code"),
    [
        ({"pagesize": -1}, "bad list-objects request: negative page size -1", ""),
        ({"prefix": "../x"}, 'bad list-objects request: invalid prefix "../x"', "errInvalidPath"),
        ({"flags": "512"}, "ais://music is not a remote bucket - cannot list 'not cached' objects", ""),
        ({"flags": "4096"}, "cannot perform remote versions check for ais://music", ""),
        ({"flags": "32768"}, "list: expecting remote bucket (have ais://music)", "ErrNotRemoteBck"),
        ({"flags": "65536"}, "bad list-objects request: invalid flags for ais://music", ""),
        ({"flags": "-1"}, "ais://music is not a remote bucket - cannot list 'not cached' objects", ""),
    ],
)
def test_lists_that_cannot_be_are_told_why(
    api: Api, bucket: str, value: dict[str, Any], message: str, code: str
) -> None:
    refused: Answer = api.action("GET", "/v1/buckets/music", "list", value)
    assert (refused.status, refused.message, refused.json.get("tcode", "")) == (400, message, code)


@pytest.mark.parametrize("value", [{"colour": 1}, {"flags": "1.5"}, {"pagesize": "many"}, {"props": 1}, [1], "x"])
def test_unknown_fields_and_forms_are_refused(api: Api, bucket: str, value: object) -> None:
    refused = api.action("GET", "/v1/buckets/music", "list", value)
    assert (refused.status, refused.message.startswith("bad list-objects request: ")) == (400, True)


def test_empty_bucket_lists_as_nothing(api: Api, bucket: str) -> None:
    assert listed(api)["Entries"] == []
    answer = api("GET", "/v1/buckets/music", accept="application/msgpack")
    assert msgspec.msgpack.decode(answer.body)["ContinuationToken"] == ""


def test_listing_of_several_pages_is_a_job(api: Api, tree: list[str]) -> None:
    whole = listed(api)
    assert whole["UUID"] and not [job for job in api.native.jobs.live() if job.kind == "list"]
    first = listed(api, pagesize=3)
    (job,) = [job for job in api.native.jobs.live() if job.kind == "list"]
    assert (first["UUID"], job.definition.bucket) == (job.id, "music")
    second = listed(api, pagesize=3, uuid=first["UUID"], continuation_token=first["ContinuationToken"])
    assert second["UUID"] == first["UUID"]
    api.native.attendance.close()
    assert api.native.jobs.get(job.id).state.objects == 6
    running = api("GET", "/v1/cluster?what=running_all", b'{"kind":"","node":"","show_active":true}').json
    assert running == [f"list[{job.id}]"]
