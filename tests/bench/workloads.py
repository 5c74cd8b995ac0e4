"""The eight workloads. Each measures one server once and says CPU time per unit of work."""

from __future__ import annotations

import os
import random
import re
import statistics
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.cpu import MIB, measured
from tests.bench.load import NO_HEADERS, upload, wrk
from tests.bench.targets import BUCKET, NodeTarget, Target


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement. `cpu` is the server's CPU time in microseconds per unit; `rate` units a second."""

    cpu: float
    rate: float
    p99: float = 0.0  # milliseconds; 0: not measured
    seconds: float = 0.0  # of one call; 0: not measured


@dataclass(frozen=True, slots=True)
class Workload:
    """`unit` is what CPU time is counted by; `run` takes a node, and an nginx too when `nginx` says that it can."""

    name: str
    title: str
    unit: str
    nginx: bool
    run: Callable[[Target, int], Sample]


WORKLOADS: dict[str, Workload] = {}


def workload(
    name: str, title: str, *, unit: str, nginx: bool = False
) -> Callable[[Callable[..., Sample]], Callable[..., Sample]]:
    """Declare the function as the workload `name`."""

    def declare(run: Callable[..., Sample]) -> Callable[..., Sample]:
        if name in WORKLOADS:
            raise ValueError(f"two workloads are named {name}")
        WORKLOADS[name] = Workload(name, title, unit, nginx, run)
        return run

    return declare


class LoadErrors(Exception):
    """Some requests of a workload failed, so its figures mean nothing."""


def small(
    target: Target,
    targets: list[str],
    seconds: int,
    *,
    method: str = "GET",
    body: int = 0,
    headers: Mapping[str, str] = NO_HEADERS,
) -> Sample:
    random.shuffle(targets)
    with TemporaryDirectory() as folder, measured(target.server.pid) as usage:
        base, scratch = target.server.base, Path(folder)
        seen = wrk(
            base, targets, connections=32, seconds=seconds, scratch=scratch, method=method, body=body, headers=headers
        )
    if seen.errors:
        raise LoadErrors(f"{seen.errors} of {seen.requests} requests failed")
    return Sample(cpu=usage.cpu / seen.requests * 1e6, rate=seen.rate, p99=seen.p99 / 1e3)


@workload("get4k", "GET of 1,000 random 4 KiB objects, 32 connections", unit="request", nginx=True)
def get4k(target: Target, seconds: int) -> Sample:
    keys = [f"small/{i:05d}" for i in range(1000)]
    target.fill(keys, 4096)
    return small(target, [target.get(key) for key in keys], seconds)


@workload("put4k", "PUT of 4 KiB over 20,000 keys, 32 connections", unit="request", nginx=True)
def put4k(target: Target, seconds: int) -> Sample:
    return small(target, [target.put(f"put/{i:05d}") for i in range(20000)], seconds, method="PUT", body=4096)


@workload("get64m", "GET of a 64 MiB object, 4 connections", unit="MiB", nginx=True)
def get64m(target: Target, seconds: int) -> Sample:
    target.fill(["large"], 64 * MIB)
    with TemporaryDirectory() as scratch, measured(target.server.pid) as usage:
        seen = wrk(target.server.base, [target.get("large")], connections=4, seconds=seconds, scratch=Path(scratch))
    moved = seen.bytes / MIB
    return Sample(cpu=usage.cpu / moved * 1e6, rate=moved / seen.microseconds * 1e6)


@workload("put64m", "PUT of a 64 MiB object, 2 connections, 16 objects", unit="MiB", nginx=True)
def put64m(target: Target, seconds: int) -> Sample:
    with TemporaryDirectory() as scratch:
        file = Path(scratch, "body")
        file.write_bytes(os.urandom(64 * MIB))
        targets = [target.put(f"big/{i}") for i in range(16)]
        with measured(target.server.pid) as usage:
            upload(target.server.base, targets, file, streams=2)
    return Sample(cpu=usage.cpu / 1024 * 1e6, rate=1024 / usage.wall)


MANY = [f"many/dir-{i % 100:03d}/object-{i:06d}" for i in range(20000)]


def have_many(target: NodeTarget) -> None:
    """Have 20,000 objects of 100 bytes."""
    signed = [target.put(key) for key in MANY]

    def put(share: list[str]) -> None:
        link = HTTPConnection(target.server.base.removeprefix("http://"), timeout=120)
        for path in share:
            link.request("PUT", path, body=b"x" * 100)
            link.getresponse().read()
        link.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, [signed[i::8] for i in range(8)]))


def walk(target: NodeTarget) -> int:
    """The number of keys that a walk in pages of 1,000 sees."""
    seen, token = 0, ""
    link = HTTPConnection(target.server.base.removeprefix("http://"), timeout=120)
    while True:
        more = {"ContinuationToken": token} if token else {}
        link.request("GET", target.signed("list_objects_v2", Prefix="many/", MaxKeys=1000, **more))
        page = link.getresponse().read().decode()
        seen += page.count("<Key>")
        found = re.search("<NextContinuationToken>(.*?)</NextContinuationToken>", page)
        if not found:
            link.close()
            return seen
        token = found[1]


@workload("list", "ListObjectsV2 through a bucket of 20,000 keys, 1,000 a page", unit="key")
def list_keys(target: NodeTarget, seconds: int) -> Sample:
    have_many(target)
    with measured(target.server.pid) as usage:
        seen = walk(target)
    if seen != len(MANY):
        raise LoadErrors(f"{seen} keys listed of {len(MANY)}")
    return Sample(cpu=usage.cpu / seen * 1e6, rate=seen / usage.wall)


@workload("copy1g", "CopyObject of a 1 GiB object, 5 times", unit="copy")
def copy1g(target: NodeTarget, seconds: int) -> Sample:
    with TemporaryDirectory() as scratch:
        file = Path(scratch, "giant")
        with file.open("wb") as out:
            block = os.urandom(16 * MIB)
            for _ in range(64):
                out.write(block)
        upload(target.server.base, [target.put("giant")], file, streams=1)
    took = []
    with measured(target.server.pid) as usage:
        for i in range(5):
            start = time.perf_counter()
            target.s3.copy_object(Bucket=BUCKET, Key=f"giant-{i}", CopySource={"Bucket": BUCKET, "Key": "giant"})
            took.append(time.perf_counter() - start)
    return Sample(cpu=usage.cpu / 5 * 1e6, rate=5 / usage.wall, seconds=statistics.median(took))


@workload("delete", "DeleteObjects of 20,000 keys, 1,000 a request", unit="key")
def delete(target: NodeTarget, seconds: int) -> Sample:
    have_many(target)
    with measured(target.server.pid) as usage:
        for start in range(0, len(MANY), 1000):
            named = [{"Key": key} for key in MANY[start : start + 1000]]
            answer = target.s3.delete_objects(Bucket=BUCKET, Delete={"Objects": named, "Quiet": True})
            if answer.get("Errors"):
                raise LoadErrors(f"DeleteObjects reports {answer['Errors'][:2]}")
    return Sample(cpu=usage.cpu / len(MANY) * 1e6, rate=len(MANY) / usage.wall)


@workload("multipart", "CompleteMultipartUpload of 128 parts of 5 MiB", unit="call")
def multipart(target: NodeTarget, seconds: int) -> Sample:
    body = os.urandom(5 * MIB)
    named = {"Bucket": BUCKET, "Key": "parts"}
    upload_id = target.s3.create_multipart_upload(**named)["UploadId"]

    def part(number: int) -> dict[str, object]:
        sent = target.s3.upload_part(**named, UploadId=upload_id, PartNumber=number, Body=body)
        return {"PartNumber": number, "ETag": sent["ETag"]}

    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(part, range(1, 129)))
    with measured(target.server.pid) as usage:
        target.s3.complete_multipart_upload(**named, UploadId=upload_id, MultipartUpload={"Parts": parts})
    return Sample(cpu=usage.cpu * 1e6, rate=1 / usage.wall, seconds=usage.wall)
