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
STREAMS = [Way("stream", *rest) for rest in itertools.product(("hpush", "hpull"), ("bytes",), ("dp", "no"))]


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


@pytest.mark.parametrize("way", STREAMS, ids=lambda way: way.name)
def test_results_that_are_made_piece_by_piece_come_out_byte_for_byte(
    client: Client, etls: dict[str, Any], source: Bucket, destination: Bucket, way: Way
) -> None:
    expected = {name: data.swapcase() for name, data in OBJECTS.items()}
    for name, data in expected.items():
        assert source.object(name).get_reader(etl=ETLConfig(way.name)).read_all() == data, name
    job = source.transform(etl_name=way.name, to_bck=destination)
    assert client.job(job).wait(timeout=30).success
    assert stored(destination) == expected


@pytest.mark.parametrize("first", ["fastapi-hpush-bytes-no", "fastapi-hpull-bytes-dp", "fastapi-ws-bytes-dp"])
def test_a_pipeline_makes_a_result_of_a_result_even_of_an_empty_one(
    etls: dict[str, Any], source: Bucket, destination: Bucket, first: str
) -> None:
    """A server that is told of an empty result by the next one says that it has nothing more to give."""
    destination.create()
    pipeline = etls[first] >> etls["flask-hpush-bytes-dp"] >> etls["stream-hpush-bytes-no"]
    for name, data in OBJECTS.items():
        assert source.object(name).get_reader(etl=ETLConfig(pipeline)).read_all() == data.swapcase(), name
        source.object(name).copy(destination.object(name), etl=ETLConfig(pipeline))
    assert stored(destination) == {name: data.swapcase() for name, data in OBJECTS.items()}


def test_a_bucket_job_may_have_a_pipeline(
    client: Client, etls: dict[str, Any], source: Bucket, destination: Bucket
) -> None:
    value = {"id": "fastapi-ws-bytes-dp", "pipeline": ["http-hpush-bytes-no"]}
    params = {"provider": "ais", "bck_to": f"ais/@#/{destination.name}/"}
    job = source.make_request("POST", "etl-bck", params=params, value=value).text
    assert client.job(job).wait(timeout=30).success
    assert stored(destination) == OBJECTS


@pytest.mark.parametrize("name", ["fastapi-ws-bytes-dp", "fastapi-hpull-bytes-dp", "flask-hpush-bytes-dp"])
def test_a_failure_is_told_of_its_object_and_of_no_other(
    client: Client, etls: dict[str, Any], destination: Bucket, name: str
) -> None:
    bucket = client.bucket("channels-faults").create()
    try:
        for number in range(12):
            data = b"bad" if number == 5 else b"good %d" % number
            bucket.object(f"o-{number:02}").get_writer().put_content(data)
        job = bucket.transform(etl_name=name, to_bck=destination, num_workers=4, cont_on_err=True)
        assert not client.job(job).wait(timeout=30).success
        assert set(stored(destination)) == {f"o-{number:02}" for number in range(12) if number != 5}
        (error,) = etls[name].view(job).obj_errors
        assert (error.obj_name, "as told" in str(error)) == ("ais://channels-faults/o-05", True)
    finally:
        bucket.delete()
