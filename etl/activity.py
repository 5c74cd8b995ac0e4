"""What goes through transforms, counted in each process and added up in the node's catalog."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field

from storage.catalog import Catalog, Changed
from storage.index import IndexClosed

from etl.records import ACTIVITIES, ACTIVITY_KIND, MOST_ERRORS, Activity, ObjectError

FLUSH_SECONDS = 1.0  # how far the totals may be behind


@dataclass(slots=True)
class Counts:
    """What a process has counted since the last flush."""

    objects: int = 0
    in_bytes: int = 0
    out_bytes: int = 0
    errors: deque[ObjectError] = field(default_factory=lambda: deque(maxlen=MOST_ERRORS))


class Activities:
    """The activity of every transform's job. What a process counts reaches the others within a second: a commit a
    second and job, however many objects there are; a killed process takes its last second with it."""

    def __init__(self, catalog: Catalog, *, clock: Callable[[], float]) -> None:
        self._catalog = catalog
        self._clock = clock
        self._pending: dict[str, Counts] = {}
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._failed = float("-inf")  # when an error was brought to the catalog at once

    def done(self, job: str, *, in_bytes: int, out_bytes: int) -> None:
        """Count an object that went through in full."""
        with self._lock:
            counts = self._of(job)
            counts.objects += 1
            counts.in_bytes += in_bytes
            counts.out_bytes += out_bytes

    def failed(self, job: str, error: ObjectError) -> None:
        """Remember an object that did not; seen at once by all processes unless another has failed within a second."""
        with self._lock:
            self._of(job).errors.append(error)
            now = self._clock()
            alone = now - self._failed >= FLUSH_SECONDS
            if alone:
                self._failed = now
        if alone:
            self.flush()

    def of(self, job: str) -> Activity:
        """The totals, with all that this process has counted."""
        self.flush()
        raw = self._catalog.get(ACTIVITY_KIND, job)
        return Activity() if raw is None else ACTIVITIES.decode(raw)

    def forget(self, job: str) -> None:
        with self._lock:
            self._pending.pop(job, None)
        self._catalog.delete(ACTIVITY_KIND, job)

    def keep_only(self, jobs: Collection[str]) -> None:
        """Forget what late counts of deleted jobs have left."""
        for job, _ in self._catalog.all(ACTIVITY_KIND):
            if job not in jobs:
                self._catalog.delete(ACTIVITY_KIND, job)

    def close(self) -> None:
        """Flush for the last time; to be called before the catalog is closed."""
        self.flush()

    def flush(self) -> None:
        """Bring what was counted to the catalog."""
        with self._lock:
            pending, self._pending = self._pending, {}
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        for job, counted in pending.items():
            self._store(job, Activity(counted.objects, counted.in_bytes, counted.out_bytes, tuple(counted.errors)))

    def _flush_in_time(self) -> None:
        with suppress(IndexClosed):  # a process that ends without close() loses its last second
            self.flush()

    def _of(self, job: str) -> Counts:
        """What is counted of the job, to be flushed in a second."""
        counts = self._pending.get(job)
        if counts is None:
            counts = self._pending[job] = Counts()
            if self._timer is None:
                self._timer = threading.Timer(FLUSH_SECONDS, self._flush_in_time)
                self._timer.daemon = True
                self._timer.start()
        return counts

    def _store(self, job: str, counted: Activity) -> None:
        while True:
            raw = self._catalog.get(ACTIVITY_KIND, job)
            total = counted if raw is None else ACTIVITIES.decode(raw) + counted
            try:
                self._catalog.put(ACTIVITY_KIND, job, ACTIVITIES.encode(total), expected=raw)
                return
            except Changed:
                continue
