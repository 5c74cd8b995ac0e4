"""Transforms and the cluster through the native API."""

from __future__ import annotations

import json
from base64 import b64decode

import pytest

from tests.nativeapi.conftest import Api


def spec(**changes: object) -> bytes:
    message = {"name": "my-upper", "communication": "hpush://", "runtime": {"image": "upper", "command": ["serve"]}}
    return json.dumps({**message, **changes}).encode()


def test_transforms_are_for_administrators(api: Api, upper: str) -> None:
    for method, path in (("GET", ""), ("PUT", ""), ("DELETE", "/to-upper"), ("POST", "/to-upper/stop")):
        assert api(method, f"/v1/etl{path}", spec(), token="alice-token").status == 403
        assert api(method, f"/v1/etl{path}", spec(), token="").status == 401


def test_transforms_are_listed_with_what_went_through(api: Api, bucket: str, upper: str) -> None:
    api("PUT", "/v1/objects/music/song", b"la la")
    api("GET", f"/v1/objects/music/song?etl_name={upper}&etl_args=123456")
    api("GET", f"/v1/objects/music/song?etl_name={upper}&etl_args=xx")
    (row,) = api("GET", "/v1/etl").json
    assert row == {
        "id": "to-upper",
        "stage": "Running",
        "xaction_id": "etl-abcdefghi",
        "obj_count": 1,
        "in_bytes": 5,
        "out_bytes": 7,
    }


def test_view_shows_the_definition_with_its_defaults_and_the_errors(api: Api, bucket: str, upper: str) -> None:
    api("PUT", "/v1/objects/music/song", b"la la")
    view = api("GET", f"/v1/etl/{upper}?uuid=").json
    assert view["init_msg"]["communication"] == "hpush://"
    assert view["init_msg"]["init_timeout"] == "5m"
    assert view["init_msg"]["runtime"] == {"image": "upper", "command": ["serve"]}
    assert "obj_errors" not in view
    api("GET", f"/v1/objects/music/song?etl_name={upper}&etl_args=422")
    (error,) = api("GET", f"/v1/etl/{upper}?uuid=").json["obj_errors"]
    assert error == {"obj_name": "ais://music/song", "msg": "ETL error: cannot do that", "ecode": 422}


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/start"), ("POST", "/stop"), ("DELETE", "")])
def test_unknown_transform_is_told_in_words_that_the_sdk_knows(api: Api, method: str, path: str) -> None:
    refused = api(method, f"/v1/etl/not-there{path}")
    assert (refused.status, "etl job not-there does not exist" in refused.message) == (404, True)


def test_taken_name_is_told_in_words_that_the_sdk_knows(api: Api, upper: str) -> None:
    refused = api("PUT", "/v1/etl", spec(name=upper))
    assert (refused.status, "etl job to-upper already exists" in refused.message) == (409, True)


def test_running_transform_cannot_be_started(api: Api, upper: str) -> None:
    refused = api("POST", f"/v1/etl/{upper}/start")
    assert refused.status == 400
    assert refused.message == "invalid action \"can't start ETL[to-upper] during Running stage\""


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"{", 400, "invalid etl.InitMsg"),
        (spec(name="x"), 400, 'ETL name "x" is too short'),
        (spec(runtime={}), 400, "runtime.image must be specified"),
        (spec(communication="smoke://"), 400, 'unknown comm-type "smoke://"'),
        (b'{"name": "my-upper", "spec": "YXBpVmVyc2lvbjogdjE="}', 501, "Pod specs are not supported yet"),
    ],
)
def test_definition_that_is_wrong_is_refused(api: Api, body: bytes, status: int, message: str) -> None:
    refused = api("PUT", "/v1/etl", body)
    assert (refused.status, message in refused.message) == (status, True)
    assert api("GET", "/v1/etl").json == []


def test_logs_and_health_name_the_target(api: Api, upper: str) -> None:
    target = api.native.nodes.target
    (row,) = api("GET", f"/v1/etl/{upper}/logs").json
    assert (row["target_id"], b64decode(row["logs"])) == (target, b"")
    assert api("GET", f"/v1/etl/{upper}/logs/{target}").status == 200
    assert api("GET", f"/v1/etl/{upper}/logs/elsewhere").message == 'unknown target "elsewhere"'
    assert api("GET", f"/v1/etl/{upper}/health").json == [{"target_id": target, "health_status": "Running"}]


def test_wrong_methods_and_paths_of_transforms(api: Api, upper: str) -> None:
    assert api("PATCH", "/v1/etl").status == 405
    assert api("GET", f"/v1/etl/{upper}/dance").status == 400


def test_cluster_is_one_proxy_and_one_target_at_the_address_the_client_knows(api: Api) -> None:
    smap = api("GET", "/v1/daemon?what=smap").json
    assert smap["proxy_si"]["public_net"]["direct_url"] == "http://node:9000"
    assert smap["proxy_si"]["public_net"]["daemon_port"] == "9000"
    ((target, member),) = smap["tmap"].items()
    assert target == api.native.nodes.target != api.native.nodes.proxy
    assert member["daemon_type"] == "target"
    assert int(smap["version"]) > 0


def test_health_needs_no_token(api: Api) -> None:
    health = api("GET", "/v1/health?prr=true", token="")
    assert (health.status, health.body) == (200, b"")
    assert int(health.headers["Ais-Node-Uptime"]) > 0
    assert api("GET", "/v1/health?cii=true", token="").status == 401


def test_status_of_a_member_is_asked_by_its_name(api: Api) -> None:
    path = "/v1/reverse/daemon?what=node_status"
    assert api("GET", path, ais_node_id=api.native.nodes.target).json["tracker"]["state.flags"] == 6
    assert api("GET", path).message == "missing node ID"
    assert api("GET", path, ais_node_id="elsewhere").status == 404


def test_there_are_no_jobs(api: Api) -> None:
    assert api("GET", "/v1/cluster?what=status_all", b"{}").json is None
    assert api("GET", "/v1/cluster?what=running_all", b"{}").json == []
    assert api("GET", "/v1/cluster?what=qryxstats", b"{}").json == {api.native.nodes.target: []}
    for what in ("status", "qryxstats"):
        assert api("GET", f"/v1/cluster?what={what}", b'{"ID": "xyz"}').status == 404


@pytest.mark.parametrize("target", ["/v1", "/v1/", "/v1/nope", "/v1/nope//x", "/v1//x", "/v1/no%0Ape"])
def test_unknown_paths_are_400(api: Api, target: str) -> None:
    refused = api("GET", target)
    assert (refused.status, refused.message) == (400, f"invalid request URI: 'GET {target}' from 10.1.2.3")


def test_unknown_questions_are_400(api: Api) -> None:
    assert api("GET", "/v1/daemon?what=zzz").message == "invalid '/v1/daemon' request: unrecognized 'what=zzz' query"
