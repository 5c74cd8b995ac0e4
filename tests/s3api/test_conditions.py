"""Conditional reads, writes and deletions."""

from __future__ import annotations

import hashlib

import pytest

from tests.s3api.conftest import Client

ETAG = f'"{hashlib.md5(b"data").hexdigest()}"'
PAST, FUTURE = "Sat, 29 Oct 1994 19:43:31 GMT", "Tue, 29 Oct 2199 19:43:31 GMT"


@pytest.fixture
def stored(alice: Client) -> Client:
    alice("PUT", "/bucket/key", {"Cache-Control": "no-store"}, b"data")
    return alice


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-Match": ETAG}, 200),
        ({"If-Match": ETAG.strip('"')}, 200),
        ({"If-Match": f'"other", W/{ETAG}'}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-Match": '"other"'}, 412),
        ({"If-None-Match": ETAG}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"other"'}, 200),
        ({"If-Modified-Since": PAST}, 200),
        ({"If-Modified-Since": FUTURE}, 200),
        ({"If-Modified-Since": "nonsense"}, 200),
        ({"If-Unmodified-Since": PAST}, 412),
        ({"If-Unmodified-Since": FUTURE}, 200),
        ({"If-Unmodified-Since": "99/99/99"}, 200),
        ({"If-Match": ETAG, "If-Unmodified-Since": PAST}, 200),
        ({"If-None-Match": ETAG, "If-Modified-Since": PAST}, 304),
    ],
)
def test_read_happens_when_its_conditions_hold(stored: Client, headers: dict[str, str], status: int) -> None:
    for method in ("GET", "HEAD"):
        answer = stored(method, "/bucket/key", headers)
        assert answer.status == status
        if status == 304:
            assert (answer.body, answer.headers["etag"], answer.headers["cache-control"]) == (b"", ETAG, "no-store")
        if status == 412 and method == "GET":
            assert (answer.code, answer.text("Condition")) == ("PreconditionFailed", next(iter(headers)))


@pytest.mark.parametrize(
    ("key", "headers", "status"),
    [
        ("key", {"If-None-Match": "*"}, 412),
        ("new", {"If-None-Match": "*"}, 200),
        ("key", {"If-None-Match": ETAG}, 412),
        ("key", {"If-None-Match": '"other"'}, 200),
        ("key", {"If-Match": ETAG}, 200),
        ("key", {"If-Match": "*"}, 200),
        ("key", {"If-Match": '"other"'}, 412),
        ("new", {"If-Match": ETAG}, 404),
        ("new", {"If-Match": "*"}, 404),
    ],
)
def test_write_happens_when_its_conditions_hold(stored: Client, key: str, headers: dict[str, str], status: int) -> None:
    assert stored("PUT", f"/bucket/{key}", headers, b"new").status == status
    expected = b"new" if status == 200 else b"data"
    assert key == "new" and status != 200 or stored("GET", f"/bucket/{key}").body == expected


@pytest.mark.parametrize(
    ("headers", "gone"),
    [
        ({"If-Match": ETAG}, True),
        ({"If-Match": "*"}, True),
        ({"If-Match": '"other"'}, False),
        ({"x-amz-if-match-size": "4"}, True),
        ({"x-amz-if-match-size": "5"}, False),
        ({"x-amz-if-match-size": "x"}, None),
        ({"x-amz-if-match-last-modified-time": PAST}, False),
        ({"x-amz-if-match-last-modified-time": "x"}, None),
    ],
)
def test_deletion_happens_when_its_conditions_hold(stored: Client, headers: dict[str, str], gone: bool | None) -> None:
    statuses = {True: 204, False: 412, None: 400}

    assert stored("DELETE", "/bucket/key", headers).status == statuses[gone]
    assert stored("HEAD", "/bucket/key").status == (404 if gone else 200)
    if gone is not None:
        assert stored("DELETE", "/bucket/missing", headers).status == 204


def test_deletion_by_the_time_that_head_shows(stored: Client) -> None:
    shown = stored("HEAD", "/bucket/key").headers["last-modified"]

    assert stored("DELETE", "/bucket/key", {"x-amz-if-match-last-modified-time": shown}).status == 204
