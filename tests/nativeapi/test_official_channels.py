"""The official server frameworks, unchanged, over every channel, with file names and direct put or without."""

from __future__ import annotations

import itertools
import random
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aistore import Client
from aistore.sdk import Bucket
from aistore.sdk.etl import ETLConfig

from tests.node import Node

SERVERS = Path(__file__).parent.parent / "etl" / "servers"
UVICORN = ["--factory", "--host", "0.0.0.0", "--port", "8000", "--log-level", "warning"]
COMMANDS = {
    "fastapi": ["uvicorn", "reverse:fastapi", *UVICORN, "--ws-max-size", "17179869184"],
    "flask": ["gunicorn", "reverse:flask()", "--bind", "0.0.0.0:8000", "--threads", "4"],
    "http": [sys.executable, "reverse.py"],
    "stream": ["uvicorn", "reverse:streamed", *UVICORN],
}
OBJECTS = {
    "dir/a b.txt": b"hello",
    "empty": b"",
    "what?%25#é.bin": b"odd",
    "inline.bin": random.Random(1).randbytes(20_000),
    "large.bin": random.Random(2).randbytes(3_000_000),
}


class Way(NamedTuple):
    server: str
    channel: str
    files: str
    put: str

    @property
    def name(self) -> str:
        return "-".join(self)


WAYS = [
    way
    for way in itertools.starmap(
        Way, itertools.product(("fastapi", "flask", "http"), ("hpush", "hpull", "ws"), ("fqn", "bytes"), ("dp", "no"))
    )
    if way.channel != "ws" or (way.server == "fastapi" and way.put == "dp")
]
STREAMS = [Way("stream", *rest) for rest in itertools.product(("hpush", "hpull"), ("fqn", "bytes"), ("dp", "no"))]


@pytest.fixture(scope="module")
def client(node: Node) -> Client:
    return Client(node.endpoint, token=node.token)


@pytest.fixture(scope="module")
def etls(client: Client) -> Iterator[dict[str, Any]]:
    """A transform for each way, by its name."""
    made = {way.name: client.etl(way.name) for way in (*WAYS, *STREAMS)}

    def init(way: Way) -> None:
        variables = {"ETL_DIRECT_FQN": "true"} if way.files == "fqn" else {}
        made[way.name].init(
            image=str(SERVERS), command=COMMANDS[way.server], comm_type=way.channel, direct_put=way.put == "dp",
            **variables,
        )

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(init, (*WAYS, *STREAMS)))
        yield made
        list(pool.map(lambda etl: etl.delete(), made.values()))


@pytest.fixture(scope="module")
def source(client: Client) -> Iterator[Bucket]:
    bucket = client.bucket("channels-source").create()
    for name, data in OBJECTS.items():
        bucket.object(name).get_writer().put_content(data)
    yield bucket
    bucket.delete()


@pytest.fixture
def destination(client: Client) -> Iterator[Bucket]:
    bucket = client.bucket("channels-destination")
    yield bucket
    bucket.delete(missing_ok=True)


def stored(bucket: Bucket) -> dict[str, bytes]:
    return {entry.name: bucket.object(entry.name).get_reader().read_all() for entry in bucket.list_all_objects()}


def test_there_are_as_many_ways_as_aistore_tests() -> None:
    assert len(WAYS) == 26


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_objects_come_out_byte_for_byte_inline_and_in_a_bucket_job(
    client: Client, etls: dict[str, Any], source: Bucket, destination: Bucket, way: Way
) -> None:
    for name, data in OBJECTS.items():
        got = source.object(name).get_reader(etl=ETLConfig(way.name, args="!")).read_all()
        assert got == data[::-1] + b"!", name
    job = source.transform(etl_name=way.name, to_bck=destination, num_workers=4)
    assert client.job(job).wait(timeout=30).success
    assert stored(destination) == {name: data[::-1] for name, data in OBJECTS.items()}
