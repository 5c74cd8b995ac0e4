"""The data directories of a node: what makes each a volume, and how the set is claimed at start.

A volume's identity is the file `volume.json` in it, which names the whole set in order; so each volume knows which ones
belong together. On the first start every directory gets its identity as `volume.json.new` before the first of them is
renamed: a crash on the way leaves either no volume at all or enough to go on from.

A start never changes a set, since keys would have to move; `storage.reshape` does, while no node runs.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from storage.blobs import FANOUT

FORMAT = 1
IDENTITY = "volume.json"
FORMING = "volume.json.new"
CHANGE = "change.json"  # what the set is being changed to, while it is (see storage.reshape)
LOCK = "lock"
INDEX = "index"
BLOBS = "blobs"
HARMLESS = frozenset(("lost+found", LOCK, FORMING, CHANGE, INDEX, BLOBS))  # what an empty or half-made volume may hold


class UnusableDirectory(Exception):
    """The node cannot start with this data directory: which, why, and how to mend it, in one line."""

    def __init__(self, path: Path, reason: str, remedy: str) -> None:
        super().__init__(f"data directory {path} {reason}; {remedy}")
        self.path = path
        self.reason = reason
        self.remedy = remedy


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A volume of the set; `path` is where it was made, for messages."""

    id: str  # 32 hexadecimal digits
    path: str


class Identity(msgspec.Struct, frozen=True):
    """The contents of `volume.json`."""

    format: int
    node: str  # 32 hexadecimal digits, the same in the whole set
    volume: str  # the id of this one
    set: tuple[Member, ...]  # in the order of placement


@dataclass(frozen=True, slots=True)
class Place:
    """A volume of the set and where it is; `present` is False for one that the node starts without."""

    id: str
    path: Path
    present: bool = True


@dataclass(frozen=True, slots=True)
class Layout:
    """The set, in order."""

    node: str
    places: tuple[Place, ...]


class Claim:
    """The set, held against other nodes until `close`; processes forked meanwhile hold it, too. A context manager."""

    def __init__(self, layout: Layout, locks: list[int]) -> None:
        self.layout = layout
        self._locks = locks

    def close(self) -> None:
        locks, self._locks = self._locks, []
        for fd in locks:
            os.close(fd)

    def __enter__(self) -> Claim:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def claim(
    paths: Sequence[Path], *, ignore_missing: bool = False, random: Callable[[int], bytes] = os.urandom
) -> Claim:
    """Lock the directories and find the set in them, made now if all are empty; missing directories are created.

    Raises `UnusableDirectory`. With `ignore_missing` the node starts without what is missing or unusable, as long as
    one volume of the set is there.
    """
    found = Found(paths, ignore_missing=ignore_missing)
    try:
        return Claim(found.layout(random), found.locks)
    except BaseException:
        Claim(Layout("", ()), found.locks).close()
        raise


class Found:
    """What the directories turned out to be."""

    def __init__(self, paths: Sequence[Path], *, ignore_missing: bool) -> None:
        self._paths = [path.absolute() for path in paths]
        self._ignore_missing = ignore_missing
        self.locks: list[int] = []
        self._volumes: dict[Path, Identity] = {}
        self._blank: list[Path] = []
        self._unusable: list[UnusableDirectory] = []

    def layout(self, random: Callable[[int], bytes]) -> Layout:
        for path in self._paths:
            self._look(path)
        if not self._volumes and not self._unusable:
            self._form(random)
        elif not self._volumes:
            raise self._unusable[0]
        self._finish_forming()
        self._refuse_strangers()
        return self._complete()

    def _look(self, path: Path) -> None:
        refuse_unfinished(path)
        try:
            self.locks.append(opened_lock(path))
            identity = read_identity(path)
        except UnusableDirectory as error:
            self._unusable.append(error)
            if not self._ignore_missing:
                raise
            return
        if identity is None:
            self._blank.append(path)
        else:
            self._volumes[path] = identity

    def _form(self, random: Callable[[int], bytes]) -> None:
        """Make a new set of all the directories."""
        node = random(16).hex()
        members = tuple(Member(random(16).hex(), str(path)) for path in self._blank)
        for path, member in zip(self._blank, members):
            make_folders(path)
            write_identity(path, Identity(FORMAT, node, member.id, members))
        self._volumes, self._blank = {self._blank[0]: rename_identity(self._blank[0])}, self._blank[1:]

    def _finish_forming(self) -> None:
        """Rename what an interrupted first start left, of the set that it had begun to make."""
        members = {member.id for identity in self._volumes.values() for member in identity.set}
        for path in list(self._blank):
            forming = read_file(path, FORMING)
            if forming is not None and forming.volume in members:
                self._volumes[path] = rename_identity(path)
                self._blank.remove(path)

    def _refuse_strangers(self) -> None:
        first, ours = next(iter(self._volumes.items()))
        seen: dict[str, Path] = {}
        for path, identity in self._volumes.items():
            if identity.set != ours.set:
                raise UnusableDirectory(
                    path, f"belongs to another node than {first}",
                    "start this node with the directories that it was made with",
                )
            if identity.volume in seen:
                raise UnusableDirectory(
                    path, f"is a copy of {seen[identity.volume]}", "name each directory once, and no copies"
                )
            seen[identity.volume] = path

    def _complete(self) -> Layout:
        identity = next(iter(self._volumes.values()))
        where = {found.volume: path for path, found in self._volumes.items()}
        missing = [member for member in identity.set if member.id not in where]
        if self._blank and not (missing and self._ignore_missing):
            raise self._surplus(missing)
        if missing and not self._ignore_missing:
            raise UnusableDirectory(
                Path(missing[0].path), "belongs to this node's set and is not among those given",
                "add it, or start without it (its objects are then unavailable) with missing volumes ignored",
            )
        places = (
            Place(member.id, where.get(member.id, Path(member.path)), member.id in where) for member in identity.set
        )
        return Layout(identity.node, tuple(places))

    def _surplus(self, missing: list[Member]) -> UnusableDirectory:
        path = self._blank[0]
        if missing:
            return UnusableDirectory(
                path, f"is empty, and the volume made at {missing[0].path} is missing",
                "mount its disk, or start without it with missing volumes ignored",
            )
        return UnusableDirectory(
            path, "is new, and the node already has its set of volumes",
            "start with the old directories, or add this one first: `sluice volumes attach`",
        )


def opened_lock(path: Path) -> int:
    """A descriptor that holds the directory's lock; the directory is made when it is not there."""
    try:
        make_durably(path, mode=0o700)
        fd = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise unusable(path, error) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        raise UnusableDirectory(
            path, "is in use by another process", "stop that node, or give this one its own directory"
        ) from error
    return fd


def refuse_unfinished(path: Path) -> None:
    """Raise when the set that the directory belongs to is half-way between two forms."""
    if (path / CHANGE).exists():
        raise UnusableDirectory(
            path, "belongs to a set of volumes that is being changed", "finish that: run `sluice volumes` as before"
        )


def make_durably(path: Path, *, mode: int) -> None:
    """Make the directory and those above it where they are missing, each with its name on the disk."""
    if not path.is_dir():
        make_durably(path.parent, mode=0o777)
        path.mkdir(mode=mode, exist_ok=True)
        sync_folder(path.parent)


def unusable(path: Path, error: OSError) -> UnusableDirectory:
    reasons = {
        errno.EROFS: ("is on a read-only filesystem", "remount it for writing, and look why the system made it so"),
        errno.EACCES: ("is not writable", f"give the user with id {os.getuid()} the right to write there"),
        errno.EPERM: ("is not writable", f"give the user with id {os.getuid()} the right to write there"),
        errno.ENOTDIR: ("is not a directory", "name a directory"),
        errno.EEXIST: ("is not a directory", "name a directory"),
        errno.ENOSPC: ("is on a full filesystem", "make some room there"),
    }
    default = (f"cannot be used: {error.strerror}", "look into the system's log, mend the disk or name another one")
    return UnusableDirectory(path, *reasons.get(error.errno or 0, default))


def read_identity(path: Path) -> Identity | None:
    """The volume's identity; None when the directory is empty (or a first start was interrupted in it)."""
    identity = read_file(path, IDENTITY)
    if identity is not None:
        return identity
    try:
        strange = sorted(set(os.listdir(path)) - HARMLESS)
        used = (path / INDEX).is_dir() and os.listdir(path / INDEX)
    except OSError as error:
        raise unusable(path, error) from error
    if used:  # an index is begun after the identity
        raise UnusableDirectory(
            path, f"holds a node's data and has lost its {IDENTITY}", "restore that file from a backup"
        )
    if strange:
        raise UnusableDirectory(
            path, f"holds other files ({strange[0]}) and is not a volume", "name an empty directory"
        )
    return None


def read_file(path: Path, name: str) -> Identity | None:
    try:
        identity = msgspec.json.decode((path / name).read_bytes(), type=Identity)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unusable(path, error) from error
    except msgspec.DecodeError as error:
        if name == FORMING:
            return None
        raise UnusableDirectory(
            path, f"has a damaged {IDENTITY} ({error})", "restore that file from a backup or from another volume's"
        ) from error
    if identity.format != FORMAT:
        raise UnusableDirectory(
            path, f"has format {identity.format}, which this release does not know", "start the release that made it"
        )
    return identity


def make_folders(path: Path) -> None:
    try:
        (path / INDEX).mkdir(mode=0o700, exist_ok=True)
        (path / BLOBS).mkdir(mode=0o700, exist_ok=True)
        for name in FANOUT:
            (path / BLOBS / name).mkdir(mode=0o700, exist_ok=True)
        sync_folder(path / BLOBS)
    except OSError as error:
        raise unusable(path, error) from error


def write_identity(path: Path, identity: Identity) -> None:
    """Write `volume.json.new`, durably."""
    try:
        with (path / FORMING).open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(identity)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path)
    except OSError as error:
        raise unusable(path, error) from error


def rename_identity(path: Path) -> Identity:
    """Make `volume.json.new` the volume's identity, and return it."""
    try:
        os.rename(path / FORMING, path / IDENTITY)
        sync_folder(path)
    except OSError as error:
        raise unusable(path, error) from error
    identity = read_file(path, IDENTITY)
    if identity is None:
        raise UnusableDirectory(path, f"lost its {IDENTITY}", "start again")
    return identity


def sync_folder(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
