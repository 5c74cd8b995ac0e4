"""`sluice put`: local files, directories, lists, templates and standard input become objects."""

from __future__ import annotations

import sys
from itertools import chain
from typing import Any

import click

from appliance.commands.connected import connected
from appliance.terminal import checksums
from appliance.terminal.durations import SIZE_TYPE
from appliance.terminal.names import PLACE, Place
from appliance.terminal.output import show_json
from appliance.terminal.progress import meter
from appliance.terminal.transfers import Pool, Stopped, Tally
from appliance.terminal.uploads import Source, Upload, Way, in_parts, planned, upload
from appliance.terminal.view import View, dry_run_option, progress_option, retries_option, viewed, workers_option
from nativeapi.client import NativeClient
from nativeapi.client_http import Bytes

STDIN_PIECE = 32 * 1024 * 1024  # bytes of standard input sent at once
LOOK = click.option("--skip-vc", is_flag=True, help="Skip loading existing metadata; faster for new objects.")


def put_options(command: Any) -> Any:
    for add in (
        LOOK,
        click.option("--yes", "-y", is_flag=True, hidden=True, expose_value=False),  # `ais` asks, and scripts say so
        click.option("--cont-on-err", "keep_going", is_flag=True, help="Go on after a file that fails."),
        retries_option,
        click.option("--chunk-size", type=SIZE_TYPE, default=0, help="Send larger files in parts of this size."),
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
        click.option("--verbose", "-v", is_flag=True, help="A line a file."),
    ):
        command = add(command)
    return command


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="[- | FILE | DIRECTORY[/PATTERN]] BUCKET[/NAME_OR_PREFIX]")
@put_options
@workers_option
@progress_option
@dry_run_option
@viewed
@connected
def put(client: NativeClient, words: tuple[str, ...], view: View, **given: Any) -> None:
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
        (("skip_vc", "true"),) if given["skip_vc"] else (),
    )
    if given["dry_run"]:
        dry(source, target, view)
        return
    tally = send(client, source, target, way, view, given)
    if source.is_one_file and not view.as_json:
        tally.end()
        (task,) = planned(source, target)
        view.say(f'PUT "{task.path}" => {task.place.uri}' + " (was there already)" * tally.skipped)
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


def send(
    client: NativeClient, source: Source, target: Place, way: Way, view: View, given: dict[str, Any]
) -> Tally:
    tasks = planned(source, target)
    with meter("PUT", given["progress"]) as watcher:
        if given["progress"]:
            whole = list(tasks)
            watcher.expect(len(whole), sum(task.size for task in whole))
            tasks = iter(whole)

        def sent(count: int) -> None:
            if pool.stop.is_set():
                raise Stopped
            watcher.add(0, count)

        def work(task: Upload) -> int | None:
            moved = upload(client, task, way, sent)
            if given["verbose"]:
                view.say(f'PUT "{task.path}" => {task.place.uri}' + (" (was there already)" if moved is None else ""))
            return moved

        pool = Pool(
            work, lambda task: str(task.path), watcher, given["workers"], given["retries"], given["keep_going"]
        )
        return pool.run(tasks)


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
