"""Changing the set of volumes of a node that does not run: attaching an empty directory, detaching a volume.

What is to be done is written as `change.json` into every volume before anything is moved; while it is there no node
starts on any of them, and whoever asks for the same change again goes on with it. So a crash anywhere leaves all
objects where they can be found. Placement is by rendezvous, so nothing moves but what comes to the new volume, or goes
from the old one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import msgspec

from storage.catalog import reconcile
from storage.engines.lmdb import Durability
from storage.layout import (
    CHANGE, FORMAT, IDENTITY, Identity, Member, Place, UnusableDirectory, make_folders, opened_lock, read_identity,
    rename_identity, sync_folder, unusable, write_identity,
)
from storage.moving import Moved, copy_markers, copy_strays, delete_strays
from storage.store import Options, open_volume
from storage.volume import Partitions, Volume

DETACHED = "volume.json.detached"  # the identity of a volume that is none any more


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The contents of `change.json`: the set as it was and as it will be, in order."""

    node: str
    before: tuple[Member, ...]
    after: tuple[Member, ...]

    @property
    def members(self) -> tuple[Member, ...]:
        """All that take part."""
        return (*self.before, *(member for member in self.after if member not in self.before))


def attach(paths: Sequence[Path], new: Path, options: Options) -> Iterator[Moved]:
    """Add the empty directory `new` to the set that lies in `paths`, which is all of it.

    Raises `UnusableDirectory`, `OutOfSpace` or `VolumeFailed`; what was begun is gone on with by the same call again.
    """
    with ExitStack() as stack:
        identities = held(stack, [*paths, new])
        change = begun([*paths, new])
        if change is None:
            if identities[new] is not None:
                raise UnusableDirectory(new, "is a volume already", "name an empty directory")
            if (new / DETACHED).exists():
                raise UnusableDirectory(new, "was detached and holds what it held then", "empty it first")
            whole = complete({path: identities[path] for path in paths})
            change = Change(whole.node, whole.set, (*whole.set, Member(os.urandom(16).hex(), str(new))))
        elif change.members[-1].path != str(new) or len(change.after) < len(change.before):
            raise unfinished(change)
        yield from carry_out(change, located(change, identities, new), options)


def detach(paths: Sequence[Path], gone: Path, options: Options) -> Iterator[Moved]:
    """Take the volume in `gone` out of the set that lies in `paths`, which is all of it; its files stay as they are.

    Raises like `attach`. The first volume stays, as what the node knows of its jobs lies there.
    """
    with ExitStack() as stack:
        identities = held(stack, paths)
        change = begun(paths)
        leaving = identities.get(gone)
        if change is None:
            if leaving is None:
                raise UnusableDirectory(gone, "is no volume of the set", "name one of the node's data directories")
            whole = complete(identities)
            if leaving.volume == whole.set[0].id:
                raise UnusableDirectory(gone, "is the first volume, which holds the node's jobs", "detach another")
            after = tuple(member for member in whole.set if member.id != leaving.volume)
            change = Change(whole.node, whole.set, after)
        elif len(change.after) > len(change.before) or (leaving and leaving.volume in ids(change.after)):
            raise unfinished(change)
        yield from carry_out(change, located(change, identities, gone), options)


def ids(members: Sequence[Member]) -> set[str]:
    return {member.id for member in members}


def held(stack: ExitStack, paths: Sequence[Path]) -> dict[Path, Identity | None]:
    """The identities of the directories, locked until the stack ends."""
    found = {}
    for path in paths:
        stack.callback(os.close, opened_lock(path))
        found[path] = None if is_between(path) else read_identity(path)
    return found


def is_between(path: Path) -> bool:
    """Whether the directory is to become a volume, or was one."""
    return not (path / IDENTITY).exists() and ((path / CHANGE).exists() or (path / DETACHED).exists())


def begun(paths: Sequence[Path]) -> Change | None:
    """The change that was begun and not finished."""
    for path in paths:
        try:
            return msgspec.json.decode((path / CHANGE).read_bytes(), type=Change)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise unusable(path, error) from error
        except msgspec.DecodeError:
            continue  # cut short as it was written, when nothing had been moved yet
    return None


def unfinished(change: Change) -> UnusableDirectory:
    moving = next(member for member in change.members if member not in change.before or member not in change.after)
    verb = "attached" if moving in change.after else "detached"
    return UnusableDirectory(Path(moving.path), f"is being {verb}", "finish that first, by the same command again")


def complete(identities: dict[Path, Identity | None]) -> Identity:
    """An identity of the set, all of whose volumes are there, and no others."""
    known = {path: identity for path, identity in identities.items() if identity is not None}
    for path, identity in identities.items():
        if identity is None:
            raise UnusableDirectory(path, "is no volume", "name the directories that the node was made with")
    whole = next(iter(known.values()))
    present = {identity.volume for identity in known.values()}
    for path, identity in known.items():
        if identity.set != whole.set:
            raise UnusableDirectory(path, "belongs to another node", "name the directories of one node")
    for member in whole.set:
        if member.id not in present:
            raise UnusableDirectory(Path(member.path), "belongs to the set and is not named", "name all of the set")
    return whole


def located(change: Change, identities: dict[Path, Identity | None], moving: Path) -> dict[str, Path]:
    """Where each member is; the one that comes or goes may have no identity."""
    where = {identity.volume: path for path, identity in identities.items() if identity is not None}
    for member in change.members:
        if member.id not in where and (member not in change.before or member not in change.after):
            where[member.id] = moving
        elif member.id not in where:
            raise UnusableDirectory(Path(member.path), "belongs to the set and is not named", "name all of the set")
    return where


def carry_out(change: Change, where: dict[str, Path], options: Options) -> Iterator[Moved]:
    """Do the change, or what is left of it."""
    for member in change.members:
        write_change(where[member.id], change)
    for member in change.members:
        make_folders(where[member.id])
    durable = replace(options, durability=Durability.SYNCED)
    with ExitStack() as stack:
        volumes = {
            member.id: stack.enter_context(closing(open_volume(Place(member.id, where[member.id]), durable)))
            for member in change.members
        }
        yield from move(change, volumes, where)
    for member in change.members:
        (where[member.id] / CHANGE).unlink(missing_ok=True)
        sync_folder(where[member.id])


def move(change: Change, volumes: dict[str, Volume], where: dict[str, Path]) -> Iterator[Moved]:
    """Copy, switch, delete."""
    homes = Partitions([volumes[member.id] for member in change.after])
    for member in change.after:
        if member not in change.before:
            copy_markers(homes.primary, volumes[member.id])
    reconcile([volume.index for volume in homes.present])
    for member in change.before:
        yield from copy_strays(volumes[member.id], homes)
    for member in change.members:
        switch(where[member.id], member, change)
    for member in change.before:
        if member in change.after:
            yield from delete_strays(volumes[member.id], homes)


def switch(path: Path, member: Member, change: Change) -> None:
    """Make the directory a volume of the new set, or no volume any more."""
    if member in change.after:
        write_identity(path, Identity(FORMAT, change.node, member.id, change.after))
        rename_identity(path)
    elif (path / IDENTITY).exists():
        os.rename(path / IDENTITY, path / DETACHED)
        sync_folder(path)


def write_change(path: Path, change: Change) -> None:
    """Durably."""
    try:
        with (path / CHANGE).open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(change)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path)
    except OSError as error:
        raise unusable(path, error) from error
