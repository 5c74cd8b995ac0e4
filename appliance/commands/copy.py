"""`sluice cp`, `object cp`, `object mv`, `etl bucket`: copies on the node, of one object, of several, of a bucket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from appliance.commands.connected import connected
from appliance.terminal.names import OBJECT, PLACE, Bucket, Place, beneath
from appliance.terminal.properties import parsed
from appliance.terminal.selection import Choice, Selection, selected
from appliance.terminal.summary import summaries
from appliance.terminal.view import View, dry_run_option, viewed
from appliance.terminal.waiting import UNKNOWN, Waiting, awaited
from nativeapi.client import NativeClient


def copy_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for add in (
        click.option("--ext", default="", metavar="OLD=NEW,...", help="Replace extensions: jpg=png."),
        click.option("--cont-on-err", "keep_going", is_flag=True, help="Go on after an object that fails."),
        click.option("--num-workers", "workers", type=int, default=0, metavar="N", help="-1: one at a time."),
        click.option("--non-recursive", "--nr", "flat", is_flag=True, help="Not what lies in directories below."),
        click.option("--force", "-f", is_flag=True, help="Though another job works on the bucket."),
        click.option("--sync", is_flag=True, help="Of remote buckets: remove copies of what is gone."),
        click.option("--latest", is_flag=True, help="Of remote buckets: the latest versions."),
        click.option("--prepend", default="", metavar="PREFIX", help="Begin the copies' names so."),
    ):
        command = add(command)
    return command


@click.command()
@click.argument("source", type=PLACE, metavar="SRC_BUCKET[/OBJECT_OR_TEMPLATE]")
@click.argument("destination", type=PLACE, metavar="DST_BUCKET[/OBJECT]")
@click.option("--etl", "transform", default="", metavar="NAME", help="Through this transform.")
@click.option("--args", "arguments", default="", metavar="TEXT", help="With --etl, of one object: etl_args.")
@selected
@copy_options
@dry_run_option
@awaited
@viewed
@connected
def cp(
    client: NativeClient,
    source: Place,
    destination: Place,
    transform: str,
    arguments: str,
    choice: Choice,
    waiting: Waiting,
    view: View,
    **given: Any,
) -> None:
    """Copy an object, several objects or a bucket. The bytes stay on the node; a copy takes no room of its own.

    One object is copied when the command returns, more of them in a job.

    \b
        sluice cp ais://photos/a.jpg ais://backup              one object
        sluice cp ais://photos/a.jpg ais://photos/b.jpg
        sluice cp ais://photos ais://backup --wait             a bucket; it is created where it is missing
        sluice cp ais://photos/2026/ ais://backup --prepend old/ --wait
        sluice cp 'ais://shards/shard-{000..099}.tar' ais://few --wait
        sluice cp ais://photos ais://backup --list a.jpg,b.jpg
        sluice cp ais://music/song.flac ais://music/song.wav --etl flac-to-wav
        sluice cp ais://music ais://wav --etl flac-to-wav --ext flac=wav --wait --progress
    """
    chosen = choice.of(source) if choice.given or source.key else Selection(source)
    if chosen is None:
        copy_one(client, source, destination, transform, arguments, view, given)
        return
    if destination.key:
        raise click.UsageError("several objects go to a bucket; --prepend begins their names")
    if arguments:
        raise click.UsageError("--args goes with one object")
    copy_many(client, chosen, destination.bucket, transform, waiting, view, given)


@click.command("bucket")
@click.argument("transform", metavar="ETL_NAME")
@click.argument("source", type=PLACE, metavar="SRC_BUCKET[/OBJECT_OR_TEMPLATE]")
@click.argument("destination", type=PLACE, metavar="DST_BUCKET")
@selected
@copy_options
@dry_run_option
@awaited
@viewed
@connected
def etl_bucket(
    client: NativeClient,
    transform: str,
    source: Place,
    destination: Place,
    choice: Choice,
    waiting: Waiting,
    view: View,
    **given: Any,
) -> None:
    """Copy a bucket, or objects of it, through a transform.

    \b
        sluice etl bucket flac-to-wav ais://music ais://wav --ext flac=wav --wait
        sluice etl bucket my-md5 'ais://shards/shard-{000..099}.tar' ais://sums
    """
    chosen = choice.of(source) if choice.given or source.key else Selection(source)
    chosen = chosen or Selection(source.sibling(""), names=(source.key,))
    copy_many(client, chosen, destination.bucket, transform, waiting, view, given)


@click.command()
@click.argument("transform", metavar="ETL_NAME")
@click.argument("source", type=PLACE, metavar="SRC_BUCKET[/OBJECT_OR_TEMPLATE]")
@selected
@click.option("--num-workers", "workers", type=int, default=0, metavar="N", help="-1: one at a time.")
@click.option("--latest", is_flag=True, help="Of remote buckets: the latest versions.")
@awaited
@viewed
@connected
def etl_inspect(
    client: NativeClient,
    transform: str,
    source: Place,
    choice: Choice,
    workers: int,
    latest: bool,
    waiting: Waiting,
    view: View,
) -> None:
    """Send objects through a transform and store nothing, to see which ones it fails on.

    \b
        sluice etl inspect flac-to-wav ais://music --wait
        sluice etl show errors flac-to-wav JOB_ID
    """
    chosen = choice.of(source) if choice.given or source.key else Selection(source)
    chosen = chosen or Selection(source.sibling(""), names=(source.key,))
    given = {
        "prepend": "",
        "dry_run": True,
        "force": False,
        "latest": latest,
        "sync": False,
        "workers": workers,
        "keep_going": True,
        "flat": False,
        "ext": "",
    }
    copy_many(client, chosen, source.bucket, transform, waiting, view, given)


def copy_one(
    client: NativeClient,
    source: Place,
    destination: Place,
    transform: str,
    arguments: str,
    view: View,
    given: dict[str, Any],
) -> None:
    to = beneath(destination, source)
    if given["dry_run"]:
        view.show({"from": source.uri, "to": to.uri}, lambda: view.say(f"[DRY RUN] COPY {source.uri} => {to.uri}"))
        return
    query = {
        **source.bucket.query,
        "object_to": to.bucket.uname(to.key),
        "latest-ver": str(given["latest"]).lower(),
        "synchronize": str(given["sync"]).lower(),
    }
    if transform:
        query["etl_name"] = transform
    if arguments:
        query["etl_args"] = arguments
    client.text("PUT", source.path, query=query)
    view.show({"from": source.uri, "to": to.uri}, lambda: view.say(f"COPY {source.uri} => {to.uri}"))


def copy_many(
    client: NativeClient,
    chosen: Selection,
    destination: Bucket,
    transform: str,
    waiting: Waiting,
    view: View,
    given: dict[str, Any],
) -> None:
    """A bucket, or what begins with a prefix, is a job of its own kind; other selections are a list's."""
    value: dict[str, Any] = {
        "prefix": chosen.prefix,
        "prepend": given["prepend"],
        "dry_run": given["dry_run"],
        "force": given["force"],
        "latest-ver": given["latest"],
        "synchronize": given["sync"],
        "num-workers": given["workers"],
        "coer": given["keep_going"],
        "non-recurs": given["flat"],
    }
    if given["ext"]:
        value["ext"] = parsed(given["ext"].split(","))
    if transform:
        value |= {"id": transform, "request_timeout": "5m", "pipeline": None}
    source = chosen.place.bucket
    if chosen.names or chosen.template:
        value |= {**chosen.value, "prefix": "", "tobck": destination.json}
        action = "etl-listrange" if transform else "copy-listrange"
        job = client.act("POST", source.path, action, value, query=source.query)
    else:
        query = {**source.query, "bck_to": destination.uname()}
        job = client.act("POST", source.path, "etl-bck" if transform else "copy-bck", value, query=query)
    lead = "[DRY RUN] " if given["dry_run"] else ""
    expect = expected(client, chosen) if waiting.progress else UNKNOWN
    waiting.end(client, job, view, f"{lead}COPY {chosen.words} => {destination.uri}", expect)


def expected(client: NativeClient, chosen: Selection) -> tuple[int | None, int | None]:
    """How many objects and bytes a job has before it, for its bar."""
    if chosen.names or chosen.template:
        return len(chosen.names) or None, None
    found = next(summaries(client, chosen.place, chosen.prefix))
    return int(found["ObjCount"]["obj_count_present"]), int(found["TotalSize"]["size_all_present_objs"])


@click.command()
@click.argument("source", type=OBJECT, metavar="BUCKET/OBJECT")
@click.argument("name", metavar="NEW_NAME")
@viewed
@connected
def move(client: NativeClient, source: Place, name: str, view: View) -> None:
    """Rename an object within its bucket.

    \b
        sluice object mv ais://photos/a.jpg 2026/a.jpg
    """
    lead = f"{source.bucket.uri}/"
    to = source.sibling(name.removeprefix(lead))
    client.act("POST", source.path, "rename-obj", name=to.key, query=source.bucket.query)
    view.show({"from": source.uri, "to": to.uri}, lambda: view.say(f"{source.uri} is now {to.uri}"))
