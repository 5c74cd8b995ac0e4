"""What AIStore's clients ask about the cluster before and beside their work; this node is all of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nativeapi import jobs, starting
from nativeapi.call import Action, Call, Reply, json_reply, text_reply
from nativeapi.errors import NativeError, unsupported
from nativeapi.native import Native, method_not_allowed
from nativeapi.nodes import VERSION
from storage import rights

NODE_ID = b"ais-node-id"
STARTED = 6  # state flags: cluster started, node started

Question = Callable[[Native, Call], Reply]
Order = Callable[[Native, Call, Action], Reply]


def smap(native: Native, call: Call) -> Reply:
    return json_reply(native.nodes.map(call.origin()))


def snode(native: Native, call: Call) -> Reply:
    return json_reply(native.nodes.member("proxy", call.origin()))


def software_version(_native: Native, _call: Call) -> Reply:
    return text_reply(VERSION)


def cluster_info(native: Native, call: Call) -> dict[str, Any]:
    shown = native.nodes.map(call.origin())
    address = call.origin()
    return {
        "smap": {
            "Primary": {"pub_url": address, "control_url": address, "id": native.nodes.proxy},
            "uuid": shown["uuid"],
            "version": shown["version"],
        },
        "bmd": {"uuid": shown["uuid"], "version": "1"},
        "rmd": {"version": "0"},
        "config": {"version": "1"},
        "etlmd": {"version": "1"},
        "flags": STARTED,
    }


def node_status(native: Native, call: Call) -> Reply:
    """The member that the header names. Of its figures the node itself keeps the real ones, at /metrics."""
    role = "target" if call.header(NODE_ID) == native.nodes.target else "proxy"
    return json_reply(
        {
            "status": "",
            "deployment": "sluice",
            "ais_version": VERSION,
            "build_time": "",
            "k8s_pod_name": "",
            "snode": native.nodes.member(role, call.origin()),
            "tracker": {"up.ns.time": native.uptime(), "state.flags": STARTED},
            "capacity": {
                "mountpaths": {},
                "cs_err": "",
                "total_used": "0",
                "total_avail": "0",
                "pct_max": 0,
                "pct_avg": 0,
                "pct_min": 0,
            },
            "cluster": cluster_info(native, call),
            "smap_version": "1",
        }
    )


def backends(_native: Native, _call: Call) -> Reply:
    return json_reply([])


def remote(_native: Native, _call: Call) -> Reply:
    return json_reply({"a": None, "ver": 0})


def cluster_config(_native: Native, _call: Call) -> Reply:
    return json_reply({"auth": {"enabled": True, "client_auth_required": True}, "config_version": "1"})


# What `what=` may ask, by path.
QUESTIONS: dict[str, dict[str, Question]] = {
    "daemon": {"smap": smap, "snode": snode, "software_version": software_version},
    "cluster": {
        "smap": smap,
        "snode": snode,
        "status": jobs.one_status,
        "status_all": jobs.all_statuses,
        "running_all": jobs.running,
        "qryxstats": jobs.snapshots,
        "backends": backends,
        "remote": remote,
        "cluster_config": cluster_config,
    },
    "reverse/daemon": {"node_status": node_status, "snode": snode, "software_version": software_version},
}

# What a PUT may have done, by path and action.
ORDERS: dict[tuple[str, str], Order] = {
    ("cluster", "start"): starting.start,
    ("cluster", "stop"): starting.stop,
}


def ask(native: Native, call: Call, path: str) -> Reply:
    """Answer the question of a GET, or do what a PUT orders."""
    call.log(f"native.{path}")
    native.require(native.authenticate(call), rights.SHOW_CLUSTER if call.method == "GET" else rights.ADMIN)
    if call.method == "PUT":
        action = call.action()
        order = ORDERS.get((path, action.action))
        if order is None:
            raise unsupported(action.action or path)
        return order(native, call, action)
    if call.method != "GET":
        return method_not_allowed(["GET", "PUT"])
    what = call.query.get("what", "")
    question = QUESTIONS[path].get(what)
    if question is None:
        raise NativeError(400, f"invalid '/v1/{path}' request: unrecognized 'what={what}' query")
    return question(native, call)


def daemon(native: Native, call: Call) -> Reply:
    """/v1/daemon"""
    return ask(native, call, "daemon")


def cluster(native: Native, call: Call) -> Reply:
    """/v1/cluster"""
    return ask(native, call, "cluster")


def reverse(native: Native, call: Call) -> Reply:
    """/v1/reverse/daemon: the same questions for the member that a header names."""
    native.authenticate(call)
    name = call.header(NODE_ID)
    if not name:
        raise NativeError(400, "missing node ID")
    if name not in (native.nodes.proxy, native.nodes.target):
        raise NativeError(404, f'node "{name}" does not exist: cannot forward request to node', code="errNodeNotFound")
    return ask(native, call, "reverse/daemon")


def health(native: Native, call: Call) -> Reply:
    """/v1/health, the one path that needs no token: 200 as long as this process answers."""
    call.log("native.Health")
    if call.method not in ("GET", "HEAD"):
        return method_not_allowed(["GET"])
    if call.flag("cii"):
        native.authenticate(call)
        return json_reply(cluster_info(native, call))
    uptime = str(native.uptime())
    return Reply(200, [("Content-Length", "0"), ("Ais-Cluster-Uptime", uptime), ("Ais-Node-Uptime", uptime)])
