"""Workloads of the native API."""

from __future__ import annotations

import json
import time
from http.client import HTTPConnection

import msgspec

from tests.bench.cpu import measured
from tests.bench.targets import BUCKET, NodeTarget
from tests.bench.workloads import MANY, LoadErrors, Sample, have_many, small, workload

BATCH = 1000  # objects


def bearer(target: NodeTarget) -> dict[str, str]:
    assert target.server.node is not None
    return {"Authorization": f"Bearer {target.server.node.token}"}


def objects(bucket: str, keys: list[str]) -> list[str]:
    return [f"/v1/objects/{bucket}/{key}?provider=ais" for key in keys]


def create_bucket(target: NodeTarget, name: str) -> None:
    """A bucket as the native API makes them, which counts versions."""
    link = HTTPConnection(target.server.base.removeprefix("http://"), timeout=120)
    link.request("POST", f"/v1/buckets/{name}", json.dumps({"action": "create-bck"}), bearer(target))
    reply = link.getresponse()
    if reply.status != 200:
        raise LoadErrors(f"the bucket was answered with {reply.status}")
    link.close()


@workload("native-get4k", "native GET of 1,000 random 4 KiB objects, 32 connections", unit="request")
def native_get4k(target: NodeTarget, seconds: int) -> Sample:
    keys = [f"small/{i:05d}" for i in range(1000)]
    target.fill(keys, 4096)
    return small(target, objects(BUCKET, keys), seconds, headers=bearer(target))


@workload("native-put4k", "native PUT of 4 KiB over 20,000 keys of a native bucket, 32 connections", unit="request")
def native_put4k(target: NodeTarget, seconds: int) -> Sample:
    keys = [f"put/{i:05d}" for i in range(20000)]
    create_bucket(target, "native-puts")
    return small(target, objects("native-puts", keys), seconds, method="PUT", body=4096, headers=bearer(target))


@workload("native-list", "native list of names through a bucket of 20,000 keys, 10,000 a page", unit="key")
def native_list(target: NodeTarget, seconds: int) -> Sample:
    have_many(target)
    headers = bearer(target) | {"Accept": "application/msgpack"}
    link = HTTPConnection(target.server.base.removeprefix("http://"), timeout=120)
    seen = 0
    deadline = time.monotonic() + seconds
    with measured(target.server.pid) as usage:
        while time.monotonic() < deadline:
            seen += native_walk(link, headers)
    link.close()
    return Sample(cpu=usage.cpu / seen * 1e6, rate=seen / usage.wall)


def native_walk(link: HTTPConnection, headers: dict[str, str]) -> int:
    """The number of names that a walk sees; `LoadErrors` when it is not that of the keys."""
    seen, token = 0, ""
    while True:
        value = {"prefix": "many/", "props": "name", "flags": "16", "continuation_token": token}
        link.request("GET", f"/v1/buckets/{BUCKET}", json.dumps({"action": "list", "value": value}), headers)
        page = msgspec.msgpack.decode(link.getresponse().read())
        seen += len(page["Entries"])
        token = page["ContinuationToken"]
        if not token:
            break
    if seen != len(MANY):
        raise LoadErrors(f"{seen} names listed of {len(MANY)}")
    return seen


@workload("batch", "native batch get of 1,000 objects of 4 KiB as a streamed TAR, one connection", unit="object")
def batch(target: NodeTarget, seconds: int) -> Sample:
    keys = [f"batch/{i:05d}" for i in range(BATCH)]
    target.fill(keys, 4096)
    body = json.dumps({"in": [{"objname": key, "bucket": BUCKET, "provider": "ais"} for key in keys], "strm": True})
    headers = bearer(target)
    link = HTTPConnection(target.server.base.removeprefix("http://"), timeout=120)
    rounds = 0
    deadline = time.monotonic() + seconds
    with measured(target.server.pid) as usage:
        while time.monotonic() < deadline:
            link.request("GET", f"/v1/ml/moss/{BUCKET}?provider=ais", body, headers)
            reply = link.getresponse()
            if reply.status != 200 or len(reply.read()) < BATCH * (4096 + 512):
                raise LoadErrors(f"a batch was answered with {reply.status}")
            rounds += 1
    link.close()
    return Sample(cpu=usage.cpu / rounds / BATCH * 1e6, rate=rounds * BATCH / usage.wall)
