"""Easy URLs, and that they never hide a bucket of S3."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.conftest import StartNode
from tests.node import Node


@pytest.fixture
def bucket(node: Node) -> Iterator[str]:
    name = f"Easy_{random.randrange(16**8):08x}"
    long = f"{node.endpoint}/v1/buckets/{name}"
    assert ask(node, "POST", f"/v1/buckets/{name}", json={"action": "create-bck"}).status_code == 200
    yield name
    requests.delete(long, json={"action": "destroy-bck"}, headers=token(node), timeout=20)


def token(node: Node) -> dict[str, str]:
    return {"Authorization": f"Bearer {node.token}"}


def ask(node: Node, method: str, path: str, **options: Any) -> requests.Response:
    return requests.request(method, node.endpoint + path, headers=token(node), timeout=20, **options)


def test_object_is_put_read_described_and_deleted(node: Node, bucket: str) -> None:
    path = f"/ais/{bucket}/dir/a%20song"
    assert ask(node, "PUT", path, data=b"la la").headers["Ais-Version"] == "1"
    got = ask(node, "GET", path)
    assert (got.content, got.headers["Ais-Checksum-Type"]) == (b"la la", "xxhash2")
    assert ask(node, "HEAD", f"{path}?props=size").headers["Content-Length"] == "5"
    assert ask(node, "GET", f"/v1/objects/{bucket}/dir/a%20song").content == b"la la"
    assert [entry["name"] for entry in ask(node, "GET", f"/ais/{bucket}").json()["entries"]] == ["dir/a song"]
    assert ask(node, "DELETE", path).status_code == 200
    assert ask(node, "GET", path).status_code == 404


def test_buckets_are_listed_and_shown(node: Node, bucket: str) -> None:
    for path in ("/ais", "/ais/"):
        assert bucket in [row["name"] for row in ask(node, "GET", path).json()]
    assert "Ais-Bucket-Props" in ask(node, "HEAD", f"/ais/{bucket}").headers


def test_a_bucket_alone_takes_no_object(node: Node, bucket: str) -> None:
    refused = ask(node, "PUT", f"/ais/{bucket}", data=b"x")
    assert (refused.status_code, refused.json()["message"]) == (
        400, f"missing destination object name in the URL '/ais/{bucket}'")
    assert ask(node, "DELETE", f"/ais/{bucket}").status_code == 405


@pytest.mark.parametrize(("scheme", "title"), [("gs", "GCP"), ("az", "Azure"), ("oc", "OCI")])
def test_backends_that_are_missing_are_told(node: Node, scheme: str, title: str) -> None:
    missing = f"{title} backend is missing in the cluster configuration"
    listed = ask(node, "GET", f"/{scheme}")
    assert (listed.status_code, listed.json()["message"]) == (400, missing)
    for path in (f"/{scheme}/b", f"/{scheme}/b/o"):
        refused = ask(node, "GET", path)
        assert (refused.status_code, refused.json()["message"].endswith(missing)) == (404, True)
    assert requests.get(f"{node.endpoint}/{scheme}", timeout=20).status_code == 401


def test_bucket_of_s3_called_ais_is_not_hidden(node: Node, bucket: str) -> None:
    s3 = node.client()
    s3.create_bucket(Bucket="ais")
    s3.put_object(Bucket="ais", Key=f"{bucket}/song", Body=b"of s3")
    ask(node, "PUT", f"/ais/{bucket}/song", data=b"of ais")
    assert s3.get_object(Bucket="ais", Key=f"{bucket}/song")["Body"].read() == b"of s3"
    presigned = s3.generate_presigned_url("get_object", Params={"Bucket": "ais", "Key": f"{bucket}/song"})
    assert requests.get(presigned, timeout=20).content == b"of s3"
    assert ask(node, "GET", f"/ais/{bucket}/song").content == b"of ais"
    assert requests.get(f"{node.endpoint}/ais/{bucket}/song", timeout=20).status_code == 403
    s3.delete_object(Bucket="ais", Key=f"{bucket}/song")
    s3.delete_bucket(Bucket="ais")


def test_without_authentication_the_bucket_goes_first(start_node: StartNode) -> None:
    node = start_node("--authentication", "off")
    base = node.endpoint
    assert requests.post(f"{base}/v1/buckets/b", json={"action": "create-bck"}, timeout=20).status_code == 200
    assert requests.put(f"{base}/ais/b/o", data=b"native", timeout=20).status_code == 200
    assert requests.get(f"{base}/ais/b/o", timeout=20).content == b"native"
    s3 = node.client()
    s3.create_bucket(Bucket="ais")
    assert requests.get(f"{base}/ais/b/o", timeout=20).status_code == 403  # S3's answer to strangers
    assert requests.get(f"{base}/v1/objects/b/o", timeout=20).content == b"native"
