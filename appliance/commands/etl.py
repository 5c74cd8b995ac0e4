"""`sluice etl`: transforms of a running node, over its native API."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import click

from appliance.commands.connected import connected
from appliance.terminal.downloads import STDOUT, Download, Way, download, to_stdout
from appliance.terminal.failures import REFUSED, WRONG, explained, fail
from appliance.terminal.names import OBJECT, PLACE, Place, beneath
from appliance.terminal.output import show_json, table
from appliance.terminal.view import json_option
from etl import durations
from etl.errors import InvalidSpec
from etl.spec import INIT_TIMEOUT, messages
from nativeapi.client import NativeClient, Refused

SPEC_LIMIT = 4 * 1024 * 1024  # bytes
REMOTE = ("http://", "https://")
FETCH_SECONDS = 30.0
MARGIN_SECONDS = 30.0  # over init_timeout, for the node to say that it has passed


@click.command()
@click.option("--spec", "-f", required=True, metavar="FILE|URL", help="A YAML or JSON spec; - reads standard input.")
@click.option("--name", default="", help="Overrides the spec's name.")
@click.option("--comm-type", default="", metavar="TYPE", help="Overrides `communication`: hpush, hpull or ws.")
@click.option("--init-timeout", default="", metavar="DURATION", help="Overrides `init_timeout`: 5m, 30s.")
@click.option("--object-timeout", default="", metavar="DURATION", help="Overrides `obj_timeout`: 45s.")
@json_option
@connected
def init(
    client: NativeClient,
    spec: str,
    name: str,
    comm_type: str,
    init_timeout: str,
    object_timeout: str,
    as_json: bool,
) -> None:
    """Define the transforms of a spec and start them. Returns when they run; the spec may hold several documents.

    \b
        sluice etl init -f spec.yaml
        sluice etl init -f https://example.com/md5/etl_spec.yaml --name my-md5
    """
    overrides = {
        "name": name,
        "communication": comm_type,
        "init_timeout": init_timeout,
        "obj_timeout": object_timeout,
    }
    started = []
    for message in overridden(read_spec(spec), {field: value for field, value in overrides.items() if value}):
        job = client.text("PUT", "etl", message=message, patience=init_patience(message))
        started.append({"name": message.get("name", ""), "job": job})
        if not as_json:
            click.echo(f'{message.get("name", "")} is running ({job})')
    if as_json:
        show_json(started)


def read_spec(where: str) -> list[dict[str, Any]]:
    """The documents of the spec in a file, at a URL, or on standard input."""
    try:
        return messages(spec_text(where), directory=spec_folder(where))
    except InvalidSpec as error:
        fail(f"{where}: {' '.join(str(error).split())}", status=WRONG)
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else getattr(error, "strerror", None) or error
        fail(f"{where} cannot be read: {reason}", status=WRONG)


def spec_text(where: str) -> str:
    if where == "-":
        return sys.stdin.read()
    if where.startswith(REMOTE):
        with urlopen(where, timeout=FETCH_SECONDS) as reply:
            return bytes(reply.read(SPEC_LIMIT)).decode()
    return Path(where).read_text(encoding="utf-8")


def spec_folder(where: str) -> Path | None:
    """From where the relative paths of a spec are seen; None for one from the network, which may have none."""
    if where == "-":
        return Path.cwd()
    return None if where.startswith(REMOTE) else Path(where).parent


def overridden(documents: list[dict[str, Any]], overrides: dict[str, str]) -> list[dict[str, Any]]:
    if overrides and len(documents) > 1:
        fail(f"the spec holds {len(documents)} transforms: overrides would apply to all of them", status=WRONG)
    return [{**document, **overrides} for document in documents]


def init_patience(message: Mapping[str, Any]) -> float:
    """Seconds to wait for a transform to come up; what is no duration is the node's to refuse."""
    try:
        return durations.parse(str(message.get("init_timeout") or INIT_TIMEOUT)) + MARGIN_SECONDS
    except ValueError:
        return MARGIN_SECONDS


@click.command(short_help="List transforms; show definitions or errors.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@json_option
@connected
def show(client: NativeClient, names: tuple[str, ...], as_json: bool) -> None:
    """List the transforms, or show the definitions of those named, or what went wrong lately with one.

    \b
        sluice etl show
        sluice etl show my-md5
        sluice etl show errors my-md5 [JOB]
    """
    if len(names) > 1 and names[0] == "errors":
        show_errors(client, names[1:], as_json)
    elif names:
        show_definitions(client, names, as_json)
    else:
        show_list(client.json("GET", "etl"), as_json)


COLUMNS = ("NAME", "STAGE", "JOB", "OBJECTS", "IN", "OUT")
FIELDS = ("id", "stage", "xaction_id", "obj_count", "in_bytes", "out_bytes")


def show_list(found: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        show_json(found)
    elif found:
        table(COLUMNS, [[str(row[field]) for field in FIELDS] for row in found])
    else:
        click.echo("no transforms; `sluice etl init -f SPEC` starts one")


def show_definitions(client: NativeClient, names: Sequence[str], as_json: bool) -> None:
    stages = {row["id"]: row["stage"] for row in client.json("GET", "etl")}
    found = []
    for name in names:
        details = client.json("GET", f"etl/{name}", query={"uuid": ""})
        found.append({"stage": stages.get(name, "Unknown"), **details["init_msg"]})
    if as_json:
        show_json(found)
        return
    import yaml

    click.echo(yaml.safe_dump_all(found, sort_keys=False, allow_unicode=True), nl=False)


def show_errors(client: NativeClient, asked: Sequence[str], as_json: bool) -> None:
    name, job = asked[0], asked[1] if len(asked) > 1 else ""
    found = client.json("GET", f"etl/{name}", query={"uuid": job}).get("obj_errors", [])
    if as_json:
        show_json(found)
    elif found:
        table(("OBJECT", "STATUS", "ERROR"), [[row["obj_name"], str(row["ecode"]), row["msg"]] for row in found])
    else:
        click.echo(f"no errors of {name}")


@click.command("view-logs", short_help="Print what a server has written to its output.")
@click.argument("name")
@json_option
@connected
def view_logs(client: NativeClient, name: str, as_json: bool) -> None:
    """Print what a transform's server has written to its output, the latest part of it.

    \b
        sluice etl view-logs my-md5
    """
    from base64 import b64decode

    found = client.json("GET", f"etl/{name}/logs")
    if as_json:
        show_json([{**row, "logs": b64decode(row["logs"]).decode(errors="replace")} for row in found])
        return
    for row in found:
        sys.stdout.buffer.write(b64decode(row["logs"]))


def chosen(
    client: NativeClient, names: tuple[str, ...], spec: str, all_of_them: bool, stages: tuple[str, ...]
) -> list[str]:
    """The transforms that the command line means: those named, those of a spec, or with --all every one in a stage."""
    if spec:
        names += tuple(str(document.get("name", "")) for document in read_spec(spec))
    if bool(names) == all_of_them:
        fail("name transforms, or give --all", status=WRONG)
    return list(names) or [row["id"] for row in client.json("GET", "etl") if row["stage"] in stages]


def each(names: Sequence[str], done: str, act: Callable[[str], Any], as_json: bool) -> None:
    """Do it for every name, going on after a refusal, which the exit code tells in the end."""
    results, refused = [], False
    for name in names:
        try:
            act(name)
            results.append({"name": name, "result": done})
        except Refused as error:
            refused = True
            results.append({"name": name, "result": "refused", "error": error.message})
            click.echo(f"sluice: {name}: {explained(error)}", err=True)
        else:
            if not as_json:
                click.echo(f"{name} is {done}")
    if as_json:
        show_json(results)
    if refused:
        raise SystemExit(REFUSED)


spec_option = click.option("--spec", "-f", default="", metavar="FILE|URL", help="The transforms of this spec.")
all_option = click.option("--all", "all_of_them", is_flag=True, help="All transforms.")
EVERY = ("Initializing", "Running", "Aborted", "Unknown")


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@spec_option
@all_option
@json_option
@connected
def start(client: NativeClient, names: tuple[str, ...], spec: str, all_of_them: bool, as_json: bool) -> None:
    """Start transforms that were stopped, or have failed. Returns when they run.

    \b
        sluice etl start my-md5
        sluice etl start --all
    """
    found = chosen(client, names, spec, all_of_them, ("Aborted",))
    each(found, "running", lambda name: client.text("POST", f"etl/{name}/start"), as_json)


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@spec_option
@all_option
@json_option
@connected
def stop(client: NativeClient, names: tuple[str, ...], spec: str, all_of_them: bool, as_json: bool) -> None:
    """Stop transforms. Their definitions stay; `start` brings them back.

    \b
        sluice etl stop my-md5
        sluice etl stop -f spec.yaml
    """
    found = chosen(client, names, spec, all_of_them, ("Initializing", "Running"))
    each(found, "stopped", lambda name: client.text("POST", f"etl/{name}/stop"), as_json)


@click.command("rm")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@spec_option
@all_option
@json_option
@connected
def remove(client: NativeClient, names: tuple[str, ...], spec: str, all_of_them: bool, as_json: bool) -> None:
    """Stop transforms and forget them.

    \b
        sluice etl rm my-md5 flac-to-wav
    """
    found = chosen(client, names, spec, all_of_them, EVERY)
    each(found, "removed", lambda name: client.text("DELETE", f"etl/{name}"), as_json)


@click.command("object", short_help="Read or copy an object through a transform.")
@click.argument("name")
@click.argument("what", nargs=-1, required=True, metavar="BUCKET/OBJECT OUT | cp SOURCE DESTINATION")
@click.option("--args", "arguments", default="", metavar="TEXT", help="Passed to the transform as etl_args.")
@json_option
@connected
def transform_object(
    client: NativeClient, name: str, what: tuple[str, ...], arguments: str, as_json: bool
) -> None:
    """Read an object through a transform into a file (- is standard output), or store the result as another object.

    \b
        sluice etl object flac-to-wav music/song.flac song.wav
        sluice etl object my-md5 music/song.flac - --args '{"hex": true}'
        sluice etl object flac-to-wav cp music/song.flac ais://music/song.wav
    """
    query = {"etl_name": name, **({"etl_args": arguments} if arguments else {})}
    if len(what) == 2:
        source, out = OBJECT.convert(what[0], None, None), what[1]
        result = read_object(client, source, out, query)
    elif len(what) == 3 and what[0] == "cp":
        result = copy_object(client, OBJECT.convert(what[1], None, None), what[2], query)
    else:
        fail("expected BUCKET/OBJECT OUT, or cp SOURCE DESTINATION; see `sluice etl object --help`")
    if what[1:] == (STDOUT,):
        return
    if as_json:
        show_json(result)
    else:
        click.echo(f"{result['from']} => {result['to']}")


def read_object(client: NativeClient, source: Place, out: str, query: dict[str, str]) -> dict[str, Any]:
    task, way = Download(source, Path(out)), Way(query=query)
    if out == STDOUT:
        size = to_stdout(client, task, way)
    else:
        size = download(client, task, way, lambda count: None) or 0
    return {"from": source.uri, "to": out, "bytes": size}


def copy_object(client: NativeClient, source: Place, destination: str, query: dict[str, str]) -> dict[str, Any]:
    to = beneath(PLACE.convert(destination, None, None), source)
    client.text("PUT", source.path, query={**source.bucket.query, "object_to": to.bucket.uname(to.key), **query})
    return {"from": source.uri, "to": to.uri}
