"""Several objects of a bucket: by a list, a template, a prefix, or all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from appliance.terminal import listing
from appliance.terminal.names import Place
from nativeapi.client import NativeClient


@dataclass(frozen=True, slots=True)
class Selection:
    """What was chosen of a bucket: names, or a template, or everything that begins with a prefix."""

    place: Place  # the bucket, without a key
    names: tuple[str, ...] = ()
    template: str = ""
    prefix: str = ""

    @property
    def value(self) -> dict[str, Any]:
        """As the value of a multi-object action says it. A prefix is a template without ranges."""
        if self.names:
            return {"objnames": list(self.names)}
        return {"template": self.template or self.prefix}

    @property
    def words(self) -> str:
        """For people."""
        if self.names:
            return f"{len(self.names):,} objects of {self.place.uri}"
        if self.template:
            return f"{self.template!r} in {self.place.uri}"
        return f"{self.place.uri}/{self.prefix}*" if self.prefix else f"all objects of {self.place.uri}"

    @property
    def query(self) -> listing.Query:
        """Lists at least what was chosen."""
        prefix = self.prefix
        if self.template:
            from storage import templates

            prefix = templates.parse(self.template).prefix
        return listing.Query(self.place.bucket, prefix)

    def existing(self, client: NativeClient, query: listing.Query | None = None) -> Iterator[listing.Entry]:
        """The chosen objects that exist, in the order of names; names given by a list are not looked up."""
        if self.names:
            yield from ({"name": name} for name in self.names)
            return
        matches: Callable[[str], bool] = lambda name: True  # noqa: E731
        if self.template:
            from storage import templates

            matches = templates.parse(self.template).matcher()
        for entry in listing.entries(client, query or self.query):
            if matches(entry["name"]):
                yield entry


@dataclass(frozen=True, slots=True)
class Choice:
    """The options --list, --template, --prefix and --all."""

    names: str
    template: str
    prefix: str
    all: bool

    @property
    def given(self) -> bool:
        return bool(self.names or self.template or self.prefix or self.all)

    def of(self, place: Place) -> Selection | None:
        """What the options and the key of `place` choose; None for the one object that `place` names.

        A usage error when they contradict each other, or when a bucket is named and nothing chosen of it.
        """
        ways = [bool(self.names), bool(self.template), bool(self.prefix), self.all]
        if sum(ways) > 1 or self.given and place.key:
            raise click.UsageError("choose one way: BUCKET/NAME, BUCKET/TEMPLATE, --list, --template, --prefix, --all")
        bucket = place.sibling("")
        if place.key:
            return named(bucket, place.key)
        if not self.given:
            return None
        template = checked(self.template) if self.template else ""
        return Selection(bucket, listed(self.names) if self.names else (), template, self.prefix)


def named(bucket: Place, key: str) -> Selection | None:
    """What the part behind the bucket chooses: a prefix when it ends with / or *, a template, or one object: None."""
    if key.endswith(("/", "*")):
        return Selection(bucket, prefix=key.removesuffix("*"))
    if bucket.sibling(key).is_template:
        return Selection(bucket, template=checked(key))
    return None


def checked(template: str) -> str:
    from storage import templates

    try:
        templates.parse(template)
    except templates.InvalidTemplate as error:
        raise click.UsageError(str(error)) from error
    return template


def listed(text: str) -> tuple[str, ...]:
    """The names of a list: `a,b,c`, or a file of them, one a line."""
    path = Path(text)
    if "," not in text and path.is_file():
        found = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    else:
        found = [name.strip() for name in text.split(",")]
    names = tuple(name for name in found if name)
    if not names:
        raise click.UsageError("--list names no objects")
    return names


def selected(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --list, --template, --prefix and --all; the command gets a `choice`."""

    @wraps(command)
    def run(*given: Any, names: str, template: str, prefix: str, all_of_it: bool, **options: Any) -> Any:
        return command(*given, choice=Choice(names, template, prefix, all_of_it), **options)

    for add in (
        click.option("--all", "all_of_it", is_flag=True, help="All objects of the bucket."),
        click.option("--prefix", default="", metavar="PREFIX", help="The objects whose names begin so."),
        click.option("--template", default="", help="The objects that a template stands for: 'shard-{000..099}.tar'."),
        click.option("--list", "names", default="", metavar="NAMES|FILE", help="Objects: a,b,c, or a file of names."),
    ):
        run = add(run)
    return run
