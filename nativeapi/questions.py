"""What `what=` may ask of the cluster and of its members."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from nativeapi import attached, jobs, logs, members, mountpaths
from nativeapi.call import Call, Reply, json_reply, text_reply
from nativeapi.configuration import Scope
from nativeapi.errors import NativeError
from nativeapi.figures import Certificate, SystemInfo
from nativeapi.native import Native
from nativeapi.nodes import VERSION
from nativeapi.openapi.entries import GZIP, TEXT
from nativeapi.statistics import DISK_KINDS, KINDS

CLUSTER, DAEMON = "cluster", "daemon"
BOTH = (CLUSTER, DAEMON)

Answer = Callable[[Native, Call], Reply]


def smap(native: Native, call: Call) -> Reply:
    """The cluster map; every address in it is the one that the client came by."""
    return json_reply(native.nodes.map(call.origin()))


def snode(native: Native, call: Call) -> Reply:
    """The member's addresses and id."""
    return json_reply(native.nodes.member(members.role(native, call), call.origin()))


def bmd(native: Native, call: Call) -> Reply:
    """All buckets with their properties."""
    return json_reply(members.buckets(native, call))


def software_version(_native: Native, _call: Call) -> Reply:
    """The version of AIStore whose protocol this node speaks."""
    return text_reply(VERSION)


def node_status(native: Native, call: Call) -> Reply:
    """A member's state, counters, capacity and machine."""
    return json_reply(members.status(native, call, members.role(native, call)))


def node_stats(native: Native, call: Call) -> Reply:
    """A member's counters and capacity."""
    return json_reply(members.stats(native, call, members.role(native, call)))


def cluster_stats(native: Native, call: Call) -> Reply:
    """Counters and capacity of all members."""
    targets = {native.nodes.target: members.stats(native, call, "target")}
    return json_reply({"proxy": members.stats(native, call, "proxy"), "target": targets})


def sysinfo(native: Native, call: Call) -> Reply:
    """Memory, processors and load of the member's machine."""
    return json_reply(members.system(native, members.role(native, call)))


def cluster_sysinfo(native: Native, _call: Call) -> Reply:
    """Memory, processors, load and room of all members' machines."""
    return json_reply(
        {
            "proxy": {native.nodes.proxy: members.system(native, "proxy")},
            "target": {native.nodes.target: members.system(native, "target")},
        }
    )


def metrics(native: Native, _call: Call) -> Reply:
    """The names of the counters and gauges, each with its kind."""
    disks = native.machine.disks(native.paths())
    return json_reply(KINDS | {f"disk.{name}.{field}": kind for name in disks for field, kind in DISK_KINDS.items()})


def disk(native: Native, _call: Call) -> Reply:
    """What the disks did lately, and the volumes on them."""
    used = msgspec.to_builtins(members.capacity(native, "target"))
    return json_reply({"AllDiskStats": native.machine.disks(native.paths()), **used})


def tls_certificate(native: Native, _call: Call) -> Reply:
    """The certificate that the node serves HTTPS with; 404 when it serves HTTP."""
    if native.machine.certificate is None:
        raise NativeError(404, f"p[{native.nodes.proxy}]: no TLS certificate: the node serves HTTP", code="ErrNotFound")
    return json_reply(native.machine.certificate)


def target_ips(native: Native, call: Call) -> Reply:
    """The targets' addresses, separated by commas."""
    member = native.nodes.member("target", call.origin())
    return text_reply(str(member["public_net"]["node_ip_addr"]))


def cluster_config(native: Native, call: Call) -> Reply:
    """The configuration as it holds for the cluster."""
    return json_reply(config_document(native, call, Scope.CLUSTER))


def node_config(native: Native, call: Call) -> Reply:
    """The configuration as it holds for the node, with what is the node's alone."""
    address = native.nodes.member("proxy", call.origin())["public_net"]
    paths = {str(path): "" for path in native.paths()}
    ports = {"port": address["daemon_port"], "port_intra_control": address["daemon_port"]}
    local = {
        "fspaths": paths,
        "confdir": "",
        "log_dir": "",
        "test_fspaths": {"root": "", "count": 0, "instance": 0},
        "host_net": {
            "hostname": address["node_ip_addr"],
            "hostname_intra_control": "",
            "hostname_intra_data": "",
            **ports,
            "port_intra_data": address["daemon_port"],
        },
    }
    return json_reply(config_document(native, call, Scope.NODE) | local)


def config_document(native: Native, call: Call, scope: Scope) -> dict[str, Any]:
    url = call.origin()
    return native.configuration.document(scope) | {
        "backend": attached.backend(native),
        "uuid": native.nodes.map(url)["uuid"],
        "proxy": {"primary_url": url, "original_url": url, "discovery_url": "", "non_electable": False},
    }


def smapvote(native: Native, call: Call) -> Reply:
    """The candidate for primary: this node, as there is no other."""
    return json_reply({"vote_in_progress": False, "smap": native.nodes.map(call.origin())})


@dataclass(frozen=True, slots=True)
class Question:
    """A row: the paths that may be asked (that of a member also through /v1/reverse), what, and who answers. For the
    description: the types that the answer may have, and further parameters."""

    paths: tuple[str, ...]
    what: str
    answer: Answer
    kinds: tuple[Any, ...] = (dict[str, Any],)
    query: tuple[str, ...] = ()


ROWS = (
    Question(BOTH, "smap", smap),
    Question(BOTH, "bmd", bmd),
    Question(BOTH, "snode", snode),
    Question((DAEMON,), "config", node_config),
    Question((DAEMON,), "software_version", software_version, (TEXT,)),
    Question((DAEMON,), "node_status", node_status),
    Question((DAEMON,), "status", node_status),
    Question((DAEMON,), "node_stats", node_stats),
    Question((DAEMON,), "stats", node_stats),
    Question((DAEMON,), "sysinfo", sysinfo, (SystemInfo,)),
    Question((DAEMON,), "metrics", metrics, (dict[str, str],)),
    Question((DAEMON,), "log", logs.log, (TEXT, GZIP), ("severity", "offset", "all")),
    Question((DAEMON,), "smapvote", smapvote),
    Question((DAEMON,), "tls_certificate", tls_certificate, (Certificate,)),
    Question((DAEMON,), "mountpaths", mountpaths.of_target, (mountpaths.Mountpaths,)),
    Question((DAEMON,), "disk", disk),
    Question((CLUSTER,), "status", jobs.one_status),
    Question((CLUSTER,), "status_all", jobs.all_statuses, (list[Any] | None,)),
    Question((CLUSTER,), "running_all", jobs.running, (list[str],)),
    Question((CLUSTER,), "qryxstats", jobs.snapshots),
    Question((CLUSTER,), "node_stats", cluster_stats),
    Question((CLUSTER,), "stats", cluster_stats),
    Question((CLUSTER,), "sysinfo", cluster_sysinfo),
    Question((CLUSTER,), "mountpaths", mountpaths.of_cluster),
    Question((CLUSTER,), "backends", attached.backends, (list[str],)),
    Question((CLUSTER,), "remote", attached.remote, (attached.Attached,)),
    Question((CLUSTER,), "target_ips", target_ips, (TEXT,)),
    Question((CLUSTER,), "cluster_config", cluster_config),
    Question((CLUSTER,), "config", cluster_config),
)
QUESTIONS = {(path, row.what): row for row in ROWS for path in row.paths}
assert len(QUESTIONS) == sum(len(row.paths) for row in ROWS), "a question is declared twice"
