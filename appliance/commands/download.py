"""`sluice start download`: the node fetches objects from the web, and jobs that do."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from appliance.commands.connected import connected
from appliance.terminal.failures import REFUSED, TIMED_OUT, fail
from appliance.terminal.kinds import DURATION, SIZE_TYPE
from appliance.terminal.names import PLACE, TEMPLATE, Place
from appliance.terminal.output import note, show_json
from appliance.terminal.progress import meter
from appliance.terminal.view import View, viewed
from appliance.terminal.waiting import Waiting, awaited
from nativeapi.client import NativeClient

NEVER = "0001-01-01T00:00:00Z"
FIRST_PAUSE, LAST_PAUSE = 0.05, 2.0  # seconds between looks
PUBLIC = {  # where what is public of a provider lies on the web
    "gs://": "https://storage.googleapis.com/",
    "s3://": "https://s3.amazonaws.com/",
    "az://": "https://azureopendatastorage.blob.core.windows.net/",
}


def is_download(words: tuple[str, ...]) -> bool:
    return words[0] == "download" or any(word.startswith("dnl-") for word in words)


def id_of(words: tuple[str, ...]) -> str:
    rest = [word for word in words if word != "download"]
    if len(rest) > 1:
        raise click.UsageError(f"expected one job, not {' and '.join(rest)}")
    return rest[0] if rest else ""


@click.command()
@click.argument("source", metavar="URL | URL_TEMPLATE | -")
@click.argument("destination", type=PLACE, metavar="BUCKET[/NAME_OR_PREFIX]")
@click.option("--object-list", "--from", "links", default="", metavar="FILE", help="A JSON list or map of links.")
@click.option("--description", "--desc", "description", default="", help="Words of your own about the job.")
@click.option("--download-timeout", type=DURATION, metavar="TIME", help="For each object.")
@click.option("--max-conns", type=click.IntRange(0), default=0, metavar="N", help="Connections at a time.")
@click.option("--limit-bph", type=SIZE_TYPE, default=0, metavar="SIZE", help="Bytes an hour at most.")
@click.option("--sync", is_flag=True, help="Remove what is gone at the source.")
@awaited
@viewed
@connected
def download(
    client: NativeClient, source: str, destination: Place, waiting: Waiting, view: View, **given: Any
) -> None:
    """Let the node fetch objects from the web into a bucket.

    \b
        sluice start download https://example.com/a.tar ais://data
        sluice start download https://example.com/a.tar ais://data/b.tar --wait
        sluice start download 'https://example.com/shard-{000..099}.tar' ais://data/train/ --progress
        sluice start download - ais://data --object-list links.json
        sluice start download gs://pub-images/train.tar ais://data
    """
    message = {
        "bucket": destination.bucket.json,
        "description": given["description"],
        "timeout": f"{given['download_timeout']:g}s" if given["download_timeout"] else "",
        "limits": {"connections": given["max_conns"], "bytes_per_hour": given["limit_bph"]},
        **what(source, destination, given["links"]),
    }
    if given["sync"]:
        message["synchronize"] = True
    job = client.json("POST", "download", message=message)["id"]
    if not (waiting.wait or waiting.progress):
        view.show({"job": job}, lambda: view.say(f"Started download job {job}; `sluice wait {job}` waits for it"))
        return
    finish(client, job, waiting.timeout, waiting.progress, view)


def what(source: str, destination: Place, links: str) -> dict[str, Any]:
    """The part of the message that depends on the kind of download."""
    if links:
        import json

        try:
            objects = json.loads(Path(links).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise click.UsageError(f"{links} cannot be read: {error}") from error
        return {"type": "multi", "objects": objects}
    for lead, url in PUBLIC.items():
        source = url + source.removeprefix(lead) if source.startswith(lead) else source
    if TEMPLATE.search(source):
        return {"type": "range", "template": source, "subdir": destination.key.rstrip("/")}
    name = destination.key
    if not name or name.endswith("/"):
        name += source.partition("?")[0].rstrip("/").rpartition("/")[2]
    return {"type": "single", "link": source, "object_name": name}


def status(client: NativeClient, job: str) -> dict[str, Any]:
    found: dict[str, Any] = client.json("GET", "download", message={"id": job, "regex": "", "only_active_tasks": False})
    return found


def listed(client: NativeClient, regex: str) -> list[dict[str, Any]]:
    return client.json("GET", "download", message={"id": "", "regex": regex, "only_active_tasks": False}) or []


def ended(found: dict[str, Any]) -> bool:
    return bool(found.get("aborted")) or found.get("finished_time", NEVER) != NEVER


def finish(client: NativeClient, job: str, timeout: float | None, progress: bool, view: View) -> None:
    """Wait until the download has ended and say how; failures end the command."""
    deadline = None if timeout is None else time.monotonic() + timeout
    pause = FIRST_PAUSE
    with meter(job, progress) as watcher:
        while not ended(found := status(client, job)):
            total = found.get("total") or None
            tasks = [*(found.get("current_tasks") or ()), *(found.get("finished_tasks") or ())]
            watcher.expect(total, None)
            watcher.reach(int(found.get("finished_cnt") or 0), sum(int(task.get("downloaded") or 0) for task in tasks))
            if deadline is not None and time.monotonic() >= deadline:
                fail(f"{job} still runs; `sluice stop {job}` ends it", status=TIMED_OUT)
            time.sleep(pause)
            pause = min(pause * 1.5, LAST_PAUSE)
    errors = found.get("download_errors") or []
    done, skipped = int(found.get("finished_cnt") or 0), int(found.get("skipped_cnt") or 0)
    text = f"{job}: {done:,} objects" + (f", {skipped:,} were there already" if skipped else "")
    view.show(found, lambda: view.say(text))
    for one in errors:
        click.echo(f"sluice: {one.get('name')}: {one.get('error')}", err=True)
    if errors or found.get("error_cnt") or found.get("aborted"):
        reason = "it was stopped" if found.get("aborted") else f"{found.get('error_cnt') or len(errors)} failed"
        fail(f"{job}: {reason}", status=REFUSED)


def show_downloads(client: NativeClient, words: tuple[str, ...], view: View, verbose: bool) -> None:
    job = id_of(words)
    rows = [status(client, job)] if job else listed(client, "")
    if view.as_json or verbose:
        show_json(rows)
        return
    if not rows:
        note("No downloads.")
        return
    columns = ("ID", "DONE", "SKIPPED", "ERRORS", "TOTAL", "STATE", "DESCRIPTION")
    view.table(columns, [row(one) for one in rows])
    if job:
        for one in rows[0].get("download_errors") or ():
            view.say(f"{one.get('name')}: {one.get('error')}")


def row(found: dict[str, Any]) -> tuple[Any, ...]:
    state = "aborted" if found.get("aborted") else "finished" if ended(found) else "running"
    counts = [f"{int(found.get(key) or 0):,}" for key in ("finished_cnt", "skipped_cnt", "error_cnt", "total")]
    return (found.get("id"), *counts, state, found.get("description"))


def wait_download(
    client: NativeClient, words: tuple[str, ...], timeout: float | None, progress: bool, view: View
) -> None:
    finish(client, named(words), timeout, progress, view)


def stop_download(client: NativeClient, words: tuple[str, ...], view: View) -> None:
    job = named(words)
    client.text("DELETE", "download/abort", message={"id": job})
    view.show({"stopped": [job]}, lambda: view.say(f"Stopped {job}"))


def named(words: tuple[str, ...]) -> str:
    job = id_of(words)
    if not job:
        raise click.UsageError("expected the download's id; `sluice show job download` lists them")
    return job


@click.command("download")
@click.argument("job", required=False, metavar="[JOB_ID]")
@click.option("--all", "everything", is_flag=True, help="All downloads that have ended.")
@click.option("--regex", default="", help="Those whose descriptions match.")
@viewed
@connected
def remove(client: NativeClient, job: str | None, everything: bool, regex: str, view: View) -> None:
    """Forget downloads that have ended; what they have fetched stays.

    \b
        sluice job rm download dnl-Xyz123abc
        sluice job rm download --all
    """
    if sum((bool(job), everything, bool(regex))) != 1:
        raise click.UsageError("give a download's id, or --all, or --regex")
    found = [job]
    if not job:
        found = [one["id"] for one in listed(client, regex) if ended(one)]
    for one in found:
        client.text("DELETE", "download/remove", message={"id": one})
        view.say(f"Removed {one}")
    view.show({"removed": found}, lambda: None)
