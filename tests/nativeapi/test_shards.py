"""The index of a bucket's TARs, on a real node."""

from __future__ import annotations

import io
import random
import tarfile
import time
from collections.abc import Iterator
from typing import Any

import pytest
from aistore import Client
from aistore.sdk import Bucket
from aistore.sdk.archive_config import ArchiveConfig

from tests.node import Node


def tar(members: dict[str, bytes], *more: tuple[str, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in [*members.items(), *more]:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return made.getvalue()


FIRST = {"a.txt": b"first a", "dir/b.bin": bytes(3000), "ü" * 80: b"long name"}
SECOND = {f"{number:05d}.cls": str(number).encode() for number in range(2500)}


@pytest.fixture
def client(node: Node) -> Client:
    return Client(node.endpoint, token=node.token)


@pytest.fixture
def bucket(client: Client) -> Iterator[Bucket]:
    """Two TARs, one that is none, and something else."""
    made = client.bucket(f"Shards_{random.randrange(16**8):08x}").create()
    put(made, "set/one.tar", tar(FIRST, ("a.txt", b"a second a.txt")))
    put(made, "set/two.tar", tar(SECOND))
    put(made, "set/broken.tar", b"no archive at all" * 100)
    put(made, "other.txt", b"text")
    yield made
    made.delete(missing_ok=True)


def put(bucket: Bucket, name: str, data: bytes) -> None:
    bucket.object(name).get_writer().put_content(data)


def member(bucket: Bucket, shard: str, name: str) -> bytes:
    return bytes(bucket.object(shard).get_reader(archive_config=ArchiveConfig(archpath=name)).read_all())


def index(client: Client, bucket: Bucket, **value: Any) -> Any:
    job = bucket.make_request("POST", "index-shard", value=value).text
    return client.job(job).wait(timeout=10)


def summary(bucket: Bucket, prefix: str = "") -> dict[str, int]:
    """The counts, by AIStore's names, asked for as its command line does: first for an id, then with it."""
    begun = bucket.make_request("GET", "summary-shard", value={"uuid": "", "prefix": prefix})
    assert begun.status_code == 202
    deadline = time.monotonic() + 10
    while True:
        found = bucket.make_request("GET", "summary-shard", value={"uuid": begun.text, "prefix": prefix})
        if found.status_code == 200:
            return {name: int(count) for name, count in found.json().items()}
        assert found.status_code in (202, 206) and time.monotonic() < deadline
        time.sleep(0.02)


def test_members_are_the_same_with_an_index_and_without(client: Client, bucket: Bucket) -> None:
    wanted = [("set/one.tar", name, data) for name, data in FIRST.items()]
    wanted += [("set/two.tar", name, SECOND[name]) for name in ("00000.cls", "01234.cls", "02499.cls")]
    before = [member(bucket, shard, name) for shard, name, _ in wanted]
    index(client, bucket, prefix="set/")
    assert [member(bucket, shard, name) for shard, name, _ in wanted] == before == [data for *_, data in wanted]


def test_summary_tells_what_is_indexed_stale_and_broken(client: Client, bucket: Bucket) -> None:
    size = len(tar(SECOND)) + len(tar(FIRST, ("a.txt", b"a second a.txt")))
    nothing = summary(bucket)
    assert (nothing["tar-objs"], nothing["tar-size"], nothing["shards"]) == (3, size + 1700, 0)
    result = index(client, bucket)
    assert not result.success and "set/broken.tar" in result.error
    found = summary(bucket)
    assert found == {
        "tar-objs": 3, "tar-size": size + 1700, "shards": 2, "shard-size": size, "archived-objs": 2503,
        "stale-indexes": 0, "invalid-indexes": 0,
    }
    put(bucket, "set/one.tar", tar({"new": b"newer"}))
    assert (summary(bucket, "set/o")["stale-indexes"], summary(bucket, "set/o")["shards"]) == (1, 0)
    assert member(bucket, "set/one.tar", "new") == b"newer"
    index(client, bucket, prefix="set/o", **{"skip-verify": True, "num-workers": 2})
    assert (summary(bucket)["stale-indexes"], summary(bucket)["archived-objs"]) == (0, 2501)


def test_what_was_known_of_an_archive_is_not_believed_of_the_next(client: Client, bucket: Bucket) -> None:
    index(client, bucket, prefix="set/one")
    put(bucket, "set/one.tar", tar({"x": b"xxxxxxxx", "a.txt": b"another a"}))
    assert member(bucket, "set/one.tar", "a.txt") == b"another a"
    bucket.object("set/one.tar").delete()
    index(client, bucket, prefix="nothing")
    put(bucket, "set/one.tar", tar(FIRST))
    assert member(bucket, "set/one.tar", "a.txt") == b"first a"
