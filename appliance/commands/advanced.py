"""What is needed seldom: locks, certificates, inventories, chunks, shards to try things with."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable
from typing import Any

import click

from appliance.commands.connected import connected
from appliance.terminal import listing
from appliance.terminal.kinds import SIZE_TYPE
from appliance.terminal.names import BUCKET, OBJECT, PLACE, Place
from appliance.terminal.nodes import ask, chosen
from appliance.terminal.selection import checked
from appliance.terminal.transfers import Manner, Transfer, carried, carry
from appliance.terminal.view import View, viewed
from appliance.terminal.waiting import Waiting, awaited
from nativeapi.client import NativeClient, Refused
from nativeapi.client_http import Bytes

LOCKS = {200: "not locked", 202: "locked by readers", 423: "locked by a writer"}


@click.command("check-lock")
@click.argument("place", type=OBJECT, metavar="BUCKET/OBJECT")
@viewed
@connected
def check_lock(client: NativeClient, place: Place, view: View) -> None:
    """Say whether an object is being read or written.

    \b
        sluice advanced check-lock ais://photos/a.jpg
    """
    message = {"action": "check-lock", "name": "", "value": None}
    try:
        with client.open("POST", place.path, query=place.bucket.query, message=message) as reply:
            reply.read()
            status = reply.status
    except Refused as error:
        if error.status not in LOCKS:
            raise
        status = error.status
    view.show({"object": place.uri, "lock": LOCKS[status]}, lambda: view.say(f"{place.uri} is {LOCKS[status]}"))


@click.command()
@click.argument("node", required=False, metavar="[NODE_ID]")
@viewed
@connected
def show_tls(client: NativeClient, node: str | None, view: View) -> None:
    """Show the certificate of a node.

    \b
        sluice show tls
    """
    member = chosen(client, node or "", "")[0]
    found: dict[str, Any] = ask(client, member.id, "tls_certificate") or {}
    view.show(found, lambda: view.table(("PROPERTY", "VALUE"), sorted(found.items())))


@click.command()
@click.argument("place", type=BUCKET, metavar="BUCKET")
@click.option("--chunk-size", type=SIZE_TYPE, default=0, help="Bytes of a chunk.  [default: the bucket's]")
@click.option("--objsize-limit", type=SIZE_TYPE, default=0, help="Larger objects are chunked.  [default: the bucket's]")
@click.option("--prefix", default="", help="The objects whose names begin so.")
@awaited
@viewed
@connected
def rechunk(
    client: NativeClient,
    place: Place,
    chunk_size: int,
    objsize_limit: int,
    prefix: str,
    waiting: Waiting,
    view: View,
) -> None:
    """Store the objects of a bucket in chunks of another size.

    \b
        sluice start rechunk ais://shards --chunk-size 64MiB --wait
    """
    value = {"objsize-limit": objsize_limit, "chunk-size": chunk_size, "prefix": prefix, "sync-remote": False}
    job = client.act("POST", place.bucket.path, "rechunk", value, query=place.bucket.query)
    waiting.end(client, job, view, f"RECHUNK {place.uri}")


@click.command("blob-download")
@click.argument("place", type=OBJECT, metavar="BUCKET/OBJECT")
@click.option("--chunk-size", type=SIZE_TYPE, default=0, help="Bytes read at a time.")
@click.option("--num-workers", "workers", type=int, default=0, metavar="N", help="Reads at a time.")
@click.option("--latest", is_flag=True, help="The latest version.")
@awaited
@viewed
@connected
def blob_download(
    client: NativeClient, place: Place, chunk_size: int, workers: int, latest: bool, waiting: Waiting, view: View
) -> None:
    """Read a very large object of a remote bucket into the cluster, many pieces at a time.

    \b
        sluice start blob-download s3://data/large.bin --wait --progress
    """
    value = {"latest-ver": latest, "chunk-size": chunk_size, "num-workers": workers}
    path = place.bucket.path.replace("buckets/", "objects/", 1)
    job = client.act("POST", path, "blob-download", value, name=place.key, query=place.bucket.query)
    waiting.end(client, job, view, f"DOWNLOAD {place.uri}")


@click.command("create")
@click.argument("place", type=BUCKET, metavar="BUCKET")
@click.option("--inv-name", "name", default="", metavar="NAME", help="What it is called.")
@click.option("--prefix", default="", help="The objects whose names begin so.")
@click.option("--force", "-f", is_flag=True, help="Replace the one that exists.")
@awaited
@viewed
@connected
def create_inventory(
    client: NativeClient, place: Place, name: str, prefix: str, force: bool, waiting: Waiting, view: View
) -> None:
    """Write down what is in a remote bucket, so that it is listed fast.

    \b
        sluice nbi create s3://data --wait
    """
    value = {key: given for key, given in (("name", name), ("prefix", prefix), ("force", force)) if given}
    job = client.act("POST", place.bucket.path, "create-inventory", value, query=place.bucket.query)
    waiting.end(client, job, view, f"INVENTORY {place.uri}")


@click.command("show")
@click.argument("place", type=BUCKET, metavar="BUCKET")
@click.option("--inv-name", "name", default="", metavar="NAME", help="This one alone.")
@viewed
@connected
def show_inventory(client: NativeClient, place: Place, name: str, view: View) -> None:
    """Show the inventories of a bucket.

    \b
        sluice nbi show s3://data
    """
    message = {"action": "show-inventory", "name": name, "value": None}
    found = client.json("GET", place.bucket.path, query=place.bucket.query, message=message) or {}
    columns = ("name", "prefix", "ntotal")
    rows = [(*(one.get(column) for column in columns), view.size(one.get("size"))) for one in found.values()]
    view.show(found, lambda: view.table(("NAME", "PREFIX", "OBJECTS", "SIZE"), rows))


@click.command("rm")
@click.argument("place", type=BUCKET, metavar="BUCKET")
@click.option("--inv-name", "name", default="", metavar="NAME", help="This one alone.")
@viewed
@connected
def remove_inventory(client: NativeClient, place: Place, name: str, view: View) -> None:
    """Remove the inventories of a bucket.

    \b
        sluice nbi rm s3://data
    """
    client.act("DELETE", place.bucket.path, "destroy-inventory", name=name, query=place.bucket.query)
    view.show({"removed": name or "all"}, lambda: view.say(f"Removed the inventory of {place.uri}"))


@click.command("gen-shards")
@click.argument("place", type=PLACE, metavar="BUCKET/TEMPLATE.tar")
@click.option("--fcount", "count", type=click.IntRange(1), default=5, metavar="N", help="Files in each; 5.")
@click.option("--fsize", "size", type=SIZE_TYPE, default=1024, help="Bytes of each file; 1KiB.")
@click.option("--fext", "extensions", default=".test", metavar="LIST", help="Their extensions: .jpg,.cls.")
@carried
@viewed
@connected
def gen_shards(
    client: NativeClient, place: Place, count: int, size: int, extensions: str, manner: Manner, view: View
) -> None:
    """Make TAR shards of random files, to try things with.

    \b
        sluice archive gen-shards 'ais://shards/train-{000..099}.tar' --fcount 10 --fext .jpg,.cls
    """
    from storage import templates

    template = templates.parse(checked(place.key))
    if not template.counted or not place.key.endswith(".tar"):
        raise click.UsageError("expected a template that ends, of names with .tar: ais://shards/s-{000..099}.tar")
    if manner.dry_run:
        view.show({"shards": len(template)}, lambda: view.say(f"[DRY RUN] {len(template):,} shards"))
        return

    def work(name: str, moved: Callable[[int], None]) -> int:
        content = shard(name, count, size, extensions.split(","))
        client.text("PUT", place.sibling(name).path, query=place.bucket.query, body=Bytes(content))
        moved(len(content))
        return len(content)

    tally = carry(Transfer("PUT", work, str, lambda name: None), template.names(), manner)
    tally.end()
    text = f"PUT {tally.done:,} shards ({view.size(tally.bytes)}) => {place.bucket.uri}"
    view.show({"to": place.bucket.uri, **tally.json}, lambda: view.say(text))


def shard(name: str, count: int, size: int, extensions: list[str]) -> bytes:
    """A TAR of `count` samples, a random file for each extension."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for number in range(count):
            for extension in extensions:
                member = tarfile.TarInfo(f"{name.removesuffix('.tar')}-{number}{extension}")
                member.size = size
                archive.addfile(member, io.BytesIO(os.urandom(size)))
    return content.getvalue()


@click.command()
@click.argument("place", type=PLACE, metavar="BUCKET[/PREFIX]")
@click.option("--prefix", default="", help="The objects whose names begin so.")
@viewed
@connected
def validate(client: NativeClient, place: Place, prefix: str, view: View) -> None:
    """Count the objects of a bucket that do not lie where they should, or lack copies.

    \b
        sluice bucket validate ais://photos
    """
    query = listing.Query(place.bucket, prefix or place.key, "name,size,status", listing.MISSING)
    counts = {"objects": 0, "misplaced (node)": 0, "misplaced (mountpath)": 0, "missing copies": 0, "empty": 0}
    for entry in listing.entries(client, query):
        code = int(entry.get("flags") or 0) & 31
        counts["objects"] += code != 3
        counts["misplaced (node)"] += code == 1
        counts["misplaced (mountpath)"] += code == 2
        counts["missing copies"] += code == 4
        counts["empty"] += not listing.bytes_of(entry)
    rows = [(name, f"{count:,}") for name, count in counts.items()]
    view.show(counts, lambda: view.table(("WHAT", "OBJECTS"), rows))
