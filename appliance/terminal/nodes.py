"""The nodes of a cluster, and questions to one of them through the gateway."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click

from nativeapi.client import NativeClient

KINDS = ("proxy", "target")
STATES = {  # bits of a node's state that an operator should know of
    3: "rebalancing",
    4: "rebalance interrupted",
    5: "resilvering",
    6: "resilver interrupted",
    8: "out of space",
    9: "out of memory",
    10: "maintenance",
    11: "low capacity",
    12: "low memory",
    13: "disk fault",
    16: "certificate expires soon",
    17: "certificate expired",
    18: "certificate invalid",
    19: "keep-alive errors",
    20: "out of CPU",
    21: "low CPU",
    22: "disk out of space",
    23: "disk low on capacity",
}


@dataclass(frozen=True, slots=True)
class Member:
    id: str
    kind: str  # proxy, target
    url: str
    is_primary: bool


def smap(client: NativeClient) -> dict[str, Any]:
    found: dict[str, Any] = client.json("GET", "daemon", query={"what": "smap"})
    return found


def members(found: dict[str, Any]) -> list[Member]:
    """The proxies and then the targets of a map."""
    primary = found["proxy_si"]["daemon_id"]
    return [
        Member(name, kind, node["public_net"]["direct_url"], kind == "proxy" and name == primary)
        for kind, nodes in zip(KINDS, (found["pmap"], found["tmap"]))
        for name, node in sorted(nodes.items())
    ]


def chosen(client: NativeClient, node: str, kind: str = "") -> list[Member]:
    """The node of this id; without one all nodes of the kind, or all."""
    found = members(smap(client))
    if node:
        mine = [member for member in found if member.id == node]
        if not mine:
            raise click.UsageError(f"no node is called {node}; there are {', '.join(one.id for one in found)}")
        return mine
    return [member for member in found if kind in ("", member.kind)]


def ask(client: NativeClient, node: str, what: str, **query: str) -> Any:
    """What a node says about itself."""
    return client.json("GET", "reverse/daemon", query={"what": what, **query}, headers={"Ais-Node-Id": node})


def statuses(client: NativeClient, wanted: list[Member]) -> Iterator[tuple[Member, dict[str, Any]]]:
    for member in wanted:
        yield member, ask(client, member.id, "node_status")


def alerts(status: dict[str, Any]) -> str:
    """What is wrong with a node, or "ok"."""
    flags = int((status.get("cluster") or {}).get("flags") or (status.get("tracker") or {}).get("state.flags") or 0)
    found = [words for bit, words in STATES.items() if flags >> bit & 1]
    return ", ".join(filter(None, (status.get("status"), *found))) or "ok"
