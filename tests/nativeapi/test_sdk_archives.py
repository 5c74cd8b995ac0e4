"""Archives and batches through the official SDK, unmodified, against a real node."""

from __future__ import annotations

import io
import random
import tarfile
import time
from collections.abc import Iterator
from typing import Any

import pytest
from aistore import Client
from aistore.sdk import Bucket
from aistore.sdk.archive_config import ArchiveConfig, ArchiveMode
from aistore.sdk.enums import Colocation
from aistore.sdk.errors import AISError, ErrBckNotFound, ErrObjNotFound
from urllib3.exceptions import ProtocolError

from tests.conftest import StartNode
from tests.node import Node
from tests.storage.archived import SUFFIXES, made, members_of

SECONDS = 8  # a wait's limit: the SDK looks again after an eighth of it, a second at most
MEMBERS = {"x/1.jpg": b"one" * 5000, "x/1.cls": b"7", "y/2.jpg": b"two", "z/é": b"accent" * 60_000}


@pytest.fixture
def client(node: Node) -> Client:
    return Client(node.endpoint, token=node.token)


@pytest.fixture
def bucket(client: Client) -> Iterator[Bucket]:
    named = client.bucket(f"Arc_{random.randrange(16**8):08x}").create()
    for number in range(10):
        named.object(f"o{number}").get_writer().put_content(f"hello{number}".encode())
    yield named
    named.delete(missing_ok=True)


def write(bucket: Bucket, name: str, data: bytes) -> Any:
    named = bucket.object(name)
    named.get_writer().put_content(data)
    return named


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_members_are_read_alone_and_by_every_mode(bucket: Bucket, suffix: str) -> None:
    shard = write(bucket, f"shard{suffix}", made(suffix, MEMBERS))
    for name, data in MEMBERS.items():
        reader = shard.get_reader(archive_config=ArchiveConfig(archpath=name))
        assert reader.read_all() == data
        assert b"".join(reader) == data
    for mode, text, found in (
        (ArchiveMode.REGEXP, r"^x/.*\.cls$", ["x/1.cls"]),
        (ArchiveMode.PREFIX, "x/", ["x/1.jpg", "x/1.cls"]),
        (ArchiveMode.SUFFIX, ".jpg", ["x/1.jpg", "y/2.jpg"]),
        (ArchiveMode.SUBSTR, "1.", ["x/1.jpg", "x/1.cls"]),
        (ArchiveMode.WDSKEY, "1", ["x/1.jpg", "x/1.cls"]),
    ):
        read = shard.get_reader(archive_config=ArchiveConfig(regex=text, mode=mode)).read_all()
        assert members_of(".tar", read) == [(name, MEMBERS[name]) for name in found]


def test_missing_members_and_archives_have_their_exceptions(bucket: Bucket) -> None:
    shard = write(bucket, "shard.tar", made(".tar", MEMBERS))
    with pytest.raises(ErrObjNotFound):
        shard.get_reader(archive_config=ArchiveConfig(archpath="nope")).read_all()
    with pytest.raises(ErrObjNotFound):
        shard.get_reader(archive_config=ArchiveConfig(regex="nope", mode=ArchiveMode.PREFIX)).read_all()
    with pytest.raises(AISError, match="unrecognized or unsupported file format"):
        bucket.object("o1").get_reader(archive_config=ArchiveConfig(archpath="a")).read_all()


@pytest.mark.parametrize("suffix", [".tgz", ".zip"])
def test_group_becomes_an_archive_that_grows(client: Client, bucket: Bucket, suffix: str) -> None:
    name = f"made{suffix}"
    (job,) = bucket.objects(obj_names=["o1", "o2"]).archive(name)
    assert client.job(job, "archive").wait(timeout=SECONDS, verbose=False).success
    (job,) = bucket.objects(obj_template="o{3..4}").archive(name, allow_append=True, include_source_name=True)
    assert client.job(job, "archive").wait(timeout=SECONDS, verbose=False).success
    expected = {"o1": b"hello1", "o2": b"hello2", f"{bucket.name}/o3": b"hello3", f"{bucket.name}/o4": b"hello4"}
    assert members_of(suffix, bucket.object(name).get_reader().read_all()) == list(expected.items())


def test_archive_in_another_bucket_of_a_range(client: Client, bucket: Bucket) -> None:
    target = client.bucket(f"{bucket.name}-to")
    with pytest.raises(ErrBckNotFound):
        bucket.objects(obj_names=["o1"]).archive("a.tar", to_bck=target)
    target.create()
    (job,) = bucket.objects(obj_template="o{2..4..2}").archive("a", mime="tgz", to_bck=target)
    details = client.job(job, "archive")
    assert details.wait(timeout=SECONDS, verbose=False).success
    assert members_of(".tgz", target.object("a").get_reader().read_all()) == [("o2", b"hello2"), ("o4", b"hello4")]
    (snap,) = details.get_details().list_snapshots()
    assert snap.stats.objects == 2  # type: ignore[union-attr]  # there are stats
    target.delete()


def test_missing_objects_are_left_out_when_asked(client: Client, bucket: Bucket) -> None:
    (job,) = bucket.objects(obj_names=["o1", "nope", "o2"]).archive("a.tar", continue_on_err=True)
    client.job(job, "archive").wait(timeout=SECONDS, verbose=False)
    assert [name for name, _ in members_of(".tar", bucket.object("a.tar").get_reader().read_all())] == ["o1", "o2"]
    with pytest.raises(AISError, match="unknown filename extension"):
        bucket.objects(obj_names=["o1"]).archive("a.foo")


@pytest.mark.parametrize("output", [".tar", ".tgz", ".tar.gz", ".zip"])
@pytest.mark.parametrize("streaming", [True, False])
def test_batch_in_every_format(client: Client, bucket: Bucket, output: str, streaming: bool) -> None:
    write(bucket, "shard.tar", made(".tar", MEMBERS))
    batch = client.batch(["o1", "o2"], bucket, output_format=output, streaming_get=streaming)
    batch.add("shard.tar", archpath="y/2.jpg", opaque=b"mine")
    batch.add("nope", opaque=b"missing")
    batch.add(bucket.object("o3"), start=1, length=3)
    batch.add("o4", start=2, length=-1)
    found = list(batch.get())
    assert [data for _, data in found] == [b"hello1", b"hello2", b"two", b"", b"ell", b"llo4"]
    assert [told.obj_name for told, _ in found] == ["o1", "o2", "shard.tar", "nope", "o3", "o4"]
    assert [told.size for told, _ in found] == [6, 6, 3, 0, 3, 4]
    assert [bool(told.err_msg) for told, _ in found] == [False, False, False, True, False, False]
    assert found[2][0].archpath == "y/2.jpg"
    assert found[2][0].opaque in (b"mine", "bWluZQ==")


def test_batch_decoded_as_a_stream_and_raw(client: Client, bucket: Bucket) -> None:
    batch = client.batch([f"o{number}" for number in range(10)], bucket, streaming_get=False)
    found = list(batch.get(decode_as_stream=True, clear_batch=False))
    assert [data for _, data in found] == [f"hello{number}".encode() for number in range(10)]
    raw = client.batch(["o1"], bucket, only_obj_name=True, colocation=Colocation.TARGET_AWARE).get(raw=True)
    with tarfile.open(fileobj=io.BytesIO(raw.read())) as opened:
        assert opened.getnames() == ["o1"]
    assert [told.size for told, _ in client.batch(["o1"], bucket).get(tar_buffer_size=4096)] == [6]


def test_batch_over_buckets_without_a_default_one(client: Client, bucket: Bucket) -> None:
    batch = client.batch([bucket.object("o1")])
    batch.add("o2", bck=bucket.name, provider="ais")
    assert [(told.bucket, data) for told, data in batch.get()] == [(bucket.name, b"hello1"), (bucket.name, b"hello2")]


def test_batch_that_must_be_whole_fails_as_a_whole(client: Client, bucket: Bucket) -> None:
    for streaming in (True, False):
        with pytest.raises(ErrObjNotFound):
            client.batch(["o1", "nope"], bucket, cont_on_err=False, streaming_get=streaming).get()
        with pytest.raises(ErrBckNotFound):
            client.batch("o1", client.bucket("nope"), streaming_get=streaming).get()
        batch = client.batch(bucket=bucket, streaming_get=streaming)
        with pytest.raises(AISError, match="not satisfiable range"):
            batch.add("o1", start=100, length=2).get()


def test_failure_after_the_first_bytes_cuts_the_connection(client: Client, bucket: Bucket) -> None:
    write(bucket, "large", bytes(1_000_000))
    raw = client.batch(["large", "nope"], bucket, cont_on_err=False).get(raw=True)
    with pytest.raises(ProtocolError):
        while raw.read(100_000):
            pass


def test_batches_are_a_job_that_is_seen_and_aborted(client: Client, bucket: Bucket) -> None:
    assert len(list(client.batch(["o1", "o2"], bucket).get())) == 2
    running = client.cluster().list_running_jobs(job_kind="get-batch")
    jobs = [client.job(name.split("[")[1].rstrip("]"), "get-batch") for name in running]
    (job,) = (job for job in jobs if job.get_details().list_snapshots()[0].bucket.name == bucket.name)
    assert job.job_id.startswith("gbt-")
    deadline = time.monotonic() + 10
    while job.get_details().list_snapshots()[0].stats.objects != 2:  # type: ignore[union-attr]  # there are stats
        assert time.monotonic() < deadline
        time.sleep(0.2)
    job.abort()
    while not job.get_details().list_snapshots()[0].aborted:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert len(list(client.batch(["o1", "o2"], bucket).get())) == 2


def test_archive_that_was_cut_off_by_a_kill_is_made_once_and_whole(start_node: StartNode) -> None:
    node = start_node()
    client = Client(node.endpoint, token=node.token)
    bucket = client.bucket("killed").create()
    data = {f"o{number:02d}": random.Random(number).randbytes(200_000) for number in range(50)}
    for name, content in data.items():
        write(bucket, name, content)
    (first,) = bucket.objects(obj_template="o{00..01}").archive("a.tgz")
    assert client.job(first, "archive").wait(timeout=SECONDS, verbose=False).success
    (job,) = bucket.objects(obj_template="o").archive("a.tgz", allow_append=True)
    time.sleep(0.2)
    node.kill()
    node.start()
    assert client.job(job, "archive").wait(timeout=60, verbose=False).success
    found = members_of(".tgz", bucket.object("a.tgz").get_reader().read_all())
    assert [name for name, _ in found] == ["o00", "o01", *data]
    assert all(content == data[name] for name, content in found)
    (snap,) = client.job(job).get_details().list_snapshots()
    assert snap.stats.objects == len(data) + 2 * (job == first)  # type: ignore[union-attr]  # there are stats
