"""The definition of a transform: AIStore's init message in JSON, and the same in YAML for people.

Fields that are not known are ignored, as AIStore does; those left out get the documented defaults. Timeouts are kept
and shown as they were given.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from etl import durations
from etl.errors import InvalidSpec, UnsupportedSpec

HPUSH = "hpush://"
HPULL = "hpull://"
WS = "ws://"
COMMUNICATIONS = frozenset({HPUSH, HPULL, WS})
FILE_NAMES = "ETL_DIRECT_FQN"  # the variable by which a server is told to take file names, and the node to give them
TRUE = frozenset(("1", "t", "true", "y", "yes", "on"))
INIT_TIMEOUT = "5m"
OBJECT_TIMEOUT = "45s"
SHORTEST_NAME, LONGEST_NAME = 6, 32
NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


class Variable(msgspec.Struct, frozen=True):
    """An environment variable of the server."""

    name: str
    value: str = ""


class RuntimeSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """What to run: `image` names an environment, `command` is the command line; empty: the image's own."""

    image: str = ""
    command: tuple[str, ...] = ()
    env: tuple[Variable, ...] = ()


class TransformSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One transform. Get them from `from_json` or `from_yaml`, which check them."""

    name: str
    communication: str = HPUSH  # always with "://"
    init_timeout: str = INIT_TIMEOUT  # a Go duration, as all timeouts
    obj_timeout: str = OBJECT_TIMEOUT
    support_direct_put: bool = False
    runtime: RuntimeSpec = RuntimeSpec()
    env: tuple[Variable, ...] = ()
    resources: dict[str, Any] = {}

    @property
    def init_seconds(self) -> float:
        return durations.parse(self.init_timeout)

    @property
    def object_seconds(self) -> float:
        return durations.parse(self.obj_timeout)

    @property
    def file_names(self) -> bool:
        """Whether the server is given objects as names of files rather than as bytes; the last word counts."""
        said = [variable.value for variable in (*self.runtime.env, *self.env) if variable.name == FILE_NAMES]
        return bool(said) and said[-1].lower() in TRUE

    def message(self) -> dict[str, object]:
        """The init message that means this transform, defaults filled in; ready to be written as JSON."""
        built: dict[str, object] = msgspec.to_builtins(self)
        for name in ("env", "resources"):
            if not built[name]:
                del built[name]
        return built


def from_json(body: bytes) -> TransformSpec:
    """The transform that an init message defines; `InvalidSpec` with AIStore's message when it is not valid."""
    try:
        return from_message(msgspec.json.decode(body, type=dict[str, Any]))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(str(error)) from error


def from_yaml(text: str) -> list[TransformSpec]:
    """The transforms that the documents of a YAML (or JSON) text define, in their order; at least one."""
    return [from_message(message) for message in messages(text)]


def messages(text: str, *, directory: Path | None = None) -> list[dict[str, Any]]:
    """The documents of a YAML text as init messages, not checked yet: what a command line sends to a node.

    An image that is a relative path ("." or "./…") is made absolute as seen from `directory`, where the text lies.
    """
    try:
        documents = [document for document in yaml.safe_load_all(text) if document is not None]
    except yaml.YAMLError as error:
        raise InvalidSpec(f"not YAML: {error}") from error
    if not documents:
        raise InvalidSpec("the spec is empty: it needs at least `name` and `runtime`")
    for document in documents:
        if not isinstance(document, dict):
            raise InvalidSpec("a spec is a mapping with `name` and `runtime`")
        if directory is not None and isinstance(document.get("runtime"), dict):
            _place(document["runtime"], directory)
    return documents


def _place(runtime: dict[str, Any], directory: Path) -> None:
    image = runtime.get("image")
    if isinstance(image, str) and (image in (".", "..") or image.startswith(("./", "../"))):
        runtime["image"] = os.path.abspath(directory / image)


def from_message(message: Mapping[str, Any]) -> TransformSpec:
    """The transform that a decoded init message defines; `InvalidSpec` when it is not valid."""
    if _is_pod(message):
        raise UnsupportedSpec("Pod specs are not supported yet: define the transform by `runtime.image` and"
                              " `runtime.command`")
    given = {name: value for name, value in message.items() if value is not None}
    for name, default in (("communication", HPUSH), ("init_timeout", INIT_TIMEOUT), ("obj_timeout", OBJECT_TIMEOUT)):
        given[name] = given.get(name) or default
    given.setdefault("name", "")
    try:
        spec = msgspec.convert(given, TransformSpec)
    except msgspec.ValidationError as error:
        raise _unreadable(str(error)) from error
    return _checked(spec)


def check_name(name: str) -> None:
    """Raise `InvalidSpec` unless `name` may name a transform (it becomes part of DNS names on Kubernetes)."""
    if not name:
        raise InvalidSpec(f'ETL name "{name}" is empty')
    if len(name) < SHORTEST_NAME:
        raise InvalidSpec(f'ETL name "{name}" is too short')
    if len(name) > LONGEST_NAME:
        raise InvalidSpec(f'ETL name "{name}" is too long')
    if not re.fullmatch("[a-z0-9-]+", name):
        raise InvalidSpec(f'ETL name "{name}" is invalid: can only contain [a-z0-9-]')
    if not NAME.fullmatch(name):
        raise InvalidSpec(f'ETL name "{name}" is invalid: must begin and end with [a-z0-9]')


def _checked(spec: TransformSpec) -> TransformSpec:
    check_name(spec.name)
    if not spec.runtime.image:
        raise InvalidSpec("invalid etl.InitMsg: ETLSpecMsg error: runtime.image must be specified")
    _check_text(spec)
    return msgspec.structs.replace(
        spec,
        communication=_communication(spec),
        init_timeout=_timeout("init_timeout", spec.init_timeout, INIT_TIMEOUT),
        obj_timeout=_timeout("obj_timeout", spec.obj_timeout, OBJECT_TIMEOUT),
    )


def _check_text(spec: TransformSpec) -> None:
    """Raise `InvalidSpec` for what no operating system takes as a command line or an environment."""
    variables = (*spec.runtime.env, *spec.env)
    for variable in variables:
        if not variable.name or "=" in variable.name:
            raise _unreadable(f'env: "{variable.name}" cannot name a variable')
    for text in (*spec.runtime.command, *(text for variable in variables for text in (variable.name, variable.value))):
        if "\0" in text or not text.isascii() and text != text.encode(errors="replace").decode():
            raise _unreadable("runtime.command and env cannot hold NUL or half a character")


def _communication(spec: TransformSpec) -> str:
    """The communication type in its full form; the bare one is what AIStore's documents and its SDK show."""
    full = spec.communication if spec.communication.endswith("://") else spec.communication + "://"
    if full not in COMMUNICATIONS:
        raise InvalidSpec(f'invalid etl.InitMsg: ETLSpecMsg error: unknown comm-type "{spec.communication}"')
    if full == WS and not spec.support_direct_put:
        raise InvalidSpec("invalid etl.InitMsg: ETLSpecMsg error: WebSocket without direct put is not supported: set"
                          " support_direct_put")
    return full


def _timeout(field: str, given: str, default: str) -> str:
    """`given`, or the default where it is nought."""
    try:
        seconds = durations.parse(given)
    except ValueError as error:
        raise _unreadable(f"{field}: {error}") from error
    if seconds < 0:
        raise _unreadable(f'{field}: "{given}" is negative')
    return given if seconds else default


def _is_pod(message: Mapping[str, Any]) -> bool:
    return "runtime" not in message and bool(message.get("spec"))


def _unreadable(reason: str) -> InvalidSpec:
    return InvalidSpec(f"invalid etl.InitMsg: ETLSpecMsg error: {reason}; InitSpecMsg error: no Pod spec given")
