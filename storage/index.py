"""The index: an ordered, transactional map of bytes to bytes, four verbs small.

Everything a volume knows about its keys is in one; what spans two of them is done by ordered steps.
Keys are 1 to 4,096 bytes and are ordered by their bytes; values are 0 bytes to several MiB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeAlias, TypeVar, overload

T = TypeVar("T")

Check: TypeAlias = tuple[bytes, bytes | None]  # key, the value that it must have; None: it must be absent
Put: TypeAlias = tuple[bytes, bytes]  # key, its new value

KEY_LIMIT = 4096  # bytes; S3 keys reach 1,024, and a record's key adds a few dozen
FIRST_BATCH = 16  # pairs
LARGEST_BATCH = 1024  # pairs


class CheckFailed(Exception):
    """A commit expected another value at `key` than `found` (None: absent); nothing of that commit happened."""

    def __init__(self, key: bytes, found: bytes | None) -> None:
        super().__init__(key, found)
        self.key = key
        self.found = found


class IndexClosed(Exception):
    """The index was used after its close(); nothing happened."""


def refuse_if_out_of_bounds(key: bytes) -> None:
    """Raise ValueError for a key that no engine takes; whoever made it has not held to its own limits."""
    if not 0 < len(key) <= KEY_LIMIT:
        raise ValueError(f"a key has 1 to {KEY_LIMIT} bytes, not {len(key)}")


class Index(Protocol):
    """An engine; what each verb promises is shown by storage.testing.index_contract for every one of them."""

    def get(self, key: bytes) -> bytes | None:
        """The value of `key` as of the last acknowledged commit or a later one; None when absent."""

    @overload
    def scan(
        self, start: bytes, stop: bytes, *, reverse: bool = False, batch: int = FIRST_BATCH
    ) -> Iterator[tuple[bytes, bytes]]:
        """The pairs of [start, stop) in the order of their keys' bytes, or in the opposite one.

        Pairs are read ahead in batches, the first of at most `batch` pairs, the next ones growing; nothing is held open
        between two. Each batch is one snapshot, a longer scan is not: a key that is there all along is yielded exactly
        once, one that comes or goes meanwhile at most once.

        `decode` sees each value where it lies, without a copy, and what it returns is yielded instead. It must not keep
        the memoryview, nor wait, nor call the index.
        """

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

    def commit(
        self, *, checks: Sequence[Check] = (), puts: Sequence[Put] = (), deletes: Sequence[bytes] = ()
    ) -> list[bytes | None]:
        """Change all or nothing, durably; return the values replaced by the puts, then by the deletes, in order.

        First the checks are compared, then the puts are written, then the deletes are taken away; deleting what is
        absent is fine. CheckFailed, OutOfSpace, VolumeFailed, and ValueError for a key out of bounds, leave everything
        as it was.
        """

    def close(self) -> None:
        """Finish the commits under way and release everything; closing twice is fine, other verbs raise IndexClosed."""
