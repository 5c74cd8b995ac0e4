"""An index in memory, for tests: what is durable here ends with the process."""

from __future__ import annotations

import threading
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar, overload

from storage.index import FIRST_BATCH, LARGEST_BATCH, Check, CheckFailed, IndexClosed, Put, refuse_if_out_of_bounds

T = TypeVar("T")


class MemoryIndex:
    """A sorted list of the keys beside a dict of their values, under one lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: list[bytes] = []
        self._values: dict[bytes, bytes] = {}
        self._closed = False

    def get(self, key: bytes) -> bytes | None:
        self._refuse_if_closed()
        return self._values.get(key)

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
        decode: Callable[[memoryview], T] | None = None,
    ) -> Iterator[tuple[bytes, bytes | T]]:
        self._refuse_if_closed()
        return self._pairs(start, stop, reverse, batch, decode)

    def _pairs(
        self, start: bytes, stop: bytes, reverse: bool, batch: int, decode: Callable[[memoryview], T] | None
    ) -> Iterator[tuple[bytes, bytes | T]]:
        while pairs := self._batch(start, stop, reverse, batch):
            for key, value in pairs:
                yield key, value if decode is None else decode(memoryview(value))
            if reverse:
                stop = pairs[-1][0]
            else:
                start = pairs[-1][0] + b"\0"
            batch = min(2 * batch, LARGEST_BATCH)

    def _batch(self, start: bytes, stop: bytes, reverse: bool, size: int) -> list[Put]:
        with self._lock:
            self._refuse_if_closed()
            first, last = bisect_left(self._keys, start), bisect_left(self._keys, stop)
            within = self._keys[max(first, last - size):last] if reverse else self._keys[first:min(last, first + size)]
            return [(key, self._values[key]) for key in (reversed(within) if reverse else within)]

    def commit(
        self, *, checks: Sequence[Check] = (), puts: Sequence[Put] = (), deletes: Sequence[bytes] = ()
    ) -> list[bytes | None]:
        for key, _ in puts:
            refuse_if_out_of_bounds(key)
        with self._lock:
            self._refuse_if_closed()
            for key, expected in checks:
                found = self._values.get(key)
                if found != expected:
                    raise CheckFailed(key, found)
            return [self._put(key, value) for key, value in puts] + [self._delete(key) for key in deletes]

    def close(self) -> None:
        self._closed = True

    def _put(self, key: bytes, value: bytes) -> bytes | None:
        previous = self._values.get(key)
        if previous is None:
            insort(self._keys, key)
        self._values[key] = value
        return previous

    def _delete(self, key: bytes) -> bytes | None:
        previous = self._values.pop(key, None)
        if previous is not None:
            del self._keys[bisect_left(self._keys, key)]
        return previous

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise IndexClosed
