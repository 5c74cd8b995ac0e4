"""`sluice job start|stop|wait|show`."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click

from appliance.commands.connected import connected
from appliance.commands.download import is_download, show_downloads, stop_download, wait_download
from appliance.terminal.kinds import DURATION, REGEX
from appliance.terminal.names import BUCKET, Place, bucket_of, parse
from appliance.terminal.output import EMPTY, duration, note, sure
from appliance.terminal.view import View, progress_option, refreshed, viewed, yes_option
from appliance.terminal.waiting import ZERO, Waiting, awaited, outcome, report, snapshots, state
from nativeapi.client import NativeClient, Refused

# Jobs under the names that people are shown; the API knows them by the others.
DISPLAY = {
    "lru-eviction": "lru",
    "cleanup": "cleanup-store",
    "copy-bucket": "copy-bck",
    "rename-bucket": "move-bck",
    "etl-bucket": "etl-bck",
    "copy-objects": "copy-listrange",
    "etl-objects": "etl-listrange",
    "delete-objects": "delete-listrange",
    "evict-objects": "evict-listrange",
    "prefetch-objects": "prefetch-listrange",
    "prefetch": "prefetch-listrange",
    "promote-files": "promote",
    "mirror": "make-n-copies",
    "ec-bucket": "ec-encode",
    "warm-up-metadata": "load-lom-cache",
}
NAMES = {kind: name for name, kind in DISPLAY.items() if name != "prefetch"}
JOB_ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]{8,}|g\d+")
KINDS = frozenset(
    "rebalance etl-inline lru cleanup-store summary-bck resilver rechunk archive blob-download download dsort promote "
    "list get-batch create-inventory move-bck copy-bck etl-bck copy-listrange etl-listrange delete-listrange "
    "evict-listrange evict-remote-bck prefetch-listrange ec-encode make-n-copies load-lom-cache index-shard "
    "sweep".split()
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which jobs the words mean: a kind, an id, a bucket, each "" for any."""

    kind: str = ""
    id: str = ""
    bucket: str = ""

    @property
    def message(self) -> dict[str, Any]:
        bucket = parse(self.bucket).bucket.json if self.bucket else None
        return {"ID": self.id, "Kind": self.kind, "DaemonID": "", "Bck": bucket, "Buckets": None}


def asked(words: tuple[str, ...]) -> Asked:
    """`[NAME] [JOB_ID] [BUCKET]` in any order."""
    found: dict[str, str] = {}
    for word in words:
        kind = DISPLAY.get(word, word)
        if kind in KINDS:
            field, value = "kind", kind
        elif "://" in word:
            field, value = "bucket", word
        elif JOB_ID.fullmatch(word):
            field, value = "id", word
        else:
            raise click.UsageError(f"{word!r} is no job's name, no job's id and no bucket (ais://…)")
        if field in found:
            raise click.UsageError(f"{found[field]!r} and {word!r}: expected one {field}")
        found[field] = value
    return Asked(**found)


def jobs(client: NativeClient, wanted: Asked, active: bool | None) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Each job's id and its snapshots, the latest first; `active`: running ones alone, ended ones alone, or all."""
    if wanted.id:
        snaps = snapshots(client, **wanted.message)
        if not snaps:
            raise Refused(404, f'"x-[{wanted.id}]" not found')
    else:
        snaps = snapshots(client, **wanted.message, show_active=active)
    grouped: dict[str, list[dict[str, Any]]] = {}
    for snap in sorted(snaps, key=lambda one: str(one.get("start-time", "")), reverse=True):
        if wanted.kind in ("", snap.get("kind")):
            grouped.setdefault(str(snap["id"]), []).append(snap)
    for job, group in grouped.items():
        if active is not True or wanted.id or any(state(snap) in ("running", "idle") for snap in group):
            yield job, group


def moment(text: str) -> float | None:
    """RFC 3339 with nanoseconds as seconds; None for the zero time."""
    if not text or text == ZERO:
        return None
    return datetime.fromisoformat(re.sub(r"\.(\d{1,6})\d*", r".\1", text)).timestamp()


def buckets_of(snap: dict[str, Any]) -> str:
    """`ais://a => ais://b`, or the one bucket, or none."""
    found = [bucket_of(snap.get(key) or {}) for key in ("src-bck", "dst-bck", "bck")]
    source, destination, bucket = (one.uri if one.name else "" for one in found)
    if source and destination:
        return f"{source} => {destination}"
    return bucket or source or destination


COLUMNS = ("KIND", "ID", "BUCKET", "OBJECTS", "BYTES", "START", "TIME", "STATE")


def row(job: str, group: list[dict[str, Any]], view: View) -> tuple[str, ...]:
    found = outcome(job, group)
    start = moment(str(group[0].get("start-time", "")))
    end = moment(str(group[0].get("end-time", ""))) or time.time()
    return (
        NAMES.get(found.kind, found.kind),
        job,
        buckets_of(group[0]),
        f"{found.objects:,}" if found.objects else EMPTY,
        view.size(found.bytes) if found.bytes else EMPTY,
        EMPTY if start is None else time.strftime("%d %b %H:%M:%S", time.localtime(start)),
        EMPTY if start is None else duration(max(end - start, 0)),
        found.state + (f": {found.error}" if found.error else ""),
    )


@click.command()
@click.argument("words", nargs=-1, metavar="[NAME] [JOB_ID] [BUCKET]")
@click.option("--all", "everything", is_flag=True, help="Those that have ended, too.")
@click.option("--regex", type=REGEX, default="", help="Jobs whose names match.")
@click.option("--top", type=click.IntRange(1), metavar="N", help="The latest so many.")
@click.option("--verbose", "-v", is_flag=True, help="Everything that the node says of them.")
@viewed
@refreshed
@connected
def show(
    client: NativeClient,
    words: tuple[str, ...],
    everything: bool,
    regex: str,
    top: int | None,
    verbose: bool,
    view: View,
) -> None:
    """Show jobs: those that run, or one, whether it runs or has ended.

    \b
        sluice show job
        sluice show job --all --top 10
        sluice show job copy-bucket ais://photos
        sluice show job hU6LDobdh -v
        sluice show job --refresh 2s
        sluice show job download
    """
    if words and is_download(words):
        show_downloads(client, words, view, verbose)
        return
    wanted = asked(words)
    found = [
        (job, group)
        for job, group in jobs(client, wanted, None if everything or wanted.id else True)
        if re.search(regex, NAMES.get(group[0]["kind"], group[0]["kind"]))
    ][:top]
    if view.as_json or verbose:
        text = json.dumps([snap for _, group in found for snap in group], indent=2, ensure_ascii=False)
        click.echo(text)
        return
    if not found:
        note("No jobs run; --all shows those that have ended." if not everything else "No jobs.")
        return
    view.table(COLUMNS, [row(job, group, view) for job, group in found])


@click.command()
@click.argument("words", nargs=-1, metavar="[NAME] [JOB_ID] [BUCKET]")
@click.option("--timeout", type=DURATION, metavar="TIME", help="Not longer than 30s, 5m, …")
@click.option("--refresh", hidden=True, expose_value=False)  # `ais` takes it; the bar moves by itself
@progress_option
@viewed
@connected
def wait(client: NativeClient, words: tuple[str, ...], timeout: float | None, progress: bool, view: View) -> None:
    """Wait until a job has ended, or all jobs of a kind, or of a bucket.

    Exit codes: 0 it ended well, 1 it failed or was stopped, 4 it still runs.

    \b
        sluice wait hU6LDobdh
        sluice wait copy-bucket --progress
        sluice wait ais://photos --timeout 5m
        sluice wait download dnl-Xyz123abc
    """
    if not words:
        raise click.UsageError("wait for what? Give a job's id, a kind of job, or a bucket")
    if is_download(words):
        wait_download(client, words, timeout, progress, view)
        return
    wanted = asked(words)
    found = [wanted.id] if wanted.id else [job for job, _ in jobs(client, wanted, True)]
    if not found:
        view.show([], lambda: view.say("No such jobs run."))
        return
    waiting = Waiting(True, timeout, progress)
    ended = [waiting.outcome(client, job) for job in found]
    report([(one, f"{one[0].kind} {one[0].id} {one[0].state}") for one in ended], view)


@click.command()
@click.argument("words", nargs=-1, metavar="[NAME] [JOB_ID] [BUCKET]")
@click.option("--all", "everything", is_flag=True, help="All jobs that run.")
@yes_option
@viewed
@connected
def stop(client: NativeClient, words: tuple[str, ...], everything: bool, yes: bool, view: View) -> None:
    """Stop a job, or all jobs of a kind, or of a bucket.

    What a job has done until then stays done.

    \b
        sluice stop hU6LDobdh
        sluice stop copy-bucket ais://photos
        sluice stop download dnl-Xyz123abc
        sluice stop --all --yes
    """
    if bool(words) == everything:
        raise click.UsageError("give a job's id, a kind of job or a bucket; or --all")
    if words and is_download(words):
        stop_download(client, words, view)
        return
    wanted = asked(words)
    found = [wanted.id] if wanted.id else [job for job, _ in jobs(client, wanted, True)]
    if len(found) > 1:
        sure(f"Stop {len(found)} jobs?", yes)
    if wanted.id:
        list(jobs(client, wanted, None))  # the node takes any id; an unknown one is a mistake all the same
    for job in found:
        client.act("PUT", "cluster", "stop", Asked(wanted.kind, job).message)
        view.say(f"Stopped {job}")
    view.show({"stopped": found}, lambda: None if found else note("No such jobs run."))


def start_job(
    client: NativeClient, kind: str, waiting: Waiting, view: View, place: Place | None = None, **more: Any
) -> None:
    message = Asked(kind, bucket=place.uri if place else "").message
    query = place.bucket.query if place else {}
    force = {"frc": "true"} if more.pop("force", False) else {}
    job = client.act("PUT", "cluster", "start", {**message, **more}, query={**query, **force})
    waiting.end(client, job, view, f"{NAMES.get(kind, kind)} ended")


@click.command()
@click.option("--buckets", default="", metavar="LIST", help="These alone: ais://a,ais://b.")
@click.option("--force", "-f", is_flag=True, help="Also buckets for which it is switched off.")
@awaited
@viewed
@connected
def lru(client: NativeClient, buckets: str, force: bool, waiting: Waiting, view: View) -> None:
    """Evict what was not read for long, if space is short.

    \b
        sluice start lru --wait
        sluice start lru --buckets ais://photos,ais://shards --force
    """
    named = [parse(name.strip()).bucket.json for name in buckets.split(",") if name.strip()]
    start_job(client, "lru", waiting, view, force=force, Buckets=named or None)


@click.command()
@click.argument("place", type=BUCKET, required=False, metavar="[BUCKET]")
@awaited
@viewed
@connected
def cleanup(client: NativeClient, place: Place | None, waiting: Waiting, view: View) -> None:
    """Remove what writes that were cut off have left on the disks.

    \b
        sluice start cleanup --wait
        sluice storage cleanup ais://photos
    """
    start_job(client, "cleanup-store", waiting, view, place)


@click.command()
@click.argument("target", required=False, metavar="[TARGET_ID]")
@awaited
@viewed
@connected
def resilver(client: NativeClient, target: str | None, waiting: Waiting, view: View) -> None:
    """Move objects to the disks on which they belong.

    \b
        sluice start resilver t92ffb747 --wait
    """
    start_job(client, "resilver", waiting, view, DaemonID=target or "")


@click.command()
@awaited
@viewed
@connected
def rebalance(client: NativeClient, waiting: Waiting, view: View) -> None:
    """Move objects to the nodes on which they belong.

    \b
        sluice start rebalance --wait
    """
    start_job(client, "rebalance", waiting, view)


@click.command("warm-up-metadata")
@click.argument("place", type=BUCKET, metavar="BUCKET")
@awaited
@viewed
@connected
def warm_up(client: NativeClient, place: Place, waiting: Waiting, view: View) -> None:
    """Read the metadata of a bucket's objects, so that the first requests are fast.

    \b
        sluice start warm-up-metadata ais://photos --wait
    """
    start_job(client, "load-lom-cache", waiting, view, place)


@click.command()
@click.argument("place", type=BUCKET, metavar="BUCKET")
@click.option("--copies", type=click.IntRange(1), default=2, metavar="N", help="So many of each object; 2.")
@awaited
@viewed
@connected
def mirror(client: NativeClient, place: Place, copies: int, waiting: Waiting, view: View) -> None:
    """Keep several copies of each object of a bucket, on disks of the same node.

    \b
        sluice start mirror ais://photos --copies 2 --wait
    """
    job = client.act("POST", place.bucket.path, "make-n-copies", copies, query=place.bucket.query)
    waiting.end(client, job, view, f"Configured {place.uri} as {copies}-way mirror.")


@click.command("ec-encode")
@click.argument("place", type=BUCKET, metavar="BUCKET")
@click.option("--data-slices", "-d", type=click.IntRange(1), default=2, metavar="N", help="Slices that hold data; 2.")
@click.option("--parity-slices", "-p", type=click.IntRange(1), default=2, metavar="N", help="Slices that may go; 2.")
@click.option("--recover", is_flag=True, help="Make lost slices anew.")
@awaited
@viewed
@connected
def ec_encode(
    client: NativeClient,
    place: Place,
    data_slices: int,
    parity_slices: int,
    recover: bool,
    waiting: Waiting,
    view: View,
) -> None:
    """Spread the objects of a bucket in slices over nodes, so that some may be lost.

    \b
        sluice start ec-encode ais://photos -d 4 -p 2
    """
    value = json.dumps({"data_slices": data_slices, "parity_slices": parity_slices, "enabled": True})
    name = "recover" if recover else ""
    job = client.act("POST", place.bucket.path, "ec-encode", value, name=name, query=place.bucket.query)
    waiting.end(client, job, view, f"Erasure-coded {place.uri}")
