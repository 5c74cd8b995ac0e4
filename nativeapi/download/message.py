"""What a client asks the downloader for, and the links that this means."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from etl.durations import parse as parse_duration
from nativeapi import names
from nativeapi.call import Number
from nativeapi.errors import NativeError, unsupported
from storage.jobs import Value
from storage.templates import parse as parse_template

SCHEMES = ("http", "https")
HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    connections: Number = 0
    bytes_per_hour: Number = 0


class Message(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The body of a request to start, of every type."""

    type: str = ""
    bucket: Any = None
    description: str = ""
    timeout: str = ""
    progress_interval: str = ""
    limits: Limits = Limits()
    headers: dict[str, str | list[str]] | None = None
    etl_name: str = ""
    etl_args: str = ""
    link: str = ""  # single
    object_name: str = ""
    from_remote: bool = False
    template: str = ""  # range
    subdir: str = ""
    objects: list[str] | dict[str, str] | None = None  # multi
    prefix: str = ""  # backend
    suffix: str = ""
    synchronize: bool = False


def last_component(link: str) -> str:
    """The name that an object has after its link."""
    return unquote(urlsplit(link).path.rpartition("/")[2])


def complete(link: str) -> str:
    """The link with a scheme; 400 for one that the node cannot follow."""
    whole = link if "://" in link else f"http://{link}"
    try:
        parts = urlsplit(whole)
        usable = parts.scheme in SCHEMES and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or CONTROL.search(whole):
        raise NativeError(400, f'invalid link "{link}": expecting http:// or https://')
    return whole


class Links:
    """The links of a job by their positions; nothing of a range exists before it is asked for."""

    def __init__(self, value: Value) -> None:
        self._listed: list[list[str]] = value.get("links") or []
        self._template = parse_template(value["template"]) if value.get("template") else None
        self._subdir: str = value.get("subdir", "")

    def __len__(self) -> int:
        return len(self._listed) if self._template is None else len(self._template)

    def at(self, position: int) -> tuple[str, str]:
        """An object's name and the link to its bytes."""
        if self._template is None:
            name, link = self._listed[position]
            return name, link
        link = self._template.name(position)
        return self._subdir + last_component(link), link


def listed(message: Message) -> list[list[str]]:
    """Pairs of an object's name and its link, checked."""
    if message.type == "single":
        pairs = [[message.object_name, message.link]]
    elif isinstance(message.objects, dict):
        pairs = [[name, link] for name, link in message.objects.items()]
    else:
        pairs = [["", link] for link in message.objects or ()]
    if not pairs:
        raise NativeError(400, "no objects to download")
    found = [[name or last_component(link), complete(link)] for name, link in pairs]
    for name, _ in found:
        names.check_new_object_name(name)
    return found


def ranged(message: Message) -> dict[str, str]:
    template = complete(message.template)
    if not parse_template(template).counted:
        raise NativeError(400, f'template "{message.template}" has no range')
    subdir = f"{message.subdir.strip('/')}/" if message.subdir.strip("/") else ""
    if subdir:
        names.check_object_name(subdir)
    return {"template": template, "subdir": subdir}


def seconds(text: str, default: float) -> float:
    """A duration of a request; the default for none and for nought."""
    try:
        found = parse_duration(text) if text else 0.0
    except ValueError as error:
        raise NativeError(400, str(error)) from error
    if found < 0:
        raise NativeError(400, f'invalid duration "{text}"')
    return found or default


def headers_of(message: Message) -> dict[str, str]:
    """The headers to send with each request for a link."""
    given = {name: text if isinstance(text, str) else ", ".join(text) for name, text in (message.headers or {}).items()}
    for name, text in given.items():
        if not HEADER.fullmatch(name) or CONTROL.search(text) or not text.isascii():
            raise NativeError(400, f'invalid header "{name}"')
    return given


def job_value(message: Message, *, timeout: float) -> Value:
    """What the job is asked for; 400 when that makes no sense. A link may take `timeout` seconds where the request does
    not say how many."""
    if message.etl_name:
        raise unsupported("downloading through a transform")
    if message.type not in ("single", "multi", "range"):
        raise NativeError(400, f'invalid download type "{message.type}": expecting single, multi, range or backend')
    if message.limits.connections < 0 or message.limits.bytes_per_hour < 0:
        raise NativeError(400, "limits cannot be negative")
    value: Value = ranged(message) if message.type == "range" else {"links": listed(message)}
    value |= {
        "coer": True,
        "num-workers": message.limits.connections,
        "bytes_per_hour": message.limits.bytes_per_hour,
        "headers": headers_of(message),
        "timeout": seconds(message.timeout, timeout),
        "description": message.description,
    }
    return value
