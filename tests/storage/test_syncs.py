"""What a write returns after is on the disk: every file that changed is synced after its last change, and in order.

A killed process loses nothing that the system was given, so that only the calls themselves show a missing sync.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CALLS = "write,pwrite64,writev,pwritev,fdatasync,fsync,msync,openat,linkat,copy_file_range"
CALL = re.compile(r"(\w+)\((.*)\) = \d+")
ENDS = re.compile(r'write\(1<[^>]*>, "(begin|end) (\w+)\\n"')


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """By the name of each write, what it did to files, in order: `wrote`, `synced` or `made` with the file's kind."""
    folder = tmp_path_factory.mktemp("syncs")
    command = ["strace", "-f", "-y", "-s", "64", "-e", f"trace={CALLS}", "-o", str(folder / "trace")]
    subprocess.run(
        [*command, sys.executable, "-m", "tests.storage.synced", str(folder / "data")],
        cwd=ROOT, check=True, capture_output=True, timeout=120,
    )
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in (folder / "trace").read_text().splitlines():
        if marked := ENDS.search(line):
            current = found.setdefault(marked[2], []) if marked[1] == "begin" else []
        elif called := CALL.search(line):
            current += told(called[1], called[2])
    return found


def told(name: str, arguments: str) -> list[str]:
    paths: list[str] = re.findall(r'[<"](/[^>"]*/data/(?:blobs|index)/[^>"]*)', arguments)
    if not paths:
        return []
    path = paths[-1] if name == "linkat" else paths[0]
    file = "index" if "/index/" in path else "folder" if re.search(r"/[0-9a-f]{2}$", path) else "blob"
    if name == "openat" or name == "linkat":
        return [f"made {file}"] if "O_CREAT" in arguments or name == "linkat" else []
    return [f"{'synced' if 'sync' in name else 'wrote'} {file}"]


def squeezed(calls: list[str]) -> list[str]:
    """Without what repeats the call before."""
    return [call for before, call in zip(["", *calls], calls) if call != before]


# Of the index's two descriptors the one that writes the page which makes a commit valid was opened with O_DSYNC.
COMMIT = ["wrote index", "synced index", "wrote index"]


@pytest.mark.parametrize("name, calls", [
    ("small", COMMIT),
    ("large", ["made blob", "wrote blob", "synced blob", "synced folder", *COMMIT]),
    ("streamed", ["made blob", "wrote blob", "synced blob", "synced folder", *COMMIT]),
    ("copy", ["made blob", "synced folder", *COMMIT]),
    ("part", ["made blob", "wrote blob", "synced blob", "synced folder", *COMMIT]),
    ("complete", COMMIT),
    ("append", ["made blob", "wrote blob", "synced blob", "synced folder", *COMMIT]),
    ("appendmore", ["wrote blob", "synced blob", *COMMIT]),
    ("flush", ["synced blob", *COMMIT]),
    ("rename", COMMIT),
    ("describe", COMMIT),
    ("delete", COMMIT),
])
def test_a_write_syncs_its_bytes_then_their_name_then_the_record(
    traced: dict[str, list[str]], name: str, calls: list[str]
) -> None:
    assert squeezed(traced[name]) == calls
