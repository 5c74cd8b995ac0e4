"""Every call that the `ais` command line makes, sent as it was recorded, and its answer field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
import requests

from tests.node import Node


@dataclass(frozen=True)
class Ais:
    """The command line: its headers, and the address that it goes on with after it has seen the cluster map."""

    node: Node

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.request(
            method,
            f"{self.node.endpoint}{path}",
            headers={"User-Agent": "ais/cli", "Authorization": f"Bearer {self.node.token}", **named},
            data=body if isinstance(body, bytes | None) else json.dumps(body),
            timeout=20,
        )

    def json(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        reply = self(method, path, body, **headers)
        assert reply.status_code == 200, reply.text
        assert int(reply.headers["Content-Length"]) == len(reply.content)
        return reply.json()

    def smap(self) -> Any:
        return self.json("GET", "/v1/daemon?what=smap")


@pytest.fixture
def ais(node: Node) -> Ais:
    return Ais(node)


@pytest.fixture
def bucket(ais: Ais) -> Iterator[str]:
    name = "made-by-ais"
    assert ais("POST", f"/v1/buckets/{name}?provider=ais", {"action": "create-bck"}).status_code == 200
    yield name
    assert ais("DELETE", f"/v1/buckets/{name}?provider=ais", {"action": "destroy-bck"}).status_code == 200


def is_figure(text: str) -> bool:
    return text.isdigit()


# -- how most commands begin: the map, then every node through the primary -------------------------------------------


def test_map_lists_the_node_as_proxy_and_target_at_the_address_the_user_gave(ais: Ais) -> None:
    smap = ais.smap()
    assert set(smap) == {"pmap", "proxy_si", "tmap", "uuid", "creation_time", "version"}
    (proxy,), (target,) = smap["pmap"].values(), smap["tmap"].values()
    assert smap["proxy_si"] == proxy
    for member, kind, flags in ((proxy, "proxy", 2), (target, "target", 0)):
        assert set(member) == {
            "public_net", "intra_data_net", "intra_control_net", "daemon_type", "daemon_id", "flags", "id_digest"
        }
        assert (member["daemon_type"], member["flags"]) == (kind, flags)
        assert len(member["daemon_id"]) >= 8 and isinstance(member["id_digest"], int)
        for net in ("public_net", "intra_data_net", "intra_control_net"):
            assert member[net]["direct_url"] == ais.node.endpoint
            assert member[net]["daemon_port"] == str(ais.node.port)
    assert proxy["daemon_id"] != target["daemon_id"]
    assert smap["uuid"] and smap["version"].isdigit() and smap["version"] != "0"


def test_status_of_every_node(ais: Ais) -> None:
    """show cluster, show storage capacity, show performance, show dashboard"""
    smap = ais.smap()
    for name in [*smap["pmap"], *smap["tmap"]]:
        status = ais.json("GET", "/v1/reverse/daemon?what=node_status", Ais_Node_Id=name)
        assert set(status) == {
            "status", "deployment", "ais_version", "build_time", "k8s_pod_name", "snode", "tracker", "capacity",
            "cluster", "sys_info", "smap_version",
        }
        assert (status["status"], status["k8s_pod_name"], status["smap_version"]) == ("", "", smap["version"])
        assert [part.isdigit() for part in status["ais_version"].split(".")[:2]] == [True, True]
        assert status["snode"]["daemon_id"] == name
        check_tracker(status["tracker"])
        check_capacity(status["capacity"])
        check_info(status["cluster"], smap)
        check_system(status["sys_info"])


def check_tracker(tracker: dict[str, int]) -> None:
    assert all(isinstance(value, int) for value in tracker.values())
    assert {"get.n", "put.n", "del.n", "lst.n", "err.get.n", "up.ns.time", "state.flags"} <= set(tracker)
    assert tracker["state.flags"] & 6 == 6 and tracker["up.ns.time"] > 0


def check_capacity(capacity: Any) -> None:
    assert set(capacity) == {
        "mountpaths", "cs_err", "total_used", "total_avail", "pct_max", "pct_avg", "pct_min"
    }
    assert is_figure(capacity["total_used"]) and is_figure(capacity["total_avail"]) and capacity["cs_err"] == ""
    for use in capacity["mountpaths"].values():
        assert set(use) == {"mountpath_label", "fs", "disks", "used", "avail", "pct_used"}
        assert set(use["fs"]) == {"Fs", "FsType", "FsID"} and len(use["fs"]["FsID"]) == 2
        assert is_figure(use["used"]) and is_figure(use["avail"]) and 0 <= use["pct_used"] <= 100


def check_info(info: Any, smap: Any) -> None:
    assert set(info) == {"smap", "bmd", "rmd", "config", "etlmd", "flags"}
    primary = {"pub_url": smap["proxy_si"]["public_net"]["direct_url"], "id": smap["proxy_si"]["daemon_id"]}
    assert info["smap"]["Primary"] == {**primary, "control_url": primary["pub_url"]}
    assert (info["smap"]["uuid"], info["smap"]["version"]) == (smap["uuid"], smap["version"])
    assert all(is_figure(info[part]["version"]) for part in ("bmd", "rmd", "config", "etlmd"))
    assert info["flags"] & 6 == 6


def check_system(system: Any) -> None:
    assert set(system) == {
        "mem_used", "mem_avail", "pct_mem_used", "pct_cpu_used", "load_avg", "cpu_util", "mem", "proc"
    }
    assert system["mem_avail"] > 0 and set(system["load_avg"]) == {"One", "Five", "Fifteen"}


def test_what_else_is_asked_of_a_node(ais: Ais) -> None:
    """show storage mountpath, show storage disk, config show NODE, show tls, show cluster bmd, log show"""
    (target,) = ais.smap()["tmap"]

    def ask(what: str) -> Any:
        return ais.json("GET", f"/v1/reverse/daemon?what={what}", Ais_Node_Id=target)

    assert ask("mountpaths") == {"available": [str(ais.node.folder / "data")], "waiting_dd": [], "disabled": []}
    assert set(ask("disk")) >= {"AllDiskStats", "mountpaths"}
    for rates in ask("disk")["AllDiskStats"].values():
        assert set(rates) == {"RBps", "Ravg", "WBps", "Wavg", "Util"}
    config = ask("config")
    assert set(config["host_net"]) == {
        "hostname", "hostname_intra_control", "hostname_intra_data", "port", "port_intra_control", "port_intra_data"
    }
    assert config["host_net"]["port"] == str(ais.node.port) and config["fspaths"]
    assert set(ask("bmd")) == {"providers", "uuid", "version"}
    assert set(ask("metrics").values()) <= {
        "counter", "latency", "total", "size", "gauge", "bw", "compbw", "special", "histogram"
    }
    certificate = ais("GET", "/v1/reverse/daemon?what=tls_certificate", Ais_Node_Id=target)
    assert certificate.status_code == 404
    log = ais("GET", "/v1/reverse/daemon?what=log&severity=info", Ais_Node_Id=target)
    assert log.headers["Content-Type"].startswith("text/plain") and log.text.startswith("Started up at ")


def test_unknown_nodes_and_questions_are_told_apart(ais: Ais) -> None:
    unknown = ais("GET", "/v1/reverse/daemon?what=node_status", Ais_Node_Id="t00000000")
    assert unknown.status_code == 404
    assert set(unknown.json()) == {
        "tcode", "message", "method", "url_path", "remote_addr", "caller", "node", "status"
    }
    assert (unknown.json()["tcode"], unknown.json()["status"]) == ("errNodeNotFound", 404)
    assert "cannot forward request to node" in unknown.json()["message"]
    assert ais("GET", "/v1/reverse/daemon?what=node_status").json()["message"] == "missing node ID"
    assert ais("GET", "/v1/cluster?what=zzz").json()["message"] == "unexpected query [what=zzz]"


# -- the cluster -----------------------------------------------------------------------------------------------------


def test_lists_that_a_fresh_cluster_has_empty(ais: Ais) -> None:
    """show cluster, show remote-cluster, show job, etl show"""
    assert ais.json("GET", "/v1/cluster?what=backends") == []
    assert ais.json("GET", "/v1/cluster?what=remote") == {"a": None, "ver": 0}
    assert ais.json("GET", "/v1/sort?only_active=true&regex=") == []
    assert ais.json("GET", "/v1/sort") == []
    assert isinstance(ais.json("GET", "/v1/download", {"id": "", "regex": "", "only_active_tasks": True}), list)
    assert ais.json("GET", "/v1/etl") == []
    assert ais("DELETE", "/v1/sort/abort?uuid=").status_code == 501


def test_jobs_of_a_kind(ais: Ais) -> None:
    """show job, one call a kind"""
    (target,) = ais.smap()["tmap"]
    query = {"id": "", "kind": "ec-encode", "show_active": True, "bck": {"name": "", "provider": "", "namespace": {}}}
    assert ais.json("GET", "/v1/cluster?what=qryxstats", query) == {target: []}


def test_figures_of_the_whole_cluster(ais: Ais) -> None:
    """show performance, show cluster stats"""
    (target,) = ais.smap()["tmap"]
    stats = ais.json("GET", "/v1/cluster?what=node_stats")
    assert set(stats) == {"proxy", "target"} and set(stats["target"]) == {target}
    for member in (stats["proxy"], stats["target"][target]):
        assert set(member) == {"snode", "tracker", "capacity"}
    info = ais.json("GET", "/v1/cluster?what=sysinfo")
    assert is_figure(info["target"][target]["fs_used"]) and is_figure(info["target"][target]["fs_capacity"])
    assert ais.json("GET", "/v1/cluster?what=mountpaths")["targets"][target]["disabled"] == []


def test_health_as_the_command_line_waits_for_it(ais: Ais) -> None:
    smap = ais.smap()
    for query in ("", "?readiness=true", "?prr=true", "?apr=true"):
        for method in ("GET", "HEAD"):
            reply = ais(method, f"/v1/health{query}")
            assert (reply.status_code, reply.content) == (200, b"")
            assert is_figure(reply.headers["Ais-Cluster-Uptime"]) and is_figure(reply.headers["Ais-Node-Uptime"])
    check_info(ais.json("GET", "/v1/health?cii=true"), smap)


def test_configuration_is_set_and_read_back(ais: Ais) -> None:
    """config cluster log.level=4"""
    before = ais.json("GET", "/v1/cluster?what=cluster_config")
    reply = ais("PUT", "/v1/cluster/set-config?log.level=4")
    assert (reply.status_code, reply.content) == (200, b"")
    after = ais.json("GET", "/v1/cluster?what=cluster_config")
    assert after["log"] == {**before["log"], "level": "4"}
    assert int(after["config_version"]) == int(before["config_version"]) + 1
    refused = ais("PUT", "/v1/cluster/set-config?foo.bar=1")
    assert (refused.status_code, refused.json()["message"]) == (400, 'unknown property "foo.bar"')
    (target,) = ais.smap()["tmap"]
    assert ais("PUT", "/v1/reverse/daemon/set-config?log.level=5", Ais_Node_Id=target).status_code == 200
    assert ais.json("GET", "/v1/daemon?what=config")["log"]["level"] == "5"
    assert ais("PUT", "/v1/cluster", {"action": "reset-config"}).status_code == 200
    assert ais("PUT", "/v1/cluster/set-config?log.level=3").status_code == 200


def test_remote_cluster_is_attached_and_detached(ais: Ais) -> None:
    """cluster remote-attach, show remote-cluster, cluster remote-detach"""
    headers = {"Ais_Remote_Ais_Alias": "away", "Ais_Remote_Ais_Url": "http://127.0.0.1:1"}
    attached = ais("PUT", "/v1/cluster/attach?what=remote", **headers)
    assert (attached.status_code, attached.content) == (200, b"")
    remote = ais.json("GET", "/v1/cluster?what=remote")
    assert remote["a"] == [{"smap": None, "url": "http://127.0.0.1:1", "alias": "away", "uuid": ""}]
    assert remote["ver"] > 0
    assert ais("PUT", "/v1/cluster/detach?what=remote", Ais_Remote_Ais_Alias="away").status_code == 200
    gone = ais("PUT", "/v1/cluster/detach?what=remote", Ais_Remote_Ais_Alias="away")
    assert (gone.status_code, gone.json()["tcode"]) == (404, "ErrFailedTo")


def test_job_is_started_and_waited_for(ais: Ais) -> None:
    """start lru"""
    value = {"ID": "", "Kind": "lru", "DaemonID": "", "Bck": {"name": "", "provider": "", "namespace": {}},
             "Buckets": None, "Timeout": 0, "Force": False, "OnlyRunning": False}  # fmt: skip
    started = ais("PUT", "/v1/cluster", {"action": "start", "value": value, "name": ""})
    assert started.status_code == 200 and len(started.text) >= 9 and '"' not in started.text
    status = ais.json("GET", "/v1/cluster?what=status", {"show_active": None, "id": started.text, "kind": "lru"})
    assert set(status) >= {"kind", "uuid", "err", "end_time", "aborted"}
    assert (status["kind"], status["uuid"], status["err"], status["aborted"]) == ("lru", started.text, "", False)


# -- buckets and objects ---------------------------------------------------------------------------------------------


def test_buckets_are_listed(ais: Ais, bucket: str) -> None:
    """ls"""
    listed = ais.json("GET", "/v1/buckets?presence=2")
    assert {"name": bucket, "provider": "ais", "namespace": {"uuid": "", "name": ""}} in listed


def test_bucket_that_is_not_there_is_told_in_a_header(ais: Ais) -> None:
    """show bucket"""
    reply = ais("HEAD", "/v1/buckets/not-there?provider=ais&dont_add_remote_bck_md=true")
    error = json.loads(reply.headers["Hdr-Error"])
    assert (reply.status_code, error["status"], error["tcode"]) == (404, 404, "ErrBckNotFound")
    assert error["message"] == 'bucket "ais://not-there" does not exist'


def test_bucket_is_shown_with_its_properties(ais: Ais, bucket: str) -> None:
    reply = ais("HEAD", f"/v1/buckets/{bucket}?provider=ais&dont_add_remote_bck_md=true")
    properties = json.loads(reply.headers["Ais-Bucket-Props"])
    assert reply.status_code == 200
    assert {"checksum", "versioning", "lru", "mirror", "ec", "access", "provider", "created", "bid"} <= set(properties)
    assert is_figure(properties["access"]) and properties["provider"] == "ais"


def test_object_is_put_listed_shown_got_and_removed(ais: Ais, bucket: str) -> None:
    path = f"/v1/objects/{bucket}/h.txt?provider=ais"
    assert ais("HEAD", f"/v1/buckets/{bucket}?provider=ais").status_code == 200
    assert ais("PUT", path, b"hello\n").status_code == 200
    value = {"uuid": "", "props": "name,size,cached", "time_format": "", "prefix": "", "start_after": "",
             "continuation_token": "", "target": "", "flags": "0", "pagesize": 0}  # fmt: skip
    reply = ais(
        "GET", f"/v1/buckets/{bucket}?provider=ais", {"action": "list", "name": "", "value": value},
        Accept="application/msgpack",
    )
    assert reply.headers["Content-Type"] == "application/msgpack"
    page = msgspec.msgpack.decode(reply.content)
    assert [(entry["n"], entry["s"]) for entry in page["Entries"]] == [("h.txt", 6)]
    assert page["ContinuationToken"] == ""
    props = "name,size,checksum,atime,version,cached,status,copies,custom,location"
    shown = ais("HEAD", f"{path}&presence=2&props={props}")
    assert shown.status_code == 200 and shown.headers["Content-Length"] == "6"
    assert shown.headers["Ais-Present"] == "true" and shown.headers["Ais-Checksum-Type"] == "xxhash2"
    got = ais("GET", path)
    assert got.content == b"hello\n" and got.headers["Ais-Checksum-Value"] == shown.headers["Ais-Checksum-Value"]
    assert ais("DELETE", path).status_code == 200
    missing = ais("DELETE", path)
    assert (missing.status_code, missing.json()["message"]) == (404, f"ais://{bucket}/h.txt doesn't exist")


def test_summary_of_a_bucket_begins_with_202(ais: Ais, bucket: str) -> None:
    """ls --summary, storage summary"""
    query = "provider=ais&bsumm_remote=false&presence=2"
    first = ais("HEAD", f"/v1/buckets/{bucket}?{query}")
    assert first.status_code == 202
    job = first.headers["Ais-Xaction-Id"]
    while (reply := ais("HEAD", f"/v1/buckets/{bucket}?{query}&uuid={job}")).status_code in (202, 206):
        pass
    assert reply.status_code == 200
    assert json.loads(reply.headers["Ais-Bucket-Summ"])["name"] == bucket
    begun = ais("GET", f"/v1/buckets/{bucket}?provider=ais", {"action": "summary-bck", "value": {"uuid": ""}})
    assert begun.status_code == 202


def test_properties_are_set_and_reset(ais: Ais, bucket: str) -> None:
    """bucket props set, bucket props reset, bucket lru"""
    path = f"/v1/buckets/{bucket}?provider=ais"

    def lru() -> Any:
        return json.loads(ais("HEAD", path).headers["Ais-Bucket-Props"])["lru"]["enabled"]

    before = lru()
    assert ais("PATCH", path, {"action": "set-bprops", "value": {"lru": {"enabled": not before}}}).status_code == 200
    assert lru() is (not before)
    assert ais("PATCH", path, {"action": "reset-bprops"}).status_code == 200
    assert lru() is before
