"""Properties and configurations: trees as JSON, `section.name=value` on the command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from appliance.terminal.names import Place, parse
from appliance.terminal.view import View
from nativeapi.client import NativeClient

# The bits of `access`, in their order, and names of several.
RIGHTS = (
    "GET HEAD-OBJECT PUT APPEND DELETE-OBJECT MOVE-OBJECT PROMOTE UPDATE-OBJECT HEAD-BUCKET LIST-OBJECTS PATCH "
    "SET-BUCKET-ACL LIST-BUCKETS SHOW-CLUSTER CREATE-BUCKET DESTROY-BUCKET MOVE-BUCKET ADMIN"
).split()
RIGHT_GROUPS = {"ro": 771, "rw": 831, "su": 2**64 - 1}


def current(client: NativeClient, place: Place) -> dict[str, Any]:
    """The properties of a bucket."""
    headers = client.head(place.bucket.path, query={**place.bucket.query, "dont_add_remote_bck_md": "true"})
    found: dict[str, Any] = json.loads(headers["Ais-Bucket-Props"])
    return found


def flattened(tree: dict[str, Any], lead: str = "") -> dict[str, str]:
    """{"lru": {"enabled": true}} as {"lru.enabled": "true"}."""
    found: dict[str, str] = {}
    for name, value in tree.items():
        if isinstance(value, dict) and value:
            found |= flattened(value, f"{lead}{name}.")
        else:
            found[lead + name] = value if isinstance(value, str) else json.dumps(value)
    return found


def show_properties(tree: dict[str, Any], prefix: str, view: View) -> None:
    """Those whose names begin with the prefix."""
    flat = flattened(tree)
    kept = {name: value for name, value in sorted(flat.items()) if name.startswith(prefix)}
    if prefix and not kept:
        raise click.UsageError(f"nothing is called {prefix}…; there are {', '.join(sorted(tree))}")
    value = tree if not prefix else {name: tree[name] for name in tree if name.startswith(prefix)} or kept
    rows = [(name, rights(text) if name == "access" else text) for name, text in kept.items()]
    view.show(value, lambda: view.table(("PROPERTY", "VALUE"), rows))


def rights(mask: str) -> str:
    """The names of an access mask."""
    bits = int(mask) if mask.isdigit() else 0
    group = next((name for name, value in RIGHT_GROUPS.items() if value == bits), "")
    names = ",".join(name for bit, name in enumerate(RIGHTS) if bits >> bit & 1)
    return group or names or "none"


def parsed(words: Sequence[str]) -> dict[str, Any]:
    """The tree of `section.name=value …`, of `name value`, or of one JSON object."""
    if len(words) == 1 and words[0].lstrip().startswith("{"):
        try:
            tree = json.loads(words[0])
        except ValueError as error:
            raise click.UsageError(f"not JSON: {error}") from error
        assert isinstance(tree, dict)
        return tree
    if len(words) == 2 and "=" not in words[0]:
        words = ["=".join(words)]
    found: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name:
            raise click.UsageError(f"{word!r} is not NAME=VALUE")
        put(found, name, text)
    return found


def put(tree: dict[str, Any], name: str, text: str) -> None:
    if name == "backend_bck":
        tree[name] = backend(text)
        return
    *sections, last = name.split(".")
    for section in sections:
        tree = tree.setdefault(section, {})
    tree[last] = str(mask(text)) if name == "access" else scalar(text)


def backend(text: str) -> dict[str, Any]:
    if text == "none":
        return {"name": "", "provider": ""}
    place = parse(text)
    return place.bucket.json


def mask(text: str) -> int:
    """`ro`, `rw`, `su`, GET,PUT,…, 0x342, 834."""
    if text.lower() in RIGHT_GROUPS:
        return RIGHT_GROUPS[text.lower()]
    try:
        return int(text, 0)
    except ValueError:
        pass
    names = [name.strip().upper() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in RIGHTS]
    if unknown:
        raise click.UsageError(f"{', '.join(unknown)}: no right; choose from {', '.join(RIGHTS)}, or ro, rw, su")
    return sum(1 << RIGHTS.index(name) for name in names)


def scalar(text: str) -> Any:
    """Numbers and truths as JSON has them; what looks like a number with a unit stays text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, (bool, int, float, list)) else text
