"""Every method of the official SDK's Cluster, against a real node."""

from __future__ import annotations

import io
import tarfile

import pytest
from aistore import Client
from aistore.sdk.cluster import Cluster
from aistore.sdk.enums import LogSeverity, NodeFilter
from aistore.sdk.errors import AISError
from aistore.sdk.provider import Provider

from tests.node import Node


@pytest.fixture
def cluster(node: Node) -> Cluster:
    return Client(node.endpoint, token=node.token).cluster()


def test_info_is_the_map_and_the_primary_is_the_node(cluster: Cluster, node: Node) -> None:
    info = cluster.get_info()
    assert len(info.tmap) == len(info.pmap) == 1
    assert not info.tmap.keys() & info.pmap.keys()
    assert cluster.get_primary_url() == node.endpoint
    assert cluster.get_uuid() == info.uuid and len(info.uuid) == 9


def test_cluster_is_ready(cluster: Cluster) -> None:
    assert cluster.is_ready()


def test_buckets_are_listed_by_provider(cluster: Cluster, node: Node) -> None:
    Client(node.endpoint, token=node.token).bucket("listed-by-sdk").create(exist_ok=True)
    for provider in (Provider.AIS, "ais", ""):
        assert "listed-by-sdk" in [bucket.name for bucket in cluster.list_buckets(provider)]
    with pytest.raises(AISError, match="AWS backend is missing"):
        cluster.list_buckets(Provider.AMAZON)


def test_jobs_are_listed(cluster: Cluster) -> None:
    assert cluster.list_jobs_status(job_kind="ec-encode") == []
    assert cluster.list_running_jobs(job_kind="ec-encode") == []


def test_transforms_are_listed(cluster: Cluster) -> None:
    assert cluster.list_etls() == []


def test_performance_is_told_of_each_target(cluster: Cluster) -> None:
    ((target, figures),) = cluster.get_performance().items()
    assert figures["snode"]["daemon_id"] == target
    assert figures["tracker"]["up.ns.time"] > 0
    assert int(figures["capacity"]["total_avail"]) > 0


@pytest.mark.parametrize("severity", list(LogSeverity))
def test_logs_of_every_severity_and_member(cluster: Cluster, severity: LogSeverity) -> None:
    for role in (NodeFilter.TARGET, NodeFilter.PROXY, NodeFilter.ALL):
        logs = cluster.get_cluster_logs(severity=severity, role=role)
        assert logs and all(text.startswith("Started up at") for text in logs.values())
    (target,) = cluster.get_info().tmap
    packed = cluster.get_node_log_archive(target, severity)
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
        assert archive.getnames()


def test_log_of_an_unknown_member_is_refused(cluster: Cluster) -> None:
    with pytest.raises(AISError, match="does not exist"):
        cluster.get_node_log("t00000000")
