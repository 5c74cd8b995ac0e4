"""`sluice ls`: buckets, and the objects of one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import click

from appliance.commands.connected import connected
from appliance.terminal import listing
from appliance.terminal.kinds import REGEX
from appliance.terminal.names import PLACE, SCOPE, Bucket, Place, bucket_of
from appliance.terminal.output import EMPTY, note, show_json_array, table
from appliance.terminal.selection import checked
from appliance.terminal.summary import SUMMARY_COLUMNS, summaries, summary_row
from appliance.terminal.view import View, refreshed, viewed
from nativeapi.client import NativeClient

PRESENT_ONLY, ANYWHERE = "2", "0"
PROVIDERS = {"ais": "AIS", "aws": "AWS", "azure": "Azure", "gcp": "GCP", "oci": "OCI", "ht": "HTTP(S)"}

ALL_PROPS = "name,size,checksum,atime,version,cached,status,copies,custom,location"
STATUSES = ("ok", "misplaced (node)", "misplaced (mountpath)", "replica", "missing copy")

Cell = Callable[[listing.Entry, View], str]


def status(entry: listing.Entry) -> str:
    code = int(entry.get("flags") or 0) & 31
    return STATUSES[code] if code < len(STATUSES) else str(code)


def field(key: str) -> Cell:
    return lambda entry, view: str(entry.get(key) or EMPTY)


# The columns of a listing: the property that asks for it, its head and its cell.
COLUMNS: dict[str, tuple[str, Cell]] = {
    "name": ("NAME", lambda entry, view: indented(entry)),
    "size": ("SIZE", lambda entry, view: EMPTY if listing.is_directory(entry) else view.size(listing.bytes_of(entry))),
    "checksum": ("CHECKSUM", field("checksum")),
    "atime": ("ATIME", field("atime")),
    "version": ("VERSION", field("version")),
    "cached": ("CACHED", lambda entry, view: "yes" if int(entry.get("flags") or 0) & listing.PRESENT else "no"),
    "status": ("STATUS", lambda entry, view: status(entry)),
    "copies": ("COPIES", field("copies")),
    "custom": ("CUSTOM", field("custom-md")),
    "ec": ("EC", field("ec")),
    "location": ("LOCATION", field("location")),
}


def indented(entry: listing.Entry) -> str:
    return "    " * bool(int(entry.get("flags") or 0) & listing.IN_ARCHIVE) + str(entry["name"])


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user wants to see of the objects of a bucket."""

    place: Place
    props: tuple[str, ...]
    flags: int
    limit: int | None
    page_size: int
    max_pages: int | None
    start_after: str
    matches: Callable[[str], bool] | None  # which of what the node lists; None for all
    footer: bool
    headers: dict[str, str]


def objects_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for add in (
        click.option("--inv-name", default="", metavar="NAME", help="List from this inventory of a remote bucket."),
        click.option("--no-footers", "-F", is_flag=True, help="Print no count in the end."),
        click.option("--start-after", default="", metavar="NAME", help="Begin behind this name."),
        click.option("--max-pages", type=click.IntRange(1), metavar="N", help="End after so many pages."),
        click.option("--page-size", type=click.IntRange(0), default=0, metavar="N", help="Names a page."),
        click.option("--limit", type=click.IntRange(0), default=0, metavar="N", help="So many at most; 0: all."),
        click.option("--paged", is_flag=True, hidden=True, expose_value=False),  # `ais` takes it; it is always so
        click.option("--count-only", is_flag=True, help="Print the number of objects and their size."),
        click.option("--name-only", is_flag=True, help="Print names alone, one a line; the fastest."),
        click.option("--props", default="", metavar="LIST", help=f"Columns: all, or some of {', '.join(COLUMNS)}."),
        click.option("--no-dirs", is_flag=True, help="With --non-recursive, without directories."),
        click.option("--non-recursive", "--nr", "--no-recursion", "flat", is_flag=True, help="One directory alone."),
        click.option("--archive", is_flag=True, help="Look into archives (tar, tgz, zip, tar.lz4)."),
        click.option("--diff", is_flag=True, help="Of remote buckets: what differs from its remote version."),
        click.option("--not-cached", is_flag=True, help="Of remote buckets: what is not in the cluster."),
        click.option("--cached", is_flag=True, help="Of remote buckets: what is in the cluster."),
        click.option("--template", default="", help="What a template stands for: 'shard-{000..099}.tar'."),
        click.option("--regex", type=REGEX, default="", help="Names that match the expression."),
        click.option("--prefix", default="", help="Names that begin so."),
    ):
        command = add(command)
    return command


@click.command()
@click.argument("scope", type=SCOPE, required=False, metavar="[BUCKET[/PREFIX] | PROVIDER]")
@click.option("--all", "everything", is_flag=True, help="Buckets: remote ones, too. Objects: copies, too; all columns.")
@click.option("--summary", "summarised", is_flag=True, help="Sizes and counts a bucket.")
@objects_options
@viewed
@refreshed
@connected
def ls(client: NativeClient, scope: Place | None, everything: bool, summarised: bool, view: View, **given: Any) -> None:
    """List buckets, or the objects of one.

    \b
        sluice ls                                   all buckets
        sluice ls ais --summary                     with sizes and counts
        sluice ls ais://photos                      all objects
        sluice ls ais://photos/2026/ --nr           one level of directories
        sluice ls ais://photos --regex '\\.jpg$' --props name,size,checksum
        sluice ls ais://shards --template 'shard-{000..099}.tar' --name-only
        sluice ls ais://shards/a.tar --archive      the members of an archive
        sluice ls ais://photos --limit 10 --json
    """
    place = scope or Place(Bucket("", ""))
    if place.bucket.name and not summarised:
        show_objects(client, wish(place, everything, **given), view, count=given["count_only"])
        return
    if place.bucket.name:
        show_summaries(client, place, given["prefix"] or place.key, view)
        return
    show_buckets(client, place.bucket, everything, summarised, given["regex"], view)


@click.command()
@click.argument("place", type=PLACE, metavar="BUCKET[/SHARD]")
@objects_options
@viewed
@refreshed
@connected
def archive_ls(client: NativeClient, place: Place, view: View, **given: Any) -> None:
    """List the members of archives: of one, or of all in a bucket.

    \b
        sluice archive ls ais://shards/a.tar
        sluice archive ls ais://shards --prefix train/ --json
    """
    wanted = wish(place, False, **{**given, "archive": True})
    show_objects(client, wanted, view, count=given["count_only"])


def buckets(client: NativeClient, scope: Bucket, presence: str) -> list[Bucket]:
    """The buckets of a provider and namespace; of all when they are empty."""
    query = {**scope.query, "presence": presence}
    found = client.json("GET", "buckets", query=query, message={"action": "list", "name": "", "value": None})
    return [bucket_of(value) for value in found or ()]


def show_buckets(
    client: NativeClient, scope: Bucket, everything: bool, summarised: bool, regex: str, view: View
) -> None:
    found = buckets(client, scope, PRESENT_ONLY)
    present = set(found)
    if everything:
        found = buckets(client, scope, ANYWHERE)
    found = [bucket for bucket in found if re.search(regex, bucket.name)]
    if summarised:
        every = summaries(client, Place(scope), "") if found else ()
        rows = [row for row in every if bucket_of(row) in found]
        view.show(rows, lambda: view.table(SUMMARY_COLUMNS, [summary_row(row, view) for row in rows]))
        return
    values = [{**bucket.json, "present": bucket in present} for bucket in found]
    view.show(values, lambda: bucket_lines(found, present, view))


def bucket_lines(found: list[Bucket], present: set[Bucket], view: View) -> None:
    if not found:
        note("No buckets; `sluice create BUCKET` makes one.")
        return
    view.table(("NAME", "PRESENT"), [(bucket.uri, "yes" if bucket in present else "no") for bucket in found])
    if view.headers:
        counts = {name: sum(bucket.provider == name for bucket in found) for name in PROVIDERS}
        totals = ", ".join(f"{PROVIDERS[name]} buckets: {count}" for name, count in counts.items() if count)
        note(f"Total: [{totals}]")


def show_summaries(client: NativeClient, place: Place, prefix: str, view: View) -> None:
    rows = list(summaries(client, place.sibling(""), prefix))
    view.show(rows, lambda: view.table(SUMMARY_COLUMNS, [summary_row(row, view) for row in rows]))


FLAGS = {
    "cached": listing.CACHED,
    "not_cached": listing.NOT_CACHED,
    "diff": listing.DIFF,
    "archive": listing.ARCHIVES,
    "flat": listing.NO_RECURSION,
    "no_dirs": listing.NO_DIRECTORIES,
    "name_only": listing.NAME_ONLY,
}


def wish(place: Place, everything: bool, **given: Any) -> Wish:
    if place.key and given["prefix"]:
        raise click.UsageError("give the prefix once: behind the bucket or with --prefix")
    flags = sum(bit for name, bit in FLAGS.items() if given[name])
    flags |= listing.MISSING * everything
    if given["inv_name"]:
        flags |= 1 << 15
    prefix, matches = pattern(given["prefix"] or place.key.removesuffix("*"), given["template"], given["regex"])
    return Wish(
        place.sibling(prefix),
        columns(given["props"], everything, given["name_only"], place.bucket),
        flags,
        given["limit"] or None,
        given["page_size"],
        given["max_pages"],
        given["start_after"],
        matches,
        not given["no_footers"] and not given["name_only"],
        {"Ais-Inv-Name": given["inv_name"]} if given["inv_name"] else {},
    )


def pattern(prefix: str, template: str, regex: str) -> tuple[str, Callable[[str], bool] | None]:
    """What to ask the node for, and which of that to show."""
    if template and (prefix or regex):
        raise click.UsageError("--template goes without --prefix and --regex")
    if template:
        from storage import templates

        parsed = templates.parse(checked(template))
        return parsed.prefix, parsed.matcher()
    expression = re.compile(regex)
    return prefix, (lambda name: expression.search(name) is not None) if regex else None


def columns(props: str, everything: bool, name_only: bool, bucket: Bucket) -> tuple[str, ...]:
    if name_only:
        return ("name",)
    if props == "all" or everything and not props:
        return tuple(ALL_PROPS.split(","))
    chosen = tuple(name.strip() for name in props.split(",") if name.strip())
    unknown = [name for name in chosen if name not in COLUMNS]
    if unknown:
        raise click.UsageError(f"--props: {', '.join(unknown)}: choose from {', '.join(COLUMNS)}, or all")
    if not chosen:
        return ("name", "size") if bucket.provider == "ais" and not bucket.space else ("name", "size", "cached")
    return ("name", *(name for name in chosen if name != "name"))


def show_objects(client: NativeClient, asked: Wish, view: View, *, count: bool) -> None:
    query = listing.Query(
        asked.place.bucket,
        asked.place.key,
        ",".join(asked.props),
        asked.flags,
        asked.page_size,
        asked.limit if asked.matches is None else None,
        asked.start_after,
        asked.headers,
    )
    pages = filtered(listing.pages(client, query), asked)
    if count:
        show_count(pages, view)
    elif view.as_json:
        show_json_array(entry for page in pages for entry in page)
    else:
        show_pages(pages, asked, view)


def filtered(pages: Iterator[list[listing.Entry]], asked: Wish) -> Iterator[list[listing.Entry]]:
    left = asked.limit
    for number, page in enumerate(pages):
        if asked.max_pages is not None and number >= asked.max_pages or left == 0:
            return
        matches = asked.matches
        kept = (page if matches is None else [entry for entry in page if matches(entry["name"])])[:left]
        left = None if left is None else left - len(kept)
        yield kept


def show_pages(pages: Iterator[list[listing.Entry]], asked: Wish, view: View) -> None:
    heads = [COLUMNS[name][0] for name in asked.props]
    cells = [COLUMNS[name][1] for name in asked.props]
    count, widths = 0, [0] * len(cells)
    for page in pages:
        headers = view.headers and count == 0 and asked.props != ("name",) and bool(page)
        rows = ([cell(entry, view) for cell in cells] for entry in page)
        widths = table(heads, rows, headers=headers, least=widths)
        count += len(page)
    if asked.footer and view.headers:
        note(f"Listed: {count:,} names")


def show_count(pages: Iterator[list[listing.Entry]], view: View) -> None:
    count = size = 0
    for page in pages:
        count += len(page)
        size += sum(map(listing.bytes_of, page))
    view.show({"objects": count, "size": size}, lambda: view.say(f"{count:,} objects, {view.size(size)}"))
