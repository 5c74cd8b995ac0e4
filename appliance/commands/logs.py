"""`sluice log show|get`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from appliance.commands.connected import connected
from appliance.terminal.downloads import writing
from appliance.terminal.kinds import DURATION
from appliance.terminal.nodes import chosen
from appliance.terminal.view import View, viewed
from nativeapi.client import NativeClient
from nativeapi.client_http import PIECE

SEVERITIES = ("info", "warning", "error")
severity_option = click.option("--severity", type=click.Choice(SEVERITIES), default="info", help="From this one on.")


@click.command()
@click.argument("node", required=False, metavar="[NODE_ID]")
@severity_option
@click.option("--refresh", type=DURATION, metavar="TIME", help="Go on with what is new every 2s, 1m, …")
@click.option("--count", type=click.IntRange(1), metavar="N", help="With --refresh: look so often, not until Ctrl-C.")
@connected
def show(client: NativeClient, node: str | None, severity: str, refresh: float | None, count: int | None) -> None:
    """Print the log of a node; without one, of the first target.

    \b
        sluice log show t92ffb747
        sluice log show --severity error
        sluice log show --refresh 2s
    """
    member = chosen(client, node or "", "" if node else "target")[0]
    offset, looks = 0, 0
    while True:
        query = {"what": "log", "severity": severity, "offset": str(offset)}
        with client.open("GET", "reverse/daemon", query=query, headers={"Ais-Node-Id": member.id}) as reply:
            while piece := reply.read(PIECE):
                sys.stdout.buffer.write(piece)
                offset += len(piece)
        sys.stdout.buffer.flush()
        looks += 1
        if refresh is None or count is not None and looks >= count:
            return
        time.sleep(refresh)


@click.command()
@click.argument("node", metavar="NODE_ID")
@click.argument("out", default=".", metavar="[OUT_FILE | OUT_DIR | -]")
@severity_option
@viewed
@connected
def get(client: NativeClient, node: str, out: str, severity: str, view: View) -> None:
    """Read all logs of a node into a .tar.gz.

    \b
        sluice log get t92ffb747
        sluice log get t92ffb747 /tmp/logs.tar.gz --severity error
    """
    (member,) = chosen(client, node)
    query = {"what": "log", "severity": severity, "all": "true"}
    path = Path(out)
    path = path / f"{member.id}.tar.gz" if path.is_dir() else path
    size = 0
    with client.open("GET", "reverse/daemon", query=query, headers={"Ais-Node-Id": member.id}) as reply:
        with writing(path):
            with sys.stdout.buffer if out == "-" else path.open("wb") as file:
                while piece := reply.read(PIECE):
                    file.write(piece)
                    size += len(piece)
    if out != "-":
        view.show({"to": str(path), "bytes": size}, lambda: view.say(f"{path} ({view.size(size)})"))


@click.command("rotate")
@click.argument("node", required=False, metavar="[NODE_ID]")
@viewed
@connected
def rotate(client: NativeClient, node: str | None, view: View) -> None:
    """Let the nodes, or one of them, begin new log files.

    \b
        sluice log rotate
    """
    path, headers = ("reverse/daemon", {"Ais-Node-Id": node}) if node else ("cluster", {})
    client.act("PUT", path, "rotate-logs", headers=headers)
    view.show({"rotated": node or "cluster"}, lambda: view.say("Logs rotated."))
