"""Buckets and their listings through the native API."""

from __future__ import annotations

import json

import pytest

from storage.store import Store
from tests.nativeapi.conftest import ALICE, Api
from tests.nativeapi.pages import listed, names


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


def test_what_a_large_bucket_leaves_is_removed_by_a_job(
    api: Api, tree: list[str], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nativeapi.buckets.PURGE_SECONDS", 0.0)
    bucket = store.buckets.get("music")
    assert api.action("DELETE", "/v1/buckets/music", "destroy-bck").status == 200
    assert api("HEAD", "/v1/buckets/music").status == 404
    (job,) = api.native.jobs.live()
    assert (job.kind, job.definition.bucket) == ("destroy-bck", "music")
    assert api.native.jobs.value(job.id) == {"id": bucket.id}
