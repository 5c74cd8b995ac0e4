"""What a stopped node has on its disks that no record names."""

from __future__ import annotations

import time
from pathlib import Path

from storage.layout import claim
from storage.store import Store
from storage.sweep import sweep


def orphans(data: Path) -> list[str]:
    """A line for each kind of leftover that a sweep of the node's data still finds; it is removed by looking."""
    with claim([data]) as held, Store(held.layout) as store:
        steps = list(sweep(store, before=time.time_ns(), clock=time.time_ns))
    records, files = sum(step.records for step in steps), sum(step.files for step in steps)
    return [f"{records} records and {files} files were left after the node's own sweep"] if records or files else []
