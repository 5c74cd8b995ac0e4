"""The two members of the cluster that this node is, as documents: their state, their figures, what they hold."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from nativeapi import bucket_properties
from nativeapi.bucket_name import BucketName
from nativeapi.call import Call
from nativeapi.figures import Capacity, SystemInfo
from nativeapi.native import Native
from nativeapi.nodes import VERSION
from nativeapi.statistics import averages, of_disks, of_proxy

NODE_ID = b"ais-node-id"
STARTED = 2 | 4  # state flags: the cluster has started, the node has
OUT_OF_SPACE = 1 << 8
LOW_CAPACITY = 1 << 11
DISK_FAULT = 1 << 13
CERTIFICATE_EXPIRES = 1 << 16
CERTIFICATE_EXPIRED = 1 << 17
SOON_SECONDS = 3 * 24 * 3600  # before a certificate's end


def role(native: Native, call: Call) -> str:
    """The member that the request means; without a header the proxy, which is whom clients talk to."""
    return "target" if call.header(NODE_ID) == native.nodes.target else "proxy"


def state_flags(native: Native, used: Capacity) -> int:
    """AIStore's bits for what operators should look at."""
    values = native.configuration.values()
    flags = STARTED
    if used.pct_max >= values["space.out_of_space"]:
        flags |= OUT_OF_SPACE
    elif used.pct_max >= values["space.highwm"]:
        flags |= LOW_CAPACITY
    if native.machine.failures(native.paths()) or not native.store.partitions.complete:
        flags |= DISK_FAULT
    if native.machine.certificate is not None:
        rest = native.machine.certificate.not_after - time.time()
        flags |= CERTIFICATE_EXPIRED if rest < 0 else CERTIFICATE_EXPIRES if rest < SOON_SECONDS else 0
    return flags


def cluster_info(native: Native, call: Call) -> dict[str, Any]:
    """Versions of what members of a cluster agree on."""
    shown = native.nodes.map(call.origin())
    address = call.origin()
    return {
        "smap": {
            "Primary": {"pub_url": address, "control_url": address, "id": native.nodes.proxy},
            "uuid": shown["uuid"],
            "version": shown["version"],
        },
        "bmd": {"uuid": shown["uuid"], "version": str(native.store.catalog.version())},
        "rmd": {"version": "0"},
        "config": {"version": str(native.configuration.changes().version)},
        "etlmd": {"version": "1"},
        "flags": state_flags(native, native.machine.capacity(native.paths())),
    }


def tracker(native: Native, role: str, used: Capacity) -> dict[str, int]:
    """The member's counters and gauges. Those of the disks take a tenth of a second to measure; then the counters are
    read, so that what the same client did just before is in them."""
    disks = native.machine.disks(native.paths()) if role == "target" else {}
    sums = native.statistics.since_reset(native.machine.counts())
    gauges = {"state.flags": state_flags(native, used), "up.ns.time": native.machine.uptime()}
    if role == "proxy":
        return of_proxy(sums) | gauges
    return sums | averages(sums) | gauges | of_disks(disks)


def capacity(native: Native, role: str) -> Capacity:
    """Of the volumes, which are the target's."""
    return native.machine.capacity(native.paths() if role == "target" else [])


def stats(native: Native, call: Call, role: str) -> dict[str, Any]:
    used = native.machine.capacity(native.paths())
    return {
        "snode": native.nodes.member(role, call.origin()),
        "tracker": tracker(native, role, used),
        "capacity": msgspec.to_builtins(used if role == "target" else Capacity()),
    }


def status(native: Native, call: Call, role: str) -> dict[str, Any]:
    """All that operators see of a member."""
    return {
        "status": "",
        "deployment": "sluice",
        "ais_version": VERSION,
        "build_time": "",
        "k8s_pod_name": "",
        **stats(native, call, role),
        "cluster": cluster_info(native, call),
        "sys_info": msgspec.to_builtins(native.machine.system()),
        "smap_version": native.nodes.map(call.origin())["version"],
    }


def system(native: Native, role: str) -> dict[str, Any]:
    """The machine; of the target the room on its volumes, too."""
    info: SystemInfo = native.machine.system()
    document: dict[str, Any] = msgspec.to_builtins(info)
    if role == "proxy":
        return document
    used = capacity(native, role)
    total = int(used.total_used) + int(used.total_avail)
    share = int(used.total_used) * 100 / max(1, total)
    return document | {"fs_used": used.total_used, "fs_capacity": str(total), "pct_fs_used": round(share, 1)}


def buckets(native: Native, call: Call) -> dict[str, Any]:
    """AIStore's map of all buckets with their properties."""
    found: dict[str, dict[str, Any]] = {"@#": {}}  # by namespace
    for bucket in native.store.buckets.all():
        name = BucketName.of(bucket.name)
        found.setdefault(f"@#{name.namespace}", {})[name.name] = bucket_properties.document(bucket)
    return {
        "providers": {"ais": found},
        "uuid": native.nodes.map(call.origin())["uuid"],
        "version": str(native.store.catalog.version()),
    }
