"""Accepting connections, spread evenly over the processes that listen on the same socket."""

from __future__ import annotations

import mmap
import socket
from collections.abc import Callable, Collection
from typing import Any, Final

from gevent import Greenlet, get_hub, monkey
from gevent.pool import Group

READ: Final = 1
SLOTS: Final = 256
ABSENT: Final = -1
TURN_SECONDS: Final = 0.0005  # what a fuller process waits for an emptier one to accept
TURNS: Final = 16  # so often; then the other one is busy or hung, and whoever can accepts
PAUSE_SECONDS: Final = 0.1  # after the system refused, as it does when descriptors run out

NativeSocket: Final = monkey.get_original("socket", "socket")

Serve = Callable[[socket.socket, Any], None]


class Loads:
    """How many connections each process serves. Make it before the fork; the memory is shared. It is a hint and no
    more: whoever reads a stale number waits some milliseconds for nothing."""

    def __init__(self) -> None:
        self._counts = memoryview(mmap.mmap(-1, SLOTS * 4)).cast("i")
        self.keep(())

    def publish(self, process: int, count: int) -> None:
        self._counts[process % SLOTS] = count

    def least(self, default: int) -> int:
        """The smallest number of connections that a process has."""
        return min((count for count in self._counts.tolist() if count != ABSENT), default=default)

    def keep(self, processes: Collection[int]) -> None:
        """Forget the processes that are no more."""
        kept = {process % SLOTS for process in processes}
        for slot in range(SLOTS):
            if slot not in kept:
                self._counts[slot] = ABSENT


class Listener:
    """Serves the connections of a listening socket, each in a greenlet, at most `room` at a time.

    All processes wait on the same socket and the kernel wakes them all. Left alone, the first to run takes most of a
    burst: of 32 connections 25. Here whoever has more connections than another gives that one a moment to accept.
    """

    def __init__(self, sock: socket.socket, serve: Serve, *, room: int, process: int, loads: Loads) -> None:
        self.connections = Group()
        self._open = 0
        self._sock: Any = sock  # whose accept() would make a patched socket
        self._serve = serve
        self._room = room
        self._process = process
        self._loads = loads
        self._turns = TURNS
        self._closed = False
        self._full = False
        self._loop: Any = get_hub().loop
        self._watcher = self._loop.io(sock.fileno(), READ)
        # Repeating ones, stopped when they fire: libev's others fire at once when they are started a second time.
        self._turn = self._loop.timer(TURN_SECONDS, TURN_SECONDS)
        self._pause = self._loop.timer(PAUSE_SECONDS, PAUSE_SECONDS)
        sock.setblocking(False)
        loads.publish(process, 0)
        self._watcher.start(self._readable)

    def close(self) -> None:
        """Accept no more; the connections that are there go on."""
        self._closed = True
        self._loads.publish(self._process, ABSENT)
        for watcher in (self._watcher, self._turn, self._pause):
            watcher.stop()
            watcher.close()
        self._sock.close()

    def _readable(self) -> None:
        """Runs in the event loop."""
        if self._turns and self._loads.least(0) < self._open:
            self._turns -= 1
            self._wait(self._turn)
        else:
            self._turns = TURNS
            self._accept()

    def _accept(self) -> None:
        try:
            fd, address = self._sock._accept()
        except BlockingIOError:
            return  # another process was faster
        except OSError:
            self._wait(self._pause)
            return
        client = NativeSocket(self._sock.family, self._sock.type, self._sock.proto, fileno=fd)
        self._open += 1
        self._loads.publish(self._process, self._open)
        self.connections.start(Greenlet(self._run, client, address))
        if self._open >= self._room:
            self._full = True
            self._watcher.stop()

    def _run(self, client: socket.socket, address: Any) -> None:
        try:
            self._serve(client, address)
        finally:
            self._open -= 1
            if not self._closed:
                self._loads.publish(self._process, self._open)
                if self._full:
                    self._resume()

    def _wait(self, timer: Any) -> None:
        self._watcher.stop()
        timer.again(self._resume)

    def _resume(self) -> None:
        self._turn.stop()
        self._pause.stop()
        self._full = False
        self._watcher.start(self._readable)
