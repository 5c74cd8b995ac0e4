"""The sweep that a node runs by itself, and the clock that tells it what is old."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from appliance.clock import WallClock
from appliance.housekeeping import Housekeeping
from storage.layout import claim
from storage.store import Options, Store
from storage.volume import Volume

HOUR = 3600 * 1_000_000_000
WARNINGS = "the system's clock was set"


class Wall:
    """A wall clock that can be set."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return time.time_ns() + self.ahead


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with claim([tmp_path / "data"]) as held, Store(held.layout, Options(reserve=0)) as opened:
        yield opened


@pytest.fixture
def wall() -> Wall:
    return Wall()


def stray(volume: Volume) -> Path:
    """A file that no record names: a crash's, or that of a write under way."""
    return Path(volume.blobs.path(volume.blobs.store(memoryview(b"no record names this")).id))


@pytest.fixture
def left(store: Store) -> Path:
    path = stray(store.partitions.primary)
    time.sleep(0.05)
    return path


def test_what_a_crash_left_is_gone_after_the_start_and_what_came_later_is_not(store: Store, left: Path) -> None:
    clock = WallClock()
    time.sleep(0.05)
    young = stray(store.partitions.primary)
    Housekeeping(store, clock).sweep(Event(), before=clock.started)
    assert (left.exists(), young.exists()) == (False, True)


@pytest.mark.parametrize("ahead", [-HOUR, 2 * HOUR])
def test_a_clock_that_was_set_puts_the_sweep_off_and_the_next_one_is_run(
    store: Store, left: Path, wall: Wall, ahead: int, caplog: pytest.LogCaptureFixture
) -> None:
    clock = WallClock(wall)
    wall.ahead = ahead
    housekeeping = Housekeeping(store, clock)
    with caplog.at_level(logging.WARNING, "sluice.housekeeping"):
        housekeeping.sweep(Event(), before=clock() + 3 * HOUR)
    assert left.exists()
    assert [WARNINGS in record.message for record in caplog.records] == [True]
    housekeeping.sweep(Event(), before=clock() + 3 * HOUR)
    assert not left.exists()


def test_a_clock_set_amid_a_sweep_ends_it_before_it_removes_anything(store: Store, left: Path, wall: Wall) -> None:
    clock = WallClock(wall)

    class Setting(Event):
        """Is asked between two steps."""

        def is_set(self) -> bool:
            wall.ahead -= HOUR
            return False

    Housekeeping(store, clock).sweep(Setting(), before=clock.started)
    assert left.exists()


def test_the_later_sweeps_leave_what_may_be_a_write_under_way(store: Store, left: Path) -> None:
    clock = WallClock()

    class Twice(Event):
        rounds = 0

        def wait(self, timeout: float | None = None) -> bool:
            self.rounds += 1
            return self.rounds > 1

    young = stray(store.partitions.primary)
    Housekeeping(store, clock).run(Twice())
    assert young.exists()
    assert not left.exists()


def test_a_volume_that_fails_ends_a_sweep_and_not_the_process(
    store: Store, left: Path, caplog: pytest.LogCaptureFixture
) -> None:
    os.rmdir(store.partitions.primary.blobs.directory(next(
        name for name in ("00", "01") if not os.listdir(store.partitions.primary.blobs.directory(name))
    )))
    with caplog.at_level(logging.ERROR, "sluice.housekeeping"):
        Housekeeping(store, WallClock()).sweep(Event(), before=time.time_ns())
    assert "ended early" in caplog.text
    assert left.exists()


def test_a_clock_that_runs_was_not_set() -> None:
    clock = WallClock()
    assert not any(clock.was_set() for _ in range(10_000))
