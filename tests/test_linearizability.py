"""Concurrent clients in processes of their own against one node with several workers: every race has one outcome."""

from __future__ import annotations

import multiprocessing
import random
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Node

CLIENTS = 4
ROUNDS = 25
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def racing_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    node = Node(tmp_path_factory.mktemp("racing"), arguments=["--workers", "3"]).start()
    yield node
    assert node.stop() == 0


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(CLIENTS, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.fixture
def bucket(racing_node: Node) -> str:
    name = f"races-{uuid.uuid4().hex[:8]}"
    racing_node.client().create_bucket(Bucket=name)
    return name


Connection = tuple[int, str, str]


def connection(node: Node) -> Connection:
    return node.port, node.access_key, node.secret_key


def client(at: Connection) -> Any:
    port, access_key, secret_key = at
    return Node(Path(), port=port, access_key=access_key, secret_key=secret_key).client()


def outcome(call: Callable[[], Any]) -> str:
    """Either "ok" or the error code."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "ok"


def create_each(at: Connection, bucket: str, author: int) -> list[str]:
    """Try to be the first to write each of the keys."""
    s3 = client(at)
    body = f"author {author}".encode()
    return [
        outcome(partial(s3.put_object, Bucket=bucket, Key=f"round-{i}", Body=body, IfNoneMatch="*"))
        for i in range(ROUNDS)
    ]


def test_of_concurrent_creators_exactly_one_wins_each_round(
    racing_node: Node, processes: ProcessPoolExecutor, bucket: str
) -> None:
    results = list(processes.map(partial(create_each, connection(racing_node), bucket), range(CLIENTS)))
    s3 = racing_node.client()
    for i, told in enumerate(zip(*results, strict=True)):
        assert sorted(told).count("ok") == 1, f"round {i}: {told}"
        assert set(told) <= {"ok", "PreconditionFailed", "ConditionalRequestConflict"}
        winner = told.index("ok")
        assert s3.get_object(Bucket=bucket, Key=f"round-{i}")["Body"].read() == f"author {winner}".encode()


def increment(at: Connection, bucket: str, times: int) -> int:
    """Add one to the number in the object `times` times by compare-and-set; the number of lost races."""
    s3 = client(at)
    done = lost = 0
    while done < times:
        got = s3.get_object(Bucket=bucket, Key="counter")
        body = str(int(got["Body"].read()) + 1).encode()
        told = outcome(partial(s3.put_object, Bucket=bucket, Key="counter", Body=body, IfMatch=got["ETag"]))
        assert told in ("ok", "PreconditionFailed", "ConditionalRequestConflict")
        done += told == "ok"
        lost += told != "ok"
    return lost


def test_compare_and_set_loses_no_increment(
    racing_node: Node, processes: ProcessPoolExecutor, bucket: str
) -> None:
    s3 = racing_node.client()
    s3.put_object(Bucket=bucket, Key="counter", Body=b"0")
    running = [processes.submit(increment, connection(racing_node), bucket, 20) for _ in range(CLIENTS)]
    lost = sum(future.result() for future in running)
    assert s3.get_object(Bucket=bucket, Key="counter")["Body"].read() == str(20 * CLIENTS).encode()
    assert lost > 0, "the clients never met, so nothing was shown"


def overwrite(at: Connection, bucket: str, times: int) -> None:
    s3 = client(at)
    for _ in range(times):
        stamp = uuid.uuid4().bytes
        size = random.choice([1, 4, 8]) * MIB // 16
        s3.put_object(Bucket=bucket, Key="whole", Body=stamp * size, Metadata={"stamp": stamp.hex()})


@pytest.mark.parametrize("writers", [3])
def test_reads_in_flight_return_one_whole_version(
    racing_node: Node, processes: ProcessPoolExecutor, bucket: str, writers: int
) -> None:
    overwrite(connection(racing_node), bucket, 1)
    running = [processes.submit(overwrite, connection(racing_node), bucket, 12) for _ in range(writers)]
    s3 = racing_node.client()
    reads = 0
    while not all(future.done() for future in running):
        got = s3.get_object(Bucket=bucket, Key="whole")
        body = got["Body"].read()
        stamp = bytes.fromhex(got["Metadata"]["stamp"])
        assert len(body) == got["ContentLength"]
        assert body == stamp * (len(body) // 16), "bytes of two versions are mixed"
        reads += 1
    for future in running:
        future.result()
    assert reads > 5


def put_one(at: Connection, bucket: str, key: str) -> str:
    return outcome(partial(client(at).put_object, Bucket=bucket, Key=key, Body=b"x"))


def delete_bucket(at: Connection, bucket: str, _: str) -> str:
    return outcome(partial(client(at).delete_bucket, Bucket=bucket))


def test_of_delete_bucket_and_put_object_exactly_one_succeeds(
    racing_node: Node, processes: ProcessPoolExecutor
) -> None:
    at, s3 = connection(racing_node), racing_node.client()
    seen = set()
    for i in range(ROUNDS):
        name = f"contested-{uuid.uuid4().hex[:8]}"
        s3.create_bucket(Bucket=name)
        order = [put_one, delete_bucket] if i % 2 else [delete_bucket, put_one]
        running = {work: processes.submit(work, at, name, "key") for work in order}
        put, deleted = running[put_one].result(), running[delete_bucket].result()
        seen.add((put, deleted))
        assert (put, deleted) in {("ok", "BucketNotEmpty"), ("NoSuchBucket", "ok")}
        assert outcome(partial(s3.get_object, Bucket=name, Key="key")) == ("ok" if put == "ok" else "NoSuchBucket")
    assert seen


def test_parallel_deletions_of_the_same_keys_all_report_success(racing_node: Node, bucket: str) -> None:
    s3 = racing_node.client()
    keys = [f"k{i}" for i in range(50)]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    named = {"Objects": [{"Key": key} for key in keys]}
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: s3.delete_objects(Bucket=bucket, Delete=named), range(5)))
    for answer in answers:
        assert "Errors" not in answer and len(answer["Deleted"]) == len(keys)
    s3.delete_bucket(Bucket=bucket)
