"""The index on a disk outlives killed processes, shares its file with other ones, and bears a disk without room."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import lmdb
import pytest

from storage.engines.lmdb import Durability, LmdbIndex
from storage.errors import VolumeFailed

ROOT = Path(__file__).parents[2]
LONG = b"long" * 300

# Commits three keys of the same number, one of them long, and says so once they are acknowledged.
WRITER = """
import sys
from itertools import count
from pathlib import Path
from storage.engines.lmdb import LmdbIndex

index, name, long = LmdbIndex(Path(sys.argv[1])), sys.argv[2].encode(), b"long" * 300
for number in count(1):
    value = b"%d" % number
    index.commit(
        checks=[(name + b"/last", b"%d" % (number - 1) if number > 1 else None)],
        puts=[(name + b"/last", value), (name + b"/a/" + value, value * 500), (name + long + value, value)],
        deletes=[name + b"/a/%d" % (number - 50), name + long + b"%d" % (number - 50)],
    )
    print(number, flush=True)
"""

# Begins a transaction, which keeps every other writer waiting, and never ends it.
HOLDER = """
import sys, time, lmdb

environment = lmdb.open(sys.argv[1], max_dbs=2, map_size=1 << 30)
with environment.begin(write=True):
    print("held", flush=True)
    time.sleep(60)
"""

# Fills a filesystem, deletes when it is full, and writes again. Runs where tests may mount, with the mount its own.
FILLER = """
import sys
from contextlib import suppress
from pathlib import Path
from storage.engines.lmdb import LmdbIndex
from storage.errors import OutOfSpace

volume = Path(sys.argv[1])
index, acknowledged = LmdbIndex(volume / "index"), []
ballast = volume / "ballast"
ballast.write_bytes(bytes(3 << 20))
try:
    while True:
        key = b"%08d" % len(acknowledged)
        index.commit(puts=[(key, key * 2000), (key + b"/beside", b"")])
        acknowledged.append(key)
except OutOfSpace as full:
    assert full.volume == volume, full
assert len(acknowledged) > 300, len(acknowledged)
expected = [pair for key in acknowledged for pair in ((key, key * 2000), (key + b"/beside", b""))]
assert list(index.scan(b"", b"a")) == expected
for size in (8 << 20, 1 << 20):
    try:
        index.commit(puts=[(b"large", bytes(size))])
    except OutOfSpace:
        continue
    raise AssertionError("there is no room for this")
assert index.get(b"large") is None
with suppress(OSError), open(volume / "rest", "wb", buffering=0) as rest:
    while True:
        rest.write(bytes(4096))
try:
    LmdbIndex(volume / "late")
except OutOfSpace:
    pass
else:
    raise AssertionError("there is no room for another index")
ballast.unlink()
LmdbIndex(volume / "late").close()
index.commit(deletes=acknowledged[:100])
index.commit(puts=[(b"again", b"x" * 20000)])
assert list(index.scan(b"1", b"b")) == [(b"again", b"x" * 20000)]
index.close()
index = LmdbIndex(volume / "index")
assert list(index.scan(acknowledged[100], b"1")) == expected[200:]
index.close()
print("recovered")
"""

# Finds out whether the hub runs on while another process keeps the index from committing.
UNDER_GEVENT = """
from gevent import monkey
monkey.patch_all()
import sys, gevent, lmdb
from pathlib import Path
from storage.engines.lmdb import LmdbIndex

index, turns = LmdbIndex(Path(sys.argv[1])), 0
print("open", flush=True)
sys.stdin.readline()
commits = [gevent.spawn(index.commit, puts=[(b"%d" % number, b"")]) for number in range(100)]
while not all(commit.ready() for commit in commits):
    gevent.sleep(0.001)
    turns += 1
assert [commit.get() for commit in commits] == [[None]] * 100
index.close()
print(turns)
"""


@contextmanager
def running(program: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A Python process of its own, killed in the end."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def last_acknowledged(process: subprocess.Popen[str], *, read: int) -> int:
    """The number on the last whole line; that of the last one `read` so far when no other follows."""
    assert process.stdout is not None
    whole = [text for text in process.stdout.read().splitlines(keepends=True) if text.endswith("\n")]
    return int(whole[-1]) if whole else read


def assert_whole(index: LmdbIndex, name: bytes, acknowledged: int) -> None:
    """Every commit up to the last one found is there as a whole, and that is none before `acknowledged`."""
    last = int(index.get(name + b"/last") or b"0")
    assert acknowledged <= last <= acknowledged + 1
    numbers = [b"%d" % number for number in range(max(1, last - 49), last + 1)]
    assert dict(index.scan(name + b"/a/", name + b"/b")) == {name + b"/a/" + number: number * 500 for number in numbers}
    rests = dict(index.scan(name + LONG, name + LONG + b"\xff"))
    assert rests == {name + LONG + number: number for number in numbers}


@pytest.mark.parametrize("commits", [1, 50, 150, 300, 400, 600])
def test_killed_writers_leave_each_acknowledged_commit_and_no_half_of_another(tmp_path: Path, commits: int) -> None:
    with running(WRITER, tmp_path / "index", "one") as one, running(WRITER, tmp_path / "index", "two") as two:
        assert line(two) == "1"
        for _ in range(commits):  # killed at the moment of an acknowledgement, when nothing may be left to do for it
            line(one)
        one.send_signal(signal.SIGKILL)
        acknowledged = last_acknowledged(one, read=commits)
        assert [line(two) for _ in range(1000)][-1] == "1001", "the survivor goes on"
        two.send_signal(signal.SIGKILL)
        also_acknowledged = last_acknowledged(two, read=1001)
    with closing(LmdbIndex(tmp_path / "index")) as index:
        assert_whole(index, b"one", acknowledged)
        assert_whole(index, b"two", also_acknowledged)
        assert index.commit(puts=[(b"after", b"")]) == [None]


def test_a_writer_killed_inside_its_transaction_does_not_block_the_others(tmp_path: Path) -> None:
    with closing(LmdbIndex(tmp_path / "index")) as index, running(HOLDER, tmp_path / "index") as holder:
        assert line(holder) == "held"
        commit = threading.Thread(target=index.commit, kwargs={"puts": [(b"key", b"value")]})
        commit.start()
        commit.join(0.2)
        assert commit.is_alive(), "the other process holds the writers' lock"
        assert index.get(b"key") is None, "readers need no lock"
        holder.send_signal(signal.SIGKILL)
        commit.join(10)
        assert index.get(b"key") == b"value"


def test_greenlets_run_on_while_commits_wait_for_another_process(tmp_path: Path) -> None:
    with running(UNDER_GEVENT, tmp_path / "index") as greenlets:
        assert line(greenlets) == "open"
        with running(HOLDER, tmp_path / "index") as holder:
            assert line(holder) == "held"
            print("go", file=greenlets.stdin, flush=True)
            time.sleep(0.3)
            holder.send_signal(signal.SIGKILL)
            assert int(line(greenlets)) > 50


def test_a_full_disk_refuses_commits_whole_and_takes_them_again_when_there_is_room(tmp_path: Path) -> None:
    mounted = f'mount -t tmpfs -o size=16m none {tmp_path} && exec "$0" -c "$1" {tmp_path}'
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", mounted, sys.executable, FILLER]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout == "recovered\n", done.stderr


@pytest.mark.parametrize("durability", Durability)
def test_what_was_committed_is_there_when_opened_again(tmp_path: Path, durability: Durability) -> None:
    pairs = [(b"%04d" % number, b"v" * number * 10) for number in range(1000)]
    with closing(LmdbIndex(tmp_path / "index", durability=durability)) as index:
        index.commit(puts=[*pairs, (LONG, b"long")])
    with closing(LmdbIndex(tmp_path / "index", durability=durability)) as index:
        assert list(index.scan(b"0", b"z")) == [*pairs, (LONG, b"long")]


def test_two_processes_see_each_others_commits_at_once(tmp_path: Path) -> None:
    with closing(LmdbIndex(tmp_path / "index")) as index, running(WRITER, tmp_path / "index", "other") as writer:
        for _ in range(100):
            number = line(writer)
            assert int(index.get(b"other/last") or b"0") >= int(number)
            index.commit(puts=[(b"mine/" + number.encode(), b"")])
        assert len(list(index.scan(b"mine/", b"mine0"))) == 100


def test_a_scan_left_open_does_not_make_the_file_grow(tmp_path: Path) -> None:
    with closing(LmdbIndex(tmp_path / "index", durability=Durability.RELAXED)) as index:
        index.commit(puts=[(b"%04d" % number, b"") for number in range(100)])
        scan = index.scan(b"0", b"z")
        next(scan)
        for number in range(300):
            index.commit(puts=[(b"overwritten", b"%d" % number * 10_000)])
        assert (tmp_path / "index" / "data.mdb").stat().st_size < 2 << 20


def test_a_folder_that_cannot_hold_an_index_is_named_in_the_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "garbage").mkdir()
    (tmp_path / "garbage" / "data.mdb").write_bytes(b"garbage" * 10_000)
    for path in (tmp_path / "file", tmp_path / "garbage", tmp_path / "missing" / "index"):
        with pytest.raises(VolumeFailed) as raised:
            LmdbIndex(path)
        assert raised.value.volume == path.parent


def test_the_file_is_what_lmdb_itself_reads(tmp_path: Path) -> None:
    with closing(LmdbIndex(tmp_path / "index")) as index:
        index.commit(puts=[(b"key", b"value")])
    with lmdb.open(str(tmp_path / "index"), readonly=True, max_dbs=2) as environment:
        with environment.begin(environment.open_db(b"keys", create=False)) as txn:
            assert txn.get(b"key") == b"value"
