"""`sluice rmo`, `evict`, `prefetch`: one object, or several in a job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from appliance.commands.connected import connected
from appliance.terminal.names import PLACE, Place
from appliance.terminal.output import show_json, sure
from appliance.terminal.selection import Choice, Selection, selected
from appliance.terminal.view import View, dry_run_option, viewed, yes_option
from appliance.terminal.waiting import Waiting, awaited
from nativeapi.client import NativeClient


@dataclass(frozen=True, slots=True)
class Deed:
    """What is done to several objects, in a job."""

    method: str
    action: str
    word: str  # REMOVE …
    value: dict[str, Any]


def chosen_of(places: tuple[Place, ...], choice: Choice) -> list[Selection]:
    """What was chosen of each place; one object is a list of one."""
    found = []
    for place in places:
        one = choice.of(place)
        if one is None and not place.key:
            raise click.UsageError(f"what of {place.uri}? Name an object; or --list, --template, --prefix, --all")
        found.append(one or Selection(place.sibling(""), names=(place.key,)))
    return found


def dry(client: NativeClient, found: list[Selection], word: str, view: View) -> None:
    names = [one.place.sibling(entry["name"]).uri for one in found for entry in one.existing(client)]
    if view.as_json:
        show_json(names)
        return
    for name in names:
        view.say(f"[DRY RUN] {word} {name}")
    view.say(f"[DRY RUN] {len(names):,} objects")


def do(client: NativeClient, found: list[Selection], deed: Deed, waiting: Waiting, view: View) -> None:
    jobs = {}
    for one in found:
        bucket = one.place.bucket
        value = {**one.value, **deed.value}
        job = client.act(deed.method, bucket.path, deed.action, value, query=bucket.query)
        jobs[job] = f"{deed.word} {one.words}"
    if jobs:
        waiting.end_all(client, jobs, view)


def places_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    words = "BUCKET[/OBJECT_OR_TEMPLATE]..."
    return click.argument("places", type=PLACE, nargs=-1, required=True, metavar=words)(command)


@click.command()
@places_argument
@selected
@dry_run_option
@yes_option
@awaited
@viewed
@connected
def rmo(
    client: NativeClient,
    places: tuple[Place, ...],
    choice: Choice,
    dry_run: bool,
    yes: bool,
    waiting: Waiting,
    view: View,
) -> None:
    """Remove objects. One that is named is removed at once, several are in a job.

    \b
        sluice rmo ais://photos/a.jpg
        sluice rmo ais://photos/a.jpg ais://photos/b.jpg
        sluice rmo ais://photos/2026/ --wait                 a prefix
        sluice rmo 'ais://shards/shard-{000..099}.tar' --dry-run
        sluice rmo ais://shards --list a.tar,b.tar --wait
        sluice rmo ais://photos --all --yes
    """
    found = chosen_of(places, choice)
    if dry_run:
        dry(client, found, "REMOVE", view)
        return
    single = [place for place in places if place.key and choice.of(place) is None]
    if any(not one.names and not one.template for one in found):
        sure(f"Remove {', '.join(one.words for one in found)}?", yes)
    for place in single:
        client.text("DELETE", place.path, query=place.bucket.query)
        view.say(f'deleted "{place.key}" from {place.bucket.uri}')
    if single and view.as_json:
        show_json([{"removed": place.uri} for place in single])
    several = [one for place, one in zip(places, found) if place not in single]
    do(client, several, Deed("DELETE", "delete-listrange", "REMOVE", {}), waiting, view)


@click.command()
@places_argument
@selected
@click.option("--keep-md", "-k", is_flag=True, help="Of a whole bucket: keep its properties.")
@dry_run_option
@yes_option
@awaited
@viewed
@connected
def evict(
    client: NativeClient,
    places: tuple[Place, ...],
    choice: Choice,
    keep_md: bool,
    dry_run: bool,
    yes: bool,
    waiting: Waiting,
    view: View,
) -> None:
    """Remove the local copies of objects of a remote bucket; the bucket itself is not touched.

    \b
        sluice evict s3://data                               all of it, and what is known of it
        sluice evict s3://data --keep-md
        sluice evict s3://data/2025/ --wait
        sluice evict 's3://shards/shard-{000..099}.tar'
    """
    whole = [place for place in places if not place.key and (choice.all or not choice.given)]
    rest = tuple(place for place in places if place not in whole)
    found = chosen_of(rest, choice)
    if dry_run:
        dry(client, [*map(Selection, whole), *found], "EVICT", view)
        return
    if whole:
        sure(f"Evict {', '.join(place.uri for place in whole)}?", yes)
    for place in whole:
        query = {**place.bucket.query, "keep_bck_md": str(keep_md).lower()}
        client.act("DELETE", place.bucket.path, "evict-remote-bck", query=query)
        kept = " (metadata preserved)" if keep_md else ""
        view.show({"evicted": place.uri}, lambda: view.say(f"Evicted bucket {place.uri}{kept}"))
    do(client, found, Deed("DELETE", "evict-listrange", "EVICT", {}), waiting, view)


@click.command()
@places_argument
@selected
@click.option("--latest", is_flag=True, help="Also what is here in an older version.")
@click.option("--num-workers", "workers", type=int, default=0, metavar="N", help="-1: one at a time.")
@click.option("--non-recursive", "--nr", "flat", is_flag=True, help="Not what lies in directories below.")
@dry_run_option
@click.option("--yes", "-y", is_flag=True, hidden=True, expose_value=False)
@awaited
@viewed
@connected
def prefetch(
    client: NativeClient,
    places: tuple[Place, ...],
    choice: Choice,
    latest: bool,
    workers: int,
    flat: bool,
    dry_run: bool,
    waiting: Waiting,
    view: View,
) -> None:
    """Read objects of a remote bucket into the cluster before they are asked for.

    \b
        sluice prefetch s3://data --wait --progress          all of it
        sluice prefetch s3://data/2026/
        sluice prefetch s3://data --list a.tar,b.tar --latest
        sluice prefetch 's3://shards/shard-{000..099}.tar'
    """
    whole = [Selection(place) for place in places if not place.key and not choice.given]
    rest = tuple(place for place in places if place.key or choice.given)
    found = [*whole, *chosen_of(rest, choice)]
    if dry_run:
        dry(client, found, "PREFETCH", view)
        return
    value = {"latest-ver": latest, "num-workers": workers, "non-recurs": flat, "coer": False, "blob-threshold": 0}
    do(client, found, Deed("POST", "prefetch-listrange", "PREFETCH", value), waiting, view)
