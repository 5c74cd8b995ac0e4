"""Jobs as AIStore's clients are shown them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from nativeapi import names
from storage.jobs import KINDS, Job, Trait

SECOND = 1_000_000_000  # ns
ZERO_TIME = "0001-01-01T00:00:00Z"  # Go's
ATTENDED_SECONDS = 2.0  # after which a job of requests, which tell of themselves every second, is idle
WORKERS_SHIFT = 10  # of `glob.id`: first the joggers (one a volume), then the workers, then the length of a queue
MOST_WORKERS = (1 << WORKERS_SHIFT) - 1
INTO_DESTINATION = frozenset({"copy-bck", "etl-bck", "move-bck"})  # kinds that are shown as jobs of their destination


def rfc3339(ns: int) -> str:
    """A time with nanoseconds; Go's zero time for 0."""
    if not ns:
        return ZERO_TIME
    return f"{datetime.fromtimestamp(ns // SECOND, UTC):%Y-%m-%dT%H:%M:%S}.{ns % SECOND:09d}Z"


def running_name(job: Job) -> str:
    return f"{job.kind}[{job.id}]"


def is_idle(job: Job) -> bool:
    """Whether nothing is being done for it: it has ended, or waits for more."""
    if job.state.ended:
        return True
    traits = KINDS[job.kind].traits
    if Trait.ATTENDED in traits:
        return time.time_ns() - job.state.touched > ATTENDED_SECONDS * SECOND
    return Trait.IDLES in traits and not job.waiting


def status(job: Job) -> dict[str, Any]:
    """As `what=status` answers."""
    state = job.state
    return {
        "kind": job.kind,
        "uuid": job.id,
        "err": state.error or state.aborted,
        "end_time": state.ended,
        "aborted": bool(state.aborted),
        "is_idle": is_idle(job),
    }


def snapshot(job: Job, *, volumes: int) -> dict[str, Any]:
    """As `what=qryxstats` answers; `volumes` is how many the node has."""
    made, state = job
    shown = made.destination if made.kind in INTO_DESTINATION else made.bucket
    return {
        "ext": None,
        "start-time": rfc3339(made.started),
        "end-time": rfc3339(state.ended),
        "bck": names.bucket_document(shown),
        "src-bck": names.bucket_document(made.bucket if made.destination else ""),
        "dst-bck": names.bucket_document(made.destination),
        "id": made.id,
        "kind": made.kind,
        "ctlmsg": state.note,
        "abort-err": state.aborted,
        "err": state.error,
        "glob.id": str(volumes | min(state.workers, MOST_WORKERS) << WORKERS_SHIFT),
        "stats": {
            "loc-objs": str(state.objects),
            "loc-bytes": str(state.size),
            "out-objs": "0",
            "out-bytes": "0",
            "in-objs": "0",
            "in-bytes": "0",
        },
        "aborted": bool(state.aborted),
        "is_idle": is_idle(job),
    }
