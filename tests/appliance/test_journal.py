"""The node's log in files."""

from __future__ import annotations

import io
import logging
import os
import re
import tarfile
from pathlib import Path

import pytest

from appliance.journal import Bounds, FileJournal, JournalHandler

LINE = re.compile(r"[IWE] \d\d:\d\d:\d\d\.\d{6} test_journal\.py:\d+ .*")


@pytest.fixture
def journal(tmp_path: Path) -> FileJournal:
    return FileJournal(tmp_path / "logs")


def text(journal: FileJournal, severity: str) -> str:
    file = journal.open(severity)
    try:
        return b"".join(file.pieces(0)).decode()
    finally:
        file.close()


def test_lines_are_aistores_and_errors_are_in_both_files(journal: FileJournal) -> None:
    log = logging.getLogger("journal-test")
    log.propagate = False
    log.setLevel(logging.DEBUG)
    log.addHandler(JournalHandler(journal))
    log.debug("details")
    log.info("news\nof two lines")
    log.warning("beware")
    log.error("broken")
    head, *lines = text(journal, "info").splitlines()
    assert head.startswith("Started up at ")
    assert [line[0] for line in lines] == ["I", "I", "\t", "W", "E"]
    assert all(LINE.fullmatch(line) for line in lines if line[0] != "\t")
    _, *errors = text(journal, "error").splitlines()
    assert [line[0] for line in errors] == ["W", "E"]
    assert text(journal, "warning") == text(journal, "error")


def test_files_stay_within_their_bounds(journal: FileJournal, tmp_path: Path) -> None:
    journal.bounds = Bounds(file=1000, total=5000)
    for number in range(500):
        journal.append("sluice.INFO", b"%03d %b\n" % (number, b"x" * 95))
    files = list((tmp_path / "logs").glob("sluice.*"))
    assert 3 <= len(files) <= 7
    assert sum(file.stat().st_size for file in files) <= 5000 + 200
    with tarfile.open(fileobj=io.BytesIO(b"".join(journal.archive("info"))), mode="r:gz") as archive:
        packed = [archive.extractfile(name) for name in archive.getnames()]
        content = b"".join(file.read() for file in packed if file)
    kept = [int(number) for number in re.findall(rb"^(\d{3}) x", content, re.M)]
    assert kept == list(range(kept[0], 500))  # the newest, none missing, in order


def test_processes_share_the_files_and_lose_no_line(journal: FileJournal, tmp_path: Path) -> None:
    journal.bounds = Bounds(file=2000, total=10**6)
    children = []
    for child in range(3):
        pid = os.fork()
        if not pid:
            for number in range(200):
                journal.append("sluice.INFO", b"%d:%d\n" % (child, number))
            os._exit(0)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0, 0]
    lines = b"".join(file.read_bytes() for file in (tmp_path / "logs").glob("sluice.INFO*")).splitlines()
    assert len([line for line in lines if re.fullmatch(rb"\d:\d+", line)]) == 600


def test_log_that_cannot_be_written_fails_nobody(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path / "logs")
    for file in (tmp_path / "logs").iterdir():
        file.unlink()
    (tmp_path / "logs").rmdir()
    journal.append("sluice.INFO", b"lost\n")
