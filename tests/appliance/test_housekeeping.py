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
from appliance.housekeeping import AT_START, KIND, NODE, Sweeping, keep_house
from storage.errors import VolumeFailed
from storage.jobs import Jobs, Run, Step
from storage.jobs.bell import Bell
from storage.jobs.records import Definition
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


def sweep(store: Store, clock: WallClock, *, at_start: bool = False) -> Iterator[Step]:
    """The steps of a sweep that the job's runner takes one by one."""
    value = {AT_START: True} if at_start else {}
    job = Definition("aBcDeFgHi", KIND, clock(), NODE)
    return Sweeping(store, clock)(Run(job, NODE, value, "", lambda: False, str, lambda step: None))


def test_what_a_crash_left_is_gone_after_the_start_and_what_came_later_is_not(store: Store, left: Path) -> None:
    clock = WallClock()
    time.sleep(0.05)
    young = stray(store.partitions.primary)
    removed = sum(step.objects for step in sweep(store, clock, at_start=True))
    assert (left.exists(), young.exists(), removed) == (False, True, 1)


@pytest.mark.parametrize("ahead", [-HOUR, 2 * HOUR])
def test_a_clock_that_was_set_puts_the_sweep_off_and_the_next_one_is_run(
    store: Store, left: Path, wall: Wall, ahead: int, caplog: pytest.LogCaptureFixture
) -> None:
    clock = WallClock(wall)
    wall.ahead = ahead
    with caplog.at_level(logging.WARNING, "sluice.housekeeping"):
        (step,) = sweep(store, clock, at_start=True)
    assert left.exists() and WARNINGS in step.note
    assert [WARNINGS in record.message for record in caplog.records] == [True]
    list(sweep(store, clock, at_start=True))
    assert not left.exists()


def test_a_clock_set_amid_a_sweep_ends_it_before_it_removes_anything(store: Store, left: Path, wall: Wall) -> None:
    steps = sweep(store, WallClock(wall), at_start=True)
    next(steps)
    wall.ahead -= HOUR
    assert len(list(steps)) < 3
    assert left.exists()


def test_the_later_sweeps_leave_what_may_be_a_write_under_way(store: Store, left: Path) -> None:
    list(sweep(store, WallClock()))
    assert left.exists()


def test_a_volume_that_fails_ends_a_sweep(store: Store, left: Path, caplog: pytest.LogCaptureFixture) -> None:
    os.rmdir(store.partitions.primary.blobs.directory(next(
        name for name in ("00", "01") if not os.listdir(store.partitions.primary.blobs.directory(name))
    )))
    with caplog.at_level(logging.ERROR, "sluice.housekeeping"), pytest.raises(VolumeFailed):
        list(sweep(store, WallClock(), at_start=True))
    assert "ended early" in caplog.text
    assert left.exists()


def test_sweeps_are_jobs_that_the_node_starts_by_itself(store: Store) -> None:
    class Twice(Event):
        rounds = 0

        def wait(self, timeout: float | None = None) -> bool:
            self.rounds += 1
            return self.rounds > 1

    jobs = Jobs(store.partitions.primary.index, Bell(), clock=time.time_ns, random=os.urandom)
    keep_house(jobs, Twice())
    later, first = jobs.all()
    assert (first.kind, jobs.value(first.id), jobs.value(later.id)) == (KIND, {AT_START: True}, {})
    keep_house(jobs, Twice())
    assert len(jobs.all()) == 2, "both were cut off, and go on"


def test_a_clock_that_runs_was_not_set() -> None:
    clock = WallClock()
    assert not any(clock.was_set() for _ in range(10_000))
