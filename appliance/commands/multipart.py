"""`sluice object multipart-upload …`: an upload in parts, step by step."""

from __future__ import annotations

from pathlib import Path

import click

from appliance.commands.connected import connected
from appliance.terminal.names import OBJECT, Place
from appliance.terminal.uploads import size_of
from appliance.terminal.view import View, viewed
from nativeapi.client import NativeClient
from nativeapi.client_http import FilePart


@click.command()
@click.argument("place", type=OBJECT, metavar="BUCKET/OBJECT")
@viewed
@connected
def create(client: NativeClient, place: Place, view: View) -> None:
    """Begin an upload in parts, and print its id.

    \b
        id=$(sluice object multipart-upload create ais://data/large.bin)
    """
    upload = client.act("POST", place.path, "mpt-upload", query=place.bucket.query)
    view.show({"upload_id": upload}, lambda: view.say(upload))


@click.command("put-part")
@click.argument("place", type=OBJECT, metavar="BUCKET/OBJECT")
@click.argument("upload", metavar="UPLOAD_ID")
@click.argument("number", type=click.IntRange(1, 10_000), metavar="PART_NUMBER")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE")
@viewed
@connected
def put_part(client: NativeClient, place: Place, upload: str, number: int, path: Path, view: View) -> None:
    """Send a part. Parts may come in any order; one that comes again replaces the first.

    \b
        sluice object multipart-upload put-part ais://data/large.bin "$id" 1 part1
    """
    size = size_of(path)
    query = {**place.bucket.query, "uploadId": upload, "partNumber": str(number)}
    client.text("PUT", place.path, query=query, body=FilePart(path, 0, size))
    view.show({"part": number, "bytes": size}, lambda: view.say(f"part {number} ({view.size(size)})"))


@click.command()
@click.argument("place", type=OBJECT, metavar="BUCKET/OBJECT")
@click.argument("upload", metavar="UPLOAD_ID")
@click.argument("numbers", metavar="PART_NUMBERS")
@viewed
@connected
def complete(client: NativeClient, place: Place, upload: str, numbers: str, view: View) -> None:
    """Make the parts the object.

    \b
        sluice object multipart-upload complete ais://data/large.bin "$id" 1,2,3
    """
    try:
        parts = [{"part-number": int(number), "etag": ""} for number in numbers.split(",")]
    except ValueError:
        raise click.UsageError(f"{numbers!r} is no list of numbers: 1,2,3") from None
    client.act("POST", place.path, "mpt-complete", parts, query={**place.bucket.query, "uploadId": upload})
    view.show({"object": place.uri, "parts": len(parts)}, lambda: view.say(f"{place.uri}: {len(parts)} parts"))


@click.command()
@click.argument("place", type=OBJECT, metavar="BUCKET/OBJECT")
@click.argument("upload", metavar="UPLOAD_ID")
@viewed
@connected
def abort(client: NativeClient, place: Place, upload: str, view: View) -> None:
    """Give an upload up; its parts go.

    \b
        sluice object multipart-upload abort ais://data/large.bin "$id"
    """
    client.act("DELETE", place.path, "mpt-abort", query={**place.bucket.query, "uploadId": upload})
    view.show({"aborted": upload}, lambda: view.say(f"{place.uri}: upload {upload} is given up"))
