"""Counts and sizes of buckets, which the node works out in a job of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from appliance.terminal.names import Place, bucket_of
from appliance.terminal.view import View
from nativeapi.client import NativeClient

SUMMARY_COLUMNS = ("NAME", "OBJECTS", "SIZE", "MIN", "AVERAGE", "MAX", "ON DISK", "USAGE")
FIRST_PAUSE, LAST_PAUSE = 0.02, 2.0  # seconds between looks


def summaries(client: NativeClient, place: Place, prefix: str, *, cached: bool = False) -> Iterator[dict[str, Any]]:
    """The summaries of the bucket, or of all buckets of the provider when the place names none."""
    path = place.bucket.path if place.bucket.name else "buckets"
    value = {"uuid": "", "prefix": prefix, "cached": cached, "present": True, "dont_add_remote": False}
    message = {"action": "summary-bck", "name": "", "value": value}
    pause = FIRST_PAUSE
    while True:
        with client.open("GET", path, query=place.bucket.query, message=message) as reply:
            status, text = reply.status, reply.read()
        if status == 200 and value["uuid"]:
            break
        if not value["uuid"]:
            value["uuid"] = text.decode().strip().strip('"')
        time.sleep(pause)
        pause = min(pause * 1.5, LAST_PAUSE)
    import json

    yield from json.loads(text)


def summary_row(summary: dict[str, Any], view: View) -> tuple[str, ...]:
    counts, sizes, total = summary["ObjCount"], summary["ObjSize"], summary["TotalSize"]
    return (
        bucket_of(summary).uri,
        f"{int(counts['obj_count_present']):,}",
        view.size(total["size_all_present_objs"]),
        view.size(sizes["obj_min_size"]),
        view.size(sizes["obj_avg_size"]),
        view.size(sizes["obj_max_size"]),
        view.size(total["size_on_disk"]),
        f"{summary.get('used_pct', 0)}%",
    )
