"""`sluice bucket create|rm|mv|lru|summary|show`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click

from appliance.commands.connected import connected
from appliance.terminal.failures import REFUSED, explained
from appliance.terminal.names import BUCKET, PLACE, Place
from appliance.terminal.output import show_json, sure
from appliance.terminal.properties import current, flattened, parsed, show_properties
from appliance.terminal.summary import SUMMARY_COLUMNS, summaries, summary_row
from appliance.terminal.view import View, refreshed, viewed, yes_option
from appliance.terminal.waiting import Waiting, awaited
from nativeapi.client import NativeClient, Refused


def each(places: tuple[Place, ...], done: str, act: Callable[[Place], Any], view: View, ignore: frozenset[int]) -> None:
    """Do it for every bucket, going on after a refusal, which the exit code tells in the end."""
    results: list[dict[str, Any]] = []
    refused = False
    for place in places:
        try:
            act(place)
        except Refused as error:
            ignored = error.status in ignore
            refused |= not ignored
            results.append({"bucket": place.uri, "result": "refused", "error": error.message})
            if not ignored:
                click.echo(f"sluice: {explained(error)}", err=True)
            else:
                view.say(f"{error.message} (ignored)")
        else:
            results.append({"bucket": place.uri, "result": done})
            view.say(f'"{place.uri}" {done}')
    if view.as_json:
        show_json(results)
    if refused:
        raise SystemExit(REFUSED)


@click.command()
@click.argument("places", type=BUCKET, nargs=-1, required=True, metavar="BUCKET...")
@click.option("--props", default="", help="Properties: 'mirror.enabled=true mirror.copies=2', or JSON.")
@click.option("--ignore-error", is_flag=True, help="A bucket that exists is no error.")
@click.option("--skip-lookup", is_flag=True, help="Of remote buckets: do not ask the backend whether it exists.")
@viewed
@connected
def create(
    client: NativeClient, places: tuple[Place, ...], props: str, ignore_error: bool, skip_lookup: bool, view: View
) -> None:
    """Create buckets.

    \b
        sluice create ais://photos
        sluice create ais://a ais://b --ignore-error
        sluice create ais://versions --props 'versioning.enabled=true checksum.type=md5'
    """
    value = parsed(tuple(props.split()) if not props.lstrip().startswith("{") else (props,)) if props else None
    extra = {"dont_head_remote_bck": "true"} if skip_lookup else {}

    def act(place: Place) -> None:
        client.act("POST", place.bucket.path, "create-bck", value, query={**place.bucket.query, **extra})

    each(places, "created", act, view, frozenset({409}) if ignore_error else frozenset())


@click.command()
@click.argument("places", type=BUCKET, nargs=-1, required=True, metavar="BUCKET...")
@click.option("--ignore-error", is_flag=True, help="A bucket that does not exist is no error.")
@yes_option
@viewed
@connected
def remove(client: NativeClient, places: tuple[Place, ...], ignore_error: bool, yes: bool, view: View) -> None:
    """Remove buckets and everything in them.

    \b
        sluice bucket rm ais://photos
        sluice rmb ais://a ais://b --yes
    """
    sure(f"Remove {', '.join(place.uri for place in places)} with all objects?", yes)

    def act(place: Place) -> None:
        client.act("DELETE", place.bucket.path, "destroy-bck", query=place.bucket.query)

    each(places, "destroyed", act, view, frozenset({404}) if ignore_error else frozenset())


@click.command()
@click.argument("source", type=BUCKET, metavar="BUCKET")
@click.argument("destination", type=BUCKET, metavar="NEW_BUCKET")
@awaited
@viewed
@connected
def move(client: NativeClient, source: Place, destination: Place, waiting: Waiting, view: View) -> None:
    """Rename a bucket. It is a job: the new name is there when it ends.

    \b
        sluice bucket mv ais://photos ais://pictures --wait
    """
    query = {**source.bucket.query, "bck_to": destination.bucket.uname()}
    job = client.act("POST", source.bucket.path, "move-bck", query=query)
    waiting.end(client, job, view, f"{source.uri} is now {destination.uri}")


@click.command()
@click.argument("place", type=BUCKET, metavar="BUCKET")
@click.option("--enable", "wanted", flag_value="true", help="Evict what was not read for long, when space is short.")
@click.option("--disable", "wanted", flag_value="false", help="Keep everything.")
@viewed
@connected
def lru(client: NativeClient, place: Place, wanted: str | None, view: View) -> None:
    """Show whether objects that were not read for long may be evicted from a bucket, or change that.

    \b
        sluice bucket lru ais://photos
        sluice bucket lru ais://photos --enable
    """
    if wanted is not None:
        value = {"lru": {"enabled": wanted == "true"}}
        client.act("PATCH", place.bucket.path, "set-bprops", value, query=place.bucket.query)
    show_properties(current(client, place), "lru", view)


@click.command()
@click.argument("place", type=PLACE, metavar="BUCKET[/PREFIX]")
@click.option("--prefix", default="", help="The objects whose names begin so.")
@click.option("--cached", is_flag=True, help="Of remote buckets: what is in the cluster.")
@viewed
@refreshed
@connected
def summary(client: NativeClient, place: Place, prefix: str, cached: bool, view: View) -> None:
    """Count the objects of a bucket and their sizes.

    \b
        sluice bucket summary ais://photos
        sluice bucket summary ais://photos/2026/ --units raw --json
    """
    rows = list(summaries(client, place.sibling(""), prefix or place.key, cached=cached))
    view.show(rows, lambda: view.table(SUMMARY_COLUMNS, [summary_row(row, view) for row in rows]))


@click.command()
@click.argument("place", type=BUCKET, metavar="BUCKET")
@click.argument("prefix", default="", metavar="[PROP_PREFIX]")
@click.option("--compact", "-c", is_flag=True, help="One line a section.")
@viewed
@connected
def show(client: NativeClient, place: Place, prefix: str, compact: bool, view: View) -> None:
    """Show the properties of a bucket.

    \b
        sluice show bucket ais://photos
        sluice bucket props show ais://photos checksum
        sluice bucket props show ais://photos --json
    """
    found = current(client, place)
    if compact and not view.as_json:
        sections = {name: value for name, value in found.items() if name.startswith(prefix)}
        view.table(("SECTION", "VALUE"), [(name, json.dumps(value)) for name, value in sorted(sections.items())])
        return
    show_properties(found, prefix, view)


@click.command("set")
@click.argument("place", type=BUCKET, metavar="BUCKET")
@click.argument("assignments", nargs=-1, required=True, metavar="KEY=VALUE... | JSON")
@click.option("--force", "-f", is_flag=True, help="Also what changes how objects are stored.")
@viewed
@connected
def set_props(client: NativeClient, place: Place, assignments: tuple[str, ...], force: bool, view: View) -> None:
    """Change properties of a bucket.

    \b
        sluice bucket props set ais://photos checksum.type=md5 versioning.enabled=true
        sluice bucket props set ais://photos '{"lru": {"enabled": true}}'
        sluice bucket props set ais://photos access ro
    """
    before = flattened(current(client, place))
    value = {**parsed(assignments), **({"force": True} if force else {})}
    job = client.act("PATCH", place.bucket.path, "set-bprops", value, query=place.bucket.query)
    after = flattened(current(client, place))
    changed = {name: now for name, now in after.items() if before.get(name) != now}
    if view.as_json:
        show_json({"changed": changed, "job": job})
        return
    for name, now in changed.items():
        view.say(f'"{name}" set to: "{now}" (was: "{before.get(name, "")}")')
    view.say("Bucket props successfully updated." if changed else "nothing to do: the properties have these values")
    if job:
        view.say(f"Started job {job}; `sluice wait {job}` waits for it")


@click.command("reset")
@click.argument("place", type=BUCKET, metavar="BUCKET")
@viewed
@connected
def reset_props(client: NativeClient, place: Place, view: View) -> None:
    """Give all properties of a bucket the values that a new bucket has.

    \b
        sluice bucket props reset ais://photos
    """
    client.act("PATCH", place.bucket.path, "reset-bprops", query=place.bucket.query)
    view.show({"bucket": place.uri, "result": "reset"}, lambda: view.say("Bucket props successfully reset."))
