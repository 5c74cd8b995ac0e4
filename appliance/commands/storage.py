"""`sluice storage …`, `sluice performance`: disks, mountpaths, capacity, throughput."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import click

from appliance.commands.connected import connected
from appliance.terminal.kinds import REGEX
from appliance.terminal.nodes import Member, ask, chosen, statuses
from appliance.terminal.output import show_json
from appliance.terminal.view import View, refreshed, viewed
from nativeapi.client import NativeClient

Cell = Callable[[str, float, View], str]

CAPACITY = ("TARGET", "MOUNTPATH", "LABEL", "DISKS", "FILE SYSTEM", "USED", "FREE", "USED %")
WATCHED = 1.0  # seconds over which rates are measured


@click.command()
@click.argument("words", nargs=-1, metavar="[capacity|disk|mountpath] [TARGET_ID]")
@viewed
@refreshed
@connected
def show(client: NativeClient, words: tuple[str, ...], view: View) -> None:
    """Show the mountpaths of the targets, what is used of them and what is free; or how busy their disks are.

    \b
        sluice show storage
        sluice show storage capacity t92ffb747 --units raw
        sluice show storage disk --refresh 2s
    """
    section = words[0] if words and words[0] in SHOWN else "capacity"
    rest = words[1:] if words and words[0] in SHOWN else words
    if len(rest) > 1:
        raise click.UsageError(f"expected one target, not {' and '.join(rest)}")
    SHOWN[section](client, rest[0] if rest else "", view)


def show_capacity(client: NativeClient, node: str, view: View) -> None:
    found = list(statuses(client, chosen(client, node, "target")))
    rows = [row for member, status in found for row in capacity_rows(member, status, view)]
    value = {member.id: status.get("capacity") for member, status in found}
    view.show(value, lambda: view.table(CAPACITY, rows))


def capacity_rows(member: Member, status: dict[str, Any], view: View) -> list[tuple[Any, ...]]:
    paths = (status.get("capacity") or {}).get("mountpaths") or {}
    return [
        (
            member.id,
            path,
            one.get("mountpath_label"),
            ",".join(one.get("disks") or ()),
            (one.get("fs") or {}).get("FsType"),
            view.size(one.get("used")),
            view.size(one.get("avail")),
            f"{one.get('pct_used', 0)}%",
        )
        for path, one in sorted(paths.items())
    ]


@click.command()
@click.argument("node", required=False, metavar="[TARGET_ID]")
@viewed
@refreshed
@connected
def disk(client: NativeClient, node: str | None, view: View) -> None:
    """Show how busy the disks are.

    \b
        sluice storage disk --refresh 2s
    """
    show_disks(client, node or "", view)


def show_disks(client: NativeClient, node: str, view: View) -> None:
    found = {member.id: ask(client, member.id, "disk") for member in chosen(client, node, "target")}
    rows = [
        (target, name, *(f"{view.size(one.get(key))}/s" for key in ("RBps", "WBps")), f"{one.get('Util', 0)}%")
        for target, value in found.items()
        for name, one in sorted((value.get("AllDiskStats") or value).items())
        if isinstance(one, dict) and "RBps" in one
    ]
    view.show(found, lambda: view.table(("TARGET", "DISK", "READ", "WRITE", "BUSY"), rows))


@click.command()
@click.argument("node", required=False, metavar="[TARGET_ID]")
@viewed
@refreshed
@connected
def mountpaths(client: NativeClient, node: str | None, view: View) -> None:
    """Show the mountpaths of the targets: those in use, those on their way out, those that are disabled.

    \b
        sluice storage mountpath show
    """
    show_mountpaths(client, node or "", view)


def show_mountpaths(client: NativeClient, node: str, view: View) -> None:
    found = {member.id: ask(client, member.id, "mountpaths") for member in chosen(client, node, "target")}
    rows = [
        (target, path, state.replace("waiting_dd", "leaving"))
        for target, states in found.items()
        for state in ("available", "waiting_dd", "disabled")
        for path in states.get(state) or ()
    ]
    view.show(found, lambda: view.table(("TARGET", "MOUNTPATH", "STATE"), rows))


SHOWN = {"capacity": show_capacity, "disk": show_disks, "mountpath": show_mountpaths}


def change(word: str, action: str, method: str, done: str, help: str) -> click.Command:
    """The command of this word, which does something to mountpaths."""

    @click.command(word, help=help)
    @click.argument("pairs", nargs=-1, required=True, metavar="NODE_ID=MOUNTPATH...")
    @viewed
    @connected
    def command(client: NativeClient, pairs: tuple[str, ...], view: View) -> None:
        for pair in pairs:
            node, equals, path = pair.partition("=")
            if not equals or not path.startswith("/"):
                raise click.UsageError(f"{pair!r} is not NODE_ID=/MOUNTPATH")
            headers = {"Ais-Node-Id": node}
            client.act(method, "reverse/daemon/mountpaths", action, path, headers=headers)
            view.say(f"{path} of {node} is {done}")
        if view.as_json:
            show_json([{"mountpath": pair, "result": done} for pair in pairs])

    return command


attach = change(
    "attach",
    "attach-mp",
    "PUT",
    "attached",
    "Add directories, one a disk, to those on which a target keeps objects.\n\n\b\n"
    "    sluice storage mountpath attach t92ffb747=/disk3",
)
enable = change(
    "enable",
    "enable-mp",
    "POST",
    "enabled",
    "Use mountpaths again that were disabled.\n\n\b\n    sluice storage mountpath enable t92ffb747=/disk2",
)
detach = change(
    "detach",
    "detach-mp",
    "DELETE",
    "detached",
    "Take mountpaths away; objects on them are moved to the others first.\n\n\b\n"
    "    sluice storage mountpath detach t92ffb747=/disk2",
)
disable = change(
    "disable",
    "disable-mp",
    "POST",
    "disabled",
    "Stop using mountpaths, for a while.\n\n\b\n    sluice storage mountpath disable t92ffb747=/disk2",
)


rescan = change(
    "rescan-disks",
    "rescan-mp",
    "PUT",
    "looked at again",
    "Look again at which disks mountpaths lie on.\n\n\b\n    sluice storage mountpath rescan-disks t92ffb747=/disk2",
)
check_health = change(
    "fshc",
    "fshc-mp",
    "PUT",
    "checked",
    "Check the health of mountpaths.\n\n\b\n    sluice storage mountpath fshc t92ffb747=/disk2",
)


def trackers(status: dict[str, Any]) -> dict[str, float]:
    found = status.get("tracker") or {}
    return {name: float(value) for name, value in found.items() if isinstance(value, (int, float))}


def read(client: NativeClient, node: str) -> dict[str, dict[str, float]]:
    """The counters of the targets."""
    return {member.id: trackers(status) for member, status in statuses(client, chosen(client, node, "target"))}


def rates(client: NativeClient, node: str) -> dict[str, dict[str, float]]:
    """By how much the counters grow a second, seen for a second."""
    before, begun = read(client, node), time.monotonic()
    time.sleep(WATCHED)
    after, seconds = read(client, node), time.monotonic() - begun
    return {
        target: {name: (value - before[target].get(name, 0)) / seconds for name, value in values.items()}
        for target, values in after.items()
    }


def latencies(client: NativeClient, node: str) -> dict[str, dict[str, float]]:
    """Of each operation the milliseconds that one took in the last second, or, when there was none, since the start."""
    found: dict[str, dict[str, float]] = {}
    now, ever = rates(client, node), read(client, node)
    for target, values in ever.items():
        found[target] = {}
        for name in values:
            operation = name.removesuffix(".ns.total")
            if operation == name:
                continue
            source = now[target] if now[target].get(f"{operation}.n") else values
            count = source.get(f"{operation}.n")
            if count:
                found[target][operation] = source[name] / count / 1e6
    return found


def number(name: str, value: float, view: View) -> str:
    return view.size(int(value)) if name.endswith((".size", ".bps")) else f"{value:,.0f}"


# What is measured, the words above the numbers, and how one is shown.
MEASURES: dict[str, tuple[Callable[[NativeClient, str], dict[str, dict[str, float]]], str, Cell]] = {
    "counters": (read, "VALUE", number),
    "throughput": (rates, "A SECOND", number),
    "latency": (latencies, "MS", lambda name, value, view: f"{value:.3f}"),
}


@click.command()
@click.argument("words", nargs=-1, metavar="[counters|throughput|latency] [TARGET_ID]")
@click.option("--regex", type=REGEX, default="", help="Counters whose names match.")
@viewed
@refreshed
@connected
def performance(client: NativeClient, words: tuple[str, ...], regex: str, view: View) -> None:
    """Show what the targets have done, do in a second, and how long operations take.

    \b
        sluice performance
        sluice performance throughput --refresh 5s
        sluice performance latency --regex '^(get|put)'
        sluice show performance counters t92ffb747 --json
    """
    kind = words[0] if words and words[0] in MEASURES else "counters"
    rest = words[1:] if words and words[0] in MEASURES else words
    measure, head, cell = MEASURES[kind]
    found = measure(client, rest[0] if rest else "")
    rows = [
        (target, name, cell(name, value, view))
        for target, values in found.items()
        for name, value in sorted(values.items())
        if value and re.search(regex, name)
    ]
    view.show(found, lambda: view.table(("TARGET", "NAME", head), rows))
