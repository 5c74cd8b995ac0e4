"""Promote: files of the node's machine become objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aistore import Client

from tests.conftest import StartNode
from tests.nativeapi.conftest import Api


@pytest.fixture
def root(tmp_path: Path) -> Path:
    found = tmp_path / "promote"
    (found / "deep").mkdir(parents=True)
    (found / "one").write_text("first")
    (found / "deep/two").write_text("second")
    return found


def promote(api: Api, source: object, token: str = "root-token", **value: Any) -> Any:
    full = {"tid": "", "src": str(source), "obj": "", "rcr": False, "ovw": False, "dls": False, "notshr": False}
    return api.action("POST", "/v1/objects/music?provider=ais", "promote", full | value, token=token)


@pytest.mark.parametrize(
    ("obj", "name"), [("", "one"), ("new", "new"), ("folder/", "folder/one"), ("folder/new", "folder/new")]
)
def test_a_file_is_an_object_when_the_answer_comes(api: Api, bucket: str, root: Path, obj: str, name: str) -> None:
    answer = promote(api, root / "one", obj=obj)
    assert (answer.status, answer.body) == (200, b"")
    assert api("GET", f"/v1/objects/music/{name}").body == b"first"


def test_an_object_stays_unless_it_may_be_overwritten(api: Api, bucket: str, root: Path) -> None:
    api("PUT", "/v1/objects/music/one", b"old")
    assert promote(api, root / "one").status == 200
    assert api("GET", "/v1/objects/music/one").body == b"old"
    assert promote(api, root / "one", ovw=True, dls=True).status == 200
    assert api("GET", "/v1/objects/music/one").body == b"first"
    assert not (root / "one").exists()


@pytest.mark.parametrize(
    ("source", "status", "code", "message"),
    [
        ("/x", 400, "errInvalidPromoteSource", 'invalid promote source "/x": must be under {root}'),
        ("{root}/../x", 400, "errInvalidPromoteSource", 'invalid promote source "{root}/../x": must be under {root}'),
        ("{root}/no", 404, "ErrNotFound", 'promote source "{root}/no" does not exist'),
    ],
)
def test_what_lies_elsewhere_is_refused(
    api: Api, bucket: str, root: Path, source: str, status: int, code: str, message: str
) -> None:
    refused = promote(api, source.format(root=root))
    assert (refused.status, refused.json["tcode"]) == (status, code)
    assert refused.message == message.format(root=root)


def test_wrong_requests_are_refused(api: Api, bucket: str, root: Path) -> None:
    assert promote(api, root / "one", obj="../x").status == 400
    assert promote(api, root / "one", ovw="yes").status == 400
    assert promote(api, root / "one", colour="red").status == 400
    assert promote(api, root / "one", tid="t12345678").status == 404
    assert promote(api, root / "one", token="alice-token").status == 403
    assert api("GET", "/v1/objects/music/one").status == 404


def test_a_directory_is_promoted_by_a_job(start_node: StartNode, root: Path) -> None:
    node = start_node("--promote-root", str(root))
    client = Client(node.endpoint, token=node.token)
    bucket = client.bucket("promoted").create()
    assert client.job(bucket.object("").promote(str(root))).wait(timeout=10).success
    assert [entry.name for entry in bucket.list_all_objects()] == ["one"]
    job = bucket.object("all/").promote(str(root), recursive=True, delete_source=True)
    assert client.job(job).wait(timeout=10).success
    assert [entry.name for entry in bucket.list_all_objects()] == ["all/deep/two", "all/one", "one"]
    assert bucket.object("all/deep/two").get_reader().read_all() == b"second"
    assert [path for path in root.rglob("*") if path.is_file()] == []
