"""Buckets and their listings through the native API."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.nativeapi.conftest import ALICE, Api

MSGPACK = "application/msgpack"
TREE = ["a", "dir/1", "dir/2", "dir/sub/3", "dir-x", "é", "z"]


@pytest.fixture
def tree(api: Api, bucket: str) -> list[str]:
    for number, name in enumerate(TREE):
        from urllib.parse import quote

        api("PUT", f"/v1/objects/music/{quote(name)}", b"x" * number)
    return sorted(TREE, key=str.encode)


def listed(api: Api, **value: Any) -> dict[str, Any]:
    answer = api.action("GET", "/v1/buckets/music?provider=ais", "list", value, accept=MSGPACK)
    assert (answer.status, answer.headers["Content-Type"]) == (200, MSGPACK)
    found = msgspec.msgpack.decode(answer.body)
    assert list(found) == ["UUID", "ContinuationToken", "Entries", "Flags"]
    return dict(found)


def names(page: dict[str, Any]) -> list[str]:
    return [entry["n"] for entry in page["Entries"]]


def test_created_bucket_belongs_to_its_creator(api: Api) -> None:
    created = api.action("POST", "/v1/buckets/Alices_1?provider=ais", "create-bck", token="alice-token")
    assert (created.status, created.body) == (200, b"")
    assert api.native.store.buckets.get("Alices_1").owner == ALICE.id


def test_bucket_is_created_once(api: Api, bucket: str) -> None:
    again = api.action("POST", "/v1/buckets/music", "create-bck")
    assert (again.status, again.message) == (409, 'bucket "ais://music" already exists')


@pytest.mark.parametrize("name", ["a" * 65, ".hidden", "a..b", "a*b", "%23x"])
def test_bad_bucket_names_are_refused(api: Api, name: str) -> None:
    refused = api.action("POST", f"/v1/buckets/{name}", "create-bck")
    assert (refused.status, refused.message.startswith("bucket name is")) == (400, True)


def test_destroyed_bucket_is_gone_with_its_objects(api: Api, tree: list[str]) -> None:
    assert api.action("DELETE", "/v1/buckets/music?provider=ais", "destroy-bck").status == 200
    again = api.action("DELETE", "/v1/buckets/music?provider=ais", "destroy-bck")
    assert (again.status, again.message) == (404, 'bucket "ais://music" does not exist')
    api.action("POST", "/v1/buckets/music", "create-bck")
    assert names(listed(api)) == []


def test_others_buckets_can_neither_be_destroyed_nor_seen(api: Api, bucket: str) -> None:
    assert api.action("DELETE", "/v1/buckets/music", "destroy-bck", token="alice-token").status == 403
    assert api.action("GET", "/v1/buckets/music", "list", token="alice-token").status == 403
    assert api("HEAD", "/v1/buckets/music", token="alice-token").status == 403
    assert api("GET", "/v1/buckets", token="alice-token").status == 403


def test_head_shows_the_properties(api: Api, bucket: str) -> None:
    head = api("HEAD", "/v1/buckets/music?provider=ais")
    assert (head.status, head.body) == (200, b"")
    properties = json.loads(head.headers["Ais-Bucket-Props"])
    assert properties["provider"] == "ais"
    assert isinstance(properties["created"], str)
    missing = api("HEAD", "/v1/buckets/nope")
    assert (missing.status, missing.message) == (404, 'bucket "ais://nope" does not exist')


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


def test_buckets_are_listed_for_those_who_may_see_them(api: Api, bucket: str) -> None:
    api.action("POST", "/v1/buckets/alices", "create-bck", token="alice-token")
    every = api.action("GET", "/v1/buckets?provider=", "list").json
    assert [row["name"] for row in every] == ["alices", "music"]
    assert every[0] == {"name": "alices", "provider": "ais", "namespace": {"uuid": "", "name": ""}}
    assert api("GET", "/v1/buckets", token="alice-token").status == 403
    refused = api.action("GET", "/v1/buckets?provider=aws", "list")
    assert (refused.status, refused.message) == (400, "AWS backend is missing in the cluster configuration")


@pytest.mark.parametrize(
    ("method", "action", "status"),
    [("POST", "make-n-copies", 501), ("POST", "dance", 400), ("DELETE", "create-bck", 400)],
)
def test_actions_not_offered_are_told_from_nonsense(
    api: Api, bucket: str, method: str, action: str, status: int
) -> None:
    assert api.action(method, "/v1/buckets/music", action).status == status


def test_malformed_messages_are_refused(api: Api, bucket: str) -> None:
    assert api("POST", "/v1/buckets/music", b"{").status == 400
    assert api("POST", "/v1/buckets/music", b'{"action": 5}').status == 400
