"""Figures, logs and members of the cluster that a real node is."""

from __future__ import annotations

import io
import tarfile
import time
from pathlib import Path

import pytest
import requests

from tests.conftest import StartNode
from tests.nativeapi.cluster import Cluster


def test_tracker_counts_what_both_doors_did(cluster: Cluster) -> None:
    before = cluster.ask("cluster", "node_stats")["target"][cluster.target]["tracker"]
    s3 = cluster.node.client()
    s3.create_bucket(Bucket="tracked")
    s3.put_object(Bucket="tracked", Key="one", Body=b"x" * 1000)
    assert cluster("GET", "objects/tracked/one").content == b"x" * 1000
    assert cluster("HEAD", "objects/tracked/one").status_code == 200
    assert cluster("GET", "objects/tracked/one", Range="bytes=5000-").status_code == 416
    assert cluster("GET", "objects/tracked/none").status_code == 404
    after = cluster.ask("cluster", "node_stats")["target"][cluster.target]["tracker"]
    grown = {name: after[name] - before[name] for name in after if name in before}
    assert (grown["put.n"], grown["put.size"]) == (1, 1000)
    assert (grown["get.n"], grown["get.size"], grown["head.n"]) == (1, 1000, 1)
    assert grown["err.get.n"] == 1  # what is not there is no error
    assert grown["get.ns.total"] > 0 and after["get.ns"] > 0
    assert after["state.flags"] & 6 == 6 and grown["up.ns.time"] > 0


def test_status_of_the_target_has_real_figures(cluster: Cluster) -> None:
    status = cluster.ask("reverse/daemon", "node_status", Ais_Node_Id=cluster.target)
    assert status["ais_version"].startswith("5.0") and status["status"] == ""
    (use,) = status["capacity"]["mountpaths"].values()
    assert list(status["capacity"]["mountpaths"]) == [cluster.data]
    assert int(use["used"]) > 0 and int(use["avail"]) > 0 and use["fs"]["FsType"]
    assert status["capacity"]["pct_max"] == use["pct_used"]
    system = status["sys_info"]
    assert 0 < system["mem_used"] < system["mem"]["Total"]
    assert system["proc"]["Mem"]["Resident"] > 2**20 and system["proc"]["CPU"]["Total"] > 0
    assert set(system["load_avg"]) == {"One", "Five", "Fifteen"}
    assert status["cluster"]["smap"]["Primary"]["pub_url"] == cluster.node.endpoint


def test_status_of_the_proxy_has_no_volumes(cluster: Cluster) -> None:
    (proxy,) = cluster.ask("daemon", "smap")["pmap"]
    status = cluster.ask("reverse/daemon", "node_status", Ais_Node_Id=proxy)
    assert status["snode"]["daemon_type"] == "proxy" and status["capacity"]["mountpaths"] == {}
    assert "get.n" in status["tracker"] and "get.size" not in status["tracker"]


def test_room_is_told_of_targets_only(cluster: Cluster) -> None:
    info = cluster.ask("cluster", "sysinfo")
    assert 0 < int(info["target"][cluster.target]["fs_used"]) < int(info["target"][cluster.target]["fs_capacity"])
    (proxy,) = info["proxy"].values()
    assert "fs_used" not in proxy


def test_map_of_buckets_has_their_properties_and_a_version_that_grows(cluster: Cluster) -> None:
    before = cluster.ask("daemon", "bmd")
    assert cluster("POST", "buckets/mapped", {"action": "create-bck"}).status_code == 200
    after = cluster.ask("cluster", "bmd")
    assert after["providers"]["ais"]["@#"]["mapped"]["provider"] == "ais"
    assert int(after["version"]) > int(before["version"]) and after["uuid"] == before["uuid"]


def test_every_question_of_a_member_is_answered(cluster: Cluster) -> None:
    for what in "smap bmd config snode node_stats sysinfo metrics smapvote mountpaths disk".split():
        assert isinstance(cluster.ask("daemon", what), dict), what
        assert isinstance(cluster.ask("reverse/daemon", what, Ais_Node_Id=cluster.target), dict), what
    assert cluster("GET", "daemon?what=software_version").text.startswith("5.0")
    assert cluster("GET", "cluster?what=target_ips").text == "127.0.0.1"
    assert cluster("GET", "daemon?what=tls_certificate").status_code == 404
    assert cluster.ask("daemon", "metrics")["get.n"] == "counter"
    assert cluster.ask("cluster", "backends") == []


def test_statistics_begin_anew_when_they_are_reset(start_node: StartNode) -> None:
    cluster = Cluster(start_node("--workers", "2"))
    cluster("POST", "buckets/counted", {"action": "create-bck"})
    for _ in range(3):
        cluster("PUT", "objects/counted/one", "x")
        cluster("GET", "objects/counted/one", Range="bytes=500-")

    def figures() -> tuple[int, int]:
        tracker = cluster.ask("daemon", "node_stats", Ais_Node_Id=cluster.target)["tracker"]
        return tracker["put.n"], tracker["err.get.n"]

    assert figures() == (3, 3)
    assert cluster.act("cluster", "reset-stats", True).status_code == 200
    assert figures() == (3, 0)
    assert cluster.act("cluster", "reset-stats", False).status_code == 200
    assert figures() == (0, 0)
    assert f'ais_target_put_count{{node_id="{cluster.target}"}} 0\n' in requests.get(
        f"{cluster.node.endpoint}/metrics", timeout=5
    ).text


def test_metrics_have_aistores_names(cluster: Cluster) -> None:
    cluster("POST", "buckets/scraped", {"action": "create-bck"})
    cluster("PUT", "objects/scraped/one", "x")
    text = requests.get(f"{cluster.node.endpoint}/metrics", timeout=5).text
    assert "# TYPE ais_target_put_count counter\n" in text
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    label = f'{{node_id="{cluster.target}"}}'
    assert float(values[f"ais_target_put_count{label}"]) >= 1
    assert float(values[f"ais_target_put_bytes{label}"]) >= 3
    assert float(values[f"ais_target_uptime{label}"]) > 0
    assert int(values[f"ais_target_state_flags{label}"]) & 6 == 6
    assert "scraped" not in text


# -- logs ------------------------------------------------------------------------------------------------------------


def test_log_is_read_by_severity_and_from_an_offset(cluster: Cluster) -> None:
    for severity in ("info", "warning", "error"):
        text = cluster("GET", f"reverse/daemon?what=log&severity={severity}", Ais_Node_Id=cluster.target).text
        assert text.startswith("Started up at ")
        rest = cluster("GET", f"daemon?what=log&severity={severity}&offset=8").text
        assert rest.startswith("up at")
    assert cluster("GET", "daemon?what=log&offset=999999999").text == ""
    assert cluster("GET", "daemon?what=log&severity=loud").status_code == 400
    assert cluster("GET", "daemon?what=log&offset=-1").status_code == 400


def test_rotated_logs_are_in_the_archive(cluster: Cluster) -> None:
    assert cluster.act("daemon", "rotate-logs").status_code == 200
    reply = cluster("GET", "daemon?what=log&severity=info&all=true")
    assert reply.headers["Content-Type"] == "application/x-gzip"
    with tarfile.open(fileobj=io.BytesIO(reply.content), mode="r:gz") as archive:
        names = archive.getnames()
    assert names[-1] == "sluice.INFO" and len(names) >= 2


def test_details_are_logged_when_the_level_asks_for_them(start_node: StartNode) -> None:
    node = start_node()
    cluster = Cluster(node)
    assert cluster("PUT", "cluster/set-config?log.level=5&log.max_size=1KiB").status_code == 200
    journal = Path(cluster.data) / "logs" / "sluice.INFO"
    deadline = time.monotonic() + 10
    while not list(journal.parent.glob("sluice.INFO.*")) and time.monotonic() < deadline:
        requests.get(f"{node.endpoint}/nope", headers={"Authorization": "AWS4-HMAC-SHA256 nonsense"}, timeout=5)
        assert cluster.act("daemon", "rotate-logs").status_code == 200
    assert list(journal.parent.glob("sluice.INFO.*"))
    assert journal.read_text().startswith("Started up at ")


def test_sums_are_logged_after_each_period(start_node: StartNode) -> None:
    cluster = Cluster(start_node())
    assert cluster("PUT", "cluster/set-config?log.stats_time=1s").status_code == 200
    cluster("POST", "buckets/summed", {"action": "create-bck"})
    cluster("PUT", "objects/summed/one", "x")
    deadline = time.monotonic() + 15
    while "{put.n:1," not in (text := cluster("GET", "daemon?what=log").text) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert "{put.n:1," in text


# -- members and other clusters ----------------------------------------------------------------------------------------


def test_the_only_node_is_not_taken_away(cluster: Cluster) -> None:
    for action, text in (
        ("start-maintenance", "no other node"), ("stop-maintenance", "not in maintenance"),
        ("decommission", "only target"), ("decommission-node", "only target"),
    ):
        refused = cluster.act("cluster", action, {"sid": cluster.target})
        assert refused.status_code == 400 and text in refused.json()["message"]
    for action in ("start-maintenance", "stop-maintenance", "shutdown-node"):
        assert cluster.act("cluster", action, {"sid": "t12345678"}).status_code == 404
    assert cluster.act("cluster", "dance").json()["message"] == 'invalid action "dance"'
    assert cluster.act("cluster", "reload-creds").status_code == 501
    assert cluster("PUT", "cluster/enable-bend/aws").status_code == 400
    assert cluster("DELETE", "cluster").status_code == 405
    assert cluster("PUT", "cluster/nowhere/else").status_code == 400


@pytest.mark.parametrize("action", ["shutdown", "shutdown-node"])
def test_shutdown_ends_the_node_in_order(start_node: StartNode, action: str) -> None:
    node = start_node()
    cluster = Cluster(node)
    assert cluster.act("cluster", action, {"sid": cluster.target}).status_code == 200
    assert node.process is not None and node.process.wait(20) == 0


def test_attached_cluster_is_shown_with_its_map(cluster: Cluster, start_node: StartNode) -> None:
    other = start_node()
    url = other.endpoint.replace("://", f"://:{other.token}@")
    named = {"Ais_Remote_Ais_Alias": "teamZ"}
    assert cluster("PUT", "cluster/attach?what=remote", Ais_Remote_Ais_Url=url, **named).status_code == 200
    (shown,) = cluster.ask("cluster", "remote")["a"]
    assert (shown["alias"], shown["url"]) == ("teamZ", other.endpoint)
    assert shown["uuid"] == shown["smap"]["uuid"] == Cluster(other).ask("daemon", "smap")["uuid"]
    assert cluster.config("backend") == {"ais": {"teamZ": [other.endpoint]}}
    assert other.stop() == 0
    (shown,) = cluster.ask("cluster", "remote")["a"]
    assert shown["smap"] is None and shown["uuid"]
    assert cluster("PUT", "cluster/detach?what=remote", **named).status_code == 200
    assert cluster.ask("cluster", "remote") == {"a": None, "ver": 0}
    gone = cluster("PUT", "cluster/detach?what=remote", **named)
    assert (gone.status_code, gone.json()["tcode"]) == (404, "ErrFailedTo")


def test_what_is_no_other_cluster_is_not_attached(cluster: Cluster) -> None:
    own = cluster.node.endpoint.replace("://", f"://:{cluster.node.token}@")
    for alias, url, text in (
        ("x", own, "to itself"), ("x", "nonsense", "expecting http://host:port"), ("a b", own, "invalid alias"),
        ("", own, "invalid alias"), ("x", "http://h:port", "invalid URL"),
    ):
        headers = {"Ais_Remote_Ais_Alias": alias, "Ais_Remote_Ais_Url": url}
        refused = cluster("PUT", "cluster/attach?what=remote", **headers)
        assert refused.status_code == 400 and text in refused.json()["message"]
    assert cluster.ask("cluster", "remote")["a"] is None


def test_only_administrators_change_the_cluster(cluster: Cluster) -> None:
    url = f"{cluster.node.endpoint}/v1/cluster"
    for method, path in (("PUT", ""), ("PUT", "/set-config?lru.enabled=true"), ("GET", "?what=smap")):
        assert requests.request(method, url + path, timeout=5).status_code == 401
