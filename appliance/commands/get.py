"""`sluice get` and `sluice cat`: objects, parts of them and members of archives become files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from secrets import token_hex
from typing import Any

import click

from appliance.commands.connected import connected
from appliance.terminal import listing
from appliance.terminal.archives import extract
from appliance.terminal.downloads import STDOUT, Download, Way, download, inside, to_stdout, writing
from appliance.terminal.kinds import SIZE_TYPE
from appliance.terminal.names import OBJECT, PLACE, Place
from appliance.terminal.output import show_json
from appliance.terminal.selection import Choice, Selection, selected
from appliance.terminal.transfers import Manner, Tally, Transfer, carried, carry
from appliance.terminal.view import View, viewed
from nativeapi.client import NativeClient

MODES = ("regexp", "prefix", "suffix", "substr", "wdskey")


def range_options(command: Any) -> Any:
    for add in (
        click.option("--length", type=SIZE_TYPE, metavar="SIZE", help="So many bytes.  [default: to the end]"),
        click.option("--offset", type=SIZE_TYPE, metavar="SIZE", help="From this byte on."),
        click.option("--latest", is_flag=True, help="Of remote objects: the latest version."),
        click.option("--checksum", "verify", is_flag=True, help="Compare with the object's checksum."),
        click.option("--archmime", default="", metavar="TYPE", help="What the archive is, if its name does not say."),
        click.option("--archpath", default="", metavar="NAME", help="This member of the archive."),
    ):
        command = add(command)
    return command


def get_options(command: Any) -> Any:
    for add in (
        click.option("--resume", is_flag=True, help="Skip files that are here already; go on with parts of files."),
        click.option("--limit", type=click.IntRange(0), default=0, metavar="N", help="So many objects at most."),
        click.option("--cached", is_flag=True, help="Of remote buckets: what is in the cluster."),
        click.option("--extract", "-x", "unpack", is_flag=True, help="Unpack archives into directories."),
        click.option("--archive", is_flag=True, help="With --prefix: members of archives, each as a file."),
        click.option("--archmode", type=click.Choice(MODES), default="prefix", help="How --archregx is meant."),
        click.option("--archregx", default="", metavar="TEXT", help="The members that match, as a TAR."),
        click.option("--yes", "-y", is_flag=True, hidden=True, expose_value=False),  # `ais` asks, and scripts say so
    ):
        command = add(command)
    return command


@click.command()
@click.argument("place", type=PLACE, metavar="BUCKET[/OBJECT_OR_TEMPLATE]")
@click.argument("out", default="", metavar="[OUT_FILE | OUT_DIR | -]")
@selected
@range_options
@get_options
@carried
@viewed
@connected
def get(
    client: NativeClient, place: Place, out: str, choice: Choice, manner: Manner, view: View, **given: Any
) -> None:
    """Read objects into files.

    A file is there under its name when it is whole, and not before. Several objects go into a directory, under their
    own names. Downloads that were interrupted go on where they ended, if --resume was given then and is again.

    \b
        sluice get ais://photos/a.jpg                        ./a.jpg
        sluice get ais://photos/a.jpg /tmp/
        sluice get ais://photos/a.jpg - | file -
        sluice get ais://photos/2026/ ./2026 --progress      a prefix
        sluice get 'ais://shards/shard-{000..099}.tar' ./shards --resume
        sluice get ais://shards --list a.tar,b.tar ./shards
        sluice get ais://shards/a.tar label.txt --archpath train/0001.txt
        sluice get ais://shards/a.tar cats.tar --archregx cat --archmode substr
        sluice get ais://shards/a.tar ./unpacked --extract
        sluice get ais://photos/a.jpg head --offset 0 --length 1KiB
        sluice get ais://photos/a.jpg /dev/null              read and discard
    """
    chosen = choice.of(place)
    if chosen is None and not place.key:
        raise click.UsageError("expected BUCKET/OBJECT, or one of --list, --template, --prefix, --all")
    way = way_of(given)
    if chosen is None:
        get_one(client, place, out, way, manner, view, given)
    else:
        get_many(client, planned(client, chosen, Path(out or "."), given), chosen, way, manner, view)


@click.command()
@click.argument("place", type=OBJECT, metavar="BUCKET/OBJECT")
@range_options
@connected
def cat(client: NativeClient, place: Place, **given: Any) -> None:
    """Print an object, or a part of it, or a member of an archive.

    \b
        sluice cat ais://logs/today.txt
        sluice cat ais://logs/today.txt --offset 1MiB --length 4KiB
        sluice cat ais://shards/a.tar --archpath train/0001.txt
    """
    to_stdout(client, Download(place, Path(STDOUT)), way_of({"resume": False, "archregx": "", **given}))


def way_of(given: dict[str, Any]) -> Way:
    query = {}
    if given["archpath"] and given["archregx"]:
        raise click.UsageError("--archpath and --archregx exclude each other")
    if given["archpath"]:
        query["archpath"] = given["archpath"]
    if given["archregx"]:
        query |= {"archregx": given["archregx"], "archmode": given["archmode"]}
    if given["archmime"]:
        query["archmime"] = given["archmime"]
    if given["latest"]:
        query["latest-ver"] = "true"
    headers = byte_range(given["offset"], given["length"])
    if given["resume"] and (query or headers):
        raise click.UsageError("--resume reads whole objects, without ranges and members of archives")
    return Way(given["resume"], given["verify"] and not headers, query, headers)


def byte_range(start: int | None, length: int | None) -> dict[str, str]:
    if start is None and length is None:
        return {}
    if length == 0:
        raise click.UsageError("--length: at least one byte")
    end = "" if length is None else (start or 0) + length - 1
    return {"Range": f"bytes={start or 0}-{end}"}


def target(place: Place, out: str, given: dict[str, Any]) -> Path:
    """The file for one object."""
    name = (given["archpath"] or place.key).rstrip("/").rpartition("/")[2]
    path = Path(out or ".")
    return path / name if path.is_dir() or out.endswith("/") else path


def get_one(
    client: NativeClient, place: Place, out: str, way: Way, manner: Manner, view: View, given: dict[str, Any]
) -> None:
    if out == STDOUT:
        to_stdout(client, Download(place, Path(STDOUT)), way)
        return
    folder = Path(out or ".")
    task = Download(place, folder / f".{token_hex(4)}" if given["unpack"] else target(place, out, given))
    if manner.dry_run:
        view.show({"from": place.uri, "to": out or "."}, lambda: view.say(f"[DRY RUN] {line(task)}"))
        return
    if given["unpack"] or out.endswith("/"):
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
    tally = receive(client, [task], way, manner, view)
    tally.end()
    if given["unpack"]:
        count = unpacked(task.path, folder, "" if given["archregx"] else place.key)
        text = f'GET {place.uri} => "{folder}": {count:,} files ({view.size(tally.bytes)} packed)'
        view.show({"from": place.uri, "to": str(folder), "files": count}, lambda: view.say(text))
        return
    there = " (was here already)" if tally.skipped else ""
    result = {"from": place.uri, "to": str(task.path), "bytes": tally.bytes}
    view.show(result, lambda: view.say(f"{line(task)} ({view.size(tally.bytes)}){there}"))


def unpacked(packed: Path, folder: Path, name: str) -> int:
    """Unpack and remove the archive; how many files were in it."""
    try:
        return extract(packed, folder, name)
    finally:
        packed.unlink()


def line(task: Download) -> str:
    what = f"{task.member} from {task.place.uri}" if task.member else task.place.uri
    return f"GET and discard {what}" if str(task.path) == "/dev/null" else f'GET {what} => "{task.path}"'


def get_many(
    client: NativeClient, tasks: Iterator[Download], chosen: Selection, way: Way, manner: Manner, view: View
) -> None:
    """Into the folder that is each task's path, under the objects' own names."""
    if manner.dry_run:
        dry(list(tasks), view)
        return
    tally = receive(client, tasks, way, manner, view, located)
    skipped = f", {tally.skipped:,} were here already" if tally.skipped else ""
    text = f"GET {tally.done:,} objects ({view.size(tally.bytes)}) of {chosen.words}{skipped}"
    view.show({"from": chosen.place.uri, **tally.json}, lambda: view.say(text))
    tally.end()


def planned(client: NativeClient, chosen: Selection, folder: Path, given: dict[str, Any]) -> Iterator[Download]:
    flags = listing.CACHED * given["cached"] | listing.ARCHIVES * given["archive"]
    query = listing.Query(chosen.query.bucket, chosen.query.prefix, "name,size", flags)
    for entry in islice(members(chosen.existing(client, query)), given["limit"] or None):
        archive = str(entry.get("archive", ""))
        size = listing.bytes_of(entry) if "flags" in entry else None
        place = chosen.place.sibling(archive or entry["name"])
        yield Download(place, folder, size, entry["name"][len(archive) + 1 :] if archive else "")


def members(entries: Iterator[listing.Entry]) -> Iterator[listing.Entry]:
    """The entries without the archives that were looked into; a member says of which archive it is."""
    archive = ""
    for entry in entries:
        kind = int(entry.get("flags") or 0)
        if kind & listing.ARCHIVE:
            archive = entry["name"]
        elif kind & listing.IN_ARCHIVE:
            yield {**entry, "archive": archive}
        else:
            yield entry


def located(task: Download) -> Download:
    """The download into the file below its folder that its name says; the directories on the way are made."""
    name = f"{task.place.key}/{task.member}" if task.member else task.place.key
    path = inside(task.path, name)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    return replace(task, path=path)


def dry(tasks: list[Download], view: View) -> None:
    files = [replace(task, path=task.path / task.place.key) for task in tasks]
    if view.as_json:
        show_json([{"from": task.place.uri, "member": task.member, "to": str(task.path)} for task in files])
        return
    for task in files:
        view.say(f"[DRY RUN] {line(task)}")
    view.say(f"[DRY RUN] {len(tasks):,} objects, {view.size(sum(task.size or 0 for task in tasks))}")


def receive(
    client: NativeClient,
    tasks: Iterable[Download],
    way: Way,
    manner: Manner,
    view: View,
    locate: Callable[[Download], Download] = lambda task: task,
) -> Tally:
    def work(task: Download, moved: Callable[[int], None]) -> int | None:
        task = locate(task)
        size = download(client, task, way, moved)
        if manner.verbose:
            view.say(line(task))
        return size

    return carry(Transfer("GET", work, lambda task: task.place.uri, lambda task: task.size), tasks, manner)
