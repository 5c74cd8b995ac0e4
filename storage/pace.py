"""How often a bucket may be used, where its `rate_limit.frontend` properties limit that.

Each process of the node has an equal part of a bucket's tokens, as each of AIStore's proxies has, and keeps count
alone: the limit is a protection, not a quota, and costs nothing that processes would have to share.
"""

from __future__ import annotations

from collections.abc import Callable

from storage.errors import TooManyRequests
from storage.properties import LIMITED, request_limit
from storage.records import Bucket

REMEMBERED = 10_000  # buckets
SECOND = 1_000_000_000  # ns


class Pace:
    """The part of one of `processes`; `clock` gives ns that only grow."""

    def __init__(self, processes: int, *, clock: Callable[[], int]) -> None:
        self._processes = processes
        self._clock = clock
        self._used: dict[int, int] = {}  # until when (ns) the tokens are used up, by bucket id

    def admit(self, bucket: Bucket) -> None:
        """Count a request on the bucket; `TooManyRequests` when it has none left, and then it is not counted."""
        if LIMITED in bucket.properties:
            self._count(bucket)

    def _count(self, bucket: Bucket) -> None:
        limit = request_limit(bucket)
        each = limit.interval * self._processes // limit.tokens
        burst = each * max(1, limit.burst // self._processes)
        now = self._clock()
        used = max(self._used.get(bucket.id, 0), now) + each
        if used - now > burst:
            raise TooManyRequests(bucket.name, -(-(used - now - burst) // SECOND))
        if len(self._used) >= REMEMBERED:
            self._used.clear()
        self._used[bucket.id] = used
