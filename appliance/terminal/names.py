"""Buckets and objects as the command line names them: `[PROVIDER://][@UUID][#NAMESPACE/]BUCKET[/OBJECT]`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import click
from click.shell_completion import CompletionItem

from nativeapi.client import object_path

# What a provider is called on the command line, and how the API calls it.
PROVIDERS = {
    "ais": "ais",
    "aws": "aws",
    "s3": "aws",
    "azure": "azure",
    "az": "azure",
    "gcp": "gcp",
    "gs": "gcp",
    "oci": "oci",
    "oc": "oci",
    "ht": "ht",
}
SCHEMES = {"aws": "s3", "azure": "az", "gcp": "gs", "oci": "oc"}  # as providers are shown, where that differs
NAME = re.compile(
    r"(?:(?P<scheme>[a-z0-9]+):(?://)?)?(?:(?P<space>@[^/#]*(?:#[^/]*)?|#[^/]+)/?)?(?P<rest>.*)", re.DOTALL
)
# Of the three grammars the one that no name is likely to hold: another takes user@100.jpg for a hundred objects.
TEMPLATE = re.compile(r"\{\d+\.\.\d+(?:\.\.\d+)?\}")


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket, or with an empty name all buckets of the provider and namespace."""

    name: str
    provider: str = "ais"
    space: str = ""  # "@uuid#name", "@#name" for one of the cluster's own; "" is the global namespace

    @property
    def uri(self) -> str:
        space = f"{self.space.removeprefix('@') if self.space.startswith('@#') else self.space}/" if self.space else ""
        return f"{SCHEMES.get(self.provider, self.provider)}://{space}{self.name}"

    @property
    def query(self) -> dict[str, str]:
        return {"provider": self.provider, **({"namespace": self.space} if self.space else {})}

    @property
    def json(self) -> dict[str, Any]:
        uuid, _, name = self.space.removeprefix("@").partition("#")
        return {"name": self.name, "provider": self.provider, "namespace": {"uuid": uuid, "name": name}}

    @property
    def path(self) -> str:
        """Below /v1."""
        return f"buckets/{quote(self.name, safe='')}"

    def uname(self, key: str = "") -> str:
        """As the parameters `bck_to` and `object_to` name it."""
        space = self.json["namespace"]
        return f"{self.provider}/@{space['uuid']}#{space['name']}/{self.name}/{key}"


@dataclass(frozen=True, slots=True)
class Place:
    """An object, or with an empty key its bucket; the key may also be a prefix or a template."""

    bucket: Bucket
    key: str = ""

    @property
    def uri(self) -> str:
        return f"{self.bucket.uri}/{self.key}" if self.key else self.bucket.uri

    @property
    def path(self) -> str:
        """Below /v1."""
        return object_path(self.bucket.name, self.key)

    @property
    def is_template(self) -> bool:
        return bool(TEMPLATE.search(self.key))

    def sibling(self, key: str) -> Place:
        return Place(self.bucket, key)


def parse(text: str) -> Place:
    """`ValueError` says what is wrong with the name."""
    match = NAME.fullmatch(text)
    assert match is not None, "the expression takes any text"
    scheme = match["scheme"] or "ais"
    if scheme not in PROVIDERS:
        raise ValueError(f"{scheme!r} is no provider: one of {', '.join(PROVIDERS)}")
    bucket, _, key = match["rest"].lstrip("/").partition("/")
    space = match["space"] or ""
    if space.startswith("#"):
        space = f"@{space}"
    return Place(Bucket(bucket, PROVIDERS[scheme], "" if space == "@#" else space), key)


def beneath(destination: Place, source: Place) -> Place:
    """Where a copy goes: under the source's own name when the destination is a bucket, or ends with a slash."""
    key = destination.key
    if not key:
        return destination.sibling(source.key)
    return destination.sibling(key + source.key.rpartition("/")[2]) if key.endswith("/") else destination


def bucket_of(value: dict[str, Any]) -> Bucket:
    """The bucket that a reply of the API names."""
    space = value.get("namespace") or {}
    uuid, name = space.get("uuid") or "", space.get("name") or ""
    text = f"@{uuid}" + (f"#{name}" if name else "")
    return Bucket(str(value.get("name", "")), str(value.get("provider") or "ais"), "" if text == "@" else text)


class PlaceType(click.ParamType[Place]):
    """A bucket with or without an object behind it."""

    name = "place"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Place:
        if isinstance(value, Place):
            return value
        try:
            place = self.checked(parse(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return place

    def checked(self, place: Place) -> Place:
        if not place.bucket.name:
            raise ValueError("expected BUCKET or BUCKET/OBJECT, such as ais://photos/2026/a.jpg")
        return place

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from appliance.terminal.completion import places

        return [CompletionItem(text) for text in places(incomplete)]


class BucketType(PlaceType):
    """A bucket alone; the value is a `Place` without a key."""

    name = "bucket"

    def checked(self, place: Place) -> Place:
        super().checked(place)
        if place.key:
            raise ValueError(f"expected BUCKET, such as ais://photos; {place.uri} names an object")
        return place


class ObjectType(PlaceType):
    """An object in a bucket."""

    name = "object"

    def checked(self, place: Place) -> Place:
        if not place.bucket.name or not place.key:
            raise ValueError("expected BUCKET/OBJECT, such as ais://photos/2026/a.jpg")
        return place


class ScopeType(PlaceType):
    """A provider, a namespace or a bucket, with or without a prefix: what `ls` takes."""

    name = "scope"

    def checked(self, place: Place) -> Place:
        return place

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Place:
        if isinstance(value, str) and value in PROVIDERS:
            value = f"{value}://"
        return super().convert(value, param, ctx)


PLACE, BUCKET, OBJECT, SCOPE = PlaceType(), BucketType(), ObjectType(), ScopeType()
