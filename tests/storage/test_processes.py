"""Several processes on one set of volumes: what races has one outcome, and what was acknowledged survives SIGKILL."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from storage.completion import PartRef
from storage.conditions import Conditions
from storage.errors import (
    BucketNotEmpty, InvalidPart, NoSuchBucket, NoSuchKey, NoSuchUpload, PreconditionFailed, StorageError,
)
from storage.layout import Layout, claim
from storage.store import Options, Store
from storage.sweep import sweep
from tests.storage.conftest import ATTRIBUTES, INLINE, PART, World

fork = multiprocessing.get_context("fork")
OPTIONS = Options(inline_limit=INLINE, minimum_part_size=PART, reserve=0)
Body = Callable[[World, Connection], None]
Attempt = Callable[[World, int], object]


@pytest.fixture(params=[1, 3], ids=["one volume", "three volumes"])
def layout(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Layout]:
    with claim([tmp_path / str(number) for number in range(request.param)]) as held:
        with Store(held.layout, OPTIONS) as store:
            store.buckets.create("bucket", owner="owner-id")
        yield held.layout


@contextmanager
def world_of(layout: Layout) -> Iterator[World]:
    with Store(layout, OPTIONS) as store:
        yield World(store, store.buckets.get("bucket"))


class Child:
    """A process with its own store, running `body` until it ends or is killed."""

    def __init__(self, layout: Layout, body: Body) -> None:
        self.reports, theirs = fork.Pipe(duplex=True)
        self.process = fork.Process(target=self._run, args=(layout, body, theirs))
        self.process.start()
        theirs.close()

    @staticmethod
    def _run(layout: Layout, body: Body, reports: Connection) -> None:
        with world_of(layout) as world:
            body(world, reports)

    def kill(self) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.join()

    def end(self) -> list[str]:
        """What it reported last."""
        result: list[str] = self.reports.recv()
        self.process.join(60)
        assert self.process.exitcode == 0
        return result


def race(layout: Layout, *bodies: Body) -> list[list[str]]:
    children = [Child(layout, body) for body in bodies]
    return [child.end() for child in children]


def orphans(world: World) -> int:
    """What a sweep finds now."""
    steps = list(sweep(world.store, before=2**62, clock=lambda: 0))
    return sum(step.files + step.records for step in steps)


class Rounds:
    """Makes processes do their attempts of each round at about the same time."""

    def __init__(self, count: int, *, parties: int) -> None:
        self._count = count
        self._barrier = fork.Barrier(parties)

    def each(self, attempt: Attempt, *refusals: type[StorageError]) -> Body:
        """A body that reports for each round "done" or the name of the expected error that stopped the attempt."""
        def body(world: World, reports: Connection) -> None:
            reports.send([self._outcome(attempt, world, number, refusals) for number in range(self._count)])
        return body

    def _outcome(self, attempt: Attempt, world: World, number: int, refusals: tuple[type[StorageError], ...]) -> str:
        self._barrier.wait()
        time.sleep(random.random() * 0.003)
        try:
            attempt(world, number)
            return "done"
        except refusals as error:
            return type(error).__name__
        finally:
            self._barrier.wait()


def test_of_writers_who_want_to_be_first_one_wins_each_round(layout: Layout) -> None:
    rounds = Rounds(60, parties=3)
    names = [b"a", b"b", b"c"]

    def write(name: bytes) -> Body:
        def attempt(world: World, number: int) -> object:
            data = name * (1 if number % 2 else 5000)
            return world.put(f"key{number}", data, given=Conditions(if_none_match=("*",)))
        return rounds.each(attempt, PreconditionFailed)

    results = race(layout, *(write(name) for name in names))
    with world_of(layout) as world:
        for number, outcomes in enumerate(zip(*results)):
            assert sorted(outcomes) == ["PreconditionFailed", "PreconditionFailed", "done"]
            assert set(world.read(f"key{number}")) == set(names[outcomes.index("done")])
        assert orphans(world) == 0


def test_increments_by_compare_and_swap_all_count(layout: Layout) -> None:
    each = 60
    with world_of(layout) as world:
        world.put("counter", b"0")

    def increment(world: World, reports: Connection) -> None:
        done = 0
        while done < each:
            with world.store.objects.open(world.bucket, "counter") as source:
                value, etag = source.content(), source.record.etag
            assert isinstance(value, bytes)
            try:
                world.put("counter", b"%d" % (int(value) + 1), given=Conditions(if_match=(etag,)))
                done += 1
            except PreconditionFailed:
                continue
        reports.send([])

    race(layout, increment, increment, increment)
    with world_of(layout) as world:
        assert world.read("counter") == b"%d" % (3 * each)


def rewrite(world: World, reports: Connection) -> None:
    sizes = [50, 5000, 700_000]
    for version in range(150):
        world.put("key", bytes([version]) * (sizes[version % 3] + version))
        if version % 10 == 0:
            world.store.objects.delete(world.bucket, "key")
    reports.send([])


def reread(world: World, reports: Connection) -> None:
    seen: list[str] = []
    until = time.monotonic() + 2
    while time.monotonic() < until:
        try:
            with world.store.objects.open(world.bucket, "key") as source:
                content = source.content()
        except NoSuchKey:
            continue
        data = content if isinstance(content, bytes) else b"".join(content)
        if not isinstance(content, bytes):
            content.close()
        assert (len(data), hashlib.md5(data).hexdigest()) == (source.size, source.record.etag)
        seen.append(source.record.etag)
    reports.send(seen)


def test_readers_during_overwrites_see_one_whole_version(layout: Layout) -> None:
    _, *seen = race(layout, rewrite, reread, reread)
    assert all(len(etags) > 10 for etags in seen)
    with world_of(layout) as world:
        assert orphans(world) == 0


def test_of_deleting_a_bucket_and_putting_into_it_exactly_one_succeeds(layout: Layout) -> None:
    rounds = Rounds(60, parties=4)
    with world_of(layout) as world:
        buckets = [world.store.buckets.create(f"race-{number}", owner="me") for number in range(60)]

    def delete(world: World, number: int) -> object:
        return world.store.buckets.delete(buckets[number])

    def put(key: str) -> Attempt:
        return lambda world, number: World(world.store, buckets[number]).put(key, b"x" * (50 if number % 2 else 5000))

    deleted, *stored = race(
        layout, rounds.each(delete, BucketNotEmpty), *(rounds.each(put(key), NoSuchBucket) for key in "abc")
    )
    with world_of(layout) as world:
        names = {bucket.name for bucket in world.store.buckets.all()}
        for bucket, outcome, *outcomes in zip(buckets, deleted, *stored):
            kept = [key for key, done in zip("abc", outcomes) if done == "done"]
            assert (outcome == "done") == (not kept), f"{bucket.name}: {outcome}, and stored {kept}"
            assert (bucket.name in names) == bool(kept)
            assert World(world.store, bucket).keys() == kept
        assert orphans(world) == 0


def test_an_upload_that_is_completed_aborted_and_added_to_at_once_ends_in_one_way(layout: Layout) -> None:
    rounds = Rounds(60, parties=4)
    uploads: list[tuple[str, list[PartRef]]] = []
    with world_of(layout) as world:
        for number in range(60):
            upload = world.store.uploads.create(world.bucket, f"key{number}", ATTRIBUTES)
            etags = [world.part(f"key{number}", upload.id, part, os.urandom(PART)) for part in (1, 2)]
            uploads.append((upload.id, [PartRef(part, etag) for part, etag in enumerate(etags, start=1)]))

    def complete(world: World, number: int) -> object:
        return world.store.uploads.complete(world.bucket, f"key{number}", *uploads[number])

    def abort(world: World, number: int) -> object:
        return world.store.uploads.abort(world.bucket, f"key{number}", uploads[number][0])

    def add(world: World, number: int) -> object:
        return world.part(f"key{number}", uploads[number][0], 2 + number % 2, b"new" * 1000)

    attempts = (complete, complete, abort, add)
    results = race(layout, *(rounds.each(attempt, NoSuchUpload, InvalidPart) for attempt in attempts))
    with world_of(layout) as world:
        made = set(world.keys())
        for number, (first, second, aborted, _) in enumerate(zip(*results)):
            assert (f"key{number}" in made) == ("done" in (first, second))
            assert f"key{number}" not in made or aborted == "NoSuchUpload"
        ended = {f"key{number}" for number, outcomes in enumerate(zip(*results)) if "done" in outcomes[:3]}
        going = {key for key, _ in world.store.uploads.list(world.bucket).entries}
        assert going == {f"key{number}" for number in range(60)} - ended
        assert len(world.files()) == 2 * len(made)
        assert orphans(world) == 0


def content_of(key: str, version: int) -> bytes:
    return f"{key} {version} ".encode() * (3 if version % 3 else 3000 + version)


def mixed_traffic(seed: int) -> Body:
    """Changes without end; each is reported before it begins and again when it is acknowledged."""
    def body(world: World, reports: Connection) -> None:
        chosen = random.Random(seed)
        version = 0
        while True:
            version += 1
            key = f"{seed}-{chosen.randrange(12)}"
            action = chosen.choice(["put", "put", "delete", "copy", "multipart"])
            reports.send(("begin", key, None if action == "delete" else version))
            change(world, action, key, content_of(key, version))
            reports.send(("end", key, None if action == "delete" else version))
    return body


def change(world: World, action: str, key: str, data: bytes) -> None:
    if action == "put":
        world.put(key, data)
    elif action == "delete":
        world.store.objects.delete(world.bucket, key)
    elif action == "copy":
        world.put(f"{key}-source", data)
        with world.store.objects.open(world.bucket, f"{key}-source") as source:
            world.store.objects.copy(source, world.bucket, key, ATTRIBUTES)
        world.store.objects.delete(world.bucket, f"{key}-source")
    else:
        upload = world.store.uploads.create(world.bucket, key, ATTRIBUTES)
        cut = max(0, len(data) - 7)
        pieces = [data[:cut], data[cut:]] if cut >= PART else [data]
        refs = [PartRef(n, world.part(key, upload.id, n, piece)) for n, piece in enumerate(pieces, start=1)]
        world.part(key, upload.id, 9, b"left out")
        world.store.uploads.complete(world.bucket, key, upload.id, refs)


@pytest.mark.parametrize("round_number", range(4))
def test_what_was_acknowledged_before_sigkill_is_there_and_nothing_half_done_is(
    layout: Layout, round_number: int
) -> None:
    children = [Child(layout, mixed_traffic(seed)) for seed in range(3)]
    time.sleep(0.5 + 0.3 * random.random())
    for child in children:
        child.kill()
    with world_of(layout) as world:
        for child in children:
            check_acknowledged(world, child.reports)
        list(sweep(world.store, before=2**62, clock=lambda: 2**62))
        assert orphans(world) == 0
        for upload_key, upload in world.store.uploads.list(world.bucket).entries:
            world.store.uploads.abort(world.bucket, upload_key, upload.id)
        named = sum(len(world.store.objects.head(world.bucket, key).blobs) for key in world.keys())
        assert len(world.files()) == named
        for key in world.keys():
            world.put(key, b"writable")


def check_acknowledged(world: World, reports: Connection) -> None:
    """Each key holds its last acknowledged version, or the one that was under way."""
    acknowledged: dict[str, int | None] = {}
    begun: dict[str, int | None] = {}
    try:
        while reports.poll():
            kind, key, version = reports.recv()
            if kind == "begin":
                begun[key] = version
            else:
                acknowledged[key] = begun.pop(key)
    except EOFError:
        pass
    assert len(acknowledged) > 3
    for key, version in acknowledged.items():
        allowed = {None if one is None else content_of(key, one) for one in (version, begun.get(key, version))}
        try:
            found: bytes | None = world.read(key)
        except NoSuchKey:
            found = None
        assert found in allowed
