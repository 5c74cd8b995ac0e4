"""The cluster, its configuration, its storage and its users on the command line."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Run
from tests.node import Node


def ids(run: Run) -> tuple[str, str]:
    found = run("show", "cluster", "smap", "--json").json
    return next(iter(found["pmap"])), next(iter(found["tmap"]))


def test_nodes_are_shown(run: Run, node: Node) -> None:
    proxy, target = ids(run)
    shown = run("show", "cluster").out
    assert f"{proxy}[P]" in shown and target in shown and " ok " in shown
    assert run("cluster", "show", "target", "-H").out.startswith(target)
    assert f"{target}" in run("show", "cluster", "cpu", target).out
    assert node.endpoint in run("show", "cluster", "smap").out
    assert "up.ns.time" in run("show", "cluster", "stats", target).out
    assert "no node is called" in run("show", "cluster", "nosuchnode", expect=2).err


def test_configuration_is_shown_changed_and_reset(run: Run) -> None:
    before = run("config", "show", "cluster", "downloader", "--json").json["downloader"]["timeout"]
    done = run("config", "cluster", "downloader.timeout=47m")
    assert done.out == f'"downloader.timeout" set to: "47m" (was: "{before}")\nCluster config updated\n'
    assert "downloader.timeout   47m" in run("config", "cluster", "downloader").out
    assert "nothing to do" in run("config", "cluster", "downloader.timeout=47m").out
    run("config", "cluster", f"downloader.timeout={before}")
    assert "unknown property" in run("config", "cluster", "no.such=1", expect=1).err
    assert "Say so with --yes" in run("config", "reset", expect=2).err


def test_storage_and_performance_are_shown(run: Run, bucket: str) -> None:
    _, target = ids(run)
    assert "MOUNTPATH" in run("show", "storage").out
    assert "available" in run("storage", "mountpath", "show", target).out
    assert target in run("show", "performance", "counters", "--regex", "^up").out
    assert "MS" in run("performance", "latency").out


def test_mountpaths_are_checked_and_those_that_serve_stay(run: Run, node: Node) -> None:
    _, target = ids(run)
    path = run("storage", "mountpath", "show", "-H").out.split()[1]
    for word in ("attach", "enable", "rescan-disks", "fshc"):
        run("storage", "mountpath", word, f"{target}={path}")
    assert "(409)" in run("storage", "mountpath", "detach", f"{target}={path}", expect=1).err
    assert "is not NODE_ID=/MOUNTPATH" in run("storage", "mountpath", "disable", path, expect=2).err


def test_counters_and_logs_begin_anew(run: Run, tmp_path: Path) -> None:
    _, target = ids(run)
    run("cluster", "reset-stats", "--errors-only")
    run("cluster", "drop-lcache")
    run("log", "rotate", target)


def test_logs_are_read(run: Run, tmp_path: Path) -> None:
    proxy, target = ids(run)
    assert run("log", "show", target).out
    run("log", "get", target, "logs.tar.gz")
    assert (tmp_path / "logs.tar.gz").read_bytes()[:2] == b"\x1f\x8b"


def test_other_clusters_are_attached_and_detached(run: Run, node: Node) -> None:
    run("remote-cluster", "attach", f"other={node.endpoint}", "--json", expect=0)
    assert "other" in run("show", "remote-cluster").out
    assert run("remote-cluster", "detach", "other").out == "Remote cluster other successfully detached\n"
    assert "is not ALIAS=URL" in run("remote-cluster", "attach", "nonsense", expect=2).err


def test_user_logs_in_and_does_what_the_role_allows(run: Run, node: Node, bucket: str, name: str) -> None:
    run("auth", "add", "cluster", name, node.endpoint)
    run("auth", "add", "role", f"{name}-r", "ro", "cluster-ro", "--cluster", name, "--desc", "reads")
    run("auth", "add", "user", name, f"{name}-r", "-p", "a secret word")
    assert "ro,cluster-ro   reads" in run("auth", "show", "role", f"{name}-r").out
    assert f"{name}   {name}-r" in run("show", "auth", "user", name).out
    assert "invalid credentials" in run("auth", "login", name, "-p", "wrong", AIS_AUTHN_TOKEN="", expect=1).err
    assert run("auth", "login", name, "-p", "a secret word", AIS_AUTHN_TOKEN="").out == f"Logged in as {name}\n"
    assert run("auth", "whoami", AIS_AUTHN_TOKEN="").out == f"{name}\n"
    assert run("cat", f"{bucket}/top.txt", AIS_AUTHN_TOKEN="").out == "top.txt"
    refused = run("rmo", f"{bucket}/top.txt", AIS_AUTHN_TOKEN="", expect=1).err
    assert "(403)" in refused and "ask an administrator" in refused
    run("auth", "logout")
    assert "(401)" in run("ls", AIS_AUTHN_TOKEN="", expect=1).err
    run("auth", "rm", "user", name)
    run("auth", "rm", "role", f"{name}-r")
    run("auth", "rm", "cluster", name)
