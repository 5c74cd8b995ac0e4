"""Under gevent the store lets other greenlets go on, and a greenlet killed amid a write leaves nothing half-done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(folder: Path, scenario: str) -> str:
    command = [sys.executable, "-m", "tests.storage.greenlets", str(folder), scenario]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def test_large_writes_copies_and_deletions_do_not_hold_up_other_greenlets(tmp_path: Path) -> None:
    assert float(run(tmp_path, "longest_pause")) < 0.25


def test_a_greenlet_killed_amid_a_write_leaves_the_old_object_or_the_new_one(tmp_path: Path) -> None:
    assert run(tmp_path, "killed_at_random") == "[] 0"


def test_what_a_thread_refuses_is_told_to_its_caller_alone(tmp_path: Path) -> None:
    assert run(tmp_path, "refused_in_a_thread") == "No such file or directory"
