"""`sluice archive …`: archives of objects made by the node, and files put into archives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from appliance.commands.connected import connected
from appliance.terminal.archives import EXTENSIONS
from appliance.terminal.downloads import received_pieces, writing
from appliance.terminal.names import OBJECT, PLACE, Place
from appliance.terminal.output import show_json
from appliance.terminal.selection import Choice, Selection, selected
from appliance.terminal.uploads import Source, planned, size_of
from appliance.terminal.view import View, dry_run_option, viewed
from appliance.terminal.waiting import Waiting, awaited
from nativeapi.client import NativeClient, Refused
from nativeapi.client_http import FilePart

APPEND, APPEND_OR_PUT = "1", "2"  # values of the header Ais-Pine


@click.command("bucket")
@click.argument("source", type=PLACE, metavar="SRC_BUCKET[/OBJECT_OR_TEMPLATE]")
@click.argument("shard", type=OBJECT, metavar="DST_BUCKET/SHARD_NAME")
@selected
@click.option("--append-or-put", "append", is_flag=True, help="Append to the archive if it exists.")
@click.option("--include-src-bck", "with_bucket", is_flag=True, help="Begin members' names with the bucket's.")
@click.option("--cont-on-err", "keep_going", is_flag=True, help="Go on after an object that fails.")
@click.option("--non-recursive", "--nr", "flat", is_flag=True, help="Not what lies in directories below.")
@click.option("--skip-lookup", hidden=True, is_flag=True, expose_value=False)
@dry_run_option
@awaited
@viewed
@connected
def bucket(
    client: NativeClient, source: Place, shard: Place, choice: Choice, waiting: Waiting, view: View, **given: Any
) -> None:
    """Pack objects of a bucket into an archive: tar, tgz, zip or tar.lz4, as its name says.

    \b
        sluice archive bucket ais://photos ais://shards/photos.tar --all --wait
        sluice archive bucket ais://photos/2026/ ais://shards/2026.tgz --wait
        sluice archive bucket 'ais://data/o-{00..99}' ais://shards/o.zip --append-or-put
        sluice archive bucket ais://photos ais://shards/two.tar --list a.jpg,b.jpg
    """
    check(shard)
    chosen = choice.of(source) if choice.given or source.key else Selection(source)
    chosen = chosen or Selection(source.sibling(""), names=(source.key,))
    if given["dry_run"]:
        names = [entry["name"] for entry in chosen.existing(client)]
        view.show(names, lambda: lines(names, shard, view))
        return
    value = {
        **chosen.value,
        "archname": shard.key,
        "tobck": shard.bucket.json,
        "mime": "",
        "isbn": given["with_bucket"],
        "bnonly": False,
        "aate": given["append"],
        "coer": given["keep_going"],
        "non-recurs": given["flat"],
    }
    place = chosen.place.bucket
    job = client.act("PUT", place.path, "archive", value, query=place.query).split(",")[0]
    waiting.end(client, job, view, f"ARCHIVE {chosen.words} => {shard.uri}")


def check(shard: Place) -> None:
    if not shard.key.endswith(EXTENSIONS):
        raise click.UsageError(f"{shard.uri}: an archive's name ends with one of {', '.join(EXTENSIONS)}")


def lines(names: list[str], shard: Place, view: View) -> None:
    for name in names:
        view.say(f"[DRY RUN] ARCHIVE {name} => {shard.uri}")
    view.say(f"[DRY RUN] {len(names):,} objects")


def put_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for add in (
        click.option("--yes", "-y", is_flag=True, hidden=True, expose_value=False),  # `ais` asks, and scripts say so
        click.option("--append-or-put", is_flag=True, help="Append if the archive exists, else make it."),
        click.option("--append", is_flag=True, help="Append; the archive must exist."),
        click.option("--archpath", default="", metavar="NAME", help="The member's name, or what names begin with."),
        click.option("--include-src-dir", is_flag=True, help="Begin names with the directory's own."),
        click.option("--recursive", "-r", is_flag=True, help="Directories in directories, too."),
        click.option("--template", default="", help="Files: 'dir/f-{00..99}.jpg'."),
        click.option("--list", "names", default="", metavar="NAMES|FILE", help="Files: a,b,c, or a file of names."),
    ):
        command = add(command)
    return command


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="[FILE | DIRECTORY[/PATTERN]] BUCKET/SHARD_NAME")
@put_options
@dry_run_option
@viewed
@connected
def put(client: NativeClient, words: tuple[str, ...], view: View, dry_run: bool, **given: Any) -> None:
    """Put files into an archive: a new one, or with --append or --append-or-put one that exists.

    \b
        sluice archive put a.jpg ais://shards/a.tar --archpath train/a.jpg
        sluice archive put ./labels ais://shards/a.tar --append -r
        sluice archive put './labels/*.txt' ais://shards/new.tgz --append-or-put
    """
    if len(words) > 2 or len(words) == 1 and not (given["template"] or given["names"]):
        raise click.UsageError("expected a source and an archive: FILE BUCKET/SHARD.tar")
    shard = OBJECT.convert(words[-1], None, None)
    check(shard)
    where = words[0] if len(words) == 2 else ""
    source = Source(where, given["recursive"], given["include_src_dir"], given["names"], given["template"])
    tasks = planned(source, shard.sibling(""))
    named = [(task.path, member(given["archpath"], task.place.key, source)) for task in tasks]
    if dry_run:
        for path, name in named:
            view.say(f'[DRY RUN] APPEND "{path}" to {shard.uri} as "{name}"')
        view.show([{"file": str(path), "member": name} for path, name in named], lambda: None)
        return
    mode = APPEND if given["append"] else APPEND_OR_PUT if given["append_or_put"] else ""
    results = []
    for path, name in named:
        one(client, path, shard, name, mode)
        mode = mode or APPEND
        results.append({"file": str(path), "member": name})
        view.say(f'APPEND "{path}" to {shard.uri} as "{name}"')
    if view.as_json:
        show_json(results)


def member(archpath: str, name: str, source: Source) -> str:
    if not archpath:
        return name
    return archpath if source.is_one_file and not archpath.endswith("/") else f"{archpath.rstrip('/')}/{name}"


def one(client: NativeClient, path: Path, shard: Place, name: str, mode: str) -> None:
    query = {**shard.bucket.query, "archpath": name, "archmime": ""}
    headers = {"Ais-Pine": mode} if mode else {}
    try:
        client.text("PUT", shard.path, query=query, body=FilePart(path, 0, max(size_of(path), 0)), headers=headers)
    except Refused as error:
        raise Refused(error.status, f"{path}: {error.message}") from error


@click.command("get-batch")
@click.argument("words", nargs=-1, required=True, metavar="[BUCKET[/OBJECT_OR_TEMPLATE]]... DST_ARCHIVE")
@selected
@click.option("--spec", "-f", default="", metavar="FILE", help="The whole request, in JSON or YAML.")
@click.option("--omit-src-bck", "names_only", is_flag=True, help="Members' names without the bucket's.")
@click.option("--streaming", is_flag=True, hidden=True, expose_value=False)  # `ais` takes it; it is always so
@click.option("--cont-on-err", "keep_going", is_flag=True, help="Go on when an object is missing.")
@viewed
@connected
def get_batch(
    client: NativeClient, words: tuple[str, ...], choice: Choice, spec: str, view: View, **given: Any
) -> None:
    """Read many objects, of several buckets if need be, as one archive in the order asked for.

    \b
        sluice ml get-batch ais://photos --list a.jpg,b.jpg photos.tar
        sluice ml get-batch 'ais://shards/o-{000..099}' batch.tgz --cont-on-err
        sluice ml get-batch --spec batch.yaml batch.tar
    """
    out = Path(words[-1])
    message = read_spec(spec) if spec else batch(client, words[:-1], choice, out)
    if not message["in"]:
        raise click.UsageError("no objects are named")
    message |= {"coer": given["keep_going"], "onob": given["names_only"], "strm": True}
    size = 0
    with client.open("GET", "ml/moss", message=message) as reply, writing(out), out.open("wb") as file:
        for piece in received_pieces(client, reply):
            file.write(piece)
            size += len(piece)
    text = f"GET {len(message['in']):,} objects => {out} ({view.size(size)})"
    view.show({"objects": len(message["in"]), "to": str(out), "bytes": size}, lambda: view.say(text))


def batch(client: NativeClient, words: tuple[str, ...], choice: Choice, out: Path) -> dict[str, Any]:
    asked = []
    for word in words:
        place = PLACE.convert(word, None, None)
        chosen = choice.of(place) or Selection(place.sibling(""), names=(place.key,))
        bck = {"bucket": place.bucket.name, "provider": place.bucket.provider}
        asked += [{"objname": entry["name"], **bck} for entry in chosen.existing(client)]
    return {"in": asked, "mime": next((kind for kind in EXTENSIONS if out.name.endswith(kind)), "")}


def read_spec(path: str) -> dict[str, Any]:
    import yaml

    try:
        found = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise click.UsageError(f"{path} cannot be read: {error}") from error
    if not isinstance(found, dict) or not isinstance(found.get("in"), list):
        raise click.UsageError(f"{path}: expected a map with a list `in`")
    return found
