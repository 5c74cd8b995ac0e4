"""The index on a disk: LMDB, read where the caller runs, written by one committer in each process."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar, overload

import lmdb

from storage.engines import longkeys
from storage.engines.committer import Committer, Take
from storage.engines.group import Group
from storage.engines.longkeys import SHORT, Trees
from storage.errors import OutOfSpace, StorageError, VolumeFailed
from storage.index import FIRST_BATCH, LARGEST_BATCH, Check, IndexClosed, Put, refuse_if_out_of_bounds

T = TypeVar("T")

READERS = 4096  # transactions open at once, in all processes: one for each thread that reads
LOCKS = 64 * READERS + 8192  # bytes: a line for each reader, and the head
BATCH_BYTES = 16 << 20  # of values; the batch that passes it ends there
NEARLY_FULL = 4 << 20  # bytes free at which a write cut short is taken for a full disk
BEGINNING = 1 << 20  # bytes without which no index is begun


class Durability(Enum):
    """What an acknowledged commit survives. The file stays consistent whatever happens, with both."""

    SYNCED = "synced"
    """The end of the process, of the system and of the power."""

    RELAXED = "relaxed"
    """The end of the process. The page that makes a commit valid isn't waited for: when the system or the power ends,
    the commits of the last moments can be lost, newest first and each of them whole."""


class LmdbIndex:
    """An index in the folder `path` of a volume, made when it is not there.

    Open it after the fork, once in a process: neither its thread nor LMDB's locks survive one. Any number of processes
    may have it open; one that is killed leaves nothing to mend.
    """

    def __init__(self, path: Path, *, durability: Durability = Durability.SYNCED) -> None:
        self._volume = path.parent
        self._closed = False
        try:
            _prepare(path)
            self._env, self._trees = _opened(path, durability)
        except (lmdb.Error, OSError) as error:
            raise self._trouble(error) from error
        self._begin = self._env.begin
        self._keys = self._trees.keys
        self._committer = Committer(self._store)

    def get(self, key: bytes) -> bytes | None:
        try:
            if len(key) > SHORT:
                return longkeys.get(self._begin(self._keys), self._trees, key)
            return self._begin(self._keys).get(key) if key else None
        except lmdb.Error as error:
            raise self._trouble(error) from error

    @overload
    def scan(
        self, start: bytes, stop: bytes, *, reverse: bool = False, batch: int = FIRST_BATCH
    ) -> Iterator[tuple[bytes, bytes]]: ...

    @overload
    def scan(
        self,
        start: bytes,
        stop: bytes,
        *,
        reverse: bool = False,
        batch: int = FIRST_BATCH,
        decode: Callable[[memoryview], T],
    ) -> Iterator[tuple[bytes, T]]: ...

    def scan(
        self,
        start: bytes,
        stop: bytes,
        *,
        reverse: bool = False,
        batch: int = FIRST_BATCH,
        decode: Callable[[memoryview], Any] = bytes,
    ) -> Iterator[tuple[bytes, Any]]:
        if self._closed:
            raise IndexClosed
        return self._descending(start, stop, batch, decode) if reverse else self._ascending(start, stop, batch, decode)

    def _ascending(
        self, start: bytes, stop: bytes, batch: int, decode: Callable[[memoryview], T]
    ) -> Iterator[tuple[bytes, T]]:
        while start < stop:
            pairs, more = self._batch(longkeys.ascending, start, stop, batch, decode)
            yield from pairs
            if not more:
                return
            start = pairs[-1][0] + b"\0"
            batch = min(2 * batch, LARGEST_BATCH)

    def _descending(
        self, start: bytes, stop: bytes, batch: int, decode: Callable[[memoryview], T]
    ) -> Iterator[tuple[bytes, T]]:
        while start < stop:
            pairs, more = self._batch(longkeys.descending, start, stop, batch, decode)
            yield from pairs
            if not more:
                return
            stop = pairs[-1][0]
            batch = min(2 * batch, LARGEST_BATCH)

    def _batch(
        self,
        walk: Callable[[lmdb.Transaction[memoryview], Trees, bytes, bytes], Iterator[tuple[bytes, memoryview]]],
        start: bytes,
        stop: bytes,
        size: int,
        decode: Callable[[memoryview], T],
    ) -> tuple[list[tuple[bytes, T]], bool]:
        """At most `size` pairs, decoded while they can be seen, and whether there may be more."""
        pairs: list[tuple[bytes, T]] = []
        read = 0
        try:
            with self._begin(self._keys, None, False, True) as txn:
                for key, value in islice(walk(txn, self._trees, start, stop), size):
                    pairs.append((key, decode(value)))
                    read += len(value)
                    if read >= BATCH_BYTES:
                        return pairs, True
        except lmdb.Error as error:
            raise self._trouble(error) from error
        return pairs, len(pairs) == size

    def commit(
        self, *, checks: Sequence[Check] = (), puts: Sequence[Put] = (), deletes: Sequence[bytes] = ()
    ) -> list[bytes | None]:
        for key, _ in puts:
            refuse_if_out_of_bounds(key)
        return self._committer.commit(checks, puts, deletes)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._committer.close()
            self._env.close()

    def _store(self, take: Take) -> None:
        try:
            with self._begin(self._keys, None, True) as txn:
                group = Group(txn, self._trees)
                for commit in take():
                    group.admit(commit)
                group.write()
        except lmdb.Error as error:
            raise self._trouble(error) from error

    def _trouble(self, error: lmdb.Error | OSError) -> StorageError | IndexClosed:
        if self._closed:
            return IndexClosed()
        number = error.errno if isinstance(error, OSError) else error.code
        if number in (errno.ENOSPC, errno.EDQUOT) or isinstance(error, lmdb.MapFullError):
            return OutOfSpace(self._volume)
        if number == errno.EIO and _free(self._volume) < NEARLY_FULL:  # how LMDB calls a write that was cut short
            return OutOfSpace(self._volume)
        return VolumeFailed(self._volume, str(error))


def _opened(path: Path, durability: Durability) -> tuple[lmdb.Environment, Trees]:
    environment = lmdb.open(
        os.fspath(path),
        map_size=_map_size(path),
        mode=0o600,
        max_dbs=2,
        max_readers=READERS,
        max_spare_txns=1,
        metasync=durability is Durability.SYNCED,
    )
    try:
        environment.reader_check()  # what killed processes were reading must not be kept for them
        trees = Trees(keys=environment.open_db(b"keys"), rests=environment.open_db(b"rests"))
        _sync_folders(path)
    except (lmdb.Error, OSError):
        environment.close()  # LMDB opens a file only once in a process, and there may be another attempt
        raise
    return environment, trees


def _prepare(path: Path) -> None:
    """Make room for what LMDB has no way to find a full disk at: the locks' pages, and the first pages of a new file.

    The locks are written through memory, where a page that the disk has no room for ends the process (SIGBUS), and a
    new file of which only a part was written is never opened again.
    """
    path.mkdir(mode=0o700, exist_ok=True)
    if not (path / "data.mdb").exists() and _free(path) < BEGINNING:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with open(path / "lock.mdb", "ab") as locks:
        if os.fstat(locks.fileno()).st_blocks * 512 < LOCKS:
            os.posix_fallocate(locks.fileno(), 0, LOCKS)


def _map_size(path: Path) -> int:
    """Twice the filesystem, so that the disk is full before the map is, and it can be enlarged while the node runs.

    Only addresses are reserved: neither memory nor disk is used for what isn't there yet.
    """
    figures = os.statvfs(path)
    return min(max(2 * figures.f_blocks * figures.f_frsize, 64 << 30), 32 << 40)


def _free(path: Path) -> int:
    figures = os.statvfs(path)
    return figures.f_bavail * figures.f_frsize


def _sync_folders(path: Path) -> None:
    for folder in (path, path.parent):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
