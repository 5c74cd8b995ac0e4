"""The process that stands between the node and a transform's server; a program of its own, run without site packages.

    guard.py PARENT LOG LIMIT GRACE COMMAND…

It runs COMMAND in a process group of its own and keeps at most LIMIT bytes of what that writes, in LOG and LOG.1. When
told to end by SIGTERM, or when the process PARENT dies, it sends SIGTERM to the group, and SIGKILL to every descendant
GRACE seconds later. When the server ends by itself, its descendants are killed at once. Either way nothing of it is
left when the guard ends, with the status of the server (128 + n for signal n).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Iterator

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
NOT_FOUND = 127  # as shells say that a command could not be run
PIECE = 64 * 1024  # bytes
LOOK_SECONDS = 0.02


def control(option: int, argument: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, argument, 0, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl {option}")


class BoundedLog:
    """A file that begins anew at half the limit, and the one before it."""

    def __init__(self, path: str, limit: int) -> None:
        self._path = path
        self._half = limit // 2
        self._file = self._opened()

    def write(self, piece: bytes) -> None:
        """Append; what a full disk refuses is lost, the server must not suffer for it."""
        with contextlib.suppress(OSError):
            os.write(self._file, piece)
            if os.fstat(self._file).st_size >= self._half:
                os.replace(self._path, self._path + ".1")
                os.close(self._file)
                self._file = self._opened()

    def _opened(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def descendants(root: int) -> Iterator[int]:
    """The living processes below `root`. Being their subreaper, the guard keeps those whose parents have died."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{entry}/stat", "rb") as stat:
                state, parent = stat.read().rpartition(b") ")[2].split()[:2]
                if state not in b"ZX":
                    children.setdefault(int(parent), []).append(int(entry))
    pending = [root]
    while pending:
        below = children.get(pending.pop(), [])
        yield from below
        pending += below


def kill_descendants() -> None:
    """Return when there are none; those that fork meanwhile are met in the next round."""
    while left := list(descendants(os.getpid())):
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        reap()
        time.sleep(LOOK_SECONDS / 4)
    reap()


def reap() -> dict[int, int]:
    """The statuses of all children that have ended."""
    ended = {}
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            ended[found[0]] = found[1]
    return ended


def spawn(command: list[str], output: int) -> int:
    """Start the server with `output` as its stdout and stderr, nothing else open."""
    guard = os.getpid()
    child = os.fork()
    if child:
        with contextlib.suppress(OSError):
            os.setpgid(child, child)
        return child
    try:
        os.setpgid(0, 0)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.dup2(output, 1)
        os.dup2(output, 2)
        control(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == guard:
            os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
    os._exit(NOT_FOUND)


class Guard:
    """The server and its output, until both have ended."""

    def __init__(self, log: BoundedLog, grace: float, command: list[str]) -> None:
        self._log = log
        self._grace = grace
        self._output, output = os.pipe()
        self._wake, wake = os.pipe()
        for end in (self._output, self._wake, wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        self._told = False
        self._deadline: float | None = None
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._tell)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._server = spawn(command, output)
        os.close(output)

    def run(self) -> int:
        """Watch until the server has ended; its status."""
        waiting = select.poll()
        waiting.register(self._output, select.POLLIN)
        waiting.register(self._wake, select.POLLIN)
        while True:
            for end, _ in waiting.poll(self._patience()):
                if end == self._wake:
                    os.read(self._wake, PIECE)
                elif not self._copy():
                    waiting.unregister(self._output)
            ended = reap()
            if self._server in ended:
                return self._finished(ended[self._server])
            self._enforce()

    def _tell(self, *_: object) -> None:
        self._told = True

    def _patience(self) -> float | None:
        """Milliseconds until the grace is over."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic()) * 1000 + 1

    def _enforce(self) -> None:
        if self._told and self._deadline is None:
            self._deadline = time.monotonic() + self._grace
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._server, signal.SIGTERM)
        if self._deadline is not None and time.monotonic() >= self._deadline:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._server, signal.SIGKILL)

    def _copy(self) -> bool:
        """Take over a piece of output; whether there may be more."""
        try:
            piece = os.read(self._output, PIECE)
        except BlockingIOError:
            return True
        self._log.write(piece)
        return bool(piece)

    def _finished(self, status: int) -> int:
        kill_descendants()
        while True:
            try:
                piece = os.read(self._output, PIECE)
            except BlockingIOError:
                piece = b""
            if not piece:
                break
            self._log.write(piece)
        code = os.waitstatus_to_exitcode(status)
        return code if code >= 0 else 128 - code


def main(arguments: list[str]) -> int:
    parent, path, limit, grace = arguments[:4]
    os.umask(0o077)
    control(PR_SET_CHILD_SUBREAPER, 1)
    control(PR_SET_NO_NEW_PRIVS, 1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    guard = Guard(BoundedLog(path, int(limit)), float(grace), arguments[4:])
    control(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):
        os.kill(os.getpid(), signal.SIGTERM)
    return guard.run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
