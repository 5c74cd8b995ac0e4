"""AIStore's names in /metrics, beside our own, so that dashboards made for it go on working.

Written here and not by prometheus_client, which ends the name of every counter with _total.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from nativeapi import members
from nativeapi.native import Native
from nativeapi.statistics import KINDS

DISK = re.compile(r"disk\.(?P<disk>.+)\.(?P<field>read\.bps|avg\.rsize|write\.bps|avg\.wsize|util)")
ENDINGS = ((".n", "_count"), (".size", "_bytes"), (".ns.total", "_ns_total"))
SECOND = 1_000_000_000  # ns
UPTIME = "up.ns.time"


class Sample(NamedTuple):
    name: str
    kind: str
    labels: str
    value: float


def exported(native: Native) -> bytes:
    """The samples of both members in Prometheus' text format."""
    used = native.machine.capacity(native.paths())
    samples: list[Sample] = []
    for role in native.nodes.ROLES:
        node = getattr(native.nodes, role)
        samples.append(Sample("ais_node_primary_info", "gauge", f'node_id="{node}"', float(role == "proxy")))
        samples += of_member(role, node, members.tracker(native, role, used))
    return "".join(rendered(sorted(samples))).encode()


def of_member(role: str, node: str, tracker: dict[str, int]) -> Iterator[Sample]:
    for name, value in tracker.items():
        labels, kind = f'node_id="{node}"', KINDS.get(name, "gauge")
        disk = DISK.fullmatch(name)
        if disk is not None:
            labels, name = f'disk="{disk["disk"]}",{labels}', f"disk.{disk['field']}"
        if kind == "latency":  # a mean; Prometheus computes its own from the totals
            continue
        counts = kind in ("counter", "size", "total")
        seconds = value / SECOND if name == UPTIME else value
        yield Sample(f"ais_{role}_{spelled(name)}", "counter" if counts else "gauge", labels, seconds)


def spelled(name: str) -> str:
    """AIStore's internal name as it is exported."""
    if name == UPTIME:
        return "uptime"
    for ending, instead in ENDINGS:
        if name.endswith(ending):
            name = name.removesuffix(ending) + instead
            break
    return name.replace(".", "_")


def rendered(samples: Iterable[Sample]) -> Iterator[str]:
    last = ""
    for sample in samples:
        if sample.name != last:
            yield f"# TYPE {sample.name} {sample.kind}\n"
            last = sample.name
        yield f"{sample.name}{{{sample.labels}}} {sample.value}\n"
