"""`sluice config …`: the configuration of the cluster and of its nodes."""

from __future__ import annotations

from typing import Any

import click

from appliance.commands.connected import connected
from appliance.terminal.nodes import ask, chosen
from appliance.terminal.output import show_json, sure
from appliance.terminal.properties import flattened, parsed, show_properties
from appliance.terminal.view import View, viewed, yes_option
from nativeapi.client import NativeClient


def cluster_config(client: NativeClient) -> dict[str, Any]:
    found: dict[str, Any] = client.json("GET", "cluster", query={"what": "cluster_config"})
    return found


@click.command()
@click.argument("words", nargs=-1, metavar="[cluster | NODE_ID] [SECTION_OR_PREFIX]")
@viewed
@connected
def show(client: NativeClient, words: tuple[str, ...], view: View) -> None:
    """Show the configuration of the cluster, or of a node.

    \b
        sluice config show
        sluice config show cluster lru
        sluice show config t92ffb747 log --json
    """
    if len(words) > 2:
        raise click.UsageError("expected `cluster` or a node, and a section")
    whose, prefix = (words + ("cluster", "")[len(words) :]) if words else ("cluster", "")
    if whose == "cluster":
        show_properties(cluster_config(client), prefix, view)
        return
    (member,) = chosen(client, whose)
    show_properties(ask(client, member.id, "config"), prefix, view)


@click.command("cluster")
@click.argument("assignments", nargs=-1, metavar="[SECTION | KEY=VALUE... | JSON]")
@click.option("--transient", is_flag=True, help="Until the node starts again.")
@viewed
@connected
def set_cluster(client: NativeClient, assignments: tuple[str, ...], transient: bool, view: View) -> None:
    """Change the configuration of the cluster, or show a section of it.

    \b
        sluice config cluster log
        sluice config cluster log.level=4 lru.enabled=true
        sluice config cluster log.level=5 --transient
    """
    if len(assignments) < 2 and not any(mark in "".join(assignments) for mark in "={"):
        show_properties(cluster_config(client), "".join(assignments), view)
        return
    before = flattened(cluster_config(client))
    query = {**values(assignments), **({"transient": "true"} if transient else {})}
    client.text("PUT", "cluster/set-config", query=query)
    told(before, flattened(cluster_config(client)), "Cluster", view)


@click.command("node")
@click.argument("node", metavar="NODE_ID")
@click.argument("assignments", nargs=-1, required=True, metavar="KEY=VALUE... | JSON")
@click.option("--transient", is_flag=True, help="Until the node starts again.")
@viewed
@connected
def set_node(client: NativeClient, node: str, assignments: tuple[str, ...], transient: bool, view: View) -> None:
    """Change the configuration of one node.

    \b
        sluice config node t92ffb747 log.level=4
    """
    (member,) = chosen(client, node)
    before = flattened(ask(client, member.id, "config"))
    query = {**values(assignments), **({"transient": "true"} if transient else {})}
    client.text("PUT", "reverse/daemon/set-config", query=query, headers={"Ais-Node-Id": member.id})
    told(before, flattened(ask(client, member.id, "config")), f"Node {member.id}", view)


@click.command()
@click.argument("node", required=False, metavar="[NODE_ID]")
@yes_option
@viewed
@connected
def reset(client: NativeClient, node: str | None, yes: bool, view: View) -> None:
    """Give the configuration the values that it had at first.

    \b
        sluice config reset
        sluice config reset t92ffb747
    """
    sure(f"Reset the configuration of {node or 'the cluster'}?", yes)
    path, headers = ("reverse/daemon", {"Ais-Node-Id": node}) if node else ("cluster", {})
    client.act("PUT", path, "reset-config", headers=headers)
    view.show({"reset": node or "cluster"}, lambda: view.say("Config successfully reset."))


def values(assignments: tuple[str, ...]) -> dict[str, str]:
    """As parameters of a query: section.key to text."""
    if len(assignments) == 1 and assignments[0].lstrip().startswith("{"):
        return flattened(parsed(assignments))
    wrong = [word for word in assignments if "=" not in word]
    if wrong:
        raise click.UsageError(f"{', '.join(wrong)}: not KEY=VALUE")
    return {name: text for name, _, text in (word.partition("=") for word in assignments)}


def told(before: dict[str, str], after: dict[str, str], whose: str, view: View) -> None:
    changed = {name: now for name, now in after.items() if before.get(name) != now and not bookkeeping(name)}
    if view.as_json:
        show_json({"changed": changed})
        return
    for name, now in changed.items():
        view.say(f'"{name}" set to: "{now}" (was: "{before.get(name, "")}")')
    view.say(f"{whose} config updated" if changed else "nothing to do: the configuration has these values")


def bookkeeping(name: str) -> bool:
    """Whether every change changes it."""
    return name in ("config_version", "lastupdate_time")
