"""Workloads of the native API."""

from __future__ import annotations

import json
import time
from http.client import HTTPConnection

from tests.bench.cpu import measured
from tests.bench.targets import BUCKET, NodeTarget
from tests.bench.workloads import LoadErrors, Sample, workload

BATCH = 1000  # objects


@workload("batch", "native batch get of 1,000 objects of 4 KiB as a streamed TAR, one connection", unit="object")
def batch(target: NodeTarget, seconds: int) -> Sample:
    keys = [f"batch/{i:05d}" for i in range(BATCH)]
    target.fill(keys, 4096)
    assert target.server.node is not None
    body = json.dumps({"in": [{"objname": key, "bucket": BUCKET, "provider": "ais"} for key in keys], "strm": True})
    headers = {"Authorization": f"Bearer {target.server.node.token}"}
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
