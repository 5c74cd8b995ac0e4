"""The cluster's configuration, set and read over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.conftest import StartNode
from tests.nativeapi.cluster import Cluster


@pytest.fixture
def configured(cluster: Cluster) -> Iterator[Cluster]:
    """The shared cluster, whose configuration is as it was after the test."""
    before = {name: cluster.config(name) for name in ("lru", "log", "space", "checksum", "versioning")}
    yield cluster
    assert cluster.act("cluster", "reset-config").status_code == 200
    assert "fixed" not in before
    del before["log"]["to_stderr"]
    assert cluster.act("cluster", "set-config", before).status_code == 200


def test_configuration_has_every_section_of_aistores(cluster: Cluster) -> None:
    sections = (
        "write_policy checksum tcb tco arch lso rate_limit keepalivetracker rebalance log ec get_batch space transport "
        "disk fshc chunks lru mirror periodic client downloader auth backend uuid lastupdate_time proxy net timeout "
        "memsys features config_version versioning resilver"
    ).split()
    config = cluster.ask("cluster", "cluster_config")
    assert set(sections) == set(config)
    assert config["space"]["lowwm"] == 75 and config["timeout"]["object_md"] == "2h0m"
    assert config["auth"]["client_auth_required"] is True
    assert cluster.ask("daemon", "config")["fspaths"] == {cluster.data: ""}


def test_values_are_set_by_query_and_by_document(configured: Cluster) -> None:
    version = int(configured.config("config_version"))
    assert configured("PUT", "cluster/set-config?lru.enabled=true&log.level=4&log.max_size=32mb").status_code == 200
    assert (configured.config("lru")["enabled"], configured.config("log")["level"]) == (True, "4")
    assert configured.config("log")["max_size"] == "32MiB"
    change = {"space": {"lowwm": 70, "dont_cleanup_time": "90m"}}
    assert configured.act("cluster", "set-config", change).status_code == 200
    assert configured.config("space")["lowwm"] == 70
    assert configured.config("space")["dont_cleanup_time"] == "1h30m"
    assert int(configured.config("config_version")) == version + 2


@pytest.mark.parametrize(
    "query, status, text",
    [
        ("foo.bar=1", 400, 'unknown property "foo.bar"'),
        ("lru.enabled=maybe", 400, 'invalid value "maybe" of property "lru.enabled"'),
        ("space.lowwm=101", 400, "space.lowwm"),
        ("space.lowwm=91", 400, "space.lowwm < space.highwm"),
        ("log.max_size=300MiB", 400, "log.max_total to be at least twice log.max_size"),
        ("periodic.stats_time=2h", 400, "periodic.stats_time"),
        ("net.http.use_https=true", 400, "decided by the node"),
        ("ec.enabled=true", 501, "ec.enabled"),
        ("features=6144", 400, "exclude each other"),
        ("", 400, "nothing to configure"),
    ],
)
def test_values_that_cannot_be_are_refused(cluster: Cluster, query: str, status: int, text: str) -> None:
    before = cluster.ask("cluster", "cluster_config")
    refused = cluster("PUT", f"cluster/set-config?log.stats_time=2m&{query}" if query else "cluster/set-config")
    assert refused.status_code == status
    assert text in refused.json()["message"]
    assert cluster.ask("cluster", "cluster_config") == before


def test_new_buckets_start_with_the_clusters_values(configured: Cluster) -> None:
    assert configured("PUT", "cluster/set-config?checksum.type=sha256&versioning.enabled=false").status_code == 200
    assert configured("POST", "buckets/starts-so", {"action": "create-bck"}).status_code == 200
    properties = json.loads(configured("HEAD", "buckets/starts-so").headers["Ais-Bucket-Props"])
    assert properties["checksum"]["type"] == "sha256" and properties["versioning"]["enabled"] is False


def test_configuration_survives_the_death_of_the_node_but_for_transient_values(start_node: StartNode) -> None:
    node = start_node()
    cluster = Cluster(node)
    assert cluster("PUT", "cluster/set-config?lru.enabled=true").status_code == 200
    assert cluster("PUT", "cluster/set-config?log.level=5&transient=true").status_code == 200
    assert cluster("PUT", "reverse/daemon/set-config?log.stats_time=1m", Ais_Node_Id=cluster.target).status_code == 200
    assert (cluster.config("log")["level"], cluster.config("log")["stats_time"]) == ("5", "3m")
    assert cluster.ask("daemon", "config")["log"]["stats_time"] == "1m"
    node.kill()
    node.start()
    assert (cluster.config("lru")["enabled"], cluster.config("log")["level"]) == (True, "3")
    assert cluster.ask("daemon", "config")["log"]["stats_time"] == "1m"
    assert cluster.act("cluster", "reset-config").status_code == 200
    assert cluster.ask("daemon", "config")["log"]["stats_time"] == "3m"
    assert cluster.config("lru")["enabled"] is True
