"""What administrators change: the cluster's configuration, its members, its logs and statistics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nativeapi import attached, mountpaths, names, starting
from nativeapi.bucket_properties import flattened
from nativeapi.call import EMPTY, Action, Call, Reply
from nativeapi.configuration import Scope
from nativeapi.errors import NativeError
from nativeapi.native import Native
from storage import rights

CLUSTER, DAEMON, MOUNTPATHS = "cluster", "daemon", "daemon/mountpaths"
TRANSIENT = "transient"
SET = ("PUT",)
ANY = ("PUT", "POST", "DELETE")

Act = Callable[[Native, Call, Action], Reply]
Answer = Callable[[Native, Call], Reply]


def set_config(scope: Scope) -> Act:
    def change(native: Native, call: Call, action: Action) -> Reply:
        """Change the values in the action's document, or in the query; with `transient` until the node's next start."""
        if not isinstance(action.value, Mapping):
            raise NativeError(400, "invalid configuration: expecting a document of sections")
        return configure(native, call, scope, dict(flattened(action.value)))

    return change


def set_config_by_query(scope: Scope) -> Answer:
    def change(native: Native, call: Call) -> Reply:
        """Change the values that the query names, all or none; with `transient` until the node's next start."""
        return configure(native, call, scope, {name: text for name, text in call.query.items() if name != TRANSIENT})

    return change


def configure(native: Native, call: Call, scope: Scope, wanted: dict[str, Any]) -> Reply:
    if not wanted:
        raise NativeError(400, "nothing to configure: no value was given")
    native.configuration.change(scope, wanted, lasting=not call.flag(TRANSIENT))
    return EMPTY


def reset_config(native: Native, _call: Call, _action: Action) -> Reply:
    """Drop what was changed for a node, and what was changed until the next start."""
    native.configuration.reset()
    return EMPTY


def rotate_logs(native: Native, _call: Call, _action: Action) -> Reply:
    """Begin new files of the log."""
    native.machine.journal.rotate()
    return EMPTY


def reset_stats(native: Native, _call: Call, action: Action) -> Reply:
    """Count from nought again; with the value true only errors are."""
    counts = native.machine.counts()
    if action.value is True:
        native.statistics.reset_errors(counts)
    else:
        native.statistics.reset(counts)
    return EMPTY


def nothing(_native: Native, _call: Call, _action: Action) -> Reply:
    """Nothing to do: the node keeps no cache of metadata beside its index."""
    return EMPTY


def shutdown(native: Native, _call: Call, _action: Action) -> Reply:
    """End the node as SIGTERM does; whoever supervises it may start it again."""
    native.machine.stop()
    return EMPTY


def shutdown_node(native: Native, call: Call, action: Action) -> Reply:
    """End the node, of which both members are parts."""
    member(native, action)
    return shutdown(native, call, action)


def decommission(native: Native, _call: Call, _action: Action) -> Reply:
    """Refused: all data would be lost with the only node."""
    raise NativeError(
        400,
        f"cannot decommission {native.nodes.target}: it is the only target, and all objects with it would be lost; "
        "shut the cluster down, and remove its data directories by hand",
    )


def start_maintenance(native: Native, _call: Call, action: Action) -> Reply:
    """Refused: nobody else could serve meanwhile."""
    name = member(native, action)
    raise NativeError(
        400, f"cannot put {name} in maintenance: no other node could serve meanwhile; shut the cluster down instead"
    )


def stop_maintenance(native: Native, _call: Call, action: Action) -> Reply:
    """Refused: no member is in maintenance."""
    raise NativeError(400, f"{member(native, action)} is not in maintenance mode - nothing to do")


def member(native: Native, action: Action) -> str:
    """The member that the action's value means; 404 when there is none of that id."""
    sid = action.value.get("sid", "") if isinstance(action.value, Mapping) else ""
    if sid not in (native.nodes.proxy, native.nodes.target):
        raise NativeError(404, f'node "{sid}" does not exist', code="errNodeNotFound")
    return str(sid)


def change_backend(native: Native, call: Call) -> Reply:
    """Refused: this node has no cloud backends."""
    items = call.items()
    if len(items) != 3:
        raise NativeError(400, f"URL '{call.path.strip('/')}' is too short: expected 4 items, got {len(items) + 1}")
    provider = names.provider_called(items[2])
    raise NativeError(400, names.missing_backend(provider), code="ErrMissingBackend")


@dataclass(frozen=True, slots=True)
class Command:
    """A row: an action on a path, the methods that clients send it with, the right it takes, and who does it (None:
    AIStore does, this node not)."""

    path: str
    action: str
    act: Act | None
    right: int = rights.ADMIN
    methods: tuple[str, ...] = SET


ROWS = (
    Command(CLUSTER, "start", starting.start),
    Command(CLUSTER, "stop", starting.stop),
    Command(CLUSTER, "set-config", set_config(Scope.CLUSTER)),
    Command(CLUSTER, "reset-config", reset_config),
    Command(CLUSTER, "rotate-logs", rotate_logs),
    Command(CLUSTER, "reset-stats", reset_stats),
    Command(CLUSTER, "clear-lcache", nothing),
    Command(CLUSTER, "reload-creds", None),
    Command(CLUSTER, "shutdown", shutdown),
    Command(CLUSTER, "shutdown-node", shutdown_node),
    Command(CLUSTER, "decommission", decommission),
    Command(CLUSTER, "decommission-node", decommission),
    Command(CLUSTER, "rm-unsafe", decommission),
    Command(CLUSTER, "start-maintenance", start_maintenance),
    Command(CLUSTER, "stop-maintenance", stop_maintenance),
    Command(DAEMON, "set-config", set_config(Scope.NODE)),
    Command(DAEMON, "reset-config", reset_config),
    Command(DAEMON, "rotate-logs", rotate_logs),
    Command(DAEMON, "reset-stats", reset_stats),
    Command(DAEMON, "clear-lcache", nothing),
    Command(DAEMON, "shutdown", shutdown),
    Command(MOUNTPATHS, "attach-mp", mountpaths.attach, methods=ANY),
    Command(MOUNTPATHS, "enable-mp", mountpaths.enable, methods=ANY),
    Command(MOUNTPATHS, "detach-mp", mountpaths.withdraw, methods=ANY),
    Command(MOUNTPATHS, "disable-mp", mountpaths.withdraw, methods=ANY),
    Command(MOUNTPATHS, "rescan-mp", mountpaths.check, methods=ANY),
    Command(MOUNTPATHS, "fshc-mp", mountpaths.check, methods=ANY),
)
COMMANDS = {(row.path, row.action): row for row in ROWS}
METHODS = {row.path: row.methods for row in ROWS}
assert len(COMMANDS) == len(ROWS), "a command is declared twice"


@dataclass(frozen=True, slots=True)
class Place:
    """A row: a method on a path of its own, the right it takes, and who answers; `*` stands for one more component."""

    method: str
    path: str
    name: str
    answer: Answer
    right: int = rights.ADMIN
    query: tuple[str, ...] = ()  # parameters, for the description


PLACES = (
    Place("PUT", "cluster/set-config", "set-config", set_config_by_query(Scope.CLUSTER), query=(TRANSIENT,)),
    Place("PUT", "cluster/attach", "attach", attached.attach),
    Place("PUT", "cluster/detach", "detach", attached.detach),
    Place("PUT", "cluster/enable-bend/*", "enable-bend", change_backend),
    Place("PUT", "cluster/disable-bend/*", "disable-bend", change_backend),
    Place("PUT", "daemon/set-config", "set-config", set_config_by_query(Scope.NODE), query=(TRANSIENT,)),
    Place("GET", "daemon/mountpaths", "mountpaths", mountpaths.of_target, rights.SHOW_CLUSTER),
)
