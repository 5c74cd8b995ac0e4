"""Jobs through the native API: what clients may ask, start and stop."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from msgspec.structs import replace

from storage.jobs import KINDS, Trait
from tests.nativeapi.conftest import Answer, Api

ROOT = {"name": "music", "provider": "ais", "namespace": None}
NO_BUCKET = {"name": "", "provider": "", "namespace": {"uuid": "", "name": ""}}


def ask(api: Api, what: str, **fields: object) -> Answer:
    return api("GET", f"/v1/cluster?what={what}", json.dumps(fields).encode())


def order(api: Api, action: str, **fields: object) -> Answer:
    return api.action("PUT", "/v1/cluster", action, fields)


def shown(api: Api, **fields: object) -> list[Any]:
    (found,) = ask(api, "qryxstats", **fields).json.values()
    return list(found)


def end(api: Api, job: str, **changes: Any) -> None:
    """What the process for jobs does at the end of one, which does not run here."""
    api.native.jobs.change(job, lambda state: replace(state, ended=time.time_ns(), done=state.requests, **changes))


@pytest.fixture
def copying(api: Api) -> str:
    """A job that nobody has begun."""
    value = {"num-workers": 10}
    return api.native.jobs.start("copy-bck", owner="root", bucket="music", destination="copy", value=value)


@pytest.fixture
def idling(api: Api) -> str:
    job = api.native.jobs.start("copy-listrange", owner="root", bucket="music", destination="copy")
    api.native.jobs.change(job, lambda state: replace(state, done=1, objects=2, size=20))
    return job


def test_status_of_a_job_that_runs_and_has_ended(api: Api, copying: str) -> None:
    running = {"kind": "copy-bck", "uuid": copying, "err": "", "end_time": 0, "aborted": False, "is_idle": False}
    assert ask(api, "status", ID=copying, Kind="", DaemonID="", Bck=None, Buckets=None).json == running
    assert ask(api, "status", id=copying, kind="copy-bck", show_active=None, bck=ROOT).json == running
    end(api, copying)
    ended = ask(api, "status", id=copying).json
    assert ended["end_time"] > time.time_ns() - 10**10 and ended["is_idle"] and not ended["err"]
    assert ask(api, "status", kind="copy-bucket").json == ended


def test_snapshot_has_every_field(api: Api, copying: str) -> None:
    (snap,) = shown(api, ID=copying)
    started = snap.pop("start-time")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", started)
    source, destination = ({**NO_BUCKET, "name": name, "provider": "ais"} for name in ("music", "copy"))
    assert snap == {
        "ext": None,
        "end-time": "0001-01-01T00:00:00Z",
        "bck": destination,
        "src-bck": source,
        "dst-bck": destination,
        "id": copying,
        "kind": "copy-bck",
        "ctlmsg": "",
        "abort-err": "",
        "err": "",
        "glob.id": str(10 << 10 | 1),
        "stats": {
            "loc-objs": "0", "loc-bytes": "0", "out-objs": "0", "out-bytes": "0", "in-objs": "0", "in-bytes": "0",
        },
        "aborted": False,
        "is_idle": False,
    }


def test_idle_job_is_running_and_idle(api: Api, idling: str) -> None:
    (snap,) = shown(api, id=idling)
    assert snap["is_idle"] and snap["bck"]["name"] == "music" and snap["stats"]["loc-objs"] == "2"
    assert api("GET", "/v1/cluster?what=running_all", b"{}").json == [f"copy-listrange[{idling}]"]
    end(api, idling)
    assert api("GET", "/v1/cluster?what=running_all", b"{}").json == []


def test_jobs_are_found_by_kind_either_name_bucket_and_whether_they_run(api: Api, copying: str, idling: str) -> None:
    end(api, copying)
    assert [snap["id"] for snap in shown(api, kind="copy-bck")] == [copying]
    assert [snap["id"] for snap in shown(api, KIND="copy-bucket")] == [copying]
    assert [snap["id"] for snap in shown(api, kind="copy-objects")] == [idling]
    assert shown(api, kind="lru") == []
    assert [snap["id"] for snap in shown(api)] == [idling, copying]
    assert [snap["id"] for snap in shown(api, kind="no-such-kind")] == [idling, copying]
    assert [snap["id"] for snap in shown(api, show_active=True)] == [idling]
    assert [snap["id"] for snap in shown(api, show_active=False)] == [copying]
    assert len(shown(api, bck={"name": "copy", "provider": "ais"})) == 2
    assert shown(api, bck={"name": "other", "provider": "ais"}) == []


def test_statuses_are_of_tracked_kinds_by_their_own_name_or_null(api: Api, copying: str, idling: str) -> None:
    assert [one["uuid"] for one in ask(api, "status_all", kind="", node="", show_active=False).json or []] == []
    assert [one["uuid"] for one in ask(api, "status_all", kind="copy-bck").json] == [copying]
    assert [one["uuid"] for one in ask(api, "status_all", kind="", show_active=True).json] == [copying]
    assert api("GET", "/v1/cluster?what=status_all", b'{"kind":"copy-bucket"}').body == b"null\n"
    assert api("GET", "/v1/cluster?what=status_all", b'{"kind":"copy-listrange"}').body == b"null\n"


def test_transform_is_a_job_of_its_own(api: Api, upper: str) -> None:
    (snap,) = shown(api, kind="etl-inline")
    assert snap["id"] == "etl-abcdefghi" and snap["ctlmsg"] == upper and not snap["is_idle"]
    assert ask(api, "status", id="etl-abcdefghi").json["end_time"] == 0
    assert "etl-inline[etl-abcdefghi]" in api("GET", "/v1/cluster?what=running_all", b"{}").json
    assert order(api, "stop", ID="etl-abcdefghi").status == 200
    assert ask(api, "status", id="etl-abcdefghi").json["aborted"]


@pytest.mark.parametrize(
    ("what", "body", "status", "code", "message"),
    [
        ("status", {"ID": "nope"}, 404, "ErrNotFound", "p[{proxy}]: x-[nope] does not exist"),
        ("status", {"kind": "lru"}, 404, "ErrNotFound", "p[{proxy}]: x-lru[] does not exist"),
        ("qryxstats", {"ID": "nope"}, 404, None, '"x-[nope]" not found'),
        ("qryxstats", {"node": "t[zz]"}, 404, "errNodeNotFound", 'node "t[zz]" does not exist'),
        ("qryxstats", {"ID": 7}, 400, None, "failed to unmarshal the job query: id is no string"),
        ("qryxstats", {"bck": 7}, 400, None, "failed to unmarshal a bucket"),
        ("qryxstats", {"buckets": 7}, 400, None, "failed to unmarshal the job query"),
        ("qryxstats", [1], 400, None, "failed to unmarshal the job query"),
    ],
)
def test_question_that_cannot_be_answered_is_refused(
    api: Api, what: str, body: Any, status: int, code: str | None, message: str
) -> None:
    refused = api("GET", f"/v1/cluster?what={what}", json.dumps(body).encode())
    assert (refused.status, refused.json.get("tcode")) == (status, code)
    assert message.format(proxy=api.native.nodes.proxy) in refused.message


def test_question_without_a_message_is_refused(api: Api) -> None:
    assert api("GET", "/v1/cluster?what=qryxstats").status == 400


def test_stop_is_by_id_or_by_kind_and_nothing_found_is_fine(api: Api, copying: str, idling: str) -> None:
    assert order(api, "stop", ID="nope").status == 200
    assert order(api, "stop", Kind="lru").status == 200
    assert order(api, "stop", ID=copying, Kind="").status == 200
    assert api.native.jobs.get(copying).state.aborted == "user abort"
    assert order(api, "stop", Kind="copy-objects", Bck={"name": "other"}).status == 200
    assert not api.native.jobs.get(idling).state.aborted
    assert order(api, "stop", Kind="copy-objects", Bck=ROOT).status == 200
    (snap,) = shown(api, ID=idling)
    assert snap["aborted"] and snap["abort-err"] == "user abort"
    assert order(api, "stop").status == 400
    assert order(api, "stop", Kind="nope").status == 400


def test_jobs_are_started_by_either_name_of_their_kind(api: Api, bucket: str) -> None:
    for name in ("lru", "lru-eviction", "cleanup", "warm-up-metadata"):
        job = order(api, "start", ID="", Kind=name, DaemonID="", Bck=ROOT, Buckets=None)
        assert job.status == 200 and job.headers["Content-Type"].startswith("text/plain")
        assert api.native.jobs.get(job.body.decode()).waiting
    assert order(api, "start", Kind="rebalance").body == b"g1"
    assert order(api, "start", Kind="rebalance").body == b"g2"
    target = api.native.nodes.target
    assert order(api, "start", Kind="resilver", DaemonID=target).status == 200


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"Kind": "nope"}, 400, 'invalid xaction (job) kind "nope"'),
        ({"Kind": ""}, 400, 'invalid xaction (job) kind ""'),
        ({"Kind": "copy-bck"}, 400, 'xaction "copy-bck" requires a bucket to start'),
        ({"Kind": "copy-bucket", "Bck": ROOT}, 400, 'invalid xaction (job) kind "copy-bck"'),
        ({"Kind": "lru", "Bck": {"name": "nope"}}, 404, 'bucket "ais://nope" does not exist'),
        ({"Kind": "resilver"}, 501, "operation not supported"),
        ({"Kind": "resilver", "DaemonID": "nope"}, 404, 'node "nope" does not exist'),
        ({"Kind": "ec-encode", "Bck": ROOT}, 501, "operation not supported"),
        ({"Kind": "prefetch-objects", "Bck": ROOT}, 400, "expecting remote bucket (have ais://music)"),
    ],
)
def test_start_that_is_wrong_is_refused(api: Api, bucket: str, fields: Any, status: int, message: str) -> None:
    refused = order(api, "start", **fields)
    assert (refused.status, message in refused.message) == (status, True), refused.message


def test_only_administrators_start_and_stop(api: Api) -> None:
    for action in ("start", "stop"):
        assert api.action("PUT", "/v1/cluster", action, {"Kind": "lru"}, token="alice-token").status == 403


def test_messages_of_the_command_line_are_understood(api: Api, bucket: str) -> None:
    nowhere = {"name": "", "provider": "", "namespace": {"uuid": "", "name": ""}}
    value = {
        "ID": "", "Kind": "lru", "DaemonID": "", "Bck": nowhere, "Buckets": None, "Timeout": 0, "Force": False,
        "OnlyRunning": False,
    }
    message = {"action": "start", "value": value, "name": "", "flags": 1}
    job = api("PUT", "/v1/cluster", json.dumps(message).encode()).body.decode()
    asked = {"show_active": None, "bck": nowhere, "id": job, "kind": "lru"}
    assert ask(api, "status", **asked).json["uuid"] == job
    assert [snap["id"] for snap in shown(api, **asked)] == [job]
    assert shown(api, **{**asked, "id": "", "show_active": False}) == []
    assert order(api, "stop", **{**value, "ID": job, "Kind": ""}).body == b""


def test_every_startable_kind_can_be_asked_for(api: Api, bucket: str) -> None:
    for kind in KINDS.values():
        if Trait.STARTABLE in kind.traits:
            assert order(api, "start", Kind=kind.name, Bck=ROOT).status in (200, 400, 501)


def test_bucket_on_its_way_to_another_name_is_busy(api: Api, bucket: str) -> None:
    first = api.action("POST", f"/v1/buckets/{bucket}?bck_to=ais/@%23/new/", "move-bck")
    assert first.status == 200
    for action in ("move-bck", "copy-bck"):
        refused = api.action("POST", f"/v1/buckets/{bucket}?bck_to=ais/@%23/other/", action, {})
        assert (refused.status, refused.json["tcode"]) == (409, "ErrLimitedCoexistence")
        assert first.body.decode() in refused.message
    forced = api.action("POST", f"/v1/buckets/{bucket}?bck_to=ais/@%23/other/", "copy-bck", {"force": True})
    assert forced.status == 200


def test_jobs_in_a_destroyed_bucket_are_aborted(api: Api, bucket: str, copying: str, idling: str) -> None:
    assert api.action("DELETE", f"/v1/buckets/{bucket}", "destroy-bck").status == 200
    assert ask(api, "status", id=copying).json["err"] == 'bucket "ais://music" was destroyed'
    assert not ask(api, "status", id=idling).json["aborted"]


def test_bucket_that_is_copied_is_not_renamed(api: Api, bucket: str, copying: str) -> None:
    refused = api.action("POST", f"/v1/buckets/{bucket}?bck_to=ais/@%23/new/", "move-bck")
    assert (refused.status, copying in refused.message) == (409, True)
    end(api, copying)
    assert api.action("POST", f"/v1/buckets/{bucket}?bck_to=ais/@%23/new/", "move-bck").status == 200


@pytest.mark.parametrize(
    ("to", "status", "code", "message"),
    [
        ("ais/@%23/music/", 400, None, 'cannot rename bucket "ais://music" to itself ("ais://music")'),
        ("ais/@%23/taken/", 400, "ErrBucketAlreadyExists", 'bucket "ais://taken" already exists'),
        ("ais/@%23/wh%20at/", 400, None, "bucket name is invalid"),
        ("aws/@%23/cloud/", 404, "ErrFailedTo", "failed to lookup bucket s3://cloud"),
        ("", 400, None, "invalid bucket"),
    ],
)
def test_rename_that_is_wrong_is_refused(
    api: Api, bucket: str, to: str, status: int, code: str | None, message: str
) -> None:
    api.action("POST", "/v1/buckets/taken", "create-bck")
    refused = api.action("POST", f"/v1/buckets/{bucket}?bck_to={to}", "move-bck")
    assert (refused.status, refused.json.get("tcode")) == (status, code)
    assert message in refused.message
    assert api.native.jobs.all() == []
