"""Listings that go into archives."""

from __future__ import annotations

from typing import Any

import pytest

from tests.nativeapi.conftest import Api
from tests.nativeapi.pages import listed, names
from tests.storage.archived import SUFFIXES, made

MEMBERS = {"x/1.jpg": b"one" * 50, "x/1.cls": b"7", "y/2.jpg": b""}
ARCH_DIR = str(1 << 3)
OBJECT, ARCHIVE, MEMBER = 64, 576, 192


@pytest.fixture(params=SUFFIXES)
def shards(api: Api, bucket: str, request: Any) -> list[str]:
    """Objects of which two are archives, one of them by its first bytes alone; what a listing of all of it shows."""
    suffix = request.param
    for key, data in (("a", b"plain"), (f"b{suffix}", made(suffix, MEMBERS)), ("c", made(suffix, MEMBERS)), ("d", b"")):
        api("PUT", f"/v1/objects/{bucket}/{key}", data)
    members = [[key, *(f"{key}/{name}" for name in MEMBERS)] for key in (f"b{suffix}", "c")]
    return ["a", *members[0], *members[1], "d"]


def test_archives_are_followed_by_their_members(api: Api, shards: list[str]) -> None:
    page = listed(api, flags=ARCH_DIR)
    assert (names(page), page["ContinuationToken"]) == (shards, "")
    flags = [OBJECT, ARCHIVE, MEMBER, MEMBER, MEMBER, ARCHIVE, MEMBER, MEMBER, MEMBER, OBJECT]
    assert [entry["f"] for entry in page["Entries"]] == flags
    assert page["Entries"][2]["s"] == 150
    assert all("s" not in entry for entry in listed(api, flags=ARCH_DIR, props="name")["Entries"])


@pytest.mark.parametrize("size", [1, 2, 3, 4, 9, 10])
def test_pages_go_on_within_archives(api: Api, shards: list[str], size: int) -> None:
    seen: list[str] = []
    token = ""
    while True:
        page = listed(api, flags=ARCH_DIR, pagesize=size, continuation_token=token)
        assert len(page["Entries"]) <= size
        seen += names(page)
        token = page["ContinuationToken"]
        if not token:
            break
    assert seen == shards


def test_prefix_goes_into_an_archive(api: Api, shards: list[str]) -> None:
    archive = shards[1]
    assert names(listed(api, flags=ARCH_DIR, prefix=archive)) == shards[1:5]
    assert names(listed(api, flags=ARCH_DIR, prefix=f"{archive}/")) == shards[2:5]
    assert names(listed(api, flags=ARCH_DIR, prefix=f"{archive}/x/")) == shards[2:4]
    first = listed(api, flags=ARCH_DIR, prefix=f"{archive}/x/", pagesize=1)
    rest = listed(api, flags=ARCH_DIR, prefix=f"{archive}/x/", continuation_token=first["ContinuationToken"])
    assert names(first) + names(rest) == shards[2:4]
    assert names(listed(api, flags=ARCH_DIR, prefix=f"{archive}/nope")) == []
    assert names(listed(api, flags="0", prefix=f"{archive}/")) == []


def test_broken_archive_shows_what_can_be_read_of_it(api: Api, bucket: str) -> None:
    api("PUT", "/v1/objects/music/broken.tgz", made(".tgz", MEMBERS)[:40])
    api("PUT", "/v1/objects/music/none.zip", b"not a zip at all")
    page = listed(api, flags=ARCH_DIR)
    assert [(entry["n"], entry["f"]) for entry in page["Entries"]] == [("broken.tgz", ARCHIVE), ("none.zip", ARCHIVE)]


@pytest.mark.parametrize("token", ["a\0", "a\0x", "a\0-1", "a\0²", "a\0" + "9" * 19])
def test_tokens_that_nobody_gave_are_refused(api: Api, bucket: str, token: str) -> None:
    refused = api.action("GET", "/v1/buckets/music", "list", {"flags": ARCH_DIR, "continuation_token": token})
    assert (refused.status, refused.message) == (400, "bad list-objects request: invalid continuation token")
