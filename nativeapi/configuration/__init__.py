"""AIStore's cluster configuration on this node: what was changed lies in the catalog, the rest are the defaults.

A change is durable and seen by all processes when it returns; a transient one ends with the node's run. Values changed
for the node come before those changed for the cluster.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any

import msgspec

from nativeapi.configuration.checks import CHECKS
from nativeapi.configuration.rows import BY_NAME, ROWS, Effect, Row
from nativeapi.errors import NativeError, unsupported
from storage.catalog import Catalog, Changed
from storage.records import Codec, Value

KIND = "config"  # of the one record in the catalog, and its name
SECOND = 1_000_000_000  # ns
NUMBER = re.compile(r"-?[0-9]{1,18}")
NOTHING: dict[str, Any] = {}

Values = dict[str, Any]  # by dotted name, as they are kept: durations in ns, sizes in bytes, masks as numbers
WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


class Scope(Enum):
    CLUSTER = "cluster"
    NODE = "node"


class Changes(msgspec.Struct, array_like=True, frozen=True):
    """What differs from the defaults, by scope. `version` counts the changes."""

    version: int = 0
    changed: int = 0  # ns
    kept: dict[str, Values] = {}
    run: str = ""  # the node's run that `transient` holds for
    transient: dict[str, Values] = {}


CHANGES = Codec(Changes)


class Configuration:
    """`run` names the time between a start of the node and its end; `fixed` are the values that its settings decided.

    `clock` gives ns since the epoch.
    """

    def __init__(self, catalog: Catalog, *, run: str, fixed: Mapping[str, Any], clock: Callable[[], int]) -> None:
        self._catalog = catalog
        self._run = run
        self._clock = clock
        self._defaults = {row.name: row.default for row in ROWS} | dict(fixed)
        self._known: tuple[bytes | None, Changes] = (None, Changes())

    def changes(self) -> Changes:
        """What was changed, as it is now."""
        raw = self._catalog.get(KIND, KIND)
        if raw != self._known[0]:
            self._known = (raw, Changes() if raw is None else CHANGES.decode(raw))
        return self._known[1]

    def values(self, scope: Scope = Scope.NODE) -> Values:
        """All values as they hold: for the cluster, or for the node, which may differ from it."""
        return self._values(self.changes(), scope)

    def section(self, name: str) -> dict[str, Any]:
        """The values under a name ("checksum"), nested as AIStore's documents have them."""
        found: dict[str, Any] = nested(shown(self.values()))[name]
        return found

    def document(self, scope: Scope) -> dict[str, Any]:
        """The whole configuration nested, with its version and the time of its last change."""
        changes = self.changes()
        return nested(shown(self._values(changes, scope))) | {
            "config_version": str(changes.version),
            "lastupdate_time": time.strftime("%Y-%m-%d %H:%M:%S +0000 UTC", time.gmtime(changes.changed // SECOND)),
        }

    def change(self, scope: Scope, wanted: Mapping[str, Any], *, lasting: bool) -> None:
        """Set the values by their dotted names, all or none; 400 when one is unknown, out of range or fixed."""
        checked = {name: self._checked(name, value) for name, value in wanted.items()}

        def changed(before: Changes) -> Changes:
            transient = before.transient if before.run == self._run else NOTHING
            theirs = transient.get(scope.value, NOTHING)
            if not lasting:
                layer = {**transient, scope.value: {**theirs, **checked}}
                return msgspec.structs.replace(before, run=self._run, transient=layer)
            rest = {name: value for name, value in theirs.items() if name not in checked}
            kept = {**before.kept, scope.value: {**before.kept.get(scope.value, NOTHING), **checked}}
            return msgspec.structs.replace(
                before, kept=kept, run=self._run, transient={**transient, scope.value: rest}
            )

        self._commit(changed)

    def reset(self) -> None:
        """Drop what was changed for the node and for this run, as AIStore does: the cluster's own values stay."""
        cluster = Scope.CLUSTER.value
        self._commit(
            lambda before: msgspec.structs.replace(
                before, kept={cluster: before.kept.get(cluster, NOTHING)}, transient=NOTHING
            )
        )

    def _commit(self, change: Callable[[Changes], Changes]) -> None:
        while True:
            raw = self._catalog.get(KIND, KIND)
            before = Changes() if raw is None else CHANGES.decode(raw)
            after = msgspec.structs.replace(change(before), version=before.version + 1, changed=self._clock())
            for scope in Scope:
                verify(self._values(after, scope))
            try:
                self._catalog.put(KIND, KIND, CHANGES.encode(after), expected=raw)
                return
            except Changed:
                continue

    def _values(self, changes: Changes, scope: Scope) -> Values:
        layers = [Scope.CLUSTER] if scope is Scope.CLUSTER else [Scope.CLUSTER, Scope.NODE]
        values = dict(self._defaults)
        for layer in layers:
            values.update(self._current(changes.kept.get(layer.value, NOTHING)))
            if changes.run == self._run:
                values.update(self._current(changes.transient.get(layer.value, NOTHING)))
        return values

    def _current(self, layer: Values) -> Values:
        """A layer without the values that this release does not know, or no longer takes."""
        return {name: value for name, value in layer.items() if name in BY_NAME}

    def _checked(self, name: str, value: Any) -> Any:
        row = BY_NAME.get(name)
        if row is None:
            raise NativeError(400, f'unknown property "{name}"')
        read = read_value(row, value)
        if row.effect is Effect.REFUSED and read != row.default:
            raise unsupported(f"{name}={value}")
        if row.effect is Effect.FIXED and read != self._defaults[name]:
            raise NativeError(400, f'property "{name}" is decided by the node and cannot be changed here: {row.note}')
        return read


def read_value(row: Row, value: Any) -> Value:
    """The value as it is kept. A query has text for everything: it is read as a number or a switch where it is none of
    the kind itself."""
    for form in forms(value):
        try:
            return row.kind.read(form)
        except ValueError:
            continue
    raise NativeError(400, f'invalid value "{value}" of property "{row.name}": expecting {row.kind.accepts}')


def forms(value: Any) -> Iterator[Any]:
    yield value
    if isinstance(value, str):
        if value.lower() in WORDS:
            yield WORDS[value.lower()]
        if NUMBER.fullmatch(value):
            yield int(value)


def shown(values: Values) -> dict[str, Any]:
    """The values as clients see them."""
    return {name: BY_NAME[name].kind.show(value) for name, value in values.items()}


def verify(values: Values) -> None:
    """Raise unless the values go together."""
    for check in CHECKS:
        if not check.holds(values):
            raise NativeError(400, f"invalid configuration: {check.text}")


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by dotted name as a document."""
    document: dict[str, Any] = {}
    for name, value in values.items():
        *sections, last = name.split(".")
        place = document
        for section in sections:
            place = place.setdefault(section, {})
        place[last] = value
    return document
