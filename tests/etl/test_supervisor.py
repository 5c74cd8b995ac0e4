"""The process that supervises may be killed at any moment; the next one makes true what the catalog says."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from etl.errors import InitFailed
from etl.records import Stage
from etl.runtimes.orphans import marked
from etl.spec import from_message
from tests.etl.farm import PYTHON, SERVERS, Farm, jobs_process, opened, plain, supervised


def until(holds: Callable[[], bool], *, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def processes(farm: Farm) -> list[int]:
    return list(marked(str(farm.folder / "etl")))


def kill(process: int) -> None:
    with suppress(ProcessLookupError):  # a server dies with its guard
        os.kill(process, signal.SIGKILL)


def test_a_killed_supervisor_takes_its_servers_along_and_the_next_one_brings_them_back(tmp_path: Path) -> None:
    with opened(tmp_path) as farm:
        farm.put("small", b"hello")
        first = jobs_process(farm)
        job = farm.transforms.init(plain("lasting"))
        assert farm.read("lasting", "small") == b"HELLO"
        kill(first.pid)
        first.wait()
        until(lambda: not processes(farm))
        second = jobs_process(farm)
        try:
            until(lambda: farm.transforms.view("lasting").transform.restarts == 1)
            assert farm.read("lasting", "small") == b"HELLO"
            transform = farm.transforms.view("lasting").transform
            assert (transform.stage, transform.job) == (Stage.RUNNING, job)
        finally:
            second.terminate()
            assert second.wait() == 0
        assert not processes(farm)


def test_orphans_whose_guard_was_killed_as_well_do_not_survive_the_next_start(tmp_path: Path) -> None:
    with opened(tmp_path) as farm:
        farm.put("small", b"hello")
        first = jobs_process(farm)
        farm.transforms.init(plain("orphaned"))
        child = int(farm.read("orphaned", "small", "hidden_child"))
        before = set(processes(farm))
        first.send_signal(signal.SIGSTOP)  # it must not see what happens to its servers
        for process in before - {child}:
            kill(process)
        kill(first.pid)
        first.wait()
        os.kill(child, 0)
        with supervised(farm):
            until(lambda: farm.transforms.view("orphaned").transform.restarts == 1)
            assert farm.read("orphaned", "small") == b"HELLO"
            assert not before & set(processes(farm))


def test_a_supervisor_that_ends_in_order_leaves_no_process_and_the_next_one_begins_anew(tmp_path: Path) -> None:
    with opened(tmp_path) as farm:
        farm.put("small", b"hello")
        with supervised(farm):
            farm.transforms.init(plain("lasting"))
        assert not processes(farm)
        assert farm.transforms.view("lasting").transform.stage is Stage.RUNNING
        with supervised(farm):
            until(lambda: farm.transforms.view("lasting").transform.restarts == 1)
            assert farm.read("lasting", "small") == b"HELLO"


def test_an_object_asked_for_during_a_restart_waits_for_it(tmp_path: Path) -> None:
    with opened(tmp_path) as farm:
        farm.put("small", b"hello")
        first = jobs_process(farm)
        farm.transforms.init(plain("waited-for", "--slow"))
        kill(first.pid)
        first.wait()
        with supervised(farm):
            assert farm.read("waited-for", "small") == b"HELLO"


def test_what_was_stopped_stays_stopped_after_a_restart(tmp_path: Path) -> None:
    with opened(tmp_path) as farm:
        with supervised(farm):
            farm.transforms.init(plain("stopped"))
            farm.transforms.stop("stopped")
        with supervised(farm):
            farm.transforms.init(plain("another"))
            assert farm.transforms.view("stopped").transform.stage is Stage.ABORTED


def test_a_transform_stopped_while_nobody_supervises_is_gone_when_somebody_does(tmp_path: Path) -> None:
    with opened(tmp_path) as farm:
        first = jobs_process(farm)
        farm.transforms.init(plain("lasting"))
        kill(first.pid)
        first.wait()
        stopping = threading.Thread(target=farm.transforms.stop, args=("lasting",))
        stopping.start()
        until(lambda: farm.transforms.view("lasting").transform.stage is Stage.ABORTED)
        with supervised(farm):
            stopping.join()
            assert not processes(farm)
        assert not farm.transforms.view("lasting").transform.held


def test_an_init_that_the_kill_interrupts_is_finished_by_the_next_supervisor(tmp_path: Path) -> None:
    with opened(tmp_path) as farm:
        first = jobs_process(farm)
        with pytest.raises(InitFailed, match="timed out"):
            farm.transforms.init(plain("hanging", "--stubborn", "--hang", init_timeout="1s"))
        kill(first.pid)
        first.wait()
        with supervised(farm):
            farm.transforms.delete("hanging")
        assert not processes(farm)


def test_a_transform_whose_image_has_gone_is_aborted_by_the_next_supervisor(tmp_path: Path) -> None:
    image = tmp_path / "image"
    shutil.copytree(SERVERS, image)
    runtime = {"image": str(image), "command": [PYTHON, "plain.py", "--port", "8000"]}
    with opened(tmp_path) as farm:
        with supervised(farm):
            job = farm.transforms.init(from_message({"name": "imaged", "runtime": runtime}))
        shutil.rmtree(image)
        with supervised(farm):
            until(lambda: farm.transforms.view("imaged").transform.stage is Stage.ABORTED)
            assert "cannot start: " in farm.transforms.view("imaged").transform.error
            until(lambda: not farm.transforms.view("imaged").transform.held)
        assert not (farm.folder / "etl" / job / "scratch").exists()


def test_a_second_supervisor_waits_for_the_first(tmp_path: Path) -> None:
    with opened(tmp_path) as farm:
        farm.put("small", b"hello")
        first = jobs_process(farm)
        farm.transforms.init(plain("lasting"))
        second = jobs_process(farm)
        time.sleep(1)
        assert farm.transforms.view("lasting").transform.restarts == 0
        assert farm.read("lasting", "small") == b"HELLO"
        first.terminate()
        first.wait()
        until(lambda: farm.transforms.view("lasting").transform.restarts == 1)
        assert farm.read("lasting", "small") == b"HELLO"
        second.terminate()
        second.wait()
