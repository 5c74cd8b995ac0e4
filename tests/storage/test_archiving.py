"""The job that makes archives, as it is run, run again after a crash, and stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from storage.attributes import Attributes
from storage.conditions import ALWAYS
from storage.content import Content
from storage.errors import NoSuchKey, UnknownFormat
from storage.jobs import Aborted, Run, Step
from storage.jobs.run import Told
from storage.jobs.archiving import STORED, Archiving
from storage.jobs.records import Definition
from storage.payload import BytesPayload
from storage.source import close_content
from tests.storage.archived import SUFFIXES, members_of
from tests.storage.conftest import World

OBJECTS = {"a/1": b"one", "a/2": b"two" * 100_000, "b": b""}


@pytest.fixture
def archiving(world: World) -> Archiving:
    for name, data in OBJECTS.items():
        world.store.objects.put(world.bucket, name, BytesPayload(data), Attributes("owner-id"))
    return Archiving(world.store.buckets, world.store.objects)


class Asked:
    """A request of the job, and the cursors that it had recorded."""

    def __init__(self, **value: Any) -> None:
        self.value = value
        self.saved: list[str] = []
        self.stopped = False

    def run(self, cursor: str = "") -> Run:
        definition = Definition("arc-1", "archive", 0, "owner-id", "bucket", "bucket")
        return Run(
            definition,
            "owner-id",
            self.value,
            cursor,
            stopped=lambda: self.stopped,
            describe=lambda error: Told(repr(error)),
            record=lambda step: self.saved.append(step.cursor),
        )


@contextmanager
def opened(world: World, name: str) -> Iterator[Content]:
    with world.store.objects.open(world.bucket, name, ALWAYS) as source:
        content = source.content()
        yield content
        close_content(content)


def members(world: World, name: str, suffix: str = "") -> list[tuple[str, bytes]]:
    with opened(world, name) as content:
        data = content if isinstance(content, bytes) else b"".join(content)
    return members_of(suffix or name[name.index(".") :], data)


def counted(steps: list[Step]) -> tuple[int, int]:
    return sum(step.objects for step in steps), sum(step.size for step in steps)


def test_everything_goes_in_but_the_archive_itself(world: World, archiving: Archiving) -> None:
    for suffix in SUFFIXES:
        for _ in range(2):
            steps = list(archiving(Asked(archname=f"all{suffix}").run()))
            assert (counted(steps), steps[-1].cursor) == ((3, 300_003), STORED)
            assert members(world, f"all{suffix}") == list(OBJECTS.items())
        world.store.objects.delete(world.bucket, f"all{suffix}")


def test_members_are_named_as_asked(world: World, archiving: Archiving) -> None:
    for flags, names in (
        ({"isbn": True}, ["bucket/a/1", "bucket/a/2"]),
        ({"bnonly": True}, ["1", "2"]),
        ({"isbn": True, "bnonly": True}, ["bucket/1", "bucket/2"]),
    ):
        list(archiving(Asked(archname="named.zip", template="a/{1..9}", **flags).run()))
        assert [name for name, _ in members(world, "named.zip")] == names


def test_missing_object_ends_the_job_or_is_left_out(world: World, archiving: Archiving) -> None:
    asked = Asked(archname="x.tar", objnames=["a/1", "nope", "b"])
    with pytest.raises(NoSuchKey):
        list(archiving(asked.run()))
    with pytest.raises(NoSuchKey):
        world.store.objects.head(world.bucket, "x.tar")
    asked.value["coer"] = True
    steps = list(archiving(asked.run()))
    assert counted(steps) == (2, 3)
    assert [step.error.object for step in steps if step.error] == ["nope"]
    assert [name for name, _ in members(world, "x.tar")] == ["a/1", "b"]


def test_append_that_is_done_again_after_a_crash_happens_once(world: World, archiving: Archiving) -> None:
    for suffix in (".tar", ".zip", ".tar.lz4"):
        name = f"grown{suffix}"
        for round_ in (1, 2):
            asked = Asked(archname=name, objnames=["a/1", "b"], aate=True)
            first = list(archiving(asked.run()))
            (begun,) = asked.saved
            again = list(archiving(asked.run(begun)))  # crashed after the archive was stored, before that was recorded
            assert counted(first) == counted(again) == (2, 3)
            assert list(archiving(asked.run(STORED))) == []
            assert members(world, name) == [("a/1", b"one"), ("b", b"")] * round_


def test_append_that_was_cut_off_before_it_was_stored_is_done(world: World, archiving: Archiving) -> None:
    list(archiving(Asked(archname="x.tar", objnames=["b"]).run()))
    before = world.store.objects.head(world.bucket, "x.tar").etag
    list(archiving(Asked(archname="x.tar", objnames=["a/1"], aate=True).run(before)))
    assert [name for name, _ in members(world, "x.tar")] == ["b", "a/1"]


def test_job_that_is_stopped_leaves_no_archive(world: World, archiving: Archiving) -> None:
    asked = Asked(archname="x.tar")
    asked.stopped = True
    with pytest.raises(Aborted):
        list(archiving(asked.run()))
    with pytest.raises(NoSuchKey):
        world.store.objects.head(world.bucket, "x.tar")


def test_format_is_told_by_the_name_or_the_type(world: World, archiving: Archiving) -> None:
    list(archiving(Asked(archname="x", objnames=["b"], mime=".zip").run()))
    assert members(world, "x", ".zip") == [("b", b"")]
    with pytest.raises(UnknownFormat):
        list(archiving(Asked(archname="x", objnames=["b"]).run()))
