"""The growing file of content that is appended to: a blob that is not finished yet."""

from __future__ import annotations

import fcntl
import os
from types import TracebackType

from storage.blobs import Blobs, copy_range, translated
from storage.content import Segment


class Held(Exception):
    """Somebody else, perhaps in another process, is writing the file."""


class Tail:
    """A file open for writing from `size` bytes on; what it holds beyond belongs to nobody.

    While one process holds it no other does. A context manager; leaving it closes the file, and what was written stays.
    """

    __slots__ = ("_blobs", "_fd", "id", "size")

    def __init__(self, blobs: Blobs, blob_id: str, size: int, fd: int) -> None:
        self._blobs = blobs
        self._fd = fd
        self.id = blob_id
        self.size = size

    @classmethod
    def create(cls, blobs: Blobs) -> Tail:
        """An empty one. Its name is durable once `sync_name` was called."""
        blob_id = blobs.new_id()
        with translated(blobs.volume):
            return cls(blobs, blob_id, 0, blobs.make(blob_id))

    @classmethod
    def resume(cls, blobs: Blobs, blob_id: str, size: int) -> Tail:
        """One that was written before. `Held` while another writer holds it, `FileNotFoundError` when it is gone."""
        fd = os.open(blobs.path(blob_id), os.O_WRONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(fd)
            raise Held(blob_id) from error
        return cls(blobs, blob_id, size, fd)

    def write(self, data: memoryview) -> None:
        """Append all of `data`."""
        with translated(self._blobs.volume):
            while data:
                written = os.pwrite(self._fd, data, self.size)
                self.size += written
                data = data[written:]

    def take(self, files: list[Segment]) -> None:
        """Append the bytes of whole open files: shared extents or a copy in the kernel."""
        with translated(self._blobs.volume):
            os.lseek(self._fd, self.size, os.SEEK_SET)
            for file in files:
                copy_range(file, self._fd)
                self.size += file.length

    def cut(self) -> None:
        """Take away what lies beyond `size`."""
        with translated(self._blobs.volume):
            os.ftruncate(self._fd, self.size)

    def sync(self) -> None:
        """Make what was written durable."""
        with translated(self._blobs.volume):
            self._blobs.sync_file(self._fd)

    def sync_name(self) -> None:
        with translated(self._blobs.volume):
            self._blobs.sync_directory(self.id[:2])

    def close(self) -> None:
        os.close(self._fd)

    def __enter__(self) -> Tail:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
