"""Mountpaths, as AIStore calls the directories of volumes: listed, checked, and kept where they are.

The set of volumes is fixed while a node runs: an object's key decides on which of them it lies. What would put objects
out of reach, or would have to move them, is refused with the way that there is (see storage.reshape).
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from nativeapi.call import EMPTY, Action, Call, Reply, json_reply
from nativeapi.errors import NativeError
from nativeapi.native import Native
from storage.errors import VolumeFailed


class Mountpaths(msgspec.Struct, frozen=True):
    """The directories that serve, and those that the node was told to start without."""

    available: list[str]
    waiting_dd: list[str]
    disabled: list[str]


def listed(native: Native) -> Mountpaths:
    partitions = native.store.partitions
    missing = [str(volume.path) for volume in partitions.missing]
    return Mountpaths([str(volume.path) for volume in partitions.present], [], missing)


def of_target(native: Native, _call: Call) -> Reply:
    """The target's mountpaths."""
    return json_reply(listed(native))


def of_cluster(native: Native, _call: Call) -> Reply:
    """The mountpaths of all targets."""
    return json_reply({"targets": {native.nodes.target: listed(native)}})


def attach(native: Native, _call: Call, action: Action) -> Reply:
    """Nothing to do for a mountpath that serves; refused for any other."""
    path, known = named(action), listed(native)
    if path in known.available:
        return EMPTY
    refuse_missing(path, known)
    raise NativeError(
        400,
        f'cannot attach mountpath "{path}" to a node that runs, since objects have to move to it: stop the node, run '
        "`sluice volumes attach` with the directory, and start the node with it",
    )


def enable(native: Native, _call: Call, action: Action) -> Reply:
    """Nothing to do for a mountpath that serves; a missing one comes back at the node's next start."""
    path, known = named(action), listed(native)
    if path in known.available:
        return EMPTY
    refuse_missing(path, known)
    raise unknown(path)


def withdraw(native: Native, _call: Call, action: Action) -> Reply:
    """Refused: the objects of a mountpath lie nowhere else."""
    path, known = named(action), listed(native)
    if path in known.disabled:
        return EMPTY
    if path not in known.available:
        raise unknown(path)
    verb = action.action.removesuffix("-mp")
    raise NativeError(
        409,
        f'cannot {verb} mountpath "{path}" of a node that runs: its objects lie nowhere else and would be out of '
        "reach; stop the node, run `sluice volumes detach` with the directory, and start the node without it",
    )


def check(native: Native, _call: Call, action: Action) -> Reply:
    """The mountpath takes files; an error that says why, when it does not."""
    path, known = named(action), listed(native)
    if path not in known.available:
        refuse_missing(path, known)
        raise unknown(path)
    reason = native.machine.failures([Path(path)]).get(path)
    if reason:
        raise VolumeFailed(Path(path), reason)
    return EMPTY


def named(action: Action) -> str:
    """The directory that the action means, without what leads nowhere in it."""
    if not isinstance(action.value, str) or not action.value.startswith("/") or "\0" in action.value:
        raise NativeError(400, f'invalid mountpath "{action.value}": expecting an absolute path')
    return str(Path(action.value))


def refuse_missing(path: str, known: Mountpaths) -> None:
    if path in known.disabled:
        raise NativeError(
            409, f'mountpath "{path}" is missing since the node started; mount its disk and start the node again'
        )


def unknown(path: str) -> NativeError:
    return NativeError(404, f'mountpath "{path}" does not exist', code="ErrMpathNotFound")
