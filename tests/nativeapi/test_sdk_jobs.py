"""Jobs through the official SDK, unmodified, against a real node."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from aistore import Client
from aistore.sdk import Bucket
from aistore.sdk.errors import AISError, ErrBckNotFound, JobInfoNotFound
from aistore.sdk.job import Job

from tests.conftest import StartNode
from tests.node import Node

SECONDS = 8  # a wait's limit: the SDK looks again after an eighth of it, a second at most
KIB = 1024


@pytest.fixture
def client(node: Node) -> Client:
    return Client(node.endpoint, token=node.token)


@pytest.fixture
def source(client: Client) -> Iterator[Bucket]:
    """Twelve objects of 10 bytes, four each under a/, b/ and in neither."""
    made = client.bucket(f"Jobs_{random.randrange(16**8):08x}").create()
    for name in ("a/", "b/", ""):
        for number in range(4):
            made.object(f"{name}{number}.txt").get_writer().put_content(b"0123456789")
    yield made
    made.delete(missing_ok=True)


@pytest.fixture
def target(client: Client, source: Bucket) -> Iterator[Bucket]:
    named = client.bucket(f"{source.name}-to")
    yield named
    named.delete(missing_ok=True)


def names(bucket: Bucket) -> list[str]:
    return [entry.name for entry in bucket.list_all_objects()]


def copying(client: Client, source: Bucket, target: Bucket, **options: object) -> Job:
    return client.job(source.copy(target, **options), "copy-bck")  # type: ignore[arg-type]  # options of copy


def until_ended(job: Job) -> float:
    """Wait; how long (s) that took."""
    began = time.monotonic()
    while not job.status().end_time:
        assert time.monotonic() < began + SECONDS
        time.sleep(0.01)
    return time.monotonic() - began


def test_bucket_is_copied_with_what_its_objects_have(client: Client, source: Bucket, target: Bucket) -> None:
    source.object("0.txt").get_writer().set_custom_props({"artist": "Bach"})
    job = copying(client, source, target)
    result = job.wait(timeout=SECONDS, verbose=False)
    assert result.success and result.job_id == job.job_id and result.end_time is not None
    assert names(target) == names(source)
    assert target.object("0.txt").get_reader().read_all() == b"0123456789"
    there, here = (bucket.object("0.txt").get_reader().attributes for bucket in (target, source))
    assert there.custom_metadata == {"artist": "Bach"} and there.checksum_value == here.checksum_value
    (snap,) = job.get_details().list_snapshots()
    assert (snap.stats.objects, snap.stats.bytes) == (12, 120)  # type: ignore[union-attr]  # there are stats
    assert (snap.bucket.name, snap.source_bck.name) == (target.name, source.name)  # type: ignore[union-attr]


def test_copy_selects_renames_and_counts_as_asked(client: Client, source: Bucket, target: Bucket) -> None:
    job = copying(client, source, target, prefix_filter="a/", prepend="of/", ext={"txt": "md"}, num_workers=3)
    assert job.wait(timeout=SECONDS, verbose=False).success
    assert names(target) == [f"of/a/{number}.md" for number in range(4)]
    assert job.get_details().get_num_workers() == 3


def test_dry_run_counts_and_makes_nothing(client: Client, source: Bucket, target: Bucket) -> None:
    job = copying(client, source, target, dry_run=True)
    assert job.wait(timeout=SECONDS, verbose=False).success
    (snap,) = job.get_details().list_snapshots()
    assert snap.stats.objects == 12  # type: ignore[union-attr]  # there are stats
    with pytest.raises(AISError):
        target.head()


def test_copy_onto_itself_or_of_nothing_is_refused(client: Client, source: Bucket, target: Bucket) -> None:
    with pytest.raises(AISError, match="cannot copy-bck bucket .* onto itself"):
        source.copy(source)
    with pytest.raises(ErrBckNotFound):
        target.copy(source)


def test_bucket_is_renamed_with_its_objects(client: Client, source: Bucket, target: Bucket) -> None:
    held = names(source)
    job = client.job(source.rename(target.name), "move-bck")
    assert job.wait(timeout=SECONDS, verbose=False).success
    assert names(target) == held
    found = [model.name for model in client.cluster().list_buckets()]
    old = client.bucket(target.name.removesuffix("-to"))
    assert target.name in found and old.name not in found
    with pytest.raises(ErrBckNotFound):
        old.list_objects()
    (snap,) = job.get_details().list_snapshots()
    assert snap.bucket.name == snap.destination_bck.name == target.name  # type: ignore[union-attr]
    assert snap.source_bck.name == old.name  # type: ignore[union-attr]


def test_rename_onto_an_existing_bucket_or_itself_is_refused(client: Client, source: Bucket, target: Bucket) -> None:
    target.create()
    with pytest.raises(AISError, match=f'bucket \\\\"ais://{target.name}\\\\" already exists') as refused:
        source.rename(target.name)
    assert refused.value.status_code == 400
    with pytest.raises(AISError, match="cannot rename bucket .* to itself"):
        client.bucket(source.name).rename(source.name)
    with pytest.raises(AISError, match="bucket name is invalid"):
        client.bucket(source.name).rename("what?ever")


def test_job_of_one_object_starts_and_ends_at_once(client: Client, source: Bucket, target: Bucket) -> None:
    target.create()
    took = []
    for _ in range(3):
        began = time.monotonic()
        job = copying(client, source, target, prefix_filter="0.txt")
        until_ended(job)
        took.append(time.monotonic() - began)
    assert min(took) < 0.15, took


def test_jobs_are_found_in_lists_and_by_time(client: Client, source: Bucket, target: Bucket) -> None:
    began = datetime.now(UTC) - timedelta(seconds=1)
    job = copying(client, source, target)
    job.wait(timeout=SECONDS, verbose=False)
    ended = datetime.now(UTC) + timedelta(seconds=1)
    statuses = client.cluster().list_jobs_status(job_kind="copy-bck")
    assert job.job_id in [status.uuid for status in statuses]
    assert f"copy-bck[{job.job_id}]" not in client.cluster().list_running_jobs()
    assert job.job_id in [snap.id for snap in client.job(job_kind="copy-bck").get_within_timeframe(began, ended)]
    with pytest.raises(JobInfoNotFound):
        client.job(job.job_id, "copy-bck").get_within_timeframe(ended)
    assert client.job(job.job_id).get_total_time() > timedelta()


def test_kind_of_a_job_is_found_by_its_id(client: Client, source: Bucket, target: Bucket) -> None:
    job = client.job(copying(client, source, target).job_id)
    assert job.wait(timeout=SECONDS, verbose=False).success and job.job_kind == "copy-bck"
    with pytest.raises(AISError, match="not found"):
        client.job("no-such-job").wait(timeout=1, verbose=False)
    with pytest.raises(AISError, match="does not exist"):
        client.job("no-such-job").status()


def test_jobs_are_started_waited_for_and_end(client: Client, source: Bucket) -> None:
    for kind in ("lru", "cleanup-store", "rebalance"):
        job = client.job(client.job(job_kind=kind).start(buckets=[source], force=True), kind)
        assert job.wait(timeout=SECONDS, verbose=False).success
    (target,) = client.cluster().get_info().tmap
    job = client.job(client.job(job_kind="resilver").start(daemon_id=target), "resilver")
    assert job.wait(timeout=SECONDS, verbose=False).success
    assert job.wait_single_node(timeout=SECONDS, verbose=False).success
    with pytest.raises(AISError, match="invalid xaction"):
        client.job(job_kind="no-such-kind").start()


def test_idle_job_is_waited_for_and_stays_in_the_running_list(client: Client, source: Bucket, target: Bucket) -> None:
    target.create()
    (made,) = source.objects(obj_names=["0.txt"]).copy(target)
    job = client.job(made, "copy-listrange")
    while not job.get_details().all_idle():
        time.sleep(0.01)
    for _ in range(2):
        assert f"copy-listrange[{made}]" in client.cluster().list_running_jobs()
    (again,) = source.objects(obj_names=["1.txt"]).copy(target)
    assert again == made and made.startswith("tco-")
    assert job.wait_for_idle(timeout=SECONDS, verbose=False).success
    assert client.job(made).wait(timeout=SECONDS, verbose=False).success
    assert names(target) == ["0.txt", "1.txt"]


def test_requests_of_many_clients_at_once_are_all_done_and_counted(node: Node, source: Bucket, target: Bucket) -> None:
    target.create()

    def ask(number: int) -> str:
        client = Client(node.endpoint, token=node.token)
        chosen = client.bucket(source.name).objects(obj_names=[f"{number % 4}.txt"])
        (job,) = chosen.copy(client.bucket(target.name), prepend=f"{number}/")
        return job

    with ThreadPoolExecutor(8) as pool:
        jobs = set(pool.map(ask, range(40)))
    client = Client(node.endpoint, token=node.token)
    for job in jobs:
        assert client.job(job, "copy-listrange").wait(timeout=SECONDS, verbose=False).success
    snapshots = [snap for job in jobs for snap in client.job(job).get_details().list_snapshots()]
    assert sum(snap.stats.objects for snap in snapshots) == 40  # type: ignore[union-attr]  # there are stats
    assert len(names(target)) == 40 and len(jobs) < 40


def test_aborted_job_ends_within_a_second_and_has_not_succeeded(client: Client, source: Bucket, target: Bucket) -> None:
    target.create()
    (made,) = source.objects(obj_names=["0.txt"]).copy(target)
    job = client.job(made, "copy-listrange")
    job.abort()
    assert until_ended(job) < 1
    result = job.wait_for_idle(timeout=SECONDS, verbose=False)
    assert not result.success
    assert job.status().aborted
    job.abort()  # once more does no harm


def test_large_bucket_is_destroyed_at_once_and_its_content_follows(start_node: StartNode) -> None:
    node = start_node()
    client = Client(node.endpoint, token=node.token)
    bucket = client.bucket("large").create()
    for number in range(50):
        bucket.object(str(number)).get_writer().put_content(b"x" * 100 * KIB)
    bucket.delete()
    with pytest.raises(ErrBckNotFound):
        bucket.list_objects()
    assert bucket.create().list_all_objects() == []
    folder = node.folder / "data" / "blobs"
    deadline = time.monotonic() + 10
    while any(path.is_file() for path in folder.rglob("*")):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_rename_amid_which_everything_is_killed_happens_once(start_node: StartNode) -> None:
    node = start_node()
    client = Client(node.endpoint, token=node.token)
    bucket = client.bucket("before").create()
    bucket.object("song").get_writer().put_content(b"la")
    job = bucket.rename("after")
    node.kill()
    node.start()
    assert client.job(job, "move-bck").wait(timeout=SECONDS, verbose=False).success
    assert [model.name for model in client.cluster().list_buckets()] == ["after"]
    assert names(client.bucket("after")) == ["song"]


def jobs_worker(node: Node) -> psutil.Process:
    """The one process of the node that does not listen."""
    (found,) = (child for child in psutil.Process(node.pid).children() if not child.net_connections())
    return found


def test_copy_amid_which_its_process_is_killed_ends_with_exact_counts(start_node: StartNode, tmp_path: Path) -> None:
    node = start_node("--data", str(tmp_path / "one"), "--data", str(tmp_path / "two"))
    client = Client(node.endpoint, token=node.token)
    bucket, target = client.bucket("source").create(), client.bucket("target")
    s3 = node.client()
    for number in range(400):
        s3.put_object(Bucket="source", Key=f"{number:03d}", Body=b"0123456789" * (10_000 if number % 100 == 0 else 1))
    job = copying(client, bucket, target, num_workers=1)
    jobs_worker(node).kill()
    assert job.wait(timeout=SECONDS, verbose=False).success
    (snap,) = job.get_details().list_snapshots()
    assert (snap.stats.objects, snap.stats.bytes) == (400, 403_960)  # type: ignore[union-attr]  # there are stats
    assert names(target) == names(bucket)


def test_objects_of_several_buckets_are_warmed_up(client: Client, source: Bucket, target: Bucket) -> None:
    target.create().object("0.txt").get_writer().put_content(b"0123456789")
    job = client.job(client.job(job_kind="warm-up-metadata").start(buckets=[source, target]), "load-lom-cache")
    assert job.wait(timeout=SECONDS, verbose=False).success
    assert job.get_details().list_snapshots()[0].stats.objects == 13  # type: ignore[union-attr]  # there are stats


def test_jobs_over_tls(secure: Node, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(variable, raising=False)
    client = Client(secure.endpoint, token=secure.token, ca_cert=str(certificate))
    source, target = client.bucket("jobs-from").create(), client.bucket("jobs-to")
    source.object("0.txt").get_writer().put_content(b"0123456789")
    job = copying(client, source, target)
    assert job.wait(timeout=SECONDS, verbose=False).success and names(target) == ["0.txt"]
    started = client.job(client.job(job_kind="lru").start(), "lru")
    assert started.wait(timeout=SECONDS, verbose=False).success
    started.abort()
