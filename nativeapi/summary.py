"""What a bucket holds, counted. AIStore counts in a job and has clients poll: an id first, the result when asked again.

The count is taken when the result is asked for, so the id need only say what to count, and any worker can answer.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

from nativeapi.errors import NativeError
from nativeapi.native import Native
from storage.records import Bucket
from storage.threads import pause

JOB = "summary-"
PAGE = 1000  # keys


def job_id(prefix: str) -> str:
    """The id under which a summary of the keys with `prefix` is asked for again."""
    return JOB + "0" + urlsafe_b64encode(prefix.encode()).decode().rstrip("=")


def prefix_of(job: str) -> str:
    """The prefix that `job_id` was made of."""
    text = job.removeprefix(JOB)[1:]
    try:
        if not job.startswith(JOB):
            raise ValueError(job)
        return urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except ValueError as error:
        raise NativeError(404, f'"x-[{job}]" not found') from error


@dataclass(slots=True)
class Summary:
    """Numbers and sizes (bytes) of the objects counted so far."""

    count: int = 0
    total: int = 0
    smallest: int = 0
    largest: int = 0

    def add(self, size: int) -> None:
        self.smallest = min(self.smallest, size) if self.count else size
        self.largest = max(self.largest, size)
        self.count += 1
        self.total += size

    def document(self, bucket: str) -> dict[str, Any]:
        """As AIStore shows it: counts and totals are strings."""
        return {
            "name": bucket,
            "provider": "ais",
            "namespace": {"uuid": "", "name": ""},
            "ObjCount": {"obj_count_present": str(self.count), "obj_count_remote": "0"},
            "ObjSize": {
                "obj_min_size": self.smallest,
                "obj_avg_size": self.total // self.count if self.count else 0,
                "obj_max_size": self.largest,
            },
            "TotalSize": {
                "size_on_disk": str(self.total),
                "size_all_present_objs": str(self.total),
                "size_all_remote_objs": "0",
                "total_disks_size": "0",
            },
            "used_pct": 0,
            "is_present": True,
        }


def summarise(native: Native, bucket: Bucket, prefix: str) -> Summary:
    """Count the keys with `prefix`; other requests of the process go on meanwhile."""
    found, after = Summary(), ""
    while True:
        page = native.store.objects.list(bucket, prefix=prefix, after=after, limit=PAGE)
        for _, record in page.entries:
            found.add(record.size)
        if not page.truncated:
            return found
        after = page.last
        pause(0)
