"""The cluster's configuration in the catalog, and its page of the docs."""

from __future__ import annotations

from pathlib import Path

import pytest

from nativeapi.configuration import Configuration, Scope
from nativeapi.configuration.rows import ROWS, Effect, markdown
from nativeapi.errors import NativeError
from storage.store import Store

DOCS = Path(__file__).parents[2] / "docs"


def opened(store: Store, *, run: str = "first") -> Configuration:
    return Configuration(store.catalog, run=run, fixed={"net.use_ipv6": True}, clock=lambda: 1_700_000_000_000_000_000)


def test_docs_are_the_tables() -> None:
    assert (DOCS / "configuration.md").read_text() == markdown(), "make configuration"


def test_defaults_are_of_their_own_kinds() -> None:
    assert [row.name for row in ROWS if row.kind.show(row.default) != row.shown] == []


def test_another_process_sees_a_change_at_once(store: Store) -> None:
    one, other = opened(store), opened(store)
    assert other.values()["log.level"] == "3"
    one.change(Scope.CLUSTER, {"log.level": "4"}, lasting=True)
    assert other.values()["log.level"] == "4"
    assert other.document(Scope.CLUSTER)["config_version"] == "1"
    assert other.document(Scope.CLUSTER)["lastupdate_time"] == "2023-11-14 22:13:20 +0000 UTC"


def test_transient_values_hide_lasting_ones_until_the_next_run(store: Store) -> None:
    configuration = opened(store)
    configuration.change(Scope.CLUSTER, {"space.lowwm": 70}, lasting=True)
    configuration.change(Scope.CLUSTER, {"space.lowwm": 72}, lasting=False)
    assert configuration.values()["space.lowwm"] == 72
    assert opened(store, run="second").values()["space.lowwm"] == 70
    configuration.change(Scope.CLUSTER, {"space.lowwm": 74}, lasting=True)
    assert configuration.values()["space.lowwm"] == 74


def test_values_of_the_node_come_first(store: Store) -> None:
    configuration = opened(store)
    configuration.change(Scope.NODE, {"log.max_size": "1MiB"}, lasting=True)
    configuration.change(Scope.CLUSTER, {"log.max_size": "2MiB"}, lasting=True)
    assert configuration.values(Scope.NODE)["log.max_size"] == 2**20
    assert configuration.values(Scope.CLUSTER)["log.max_size"] == 2**21
    configuration.reset()
    assert configuration.values(Scope.NODE)["log.max_size"] == 2**21


def test_what_the_settings_decided_may_be_repeated_but_not_changed(store: Store) -> None:
    configuration = opened(store)
    configuration.change(Scope.CLUSTER, {"net.use_ipv6": True}, lasting=True)
    with pytest.raises(NativeError, match="decided by the node"):
        configuration.change(Scope.CLUSTER, {"net.use_ipv6": False}, lasting=True)


def test_every_fixed_value_says_what_decides_it() -> None:
    assert all(row.note for row in ROWS if row.effect in (Effect.FIXED, Effect.HERE))
