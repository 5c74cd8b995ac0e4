"""Requests of jobs mean the buckets that their senders had the right to, not what has the same name later."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

import gevent
import pytest

from appliance.clock import WallClock
from appliance.jobs import bodies
from nativeapi.download.egress import GUARDS
from nativeapi.errors import describe
from storage.attributes import Attributes
from storage.jobs import Job, Runner
from storage.jobs.bell import Bell
from storage.jobs.eviction import Watermarks
from storage.payload import BytesPayload
from tests.nativeapi.conftest import Api

OTHERS = {"name": "others", "provider": "ais"}

REQUESTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "delete": ("DELETE", "mine", {"template": ""}),
    "copy from": ("POST", "mine", {"template": "", "tobck": OTHERS}),
    "copy to": ("POST", "others", {"template": "", "tobck": {"name": "mine"}}),
    "archive from": ("PUT", "mine", {"template": "", "archname": "x.tar", "tobck": OTHERS}),
    "archive to": ("PUT", "others", {"template": "", "archname": "x.tar", "tobck": {"name": "mine"}}),
    "index": ("POST", "mine", {}),
}
ACTIONS = {"delete": "delete-listrange", "copy": "copy-listrange", "archive": "archive", "index": "index-shard"}


def done(api: Api, job: str) -> Job:
    """The job once what it was asked is over."""
    native = api.native
    made = bodies(
        native.store, native.lenses, native.promoter, WallClock(), native.jobs, GUARDS["anywhere"],
        lambda: Watermarks(90, 80),
    )
    runner = Runner(native.jobs, Bell(), made, describe=partial(describe, nodes=native.nodes), clock=time.time_ns)
    runner.turn()
    deadline = time.monotonic() + 10
    while native.jobs.get(job).waiting:
        assert time.monotonic() < deadline, "it never came to its end"
        gevent.sleep(0.01)
    return native.jobs.get(job)


def fill(api: Api, name: str, owner: str) -> None:
    bucket = api.native.store.buckets.create(name, owner=owner)
    api.native.store.objects.put(bucket, f"of-{owner}", BytesPayload(owner.encode()), Attributes(owner))


def replace_bucket(api: Api, name: str) -> None:
    """As S3 does: emptied and deleted by its owner, then made by somebody else."""
    bucket = api.native.store.buckets.get(name)
    for key in names(api, name):
        api.native.store.objects.delete(bucket, key)
    api.native.store.buckets.delete(bucket)
    fill(api, name, "bob")


def names(api: Api, name: str) -> list[str]:
    page = api.native.store.objects.list(api.native.store.buckets.get(name))
    return [key for key, _ in page.entries]


@pytest.mark.parametrize("what", REQUESTS)
def test_job_leaves_a_later_bucket_of_the_same_name_alone(api: Api, what: str) -> None:
    fill(api, "mine", "alice")
    fill(api, "others", "alice")
    method, bucket, value = REQUESTS[what]
    started = api.action(method, f"/v1/buckets/{bucket}", ACTIONS[what.split()[0]], value, token="alice-token")
    assert started.status == 200, started.body
    replace_bucket(api, "mine")
    found = done(api, started.body.decode())
    assert "mine" in found.state.error
    assert (names(api, "mine"), names(api, "others")) == (["of-bob"], ["of-alice"])


def test_download_leaves_a_later_bucket_of_the_same_name_alone(api: Api) -> None:
    fill(api, "mine", "alice")
    message = b'{"type": "single", "link": "http://127.0.0.1:1/x", "object_name": "x", "bucket": {"name": "mine"}}'
    job = api("POST", "/v1/download", message, token="alice-token").json["id"]
    replace_bucket(api, "mine")
    assert done(api, job).state.error == 'bucket "ais://mine" does not exist'


def test_promotion_leaves_a_later_bucket_of_the_same_name_alone(api: Api, tmp_path: Path) -> None:
    folder = tmp_path / "promote" / "folder"
    folder.mkdir(parents=True)
    (folder / "file").write_bytes(b"alice's")
    fill(api, "mine", "alice")
    job = api.action("POST", "/v1/objects/mine", "promote", {"src": str(folder)}, token="alice-token")
    replace_bucket(api, "mine")
    assert done(api, job.body.decode()).state.error == 'bucket "ais://mine" does not exist'
    assert names(api, "mine") == ["of-bob"]
