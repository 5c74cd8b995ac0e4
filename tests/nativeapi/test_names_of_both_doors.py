"""Names that one protocol has and the other has not: refused, shown, never rewritten. See docs/native.md."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import urllib3

from tests.node import Node

ODD = ["/a", "a", "a//b", "a/b", "dir/", "x/../y", "x/./y", "~/home", "é\u0301/ü"]
UNREACHABLE = ["x/../y", "x/./y", "~/home"]
BUCKET = f"odd-{random.randrange(16**8):08x}"


@pytest.fixture(scope="module")
def s3(node: Node) -> Iterator[Any]:
    client = node.client()
    client.create_bucket(Bucket=BUCKET)
    for key in ODD:
        client.put_object(Bucket=BUCKET, Key=key, Body=key.encode())
    yield client
    native(node, "DELETE", f"/v1/buckets/{BUCKET}", action="destroy-bck")


def native(node: Node, method: str, path: str, body: bytes = b"", action: str = "", value: object = None) -> Any:
    """urllib3's pools send paths as they are when they are given so, dots and all."""
    if action:
        body = json.dumps({"action": action, "value": value}).encode()
    pool = urllib3.HTTPConnectionPool("127.0.0.1", node.port)
    headers = {"Authorization": f"Bearer {node.token}"}
    with pool:
        return pool.urlopen(method, path, body=body, headers=headers, redirect=False, retries=False)


def path(key: str) -> str:
    """An address in which no dot can be resolved on the way."""
    return f"/v1/objects/{BUCKET}/{quote(key, safe='/').replace('.', '%2E')}"


@pytest.mark.parametrize("key", [key for key in ODD if key not in UNREACHABLE])
def test_key_of_s3_is_read_natively_by_exactly_its_name(node: Node, s3: Any, key: str) -> None:
    assert native(node, "GET", path(key)).data == key.encode()
    assert native(node, "HEAD", path(key)).headers["Content-Length"] == str(len(key.encode()))


@pytest.mark.parametrize("key", UNREACHABLE)
def test_key_that_has_no_native_name_is_refused_by_name(node: Node, s3: Any, key: str) -> None:
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        refused = native(node, method, path(key))
        told = json.loads(refused.data)
        assert (refused.status, told["tcode"], told["message"]) == (
            400, "errInvalidPath", f'invalid object name "{key}"')
    assert native(node, "HEAD", path(key)).status == 400
    assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == key.encode()


def test_list_shows_every_key(node: Node, s3: Any) -> None:
    page = json.loads(native(node, "GET", f"/v1/buckets/{BUCKET}", action="list").data)
    assert [entry["name"] for entry in page["entries"]] == sorted(ODD, key=str.encode)


def test_names_written_natively_are_kept_as_they_are(node: Node, s3: Any) -> None:
    for key in ("w//b", "/w"):
        assert native(node, "PUT", path(key), key.encode()).status == 200
        assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == key.encode()
        s3.delete_object(Bucket=BUCKET, Key=key)


def test_name_that_ends_with_a_slash_is_not_written_natively_but_deleted(node: Node, s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="folder/")
    refused = native(node, "PUT", path("folder/"), b"x")
    assert (refused.status, json.loads(refused.data)["tcode"]) == (400, "errInvalidPath")
    assert native(node, "DELETE", path("folder/")).status == 200


def test_nul_is_refused(node: Node, s3: Any) -> None:
    for method in ("GET", "PUT"):
        assert native(node, method, f"/v1/objects/{BUCKET}/a%00b").status == 400
