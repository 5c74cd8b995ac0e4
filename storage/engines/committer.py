"""One native thread that makes waiting commits durable together: a group is one transaction and one sync.

The threads of `threading` are greenlets where the process is gevent's, and a greenlet that waits for a disk, or for
another process's transaction, stops all of them. So thread and locks are the interpreter's own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeAlias

import gevent.monkey
import msgspec

from storage.engines.waiting import Bells, Slot
from storage.index import Check, CheckFailed, IndexClosed, Put

GROUP_COMMITS = 1024
GROUP_BYTES = 16 << 20  # of values; the group that passes it is the last to be taken in
BUSY = 4  # commits in the last group from which on the next one waits for more to join
DELAY_SECONDS = 0.0003

_allocate_lock = gevent.monkey.get_original("_thread", "allocate_lock")
_sleep = gevent.monkey.get_original("time", "sleep")
_start_thread = gevent.monkey.get_original("_thread", "start_new_thread")


class Commit(msgspec.Struct):
    """What one caller wants changed and, once `slot` is done, what came of it."""

    checks: Sequence[Check]
    puts: Sequence[Put]
    deletes: Sequence[bytes]
    slot: Slot
    previous: list[bytes | None] = []
    failure: Exception | None = None

    def refuse(self, key: bytes, found: bytes | None) -> None:
        self.failure = CheckFailed(key, found)


Take: TypeAlias = Callable[[], Sequence[Commit]]


class Committer:
    """Gives groups to `store`, which begins a transaction, takes the group, and returns when it is durable.

    Taking comes after beginning, which may wait for other processes: whatever arrives meanwhile still joins. Between
    large groups it pauses a moment, in which more join, and other processes get their turn.
    What `store` raises is every member's failure. It runs on the committer's thread.
    """

    def __init__(self, store: Callable[[Take], None]) -> None:
        self._store = store
        self._waiting: deque[Commit] = deque()
        self._gate = _allocate_lock()  # held while a commit enters or the committer closes
        self._closed = False
        self._last = 0  # commits in the last group
        self._work = _allocate_lock()  # released when there may be something to do
        self._work.acquire()
        self._ended = _allocate_lock()
        self._ended.acquire()
        self._bells = Bells(self._wake)
        _start_thread(self._run, ())

    def commit(
        self, checks: Sequence[Check], puts: Sequence[Put], deletes: Sequence[bytes]
    ) -> list[bytes | None]:
        """Return the previous values when the commit is durable; raises its failure.

        A greenlet killed while it waits leaves its commit to happen.
        """
        slot = self._bells.slot()
        commit = Commit(checks, puts, deletes, slot)
        with self._gate:
            if self._closed:
                raise IndexClosed
            self._waiting.append(commit)
        slot.wait()
        if commit.failure is not None:
            raise commit.failure
        return commit.previous

    def close(self) -> None:
        """Settle what has entered, then end the thread; blocks without letting greenlets run."""
        with self._gate:
            if self._closed:
                return
            self._closed = True
        self._wake()
        self._ended.acquire()

    def _wake(self) -> None:
        try:
            self._work.release()
        except RuntimeError:  # it is awake already and looks at the queue again before it sleeps
            pass

    def _run(self) -> None:
        while self._waiting or not self._closed:
            self._work.acquire()
            while self._waiting:
                if self._last >= BUSY:
                    _sleep(DELAY_SECONDS)
                self._settle_group()
        self._ended.release()

    def _settle_group(self) -> None:
        group: list[Commit] = []

        def take() -> Sequence[Commit]:
            size = 0
            while self._waiting and len(group) < GROUP_COMMITS and size < GROUP_BYTES:
                commit = self._waiting.popleft()
                group.append(commit)
                for _, value in commit.puts:
                    size += len(value)
            return group

        try:
            self._store(take)
        except Exception as error:  # whatever it is, those who wait must learn of it, and the thread go on
            for commit in group or take():
                commit.failure = error
        self._last = len(group)
        self._bells.ring([commit.slot for commit in group])
