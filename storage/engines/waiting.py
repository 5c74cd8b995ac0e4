"""How callers wait for another native thread: a greenlet lets its hub run on, a plain thread blocks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import gevent.hub
import gevent.monkey
from gevent._hub_local import get_hub_if_exists

_allocate_lock = gevent.monkey.get_original("_thread", "allocate_lock")


class Slot(Protocol):
    """A place in the queue of whoever does the work."""

    def wait(self) -> None:
        """Start the work when that is due, and return when it is done; called once, by the slot's maker."""

    def done(self, rung: set[Bell]) -> None:
        """Let the maker go on, once every bell added to `rung` has been rung; called by the thread that works."""


class Bells:
    """Makes a slot for whoever calls; `start` gets the work going and may be called too often."""

    def __init__(self, start: Callable[[], None]) -> None:
        self._start = start
        self._bells: dict[Any, Bell] = {}

    def slot(self) -> Slot:
        hub = get_hub_if_exists()
        if hub is None or hub.loop is None:
            return _ThreadSlot(self._start)
        bell = self._bells.get(hub)
        if bell is None:
            bell = self._bells[hub] = Bell(hub, self._start)
        return _GreenletSlot(bell)

    def ring(self, slots: Iterable[Slot]) -> None:
        rung: set[Bell] = set()
        for slot in slots:
            slot.done(rung)
        for bell in rung:
            bell.ring()


class _ThreadSlot:
    __slots__ = ("_start", "_lock")

    def __init__(self, start: Callable[[], None]) -> None:
        self._start = start
        self._lock = _allocate_lock()
        self._lock.acquire()

    def wait(self) -> None:
        self._start()
        self._lock.acquire()

    def done(self, rung: set[Bell]) -> None:
        self._lock.release()


class _GreenletSlot:
    __slots__ = ("_bell", "waiter")

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self.waiter: gevent.hub.Waiter[None] = gevent.hub.Waiter(bell.hub)

    def wait(self) -> None:
        self._bell.expect()
        self.waiter.get()

    def done(self, rung: set[Bell]) -> None:
        self._bell.served.append(self)
        rung.add(self._bell)


class Bell:
    """Wakes a hub once for any number of its greenlets."""

    def __init__(self, hub: Any, start: Callable[[], None]) -> None:
        self.hub = hub
        self.served: deque[_GreenletSlot] = deque()
        self._start = start
        self._starting = False
        self._expected = 0
        self._watcher = hub.loop.async_()
        self.ring: Callable[[], None] = self._watcher.send

    def expect(self) -> None:
        """One more greenlet waits; the work starts once those that can run now have run, so that theirs joins."""
        if not self._expected:
            self._watcher.start(self._serve)  # while it is active the loop doesn't end
        self._expected += 1
        if not self._starting:
            self._starting = True
            self.hub.loop.run_callback(self._begin)

    def _begin(self) -> None:
        self._starting = False
        self._start()

    def _serve(self) -> None:
        while self.served:
            slot = self.served.popleft()
            self._expected -= 1
            slot.waiter.switch(None)
        if not self._expected:
            self._watcher.stop()
