"""Files of the node's own machine made into objects: those below one folder, and never through a symbolic link."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from storage.attributes import Attributes
from storage.checksums import DEFAULT
from storage.conditions import ALWAYS, Conditions
from storage.errors import PreconditionFailed
from storage.objects import Objects
from storage.payload import encoded
from storage.records import Bucket
from storage.threads import run

NEW = Conditions(if_none_match=("*",))
ALGORITHMS = frozenset((DEFAULT,))
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # not to wait at a pipe


class InvalidSource(Exception):
    """Nothing may be promoted from this path; `reason` says why."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason


class NoSuchSource(InvalidSource):
    """There is nothing at this path."""


class Root:
    """The folder below which everything lies that may be promoted. It need not exist."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def relative(self, source: str) -> tuple[str, ...]:
        """The components of an absolute path after those of the root; `InvalidSource`."""
        path = Path(source)
        if "\0" in source or ".." in path.parts or not path.is_relative_to(self._path):
            raise InvalidSource(source, f"must be under {self._path}")
        return path.relative_to(self._path).parts

    @contextmanager
    def folder(self, source: str) -> Iterator[int]:
        """A descriptor of the folder that holds what the path means."""
        with ExitStack() as stack, told(source):
            fd = stack.enter_context(opened(self._path, FOLDER & ~os.O_NOFOLLOW))
            for name in self.relative(source)[:-1]:
                fd = stack.enter_context(opened(name, FOLDER, within=fd))
            yield fd

    def is_folder(self, source: str) -> bool:
        """Whether the path means a folder and not a plain file; `InvalidSource` when it is neither."""
        names = self.relative(source)
        with self.folder(source) as fd, told(source):
            found = os.stat(names[-1] if names else ".", dir_fd=fd, follow_symlinks=False)
        if not stat.S_ISDIR(found.st_mode) and not stat.S_ISREG(found.st_mode):
            raise InvalidSource(source, "is neither a file nor a directory")
        return stat.S_ISDIR(found.st_mode)

    def files(self, source: str, *, deep: bool) -> Iterator[str]:
        """The plain files of a folder, as paths within it, in order; with `deep` those of its folders as well."""
        names = self.relative(source)
        with self.folder(source) as fd, told(source), opened(names[-1] if names else ".", FOLDER, within=fd) as found:
            yield from walk(found, "", deep=deep)


def walk(fd: int, before: str, *, deep: bool) -> Iterator[str]:
    """The plain files of an open folder, each with `before` in front, in order. What vanishes meanwhile is left out."""
    with os.scandir(fd) as scan:
        names = sorted(name for entry in scan if (name := usable(entry, deep=deep)))
    for name in names:
        if not name.endswith("/"):
            yield before + name
            continue
        with suppress(FileNotFoundError), opened(name[:-1], FOLDER, within=fd) as inner:
            yield from walk(inner, before + name, deep=deep)


def usable(entry: os.DirEntry[str], *, deep: bool) -> str:
    """The name of a file, or of a folder with a slash after it so that paths sort as they are walked; "" for what is
    not promoted: links, devices, and names that are not UTF-8, which no object can have."""
    if any("\ud800" <= letter <= "\udfff" for letter in entry.name):
        return ""
    if entry.is_file(follow_symlinks=False):
        return entry.name
    return f"{entry.name}/" if deep and entry.is_dir(follow_symlinks=False) else ""


@contextmanager
def opened(path: Path | str, flags: int, *, within: int | None = None) -> Iterator[int]:
    fd = os.open(path, flags, dir_fd=within)
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def told(source: str) -> Iterator[None]:
    """What the operating system says of a path, as `InvalidSource`."""
    try:
        yield
    except FileNotFoundError as error:
        raise NoSuchSource(source, "does not exist") from error
    except OSError as error:
        raise InvalidSource(source, (error.strerror or "cannot be read").lower()) from error


class FilePayload:
    """A file as it is now. When it becomes shorter or longer meanwhile, nothing is stored."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self.size: int | None = os.fstat(fd).st_size
        self.algorithms = ALGORITHMS

    def readinto(self, buffer: memoryview, /) -> int:
        return run(os.readv, self._fd, [buffer])

    def verify(self, digests: Mapping[str, bytes]) -> Mapping[str, str]:
        return encoded(digests, self.algorithms)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What shall become of a file: `overwrite` an object that is there, `delete` the file once it is an object."""

    overwrite: bool
    delete: bool


@dataclass(frozen=True, slots=True)
class Promoter:
    """Makes objects of files."""

    root: Root
    objects: Objects

    def promote(self, source: str, bucket: Bucket, key: str, owner: str, wishes: Wishes) -> int | None:
        """Store a plain file under the key, whole or not at all: its bytes; None when there is such an object already
        and it was to stay. `InvalidSource` when the path is not, or not any more, that of a plain file."""
        name = (self.root.relative(source) or ("",))[-1]
        with self.root.folder(source) as folder, told(source), opened(name, FILE, within=folder) as fd:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise InvalidSource(source, "is not a plain file")
            try:
                given = ALWAYS if wishes.overwrite else NEW
                record = self.objects.put(bucket, key, FilePayload(fd), Attributes(owner), given=given)
            except PreconditionFailed:
                return None
            if wishes.delete:
                os.unlink(name, dir_fd=folder)
            return record.size
