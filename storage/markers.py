"""Bucket markers: what makes exactly one of a racing write and DeleteBucket succeed.

Each partition holds a marker for each bucket, and every write into the bucket commits only while the marker of its
partition is open. A deletion closes them one by one, the primary's first, looks whether a partition still holds an
object, and commits by removing the bucket's record from the catalog and the primary's marker in one commit, if that
marker is still closed by it. A writer that meets a closed marker waits. When the deletion has expired (its process
was killed, say) the writer opens the primary's marker again, after which that deletion can no longer commit, and then
the marker of its own partition.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from storage.errors import Conflict, NoSuchBucket
from storage.index import Check, CheckFailed
from storage.keys import marker_key
from storage.records import Bucket, Codec
from storage.threads import pause
from storage.volume import Partitions, Volume

OPEN = b"\0"
LEASE = 30_000_000_000  # ns that a deletion may take before writers may cancel it
WAIT = 0.01  # seconds between two looks at a closed marker


class Closed(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The value of a closed marker; an open one's is `OPEN`."""

    deletion: str  # which one closed it
    expires: int  # ns


CLOSED = Codec(Closed)


class Markers:
    """The markers of every bucket in every partition."""

    def __init__(self, partitions: Partitions, *, clock: Callable[[], int], random: Callable[[int], bytes]) -> None:
        self._partitions = partitions
        self._clock = clock
        self._random = random

    @staticmethod
    def check(bucket: Bucket) -> Check:
        """What every write into the bucket has among its checks."""
        return marker_key(bucket.id), OPEN

    def settle(self, bucket: Bucket, volume: Volume) -> None:
        """Wait until the marker that a write found not open is open again; `NoSuchBucket` when the bucket is gone."""
        key = marker_key(bucket.id)
        primary = self._partitions.primary
        while (state := volume.index.get(key)) != OPEN:
            deciding = primary.index.get(key)
            if state is None or deciding is None:
                raise NoSuchBucket(bucket.name)
            if deciding == OPEN:
                exchange(volume, key, state, OPEN)
            elif self._expired(deciding):
                exchange(primary, key, deciding, OPEN)
            else:
                pause(WAIT)

    def create(self, bucket_id: int) -> None:
        """Open the markers of a new bucket; `CheckFailed` when the id has been used."""
        key = marker_key(bucket_id)
        for volume in self._partitions.all():
            volume.index.commit(checks=[(key, None)], puts=[(key, OPEN)])

    def remove(self, bucket_id: int) -> None:
        """Take the markers away, of a bucket that the catalog does not name."""
        for volume in self._partitions.present:
            volume.index.commit(deletes=[marker_key(bucket_id)])

    def deletion(self) -> bytes:
        """The value of the markers that a new deletion closes."""
        return CLOSED.encode(Closed(self._random(16).hex(), self._clock() + LEASE))

    def close(self, bucket: Bucket, volume: Volume, deletion: bytes) -> None:
        """Close one marker for the deletion, which closes the primary's first and waits for other deletions there.

        `NoSuchBucket` when another one was completed, `Conflict` when this one has expired and was cancelled.
        """
        key = marker_key(bucket.id)
        primary = self._partitions.primary
        while True:
            state = volume.index.get(key)
            if state is None:
                raise NoSuchBucket(bucket.name)
            if volume is not primary:
                if primary.index.get(key) != deletion:
                    raise Conflict(bucket.name)
            elif state != OPEN and not self._expired(state):
                pause(WAIT)
                continue
            if exchange(volume, key, state, deletion):
                return

    def reopen(self, bucket: Bucket, deletion: bytes) -> None:
        """Give back what the deletion closed, the primary's marker first.

        Where that is not the deletion's any more the others stay as they are: either the bucket is gone after all (the
        commit was under way when its waiter gave up), or writers have cancelled the deletion and open the rest.
        """
        key = marker_key(bucket.id)
        if exchange(self._partitions.primary, key, deletion, OPEN):
            for volume in self._partitions.present[1:]:
                exchange(volume, key, deletion, OPEN)

    def _expired(self, state: bytes) -> bool:
        return CLOSED.decode(state).expires < self._clock()


def exchange(volume: Volume, key: bytes, expected: bytes, value: bytes) -> bool:
    """Whether the record was `expected` and now is `value`."""
    try:
        volume.index.commit(checks=[(key, expected)], puts=[(key, value)])
    except CheckFailed:
        return False
    return True
