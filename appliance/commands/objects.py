"""`sluice object show|set-custom|promote|concat`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from appliance.commands.connected import connected
from appliance.terminal.names import OBJECT, PLACE, Place
from appliance.terminal.progress import meter
from appliance.terminal.properties import parsed
from appliance.terminal.uploads import Source, in_parts, parts_of, planned
from appliance.terminal.view import View, progress_option, viewed
from appliance.terminal.waiting import Waiting, awaited
from nativeapi.client import NativeClient

# The properties of an object and the headers that tell them.
PROPS = {
    "size": ("Content-Length",),
    "checksum": ("Ais-Checksum-Type", "Ais-Checksum-Value"),
    "atime": ("Ais-Atime",),
    "version": ("Ais-Version",),
    "cached": ("Ais-Present",),
    "custom": ("Ais-Custom-Md",),
    "last-modified": ("Last-Modified",),
    "etag": ("Etag",),
    "copies": ("Ais-Mirror-Copies", "Ais-Mirror-Paths"),
    "ec": ("Ais-Ec-Data", "Ais-Ec-Parity"),
    "chunked": ("Ais-Chunks-Count", "Ais-Chunks-Max-Chunk-Size"),
    "location": ("Ais-Location",),
}
ALWAYS = ("size", "cached")  # told without being asked for
DEFAULT = ("size", "checksum", "atime", "version", "cached", "custom")
PART = 64 * 1024 * 1024  # bytes of an object made of files that are sent at once


@click.command()
@click.argument("place", type=OBJECT, metavar="BUCKET/OBJECT")
@click.option("--props", default="", metavar="LIST", help=f"all, or some of {', '.join(PROPS)}.")
@click.option("--all", "everything", is_flag=True, help="The same as --props all.")
@click.option("--not-cached", is_flag=True, help="Of remote buckets: also when it is not in the cluster.")
@viewed
@connected
def show(client: NativeClient, place: Place, props: str, everything: bool, not_cached: bool, view: View) -> None:
    """Show the properties of an object.

    \b
        sluice show object ais://photos/a.jpg
        sluice show object ais://photos/a.jpg --props all
        sluice object show ais://photos/a.jpg --props checksum,custom --json
    """
    asked = tuple(PROPS) if everything or props == "all" else tuple(filter(None, props.split(","))) or DEFAULT
    unknown = [name for name in asked if name not in PROPS]
    if unknown:
        raise click.UsageError(f"--props: {', '.join(unknown)}: choose from {', '.join(PROPS)}, or all")
    query = {**place.bucket.query, "presence": "0" if not_cached else "2"}
    query["props"] = ",".join(name for name in asked if name not in ALWAYS) or "size"
    headers = client.head(place.path, query=query)
    values = {name: [headers.get(header, "") for header in PROPS[name]] for name in sorted(asked)}
    found = {"name": place.key, **{name: text(name, value, view) for name, value in values.items()}}
    raw = {"name": place.key, **{name: " ".join(value).strip() for name, value in values.items()}}
    view.show(raw, lambda: view.table(("PROPERTY", "VALUE"), found.items()))


def text(name: str, values: list[str], view: View) -> str:
    if name == "size":
        return view.size(values[0])
    if name == "checksum" and values[1]:
        return f"{values[0]}[{values[1]}]"
    if name == "atime" and values[0].isdigit():
        from datetime import UTC, datetime

        return datetime.fromtimestamp(int(values[0]) / 1e9, UTC).strftime("%d %b %y %H:%M UTC")
    if name == "cached":
        return {"true": "yes", "false": "no"}.get(values[0], values[0])
    return " ".join(value for value in values if value)


@click.command("set-custom")
@click.argument("place", type=OBJECT, metavar="BUCKET/OBJECT")
@click.argument("assignments", nargs=-1, required=True, metavar="KEY=VALUE... | JSON")
@click.option("--set-new-custom", "replace", is_flag=True, help="Instead of what is there, not beside it.")
@viewed
@connected
def set_custom(client: NativeClient, place: Place, assignments: tuple[str, ...], replace: bool, view: View) -> None:
    """Give an object metadata of your own.

    \b
        sluice object set-custom ais://photos/a.jpg camera=x100 place=Oslo
        sluice object set-custom ais://photos/a.jpg '{"camera": "x100"}' --set-new-custom
    """
    if len(assignments) == 1 and assignments[0].lstrip().startswith("{"):
        value = {name: str(given) for name, given in parsed(assignments).items()}
    else:
        pairs = [word.partition("=") for word in assignments]
        wrong = [name for name, equals, _ in pairs if not equals or not name]
        if wrong:
            raise click.UsageError(f"{', '.join(wrong)}: not KEY=VALUE")
        value = {name: given for name, _, given in pairs}
    query = {**place.bucket.query, **({"set-new-custom": "true"} if replace else {})}
    client.act("PATCH", place.path, "", value, query=query)
    view.show({"object": place.uri, "custom": value}, lambda: view.say(f"{place.uri}: {json.dumps(value)}"))


@click.command()
@click.argument("source", metavar="FILE | DIRECTORY")
@click.argument("place", type=PLACE, metavar="BUCKET[/OBJECT_OR_PREFIX]")
@click.option("--recursive", "-r", is_flag=True, help="Directories in directories, too.")
@click.option("--overwrite-dst", "-o", "overwrite", is_flag=True, help="Also what exists already.")
@click.option("--delete-src", "delete", is_flag=True, help="Remove the files when they are objects.")
@click.option("--not-file-share", "private", is_flag=True, help="The directory belongs to one node alone.")
@click.option("--target-id", default="", help="The node whose file it is.")
@awaited
@viewed
@connected
def promote(
    client: NativeClient, source: str, place: Place, waiting: Waiting, view: View, target_id: str, **given: Any
) -> None:
    """Make files objects that lie on the node's own machine. No bytes go over the network.

    \b
        sluice object promote /var/lib/ais/promote/data ais://photos/2026/ -r --wait
        sluice object promote /var/lib/ais/promote/a.jpg ais://photos/a.jpg --delete-src
    """
    value = {
        "tid": target_id,
        "src": source,
        "obj": place.key,
        "rcr": given["recursive"],
        "ovw": given["overwrite"],
        "dls": given["delete"],
        "notshr": given["private"],
    }
    path = place.bucket.path.replace("buckets/", "objects/", 1)
    job = client.act("POST", path, "promote", value, name=source, query=place.bucket.query)
    done = f"PROMOTE {source} => {place.uri}"
    if job:
        waiting.end(client, job, view, done)
    else:
        view.show({"from": source, "to": place.uri}, lambda: view.say(done))


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="FILE|DIRECTORY[/PATTERN]...")
@click.argument("place", type=OBJECT, metavar="BUCKET/OBJECT")
@click.option("--recursive", "-r", is_flag=True, help="Directories in directories, too.")
@progress_option
@viewed
@connected
def concat(
    client: NativeClient, sources: tuple[str, ...], place: Place, recursive: bool, progress: bool, view: View
) -> None:
    """Store several files as one object, one behind the other. It is there when all of them are.

    \b
        sluice object concat day1.log day2.log ais://logs/both.log
        sluice object concat ./parts ais://data/whole.bin
    """
    tasks = [task for source in sources for task in planned(Source(source, recursive, False, "", ""), place)]
    missing = [str(task.path) for task in tasks if task.size < 0]
    if missing:
        raise click.UsageError(f"{', '.join(missing)} cannot be read")
    with meter("PUT", progress) as watcher:
        watcher.expect(len(tasks), sum(task.size for task in tasks))

        def sent(count: int) -> None:
            watcher.add(0, count)

        size = in_parts(client, place, (part for task in tasks for part in parts_of(task, PART, sent)))
    names = [str(Path(task.path)) for task in tasks]
    text = f"CONCAT {len(names):,} files => {place.uri} ({view.size(size)})"
    view.show({"from": names, "to": place.uri, "bytes": size}, lambda: view.say(text))
