"""`sluice show cluster`, `sluice cluster …`, `sluice remote-cluster …`."""

from __future__ import annotations

from typing import Any

import click

from appliance.commands.connected import connected
from appliance.terminal.nodes import Member, alerts, chosen, members, smap, statuses
from appliance.terminal.output import EMPTY, duration, note, sure
from appliance.terminal.properties import show_properties
from appliance.terminal.view import View, refreshed, viewed, yes_option
from nativeapi.client import NativeClient

SECTIONS = ("proxy", "target", "smap", "bmd", "config", "stats", "cpu", "memory")
STATUS_COLUMNS = ("NODE", "TYPE", "MEMORY", "FREE", "CAPACITY", "LOAD", "UPTIME", "STATUS", "VERSION")


@click.command()
@click.argument("words", nargs=-1, metavar="[proxy|target|smap|bmd|config|stats|cpu|memory] [NODE_ID]")
@viewed
@refreshed
@connected
def show(client: NativeClient, words: tuple[str, ...], view: View) -> None:
    """Show the nodes of the cluster: how they are, their map, buckets' metadata, configuration, counters.

    \b
        sluice show cluster
        sluice show cluster target --refresh 5s
        sluice show cluster smap
        sluice show cluster stats t92ffb747
        sluice show cluster config lru
    """
    section = words[0] if words and words[0] in SECTIONS else ""
    rest = words[1:] if section else words
    if len(rest) > 1:
        raise click.UsageError(f"expected one node, not {' and '.join(rest)}")
    argument = rest[0] if rest else ""
    SHOWN[section](client, section, argument, view)


def show_nodes(client: NativeClient, kind: str, node: str, view: View) -> None:
    found = list(statuses(client, chosen(client, node, kind)))
    rows = [status_row(member, status, view) for member, status in found]
    view.show([status for _, status in found], lambda: view.table(STATUS_COLUMNS, rows))


def status_row(member: Member, status: dict[str, Any], view: View) -> tuple[Any, ...]:
    system = status.get("sys_info") or {}
    capacity = status.get("capacity") or {}
    load = system.get("load_avg") or {}
    uptime = int((status.get("tracker") or {}).get("up.ns.time") or 0)
    loads = "/".join(f"{float(load.get(key) or 0):.1f}" for key in ("One", "Five", "Fifteen"))
    return (
        member.id + "[P]" * member.is_primary,
        member.kind,
        f"{float(system.get('pct_mem_used') or 0):.1f}%",
        view.size(system.get("mem_avail")),
        EMPTY if member.kind == "proxy" else f"{int(capacity.get('pct_avg') or 0)}%",
        loads,
        duration(uptime / 1e9) if uptime else EMPTY,
        alerts(status),
        status.get("ais_version"),
    )


def show_smap(client: NativeClient, section: str, node: str, view: View) -> None:
    found = smap(client)
    rows = [
        (member.id + "[P]" * member.is_primary, member.kind, member.url)
        for member in members(found)
        if node in ("", member.id)
    ]

    def people() -> None:
        view.table(("NODE", "TYPE", "URL"), rows)
        if view.headers:
            note(f"Cluster {found['uuid']}, map version {found['version']}, made {found.get('creation_time', EMPTY)}")

    view.show(found, people)


def show_bmd(client: NativeClient, section: str, node: str, view: View) -> None:
    found = client.json("GET", "daemon", query={"what": "bmd"})
    rows = [
        (f"{provider}://{name}", space, props.get("checksum", {}).get("type"), props.get("bid"))
        for provider, spaces in (found.get("providers") or {}).items()
        for space, buckets in spaces.items()
        for name, props in sorted(buckets.items())
    ]
    view.show(found, lambda: view.table(("BUCKET", "NAMESPACE", "CHECKSUM", "BID"), rows))


def show_config(client: NativeClient, section: str, prefix: str, view: View) -> None:
    show_properties(client.json("GET", "cluster", query={"what": "cluster_config"}), prefix, view)


def show_stats(client: NativeClient, section: str, node: str, view: View) -> None:
    found = {member.id: status.get("tracker") or {} for member, status in statuses(client, chosen(client, node))}
    rows = [(one, name, value) for one, tracker in found.items() for name, value in sorted(tracker.items()) if value]
    view.show(found, lambda: view.table(("NODE", "NAME", "VALUE"), rows))


def show_system(client: NativeClient, section: str, node: str, view: View) -> None:
    found = {member.id: status.get("sys_info") or {} for member, status in statuses(client, chosen(client, node))}

    def rows() -> Any:
        for one, system in found.items():
            if section == "memory":
                yield one, f"{float(system.get('pct_mem_used') or 0):.1f}%", view.size(system.get("mem_avail"))
            else:
                load = system.get("load_avg") or {}
                yield one, f"{float(system.get('pct_cpu_used') or 0):.1f}%", load.get("One"), load.get("Fifteen")

    head = ("NODE", "USED", "FREE") if section == "memory" else ("NODE", "USED", "LOAD, 1 MIN", "LOAD, 15 MIN")
    view.show(found, lambda: view.table(head, rows()))


SHOWN = {
    "": show_nodes,
    "proxy": show_nodes,
    "target": show_nodes,
    "smap": show_smap,
    "bmd": show_bmd,
    "config": show_config,
    "stats": show_stats,
    "cpu": show_system,
    "memory": show_system,
}


@click.command()
@viewed
@connected
def show_remote(client: NativeClient, view: View) -> None:
    """Show the other clusters that are attached.

    \b
        sluice show remote-cluster
    """
    found = (client.json("GET", "cluster", query={"what": "remote"}) or {}).get("a") or []

    def people() -> None:
        if not found:
            note("No clusters are attached; `sluice remote-cluster attach ALIAS=URL` attaches one.")
            return
        rows = [(one.get("uuid"), one.get("url"), one.get("alias"), primary(one), targets(one)) for one in found]
        view.table(("UUID", "URL", "ALIAS", "PRIMARY", "TARGETS"), rows)

    view.show(found, people)


def primary(one: dict[str, Any]) -> str:
    return str(((one.get("smap") or {}).get("proxy_si") or {}).get("daemon_id", ""))


def targets(one: dict[str, Any]) -> str:
    found = (one.get("smap") or {}).get("tmap")
    return EMPTY if found is None else str(len(found))


@click.command()
@click.argument("what", metavar="ALIAS=URL")
@viewed
@connected
def attach(client: NativeClient, what: str, view: View) -> None:
    """Attach another cluster, to reach its buckets as ais://@ALIAS/BUCKET.

    \b
        sluice remote-cluster attach teamZ=http://10.0.0.7:9000
    """
    alias, equals, url = what.partition("=")
    if not equals or not alias or not url:
        raise click.UsageError(f"{what!r} is not ALIAS=URL")
    headers = {"Ais-Remote-Ais-Alias": alias, "Ais-Remote-Ais-Url": url}
    client.text("PUT", "cluster/attach", query={"what": "remote"}, headers=headers)
    view.show({"alias": alias, "url": url}, lambda: view.say(f"Remote cluster ({what}) successfully attached"))


@click.command()
@click.argument("alias", metavar="ALIAS | UUID")
@viewed
@connected
def detach(client: NativeClient, alias: str, view: View) -> None:
    """Detach another cluster. Nothing on it changes.

    \b
        sluice remote-cluster detach teamZ
    """
    headers = {"Ais-Remote-Ais-Alias": alias}
    client.text("PUT", "cluster/detach", query={"what": "remote"}, headers=headers)
    view.show({"detached": alias}, lambda: view.say(f"Remote cluster {alias} successfully detached"))


@click.command("reset-stats")
@click.argument("node", required=False, metavar="[NODE_ID]")
@click.option("--errors-only", is_flag=True, help="The counters of errors alone.")
@viewed
@connected
def reset_stats(client: NativeClient, node: str | None, errors_only: bool, view: View) -> None:
    """Set the counters of the cluster, or of a node, to nought.

    \b
        sluice cluster reset-stats --errors-only
    """
    path, headers = ("reverse/daemon", {"Ais-Node-Id": node}) if node else ("cluster", {})
    client.act("PUT", path, "reset-stats", errors_only, headers=headers)
    view.show({"reset": node or "cluster"}, lambda: view.say("Counters reset."))


@click.command("drop-lcache")
@viewed
@connected
def drop_cache(client: NativeClient, view: View) -> None:
    """Drop the metadata that the targets keep in memory.

    \b
        sluice cluster drop-lcache
    """
    client.act("PUT", "cluster", "clear-lcache")
    view.show({"dropped": True}, lambda: view.say("Cached metadata dropped."))


@click.command()
@yes_option
@viewed
@connected
def shutdown(client: NativeClient, yes: bool, view: View) -> None:
    """Shut the cluster down. Data stay; `sluice serve` starts it again.

    \b
        sluice cluster shutdown --yes
    """
    sure("Shut the cluster down?", yes)
    client.act("PUT", "cluster", "shutdown")
    view.show({"shutdown": True}, lambda: view.say("The cluster shuts down."))
