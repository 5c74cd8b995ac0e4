"""`sluice put`: local files, directories, lists, templates and standard input become objects."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

import click

from appliance.commands.connected import connected
from appliance.terminal import checksums
from appliance.terminal.kinds import SIZE_TYPE
from appliance.terminal.names import PLACE, Place
from appliance.terminal.output import show_json
from appliance.terminal.transfers import Manner, Tally, Transfer, carried, carry
from appliance.terminal.uploads import Source, Upload, Way, in_parts, planned, upload
from appliance.terminal.view import View, viewed
from nativeapi.client import NativeClient
from nativeapi.client_http import Bytes

STDIN_PIECE = 32 * 1024 * 1024  # bytes of standard input sent at once
LOOK = click.option("--skip-vc", is_flag=True, help="Skip loading existing metadata; faster for new objects.")


def put_options(command: Any) -> Any:
    for add in (
        LOOK,
        click.option("--yes", "-y", is_flag=True, hidden=True, expose_value=False),  # `ais` asks, and scripts say so
        click.option("--chunk-size", type=SIZE_TYPE, default=0, help="Larger files in parts, of one several at once."),
        click.option(
            "--checksum",
            type=click.Choice(sorted(checksums.ALGORITHMS)),
            help="Compute it here and let the node compare.",
        ),
        click.option("--compute-checksum", is_flag=True, help="The same, of the bucket's kind: xxhash2."),
        click.option("--resume", is_flag=True, help="Skip what is there with the same size and checksum."),
        click.option("--include-src-dir", is_flag=True, help="Begin names with the directory's own."),
        click.option("--recursive", "-r", is_flag=True, help="Directories in directories, too."),
        click.option("--template", default="", help="Files: 'dir/shard-{000..099}.tar'."),
        click.option("--list", "names", default="", metavar="NAMES|FILE", help="Files: a,b,c, or a file of names."),
    ):
        command = add(command)
    return command


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="[- | FILE | DIRECTORY[/PATTERN]] BUCKET[/NAME_OR_PREFIX]")
@put_options
@carried
@viewed
@connected
def put(client: NativeClient, words: tuple[str, ...], manner: Manner, view: View, **given: Any) -> None:
    """Store files as objects.

    A directory's files are named behind the prefix as they are below the directory. Uploads that were interrupted
    go on where they ended with --resume.

    \b
        sluice put a.jpg ais://photos                        photos/a.jpg
        sluice put a.jpg ais://photos/2026/first.jpg
        sluice put ./2026 ais://photos/2026/ -r --progress   a directory
        sluice put './2026/*.jpg' ais://photos               what matches
        sluice put ais://shards --template 'data/shard-{000..099}.tar'
        sluice put ./data ais://shards --list a.tar,b.tar
        tar c . | sluice put - ais://backups/today.tar
        sluice put ./2026 ais://photos -r --dry-run
    """
    where, target = destination(words, bool(given["template"] or given["names"]))
    if where == "-":
        from_stdin(client, target, view)
        return
    source = Source(where, given["recursive"], given["include_src_dir"], given["names"], given["template"])
    way = Way(
        given["resume"],
        given["checksum"] or "xxhash2" * given["compute_checksum"],
        given["chunk_size"],
        manner.workers if source.is_one_file else 1,
        (("skip_vc", "true"),) if given["skip_vc"] else (),
    )
    if manner.dry_run:
        dry(source, target, view)
        return
    tally = send(client, planned(source, target), way, manner, view)
    if source.is_one_file and not view.as_json:
        tally.end()
        (task,) = planned(source, target)
        view.say(line(task, tally.skipped > 0))
        return
    skipped = f", {tally.skipped:,} were there already" if tally.skipped else ""
    text = f"PUT {tally.done:,} files ({view.size(tally.bytes)}) => {target.uri}{skipped}"
    view.show({"to": target.uri, **tally.json}, lambda: view.say(text))
    tally.end()


def destination(words: tuple[str, ...], chosen: bool) -> tuple[str, Place]:
    """The source and the target; with --list or --template the source may be missing."""
    if len(words) > 2 or len(words) == 1 and not chosen:
        raise click.UsageError("expected a source and a bucket: FILE BUCKET[/NAME]; quote patterns: 'dir/*.jpg'")
    return (words[0] if len(words) == 2 else ""), PLACE.convert(words[-1], None, None)


def dry(source: Source, target: Place, view: View) -> None:
    tasks = list(planned(source, target))
    if view.as_json:
        show_json([{"file": str(task.path), "to": task.place.uri, "bytes": task.size} for task in tasks])
        return
    for task in tasks:
        view.say(f'[DRY RUN] PUT "{task.path}" => {task.place.uri} ({view.size(task.size)})')
    view.say(f"[DRY RUN] {len(tasks):,} files, {view.size(sum(task.size for task in tasks))}")


def line(task: Upload, skipped: bool) -> str:
    return f'PUT "{task.path}" => {task.place.uri}' + " (was there already)" * skipped


def send(client: NativeClient, tasks: Iterable[Upload], way: Way, manner: Manner, view: View) -> Tally:
    def work(task: Upload, moved: Callable[[int], None]) -> int | None:
        size = upload(client, task, way, moved)
        if manner.verbose:
            view.say(line(task, size is None))
        return size

    return carry(Transfer("PUT", work, lambda task: str(task.path), lambda task: task.size), tasks, manner)


def from_stdin(client: NativeClient, target: Place, view: View) -> None:
    """Store what comes from standard input. The object is there when all of it has come."""
    if not target.key or target.key.endswith("/"):
        raise click.UsageError("expected a name for what comes from standard input: BUCKET/NAME")
    pieces = iter(lambda: sys.stdin.buffer.read(STDIN_PIECE), b"")
    first = next(pieces, b"")
    if len(first) < STDIN_PIECE:
        client.text("PUT", target.path, query=target.bucket.query, body=Bytes(first))
        size = len(first)
    else:
        size = in_parts(client, target, map(Bytes, chain((first,), pieces)))
    view.show({"to": target.uri, "bytes": size}, lambda: view.say(f'PUT "-" => {target.uri} ({view.size(size)})'))
