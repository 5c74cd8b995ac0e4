"""Jobs as one process starts and does them: begun, joined, aborted, resumed, forgotten."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import gevent
import msgspec
import pytest
from gevent.event import Event
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import NoSuchKey
from storage.jobs import Aborted, Body, Job, Jobs, NoSuchJob, ObjectError, Run, Runner, Step, Unit
from storage.jobs import jobs as jobs_module
from storage.jobs import runner as runner_module
from storage.jobs.attendance import Attendance
from storage.jobs.bell import Bell
from storage.jobs.jobs import new_id
from storage.jobs.run import Told
from storage.layout import claim
from storage.store import Options, Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with claim([tmp_path / "data"]) as held, Store(held.layout, Options(reserve=0)) as opened:
        yield opened
    gevent.get_hub().destroy(destroy_loop=True)


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
def jobs(store: Store, bell: Bell) -> Jobs:
    return Jobs(store.partitions.primary.index, bell, clock=time.time_ns, random=os.urandom)


Running = Callable[..., object]


@pytest.fixture
def running(jobs: Jobs, bell: Bell) -> Running:
    """A process that does jobs, while the context lasts; leaving it is how a process is told to end."""

    @contextmanager
    def run(**bodies: Body) -> Iterator[Runner]:
        named = {name.replace("_", "-"): body for name, body in bodies.items()}
        runner = Runner(jobs, bell, named, describe=lambda error: Told(str(error)), clock=time.time_ns)
        stop = Event()
        greenlet = gevent.spawn(runner.run, stop)
        yield runner
        stop.set()
        bell.ring()
        greenlet.get(timeout=5)

    return run


def eventually(condition: Callable[[], bool], seconds: float = 5) -> float:
    """Wait until it holds; how long (s) that took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() < began + seconds, "it never came true"
        gevent.sleep(0.002)
    return time.monotonic() - began


def ended(jobs: Jobs, job: str) -> Job:
    eventually(lambda: bool(jobs.get(job).state.ended))
    return jobs.get(job)


def counting(run: Run) -> Iterator[Step]:
    """As many objects of 10 bytes as are asked for, each of which may fail."""

    def work(name: str) -> Step:
        if name in run.value.get("bad", ()):
            raise NoSuchKey("b", name)
        gevent.sleep(run.value.get("seconds", 0))
        return Step(objects=1, size=10)

    names = (str(number) for number in range(int(run.cursor or -1) + 1, run.value["count"]))
    return run.each((Unit(name, name) for name in names), work)


def test_job_over_one_object_starts_and_ends_at_once(jobs: Jobs, running: Running) -> None:
    took = []
    with running(copy_bck=counting):
        for _ in range(3):
            began = time.monotonic()
            job = ended(jobs, jobs.start("copy-bck", owner="root", bucket="a", destination="b", value={"count": 1}))
            took.append(time.monotonic() - began)
    assert min(took) < 0.15, took
    assert (job.state.objects, job.state.size, job.state.error, job.state.aborted) == (1, 10, "", "")
    assert (job.definition.bucket, job.definition.destination, job.definition.owner) == ("a", "b", "root")


def test_job_is_known_before_anybody_does_it(jobs: Jobs) -> None:
    job = jobs.start("copy-bck", owner="root", value={"count": 1})
    assert jobs.get(job).waiting and [one.id for one in jobs.live()] == [job] == [one.id for one in jobs.all()]
    assert len(job) == 9 and job[0].isalpha()
    with pytest.raises(NoSuchJob):
        jobs.get("x" + job)


@given(st.binary(min_size=9, max_size=9))
def test_ids_are_such_as_clients_take(chance: bytes) -> None:
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{7}[A-Za-z0-9]", new_id(lambda size: chance[:size]))


def test_units_are_done_side_by_side_as_many_as_asked_for(jobs: Jobs, running: Running) -> None:
    with running(copy_bck=counting):
        began = time.monotonic()
        value = {"count": 40, "seconds": 0.02, "num-workers": 20}
        job = ended(jobs, jobs.start("copy-bck", owner="root", value=value))
        assert time.monotonic() - began < 0.7, "one after the other takes 0.8 s"
    assert (job.state.objects, job.state.workers) == (40, 20)


def test_object_that_fails_ends_the_job(jobs: Jobs, running: Running) -> None:
    with running(copy_bck=counting):
        job = ended(jobs, jobs.start("copy-bck", owner="root", value={"count": 9, "bad": ["3"], "num-workers": 1}))
    assert (job.state.objects, job.state.failed) == (3, 1)
    assert job.state.error == job.state.aborted == "3: ('b', '3')"


def test_what_has_begun_is_finished_and_counted_when_an_object_fails(jobs: Jobs, running: Running) -> None:
    with running(copy_bck=counting):
        value = {"count": 100, "bad": ["0"], "num-workers": 10, "seconds": 0.05}
        job = ended(jobs, jobs.start("copy-bck", owner="root", value=value))
    assert (job.state.objects, job.state.failed, job.state.cursor) == (9, 1, "0")


def test_object_that_fails_is_skipped_when_asked_for(jobs: Jobs, running: Running) -> None:
    with running(copy_bck=counting):
        job = ended(jobs, jobs.start("copy-bck", owner="root", value={"count": 9, "bad": ["3", "5"], "coer": True}))
    assert (job.state.objects, job.state.failed, job.state.aborted) == (7, 2, "")
    assert job.state.errors == (ObjectError("3", "('b', '3')"), ObjectError("5", "('b', '5')"))


def test_body_that_fails_ends_the_job_with_its_error(jobs: Jobs, running: Running) -> None:
    def failing(run: Run) -> Iterator[Step]:
        yield Step(objects=1)
        raise NoSuchKey("b", "k")

    with running(copy_bck=failing):
        job = ended(jobs, jobs.start("copy-bck", owner="root"))
    assert (job.state.objects, job.state.error) == (1, "('b', 'k')")


def test_abort_ends_a_job_within_a_second_and_counts_all_that_it_did(jobs: Jobs, running: Running) -> None:
    done = []

    def endless(run: Run) -> Iterator[Step]:
        def work(name: str) -> Step:
            gevent.sleep(0.01)
            done.append(name)
            return Step(objects=1)

        return run.each((Unit(str(number), str(number)) for number in count()), work)

    with running(copy_bck=endless):
        job = jobs.start("copy-bck", owner="root")
        gevent.sleep(0.3)
        jobs.abort(job)
        assert eventually(lambda: bool(jobs.get(job).state.ended)) < 1
    state = jobs.get(job).state
    assert state.aborted == "user abort" and state.objects == len(done) > 0


def test_abort_ends_even_a_unit_that_hangs(jobs: Jobs, running: Running) -> None:
    with running(copy_bck=counting):
        job = jobs.start("copy-bck", owner="root", value={"count": 1, "seconds": 3600})
        gevent.sleep(0.1)
        jobs.abort(job)
        assert eventually(lambda: bool(jobs.get(job).state.ended)) < 1


def test_job_goes_on_in_the_next_process_and_counts_everything_once(jobs: Jobs, running: Running) -> None:
    value = {"count": 300, "seconds": 0.01, "num-workers": 5}
    with running(copy_bck=counting):
        job = jobs.start("copy-bck", owner="root", value=value)
        gevent.sleep(0.2)
    left = jobs.get(job)
    assert left.waiting and 0 < left.state.objects < 300
    with running(copy_bck=counting):
        assert ended(jobs, job).state.objects == 300


def test_cursor_that_is_saved_is_what_the_next_process_begins_with(jobs: Jobs, running: Running) -> None:
    begun = []

    def careful(run: Run) -> Iterator[Step]:
        begun.append(run.cursor)
        if not run.cursor:
            yield Step(objects=2)
            run.save("about to do the third")
            gevent.sleep(3600)
        yield Step(objects=1)

    with running(copy_bck=careful):
        job = jobs.start("copy-bck", owner="root")
        eventually(lambda: jobs.get(job).state.objects == 2)
    with running(copy_bck=careful):
        assert ended(jobs, job).state.objects == 3
    assert begun == ["", "about to do the third"]


def test_requests_join_a_job_that_idles(jobs: Jobs, running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "LINGER", 1.0)
    with running(copy_listrange=counting):
        job = jobs.start("copy-listrange", owner="root", bucket="a", destination="b", value={"count": 2})
        eventually(lambda: not jobs.get(job).waiting)
        assert not jobs.get(job).state.ended and job.startswith("tco-")
        again = jobs.start("copy-listrange", owner="alice", bucket="a", destination="b", value={"count": 3})
        other = jobs.start("copy-listrange", owner="root", bucket="a", destination="c", value={"count": 1})
        assert again == job != other
        eventually(lambda: jobs.get(job).state.objects == 5)
        ended(jobs, job)
        third = jobs.start("copy-listrange", owner="root", bucket="a", destination="b", value={"count": 2})
        assert third != job


def test_request_that_fails_leaves_an_idling_job_as_it_is(jobs: Jobs, running: Running) -> None:
    with running(copy_listrange=counting):
        job = jobs.start("copy-listrange", owner="root", value={"count": 2, "bad": ["0"]})
        eventually(lambda: not jobs.get(job).waiting)
        jobs.start("copy-listrange", owner="root", value={"count": 2})
        eventually(lambda: jobs.get(job).state.objects >= 2)
        assert jobs.get(job).state.error == "0: ('b', '0')" and not jobs.get(job).state.aborted


def test_job_of_which_processes_die_is_given_up(jobs: Jobs, running: Running) -> None:
    job = jobs.start("copy-bck", owner="root", value={"count": 1, "seconds": 3600})
    for _ in range(runner_module.MOST_DEATHS):
        jobs.change(job, lambda state: msgspec.structs.replace(state, deaths=state.deaths + 1))  # as a dead one left it
    with running(copy_bck=counting):
        assert "5 processes have died of it" in ended(jobs, job).state.error


def test_process_that_is_told_to_end_has_not_died_of_its_jobs(jobs: Jobs, running: Running) -> None:
    job = jobs.start("copy-bck", owner="root", value={"count": 1, "seconds": 3600})
    with running(copy_bck=counting):
        eventually(lambda: jobs.get(job).state.deaths == 1)
    assert jobs.get(job).state.deaths == 0


def test_work_within_requests_is_a_job_that_can_be_aborted(
    jobs: Jobs, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.jobs.attendance.TELL_SECONDS", 0.05)
    attendance = Attendance(jobs, clock=time.time_ns)
    with running():
        with attendance.attend("get-batch", owner="root", bucket="a") as first:
            first.count(objects=3, size=30)
        with attendance.attend("get-batch", owner="root", bucket="a") as second:
            assert second.job == first.job
            second.count(objects=1, size=10)
            eventually(lambda: jobs.get(first.job).state.objects == 4)
            jobs.abort(first.job)
            eventually(lambda: bool(jobs.get(first.job).state.ended))
            time.sleep(0.2)
            with pytest.raises(Aborted):
                second.count(objects=1, size=10)
        with attendance.attend("get-batch", owner="root", bucket="a") as third:
            assert third.job != first.job
            jobs.abort(third.job)
            with attendance.attend("get-batch", owner="root", bucket="a") as fourth:
                assert fourth.job != third.job
                fourth.count(objects=1, size=10)
                with pytest.raises(Aborted):
                    third.count(objects=1, size=10)
    attendance.close()


def test_what_ended_long_ago_is_forgotten(
    jobs: Jobs, running: Running, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_module, "KEPT", 2)
    with running(copy_bck=counting):
        made = [ended(jobs, jobs.start("copy-bck", owner="root", value={"count": 1})).id for _ in range(4)]
    jobs.prune()
    assert [job.id for job in jobs.all()] == made[:1:-1]
    left = list(store.partitions.primary.index.scan(b"j", b"k"))
    assert len(left) == 4  # what each is, and how it ended
