"""Blobs: immutable files of a volume, each written once under a name that is never used again.

A blob is written in place: nobody looks for a name before a record tells it, so a temporary name would only add a
rename to be synced. What a crash leaves is a file that no record names; the sweep removes it.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.content import Segment
from storage.errors import OutOfSpace, VolumeFailed
from storage.records import Blob

FANOUT = tuple(f"{number:02x}" for number in range(256))  # directories, named as the first two digits of their blobs
CLOSED = -1  # in place of a descriptor
DIRECT_SIZE = 256 * 1024  # bytes; less is not worth waiting for the disk in between
BLOCK = 4096  # bytes; the disk takes whole ones
COPY_SIZE = 64 * 1024 * 1024  # bytes asked of the kernel at a time
FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
NO_LINK = frozenset((errno.EMLINK, errno.EXDEV, errno.ENOENT, errno.EPERM, errno.EOPNOTSUPP))
NO_COPY = frozenset((errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP))


@contextmanager
def translated(volume: Path) -> Iterator[None]:
    """What the operating system refuses, as `OutOfSpace` or `VolumeFailed`."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise OutOfSpace(volume) from error
        raise VolumeFailed(volume, error.strerror or str(error)) from error


class Blobs:
    """The blobs of one volume, in its folder `root`. `random(n)` gives n unpredictable bytes.

    Without `durable` nothing is synced.
    """

    def __init__(self, root: Path, *, durable: bool, random: Callable[[int], bytes] = os.urandom) -> None:
        self._volume = root.parent
        self._root = str(root)
        self._durable = durable
        self._random = random

    def path(self, blob_id: str) -> str:
        return f"{self._root}/{blob_id[:2]}/{blob_id}"

    def directory(self, name: str) -> str:
        """The path of one of the `FANOUT` directories."""
        return f"{self._root}/{name}"

    def new_id(self) -> str:
        return self._random(16).hex()

    def create(self, size: int | None = None) -> NewBlob:
        """A blob to be written; `NewBlob.seal` or `NewBlob.discard` ends it.

        When `size` is known that many bytes, and no others, are to be written: the first write takes all the room.
        """
        return NewBlob(self, self.new_id(), size)

    def store(self, data: memoryview) -> Blob:
        """A blob with these bytes, durable; when it raises there is none."""
        file = self.create()
        try:
            file.write(data)
            return file.seal()
        except BaseException:
            file.discard()
            raise

    def make(self, blob_id: str) -> int:
        """A descriptor of the new, empty file of that name."""
        return os.open(self.path(blob_id), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def open(self, blob_id: str) -> int:
        """A descriptor to read the blob from, the caller's to close.

        `FileNotFoundError` when the blob is gone, `VolumeFailed` when more than that is.
        """
        try:
            return os.open(self.path(blob_id), os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            if isinstance(error, FileNotFoundError) and os.path.isdir(self.directory(blob_id[:2])):
                raise
            raise VolumeFailed(self._volume, error.strerror or str(error)) from error

    def adopt(self, files: Iterable[Segment], *, admit: Callable[[int], None]) -> list[Blob]:
        """Blobs with the bytes of whole open files, durable: hard links, or copies where the filesystem cannot link.

        They lie in one directory, so that one sync makes them all durable. `admit` is asked for the room of a copy.
        """
        directory = self._random(1).hex()
        adopted: list[Blob] = []
        try:
            with translated(self._volume):
                for file in files:
                    adopted.append(Blob(directory + self._random(15).hex(), file.length))
                    self._adopt(file, adopted[-1].id, admit)
                self.sync_directory(directory)
        except (OutOfSpace, VolumeFailed):
            self.remove(adopted)
            raise
        return adopted

    def remove(self, blobs: Iterable[Blob]) -> None:
        """Unlink the files; those already gone are fine, and a failure leaves the rest to the sweep."""
        for blob in blobs:
            try:
                os.unlink(self.path(blob.id))
            except OSError:
                continue

    def passes_cache(self, size: int) -> bool:
        """Whether so many bytes of a file are better written straight to the disk that they must be on anyway.

        The page cache costs a copy and memory, and other objects their place in it, for bytes that nobody may ever read
        (per MiB of a large upload, all told: 2,600 µs of CPU time instead of 5,300, of which 1,600 are its MD5).
        """
        return self._durable and size >= DIRECT_SIZE and not size % BLOCK

    def sync_file(self, fd: int) -> None:
        if self._durable:
            os.fdatasync(fd)

    def sync_directory(self, directory: str) -> None:
        """Make the names in one of the fan-out directories durable."""
        if not self._durable:
            return
        fd = os.open(self.directory(directory), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def _adopt(self, file: Segment, blob_id: str, admit: Callable[[int], None]) -> None:
        path = self.path(blob_id)
        try:
            # A directory descriptor makes CPython call linkat and follow the link in /proc; being absolute, the path
            # does not use it.
            os.link(f"/proc/self/fd/{file.fd}", path, src_dir_fd=file.fd, follow_symlinks=True)
        except OSError as error:
            if error.errno not in NO_LINK:
                raise
            admit(file.length)
            fd = self.make(blob_id)
            try:
                copy_range(file, fd)
                self.sync_file(fd)
            finally:
                os.close(fd)

    @property
    def volume(self) -> Path:
        return self._volume


class NewBlob:
    """A blob being written; its file is made by the first write, so that all of it happens in the same thread."""

    __slots__ = ("_announced", "_blobs", "_direct", "_fd", "_id", "_size")

    def __init__(self, blobs: Blobs, blob_id: str, announced: int | None) -> None:
        self._blobs = blobs
        self._id = blob_id
        self._announced = announced
        self._direct = False  # whether what is written passes by the page cache
        self._fd = CLOSED
        self._size = 0

    def write(self, data: memoryview) -> None:
        """Append all of `data`."""
        with translated(self._blobs.volume):
            if self._fd == CLOSED:
                self._begin()
            if self._direct != self._blobs.passes_cache(len(data)):
                self._turn()
            rest = data
            while rest:
                rest = rest[self._write_some(rest):]
            self._size += len(data)

    def _write_some(self, data: memoryview) -> int:
        try:
            return os.write(self._fd, data)
        except OSError as error:
            if not self._direct or error.errno != errno.EINVAL:
                raise
            self._turn()  # these bytes do not lie as the filesystem wants them
            return os.write(self._fd, data)

    def _turn(self) -> None:
        """From now on write past the page cache, if the filesystem knows how to, or through it again."""
        flags = fcntl.fcntl(self._fd, fcntl.F_GETFL)
        try:
            fcntl.fcntl(self._fd, fcntl.F_SETFL, flags ^ os.O_DIRECT)
        except OSError:
            return
        self._direct = not self._direct

    def _begin(self) -> None:
        """Make the file. Taking its room at once lets every process see what is left for others: of several writers
        for whom there is not room enough some succeed, instead of all filling the disk and failing. It also costs less
        than letting the file grow (64 MiB on ext4: 8.6 ms of CPU time instead of 10.3)."""
        self._fd = self._blobs.make(self._id)
        if self._announced:
            os.posix_fallocate(self._fd, 0, self._announced)

    def seal(self) -> Blob:
        """The blob, of which something was written, durable with its name.

        A failed sync fails the write: what the disk holds then is not known.
        """
        with translated(self._blobs.volume):
            self._blobs.sync_file(self._fd)
            self._blobs.sync_directory(self._id[:2])
        self._close()
        return Blob(self._id, self._size)

    def discard(self) -> None:
        """Remove what was written; fine after `seal`, too."""
        self._close()
        self._blobs.remove([Blob(self._id, self._size)])

    def _close(self) -> None:
        fd, self._fd = self._fd, CLOSED
        if fd != CLOSED:
            os.close(fd)


def copy_range(part: Segment, to: int) -> None:
    """Append a file's range to the open file `to`: shared extents or a copy in the kernel.

    `OSError` with EIO when the source ends early.
    """
    offset, stop = part.offset, part.offset + part.length
    while offset < stop:
        copied = _copy_some(part.fd, to, offset, min(stop - offset, COPY_SIZE))
        if not copied:
            raise OSError(errno.EIO, "the file is shorter than recorded")
        offset += copied


def _copy_some(fd: int, to: int, offset: int, size: int) -> int:
    try:
        return os.copy_file_range(fd, to, size, offset)
    except OSError as error:
        if error.errno not in NO_COPY:
            raise
        return os.sendfile(to, fd, offset, size)
