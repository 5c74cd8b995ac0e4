"""Servers of our own framework on a node, over every channel: inline, in a bucket job, and with a refused object."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from aistore import Client
from aistore.sdk import Bucket
from aistore.sdk.etl import ETLConfig

from tests.node import Node

SERVERS = Path(__file__).parent.parent / "etl" / "servers"
OBJECTS = {
    "dir/a b.txt": b"hello",
    "empty": b"",
    "what?%25#é.bin": b"odd",
    "large.bin": random.Random(1).randbytes(3_000_000),
}
# Server, channel, whether it wants files' names, direct put.
WAYS = [
    ("flask", "hpush", "bytes", "no"),
    ("flask", "hpush", "fqn", "dp"),
    ("flask", "hpull", "bytes", "dp"),
    ("flask", "ws", "bytes", "dp"),
    ("flask", "ws", "fqn", "dp"),
    ("threaded", "hpush", "bytes", "dp"),
    ("threaded", "hpull", "fqn", "no"),
    ("streamed", "hpush", "bytes", "dp"),
    ("streamed", "hpull", "bytes", "no"),
    ("streamed", "ws", "bytes", "dp"),
]
NAMES = ["own-" + "-".join(way) for way in WAYS]


@pytest.fixture(scope="module")
def client(node: Node) -> Client:
    return Client(node.endpoint, token=node.token)


@pytest.fixture(scope="module")
def etls(client: Client) -> Iterator[dict[str, Any]]:
    made = {name: client.etl(name) for name in NAMES}

    def init(name: str) -> None:
        _, server, channel, files, put = name.split("-")
        variables = {"NUM_WORKERS": "1"} | ({"ETL_DIRECT_FQN": "true"} if files == "fqn" else {})
        command = [sys.executable, "reverse_own.py", server]
        made[name].init(
            image=str(SERVERS), command=command, comm_type=channel, direct_put=put == "dp", **variables
        )

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(init, NAMES))
        yield made
        list(pool.map(lambda etl: etl.delete(), made.values()))


@pytest.fixture(scope="module")
def source(client: Client) -> Iterator[Bucket]:
    bucket = client.bucket("own-channels-source").create()
    for name, data in OBJECTS.items():
        bucket.object(name).get_writer().put_content(data)
    yield bucket
    bucket.delete()


@pytest.fixture
def destination(client: Client) -> Iterator[Bucket]:
    bucket = client.bucket("own-channels-destination")
    yield bucket
    bucket.delete(missing_ok=True)


def stored(bucket: Bucket) -> dict[str, bytes]:
    return {entry.name: bucket.object(entry.name).get_reader().read_all() for entry in bucket.list_all_objects()}


@pytest.mark.parametrize("name", NAMES)
def test_objects_come_out_byte_for_byte(
    client: Client, etls: dict[str, Any], source: Bucket, destination: Bucket, name: str
) -> None:
    for key, data in OBJECTS.items():
        assert source.object(key).get_reader(etl=ETLConfig(name, args="!")).read_all() == data[::-1] + b"!", key
    job = source.transform(etl_name=name, to_bck=destination, num_workers=4)
    assert client.job(job).wait(timeout=30).success
    assert stored(destination) == {key: data[::-1] for key, data in OBJECTS.items()}


def test_a_pipeline_goes_through_both_servers(etls: dict[str, Any], source: Bucket, destination: Bucket) -> None:
    destination.create()
    pipeline = etls["own-flask-ws-bytes-dp"] >> etls["own-threaded-hpush-bytes-dp"]
    for key in OBJECTS:
        source.object(key).copy(destination.object(key), etl=ETLConfig(pipeline))
    assert stored(destination) == OBJECTS


@pytest.mark.parametrize("name", ["own-flask-ws-bytes-dp", "own-threaded-hpush-bytes-dp"])
def test_a_failure_is_told_of_its_object_and_of_no_other(
    client: Client, etls: dict[str, Any], destination: Bucket, name: str
) -> None:
    bucket = client.bucket("own-channels-faults").create()
    try:
        for number in range(6):
            bucket.object(str(number)).get_writer().put_content(b"bad" if number == 3 else b"good")
        job = bucket.transform(etl_name=name, to_bck=destination, num_workers=4, cont_on_err=True)
        assert not client.job(job).wait(timeout=30).success
        assert set(stored(destination)) == set("01245")
        (error,) = etls[name].view(job).obj_errors
        assert (error.obj_name, "as told" in str(error)) == ("ais://own-channels-faults/3", True)
    finally:
        bucket.delete()
