"""Mountpaths of a node that runs, and of one that is stopped."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.conftest import StartNode
from tests.nativeapi.cluster import Cluster
from tests.node import SLUICE


def test_mountpaths_that_serve_stay_where_they_are(cluster: Cluster) -> None:
    listed = {"available": [cluster.data], "waiting_dd": [], "disabled": []}
    assert cluster.ask("cluster", "mountpaths") == {"targets": {cluster.target: listed}}
    assert cluster("GET", "daemon/mountpaths").json() == listed
    for action in ("attach-mp", "enable-mp", "rescan-mp", "fshc-mp"):
        assert cluster.act("daemon/mountpaths", action, cluster.data).status_code == 200
    for method, action in (("POST", "disable-mp"), ("DELETE", "detach-mp")):
        body = {"action": action, "value": cluster.data}
        refused = cluster(method, "reverse/daemon/mountpaths?dntres=true", body, Ais_Node_Id=cluster.target)
        assert refused.status_code == 409 and "out of reach" in refused.json()["message"]
    assert cluster.ask("daemon", "mountpaths") == listed


def test_mountpaths_that_are_not_the_nodes_are_refused(cluster: Cluster, tmp_path: Path) -> None:
    assert "have to move" in cluster.act("daemon/mountpaths", "attach-mp", str(tmp_path)).json()["message"]
    for action in ("enable-mp", "detach-mp", "disable-mp", "rescan-mp", "fshc-mp"):
        refused = cluster.act("daemon/mountpaths", action, "/nowhere")
        assert (refused.status_code, refused.json()["message"]) == (404, 'mountpath "/nowhere" does not exist')
    for value in (None, "relative", 5, "/a\0b"):
        assert cluster.act("daemon/mountpaths", "attach-mp", value).status_code == 400


def test_missing_mountpath_is_disabled_and_comes_back_with_a_start(start_node: StartNode, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    node = start_node("--data", str(first), "--data", str(second))
    cluster = Cluster(node)
    cluster("POST", "buckets/spread", {"action": "create-bck"})
    names = [f"o{number}" for number in range(20)]
    for name in names:
        assert cluster("PUT", f"objects/spread/{name}", name).status_code == 200
    assert node.stop() == 0
    second.rename(tmp_path / "away")
    second.touch()  # a file where the directory was
    node.arguments += ["--missing-volumes", "ignore"]
    node.start()
    assert cluster.ask("daemon", "mountpaths") == {
        "available": [str(first)], "waiting_dd": [], "disabled": [str(second)]
    }
    assert cluster.ask("daemon", "node_stats")["tracker"]["state.flags"] & 1 << 13
    for action in ("enable-mp", "attach-mp", "fshc-mp"):
        refused = cluster.act("daemon/mountpaths", action, str(second))
        assert refused.status_code == 409 and "start the node again" in refused.json()["message"]
    assert node.stop() == 0
    second.unlink()
    (tmp_path / "away").rename(second)
    node.start()
    assert cluster.ask("daemon", "mountpaths")["disabled"] == []
    assert all(cluster("GET", f"objects/spread/{name}").json() == name for name in names)


def test_volumes_are_attached_and_detached_while_the_node_is_stopped(start_node: StartNode, tmp_path: Path) -> None:
    disks = [tmp_path / "one", tmp_path / "two"]
    node = start_node("--data", str(disks[0]))
    cluster = Cluster(node)
    cluster("POST", "buckets/moving", {"action": "create-bck"})
    contents = {f"o{number}": "x" * (1 + number % 2 * 40_000) for number in range(30)}
    for name, text in contents.items():
        assert cluster("PUT", f"objects/moving/{name}", text).status_code == 200
    assert "sluice volumes attach" in cluster.act("daemon/mountpaths", "attach-mp", str(disks[1])).json()["message"]

    def volumes(verb: str, *data: Path) -> str:
        flags = [word for path in data for word in ("--data", str(path))]
        command = [*SLUICE, "volumes", verb, str(disks[1]), *flags]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        return done.stdout + done.stderr

    def restart(*data: Path) -> None:
        node.arguments = [word for path in data for word in ("--data", str(path))] + ["--workers", "1"]
        node.start()
        assert cluster.ask("daemon", "mountpaths")["available"] == [str(path) for path in data]
        assert {name: cluster("GET", f"objects/moving/{name}").json() for name in contents} == contents

    assert "in use by another process" in volumes("attach", disks[0])
    assert node.stop() == 0
    assert "is attached" in volumes("attach", disks[0])
    assert len(list((disks[1] / "blobs").glob("*/*"))) > 1
    restart(*disks)
    assert node.stop() == 0
    assert "is detached" in volumes("detach", *disks)
    restart(disks[0])
