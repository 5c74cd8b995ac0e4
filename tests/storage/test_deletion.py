"""The job that deletes many objects, killed wherever it may be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storage.attributes import Attributes
from storage.jobs.deletion import Deletion
from storage.jobs.records import Definition
from storage.jobs.run import Run, Step, Told
from storage.layout import claim
from storage.payload import BytesPayload
from storage.records import Bucket
from storage.store import Options, Store

OWNER = Attributes(owner="owner")
NAMES = [f"o-{number:02d}" for number in range(50)]
SELECTIONS: list[dict[str, Any]] = [
    {"objnames": [*NAMES, "missing", NAMES[0]]},
    {"template": "o-{00..70}"},
    {"template": "o-"},
    {},
]


class Killed(BaseException):
    """What a process does not survive."""


class Record:
    """A job's durable record: what is counted, and up to where. Right after the write number `fatal` the process is
    killed."""

    def __init__(self) -> None:
        self.objects = self.size = self.writes = 0
        self.cursor = ""
        self.fatal = -1

    def write(self, step: Step) -> None:
        self.objects += step.objects
        self.size += step.size
        self.cursor = step.cursor or self.cursor
        self.writes += 1
        if self.writes == self.fatal:
            raise Killed


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr("storage.jobs.deletion.AT_ONCE", 7)
    paths = [tmp_path / "one", tmp_path / "two"]
    with claim(paths) as held, Store(held.layout, Options(reserve=0)) as opened:
        yield opened


@pytest.fixture
def bucket(store: Store) -> Bucket:
    made = store.buckets.create("bucket", owner="owner")
    for name in NAMES:
        store.objects.put(made, name, BytesPayload(b"0123456789"), OWNER)
    return made


def run_once(store: Store, value: dict[str, Any], record: Record) -> None:
    """What one process does with the job until its end, be it the process's own."""
    job = Definition("aBcDeFgHi", "delete-listrange", 0, "owner", "bucket")
    run = Run(job, "owner", value, record.cursor, lambda: False, lambda error: Told(str(error)), record.write)
    for step in Deletion(store.buckets, store.objects)(run):
        record.write(step)


@pytest.mark.parametrize("value", SELECTIONS)
def test_everything_is_deleted_and_counted_once(store: Store, bucket: Bucket, value: dict[str, Any]) -> None:
    record = Record()
    run_once(store, value, record)
    assert (record.objects, record.size) == (50, 500)
    assert store.objects.list(bucket).entries == []


@pytest.mark.parametrize("value", SELECTIONS)
@pytest.mark.parametrize("fatal", [1, 2, 3, 4, 5, 11])
def test_everything_is_counted_once_whenever_the_process_is_killed(
    store: Store, bucket: Bucket, value: dict[str, Any], fatal: int
) -> None:
    record = Record()
    record.fatal = fatal
    with pytest.raises(Killed):
        run_once(store, value, record)
    run_once(store, value, record)
    assert (record.objects, record.size) == (50, 500)
    assert store.objects.list(bucket).entries == []


@pytest.mark.parametrize("value", SELECTIONS)
def test_what_was_deleted_before_the_process_could_tell_is_counted(
    store: Store, bucket: Bucket, value: dict[str, Any]
) -> None:
    record = Record()
    record.fatal = 4  # each batch writes three times: the second one is counted, and about to be deleted
    with pytest.raises(Killed):
        run_once(store, value, record)
    for name in NAMES[7:14]:
        store.objects.delete(bucket, name)
    run_once(store, value, record)
    assert (record.objects, record.size) == (50, 500)
