"""The guard of a server, run by hand."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from etl.runtimes import guard
from etl.runtimes.process import read_log


def guarded(folder: Path, script: str, *, limit: int = 1_000_000, grace: float = 5) -> subprocess.Popen[bytes]:
    options = [str(os.getpid()), str(folder / "log"), str(limit), str(grace)]
    command = [sys.executable, "-I", "-S", guard.__file__, *options, "sh", "-c", script]
    return subprocess.Popen(command, start_new_session=True)


def await_log(folder: Path, text: bytes) -> bytes:
    deadline = time.monotonic() + 10
    while text not in read_log(folder / "log"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return read_log(folder / "log")


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    ("script", "status"), [("exit 0", 0), ("exit 42", 42), ("kill -9 $$", 137), ("kill -15 $$", 143)]
)
def test_the_status_is_the_server_s(tmp_path: Path, script: str, status: int) -> None:
    assert guarded(tmp_path, script).wait() == status


def test_both_outputs_are_kept_to_the_last_byte(tmp_path: Path) -> None:
    guarded(tmp_path, "echo one; echo two >&2; seq 1 20000").wait()
    assert read_log(tmp_path / "log") == b"one\ntwo\n" + b"".join(b"%d\n" % number for number in range(1, 20001))


def test_the_log_stays_within_its_limit_and_keeps_the_latest(tmp_path: Path) -> None:
    guarded(tmp_path, "seq 1 200000", limit=400_000).wait()
    log = read_log(tmp_path / "log")
    assert log.endswith(b"\n199999\n200000\n")
    assert 100_000 < len(log) <= 400_000 + guard.PIECE


def test_a_server_that_ends_takes_its_descendants_along(tmp_path: Path) -> None:
    server = guarded(tmp_path, "setsid sleep 1000 & echo $!; (sleep 1000 & echo $!); sleep 0.2")
    server.wait()
    left = [int(line) for line in read_log(tmp_path / "log").split()]
    assert len(left) == 2
    assert not any(alive(process) for process in left)


def test_told_to_end_it_lets_the_whole_group_end_in_order(tmp_path: Path) -> None:
    child = "trap 'echo child; exit' TERM; echo up; sleep 1000 & wait"
    script = f"trap 'echo parent; exit 5' TERM; sh -c \"{child}\" & wait"
    server = guarded(tmp_path, script)
    await_log(tmp_path, b"up")
    server.terminate()
    assert server.wait() == 5
    assert {b"parent", b"child"} <= set(read_log(tmp_path / "log").split())


def test_a_server_that_does_not_end_is_killed_after_the_grace(tmp_path: Path) -> None:
    server = guarded(tmp_path, "trap '' TERM; echo up; while :; do sleep 0.1; done", grace=0.5)
    await_log(tmp_path, b"up")
    before = time.monotonic()
    server.terminate()
    assert server.wait() == 137
    assert 0.4 < time.monotonic() - before < 3


def test_output_that_a_full_disk_refuses_does_not_stop_the_server(tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to("/dev/full")
    assert guarded(tmp_path, "seq 1 100000; exit 3").wait() == 3


def test_the_guard_of_a_dead_parent_ends_its_server(tmp_path: Path) -> None:
    program = (
        "import os, subprocess, sys; guard, log = sys.argv[1:];"
        "p = subprocess.Popen([sys.executable, '-I', '-S', guard, str(os.getpid()), log, '1000', '1', 'sh', '-c',"
        " 'echo $$; exec sleep 1000']); print(p.pid, flush=True); p.wait()"
    )
    command = [sys.executable, "-c", program, guard.__file__, str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        server = int(await_log(tmp_path, b"\n"))
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 5
    while alive(pid) or alive(server):
        assert time.monotonic() < deadline
        time.sleep(0.02)
