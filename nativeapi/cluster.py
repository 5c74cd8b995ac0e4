"""The cluster under /v1/cluster, and its members under /v1/daemon or, named by a header, /v1/reverse/daemon."""

from __future__ import annotations

from nativeapi import administration, members, questions
from nativeapi.administration import COMMANDS, PLACES, Place
from nativeapi.call import Call, Reply, json_reply
from nativeapi.errors import NativeError, unsupported
from nativeapi.native import Native, method_not_allowed
from nativeapi.questions import QUESTIONS
from storage import rights

REVERSE = "reverse"


def answer(native: Native, call: Call) -> Reply:
    """/v1/cluster[/…], /v1/daemon[/…], /v1/reverse/daemon[/…]"""
    items = call.items()
    call.log(f"native.{items[0]}")
    principal = native.authenticate(call)
    if items[0] == REVERSE:
        items = items[1:]
        require_member(native, call)
    path = "/".join(items)
    if call.method == "GET" and len(items) == 1:
        native.require(principal, rights.SHOW_CLUSTER)
        return ask(native, call, path)
    place = place_of(call.method, items)
    if place is not None:
        native.require(principal, place.right)
        call.log(f"native.{place.name}")
        return place.answer(native, call)
    return command(native, call, path)


def ask(native: Native, call: Call, path: str) -> Reply:
    what = call.query.get("what", "")
    question = QUESTIONS.get((path, what))
    if question is None:
        raise unrecognized(path, what)
    call.log(f"native.{what}")
    return question.answer(native, call)


def unrecognized(path: str, what: str) -> NativeError:
    if path == questions.CLUSTER:
        return NativeError(400, f"unexpected query [what={what}]")
    return NativeError(400, f"invalid '/v1/{path}' request: unrecognized 'what={what}' query")


def command(native: Native, call: Call, path: str) -> Reply:
    """Do what the action message says on a path that takes such."""
    allowed = administration.METHODS.get(path)
    if allowed is None:
        raise NativeError(400, f"invalid request URI: '{call.method} {call.path}'")
    if call.method not in allowed:
        return method_not_allowed(["GET", *allowed])
    assert call.principal is not None
    action = call.action()
    row = COMMANDS.get((path, action.action))
    native.require(call.principal, rights.ADMIN if row is None else row.right)
    if row is None:
        raise NativeError(400, f'invalid action "{action.action}"')
    call.log(f"native.{row.action}")
    if row.act is None:
        raise unsupported(row.action)
    return row.act(native, call, action)


def place_of(method: str, items: list[str]) -> Place | None:
    def fits(row: Place) -> bool:
        parts = row.path.split("/")
        return row.method == method and len(parts) == len(items) and all(
            part in ("*", item) for part, item in zip(parts, items)
        )

    return next((row for row in PLACES if fits(row)), None)


def require_member(native: Native, call: Call) -> None:
    """Raise unless the header names one of this node's members."""
    name = call.header(members.NODE_ID)
    if not name:
        raise NativeError(400, "missing node ID")
    if name not in (native.nodes.proxy, native.nodes.target):
        raise NativeError(404, f'node "{name}" does not exist: cannot forward request to node', code="errNodeNotFound")


def health(native: Native, call: Call) -> Reply:
    """/v1/health, the one path that needs no token: 200 as long as this process answers."""
    call.log("native.Health")
    if call.method not in ("GET", "HEAD"):
        return method_not_allowed(["GET"])
    if call.flag("cii"):
        native.authenticate(call)
        return json_reply(members.cluster_info(native, call))
    uptime = str(native.machine.uptime())
    return Reply(200, [("Content-Length", "0"), ("Ais-Cluster-Uptime", uptime), ("Ais-Node-Uptime", uptime)])
