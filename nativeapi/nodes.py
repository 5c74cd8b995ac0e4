"""This node as AIStore's clients see a cluster: one proxy and one target, both of them here."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, ClassVar

import xxhash

SEED = 1103515245  # of AIStore's rendezvous hashing
VERSION = "5.0.0"  # the line of AIStore whose protocol this is; its command line compares major and minor

PROXY_FLAGS = 2  # a member of the information centre


def short_id(uuid: str, role: str) -> str:
    """A node id in AIStore's shape (a letter first, at least eight characters), the same for the same `uuid`."""
    return role + xxhash.xxh64_hexdigest(uuid.encode(), seed=SEED)[:8]


@dataclass(frozen=True, slots=True)
class Nodes:
    """The two members' names, derived from the node's own never-changing `uuid`."""

    uuid: str
    created: str = "2026-01-01 00:00:00"  # shown to operators, compared by nobody
    others: Callable[[], Collection[str]] = tuple  # the aliases and uuids of the clusters that are attached
    proxy: str = field(init=False)
    target: str = field(init=False)
    cluster: str = field(init=False)  # the uuid of the two of them

    ROLES: ClassVar = {"proxy": "p", "target": "t", "cluster": "c"}

    def __post_init__(self) -> None:
        for role, letter in self.ROLES.items():
            object.__setattr__(self, role, short_id(self.uuid, letter))

    def member(self, role: str, url: str) -> dict[str, Any]:
        """A member as the cluster map lists it; `url` is how the asking client reached this node."""
        host, _, port = url.partition("://")[2].rpartition(":")
        net = {"node_ip_addr": host, "daemon_port": port, "direct_url": url}
        name = self.proxy if role == "proxy" else self.target
        return {
            "public_net": net,
            "intra_data_net": net,
            "intra_control_net": net,
            "daemon_type": role,
            "daemon_id": name,
            "flags": PROXY_FLAGS if role == "proxy" else 0,
            "id_digest": xxhash.xxh64_intdigest(name.encode(), seed=SEED),
        }

    def map(self, url: str) -> dict[str, Any]:
        """The cluster map; every address in it is `url`, so that clients stay with the address they know."""
        proxy = self.member("proxy", url)
        return {
            "pmap": {self.proxy: proxy},
            "proxy_si": proxy,
            "tmap": {self.target: self.member("target", url)},
            "uuid": self.cluster,
            "creation_time": self.created,
            "version": "1",
        }
