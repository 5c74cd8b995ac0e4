"""What a transform's server may ask of the node: what its requests have given it, and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from aistore import Client
from aistore.sdk import Bucket
from aistore.sdk.etl import ETLConfig

from tests.node import Node

PLAIN = Path(__file__).parent.parent / "etl" / "servers" / "plain.py"
NAME = "objects-plain"


@pytest.fixture(scope="module")
def client(node: Node) -> Client:
    return Client(node.endpoint, token=node.token)


@pytest.fixture(scope="module")
def bucket(client: Client) -> Iterator[Bucket]:
    made = client.bucket("etl-objects").create()
    made.object("song").get_writer().put_content(b"hello")
    made.object("other").get_writer().put_content(b"secret")
    yield made
    made.delete()


@pytest.fixture(scope="module")
def etl(client: Client) -> Iterator[Any]:
    made = client.etl(NAME)
    made.init(image="local", command=[sys.executable, str(PLAIN), "--port", "8000"], comm_type="hpush")
    yield made
    made.delete()


@pytest.fixture(scope="module")
def url(bucket: Bucket, etl: Any) -> str:
    """What the server knows as AIS_TARGET_URL."""
    return target(bucket)


def target(bucket: Bucket) -> str:
    text = bucket.object("song").get_reader(etl=ETLConfig(NAME, args="environment")).read_all().decode()
    return next(line for line in text.splitlines() if line.startswith("AIS_TARGET_URL=")).partition("=")[2]


def test_only_the_server_s_own_secret_is_recognized(url: str) -> None:
    wrong = requests.get(f"{url[:-1]}/ais%2F@%23%2Fetl-objects%2Fsong", timeout=10)
    assert (wrong.status_code, wrong.json()["message"]) == (400, "unrecognized request source")
    unknown = requests.get(url.replace(NAME, "not-there") + "/x", timeout=10)
    assert unknown.status_code == 404


@pytest.mark.parametrize("name", ["ais/@#/etl-objects/other", "etl-objects/other", "ais/@ffffffffff-" + "0" * 32 +
                                  "#/etl-objects/other", "ais/@ffffffffff-" + "0" * 32 + "#/no-such/other", "", "%ff"])
def test_an_object_that_no_request_gave_cannot_be_read(url: str, name: str) -> None:
    for method in ("GET", "HEAD"):
        answer = requests.request(method, f"{url}/{quote(name, safe='@%')}", timeout=10)
        assert answer.status_code in (400, 403)
        assert b"secret" not in answer.content


@pytest.mark.parametrize("ticket", ["", "x", "A" * 22, "/" * 22])
def test_a_result_that_nobody_waits_for_is_not_stored(bucket: Bucket, url: str, ticket: str) -> None:
    answer = requests.put(f"{url}/ais%2F@%23%2Fetl-objects%2Fother?owt=3&ticket={ticket}", data=b"mine", timeout=10)
    assert answer.status_code == 404
    assert bucket.object("other").get_reader().read_all() == b"secret"


def test_no_other_method_is_known(url: str) -> None:
    assert requests.delete(f"{url}/ais%2F@%23%2Fetl-objects%2Fother", timeout=10).status_code == 405


def test_the_secret_is_another_one_after_each_start_and_in_no_log(
    node: Node, bucket: Bucket, etl: Any, url: str
) -> None:
    etl.stop()
    etl.start()
    assert target(bucket) != url
    assert requests.get(f"{url}/x", timeout=10).status_code == 400
    secret = url.rpartition("/")[2]
    assert not any(secret in path.read_text(errors="replace") for path in node.folder.glob("*.log"))
