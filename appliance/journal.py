"""The node's log in files, for those who ask for it through the API: `sluice.INFO` with everything, `sluice.ERROR` with
warnings and errors, in AIStore's form of a line.

All processes append to the same files, whole lines at a time. Whoever makes one longer than it may be puts it aside
under another name, and the others notice at their next line.
"""

from __future__ import annotations

import fcntl
import io
import logging
import os
import socket
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from storage.threads import run

INFO, ERROR = "sluice.INFO", "sluice.ERROR"
FILES = {"info": INFO, "warning": ERROR, "error": ERROR}
LETTERS = ((logging.ERROR, "E"), (logging.WARNING, "W"), (logging.NOTSET, "I"))
LOCK = "lock"
PIECE = 256 * 1024  # bytes


@dataclass(slots=True)
class Bounds:
    """In bytes: when a file is put aside, and what those of both kinds may take together."""

    file: int = 64 * 2**20
    total: int = 512 * 2**20


class OpenedLog:
    """A file of the log with the size that it had when it was opened."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.size = os.fstat(self._descriptor).st_size

    def pieces(self, start: int) -> Iterator[bytes]:
        while start < self.size:
            piece = os.pread(self._descriptor, min(PIECE, self.size - start), start)
            if not piece:
                return
            start += len(piece)
            yield piece

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class FileJournal:
    """The files in a folder, which is made when it is missing. Made before the fork; every process appends.

    `bounds` may be changed at any time. What cannot be written is lost: the log never fails who writes it.
    """

    def __init__(self, folder: Path) -> None:
        self.bounds = Bounds()
        self._folder = folder
        folder.mkdir(mode=0o700, exist_ok=True)
        for name in (INFO, ERROR):
            self._begin(name)

    def append(self, name: str, line: bytes) -> None:
        try:
            descriptor = os.open(self._folder / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.write(descriptor, line)
                full = os.fstat(descriptor).st_size > self.bounds.file
            finally:
                os.close(descriptor)
            if full:
                self._put_aside(name, above=self.bounds.file)
        except OSError:
            pass  # a full or failing disk is told on standard error by those who meet it

    def open(self, severity: str) -> OpenedLog:
        """The current file of the severity; `KeyError` when there is no such."""
        return OpenedLog(self._folder / FILES[severity])

    def archive(self, severity: str) -> Iterator[bytes]:
        """All files of the severity, the oldest first, as a tar.gz, a file in memory at a time."""
        sink = io.BytesIO()
        with tarfile.open(fileobj=sink, mode="w|gz") as archive:
            for path in self._all(FILES[severity]):
                run(archive.add, path, arcname=path.name)
                yield sink.getvalue()
                sink.seek(0)
                sink.truncate()
        yield sink.getvalue()

    def rotate(self) -> None:
        """Begin both files anew; the old ones stay until room is needed."""
        for name in (INFO, ERROR):
            self._put_aside(name, above=0)

    def _begin(self, name: str) -> None:
        started = time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime())
        self.append(name, f"Started up at {started}, host {socket.gethostname()}, sluice\n".encode())

    def _put_aside(self, name: str, *, above: int) -> None:
        path = self._folder / name
        with self._locked():
            if path.stat().st_size <= above:
                return  # another process was faster
            moment = time.strftime("%m%d-%H%M%S", time.gmtime())
            path.rename(self._folder / f"{name}.{moment}.{time.time_ns()}")
            self._trim()
        self._begin(name)

    def _trim(self) -> None:
        """Remove the oldest of what was put aside until the rest is within its bounds."""
        old = sorted(self._folder.glob("sluice.*.*-*.*"), key=lambda path: path.name.rpartition(".")[2])
        total = sum(path.stat().st_size for path in old)
        for path in old:
            if total <= self.bounds.total - 2 * self.bounds.file:
                return
            total -= path.stat().st_size
            path.unlink()

    def _all(self, name: str) -> list[Path]:
        return [*sorted(self._folder.glob(f"{name}.*")), self._folder / name]

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._folder / LOCK).open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class JournalHandler(logging.Handler):
    """Writes what the log is told into the journal, as AIStore writes its lines: `W 15:04:05.000000 file:12 text`."""

    def __init__(self, journal: FileJournal) -> None:
        super().__init__()
        self._journal = journal

    def emit(self, record: logging.LogRecord) -> None:
        letter = next(letter for level, letter in LETTERS if record.levelno >= level)
        moment = time.strftime("%H:%M:%S", time.gmtime(record.created))
        microseconds = int(record.created % 1 * 1e6)
        text = self.format(record).replace("\n", "\n\t")
        line = f"{letter} {moment}.{microseconds:06d} {record.filename}:{record.lineno} {text}\n".encode()
        self._journal.append(INFO, line)
        if record.levelno >= logging.WARNING:
            self._journal.append(ERROR, line)
