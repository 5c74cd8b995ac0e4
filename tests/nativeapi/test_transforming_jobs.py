"""Jobs that transform many objects, asked for by the official SDK of a real node."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aistore import Client
from aistore.sdk import Bucket
from aistore.sdk.errors import AISError

from tests.node import Node

SERVERS = Path(__file__).parent.parent / "etl" / "servers"
MakeBucket = Callable[..., Bucket]


@pytest.fixture(scope="module")
def client(node: Node) -> Client:
    return Client(node.endpoint, token=node.token)


@pytest.fixture(scope="module")
def make_bucket(client: Client) -> Iterator[MakeBucket]:
    made: list[Bucket] = []

    def make(*, create: bool = True) -> Bucket:
        bucket = client.bucket(f"Transformed_{random.randrange(16**8):08x}")
        made.append(bucket)
        return bucket.create() if create else bucket

    yield make
    for bucket in made:
        bucket.delete(missing_ok=True)


@pytest.fixture(scope="module")
def etl(client: Client) -> Iterator[Any]:
    """A server that makes upper case of everything; told to be picky, not of what begins with "bad"."""
    made = client.etl(f"lists-plain-{random.randrange(16**6):06x}")
    command = [sys.executable, str(SERVERS / "plain.py"), "--port", "8000"]
    made.init(image="local", command=command, init_timeout="60s")
    yield made
    made.delete()


@pytest.fixture(scope="module")
def bucket(make_bucket: MakeBucket) -> Bucket:
    """song-0.txt to song-5.txt, of which the third begins with "bad", and a picture."""
    made = make_bucket()
    for number in range(6):
        text = f"{'bad' if number == 3 else 'good'} {number}"
        made.object(f"song-{number}.txt").get_writer().put_content(text.encode())
    made.object("cover.png").get_writer().put_content(b"cover")
    return made


def contents(bucket: Bucket) -> dict[str, bytes]:
    return {entry.name: bucket.object(entry.name).get_reader().read_all() for entry in bucket.list_all_objects()}


def picky(bucket: Bucket, etl: Any, action: str, *, to: Bucket, query: str = "", **value: Any) -> str:
    """Start a job that tells the server to be picky, for which the SDK has no words."""
    params = {"provider": "ais"} | ({"bck_to": f"ais/@#/{to.name}/"} if query else {})
    target = {} if query else {"tobck": to.as_model().model_dump()}
    message = {"id": etl.name, "etl_args": "picky", **target, **value}
    return str(bucket.make_request("POST", action, params=params, value=message).text)


def test_a_template_of_objects_is_transformed(
    client: Client, bucket: Bucket, make_bucket: MakeBucket, etl: Any
) -> None:
    made = make_bucket(create=False)
    group = bucket.objects(obj_template="song-{0..2}.txt")
    job = group.transform(made, etl.name, prepend="loud/", ext={"txt": "md"}, num_workers=3)
    assert job.startswith("tco-")
    assert client.job(job).wait_for_idle(timeout=20).success
    assert contents(made) == {
        "loud/song-0.md": b"GOOD 0", "loud/song-1.md": b"GOOD 1", "loud/song-2.md": b"GOOD 2"
    }
    assert client.job(job).get_details().get_num_workers() == 3
    assert made.object("loud/song-0.md").get_reader().attributes.checksum_value


def test_a_whole_bucket_is_transformed(client: Client, bucket: Bucket, make_bucket: MakeBucket, etl: Any) -> None:
    made = make_bucket(create=False)
    job = bucket.transform(etl.name, to_bck=made, prefix_filter="song", prepend="x-", ext={"txt": "md"})
    assert client.job(job).wait(timeout=20).success
    assert sorted(contents(made)) == [f"x-song-{number}.md" for number in range(6)]


def test_inspecting_transforms_everything_and_stores_nothing(client: Client, bucket: Bucket, etl: Any) -> None:
    before = contents(bucket)
    for job in (bucket.inspect(etl.name), bucket.objects(obj_template="song").inspect(etl.name)):
        assert client.job(job).wait(timeout=20).success
    assert contents(bucket) == before


def test_what_fails_is_told_object_by_object_and_the_rest_goes_on(
    client: Client, bucket: Bucket, make_bucket: MakeBucket, etl: Any
) -> None:
    made = make_bucket()
    job = picky(bucket, etl, "etl-listrange", to=made, objnames=["song-2.txt", "song-3.txt", "nowhere"], coer=True)
    assert client.job(job).wait_for_idle(timeout=20).success
    assert contents(made) == {"song-2.txt": b"GOOD 2"}
    errors = {error.obj_name: error for error in etl.view(job).obj_errors}
    assert sorted(errors) == [f"ais://{bucket.name}/nowhere", f"ais://{bucket.name}/song-3.txt"]
    assert errors[f"ais://{bucket.name}/song-3.txt"].ecode == 422
    assert "cannot do that" in errors[f"ais://{bucket.name}/song-3.txt"].msg
    assert errors[f"ais://{bucket.name}/nowhere"].ecode == 404


def test_a_job_over_a_bucket_that_met_an_error_is_no_success(
    client: Client, bucket: Bucket, make_bucket: MakeBucket, etl: Any
) -> None:
    made = make_bucket()
    job = picky(bucket, etl, "etl-bck", to=made, query="bck_to", prefix="song", coer=True)
    result = client.job(job).wait(timeout=20)
    assert not result.success
    assert "cannot do that" in result.error
    assert len(contents(made)) == 5


def test_without_leave_to_go_on_the_first_error_ends_the_job(
    client: Client, bucket: Bucket, make_bucket: MakeBucket, etl: Any
) -> None:
    made = make_bucket()
    value = {"prefix": "song", "num-workers": 1}
    job = picky(bucket, etl, "etl-bck", to=made, query="bck_to", **value)
    assert not client.job(job).wait(timeout=20).success
    assert sorted(contents(made)) == ["song-0.txt", "song-1.txt", "song-2.txt"]


def test_a_transform_that_is_stopped_ends_the_job_whatever_it_is_told_about_errors(
    client: Client, bucket: Bucket, make_bucket: MakeBucket, etl: Any
) -> None:
    etl.stop()
    job = picky(bucket, etl, "etl-bck", to=make_bucket(), query="bck_to", coer=True, **{"num-workers": 1})
    result = client.job(job).wait(timeout=20)
    assert not result.success
    assert client.job(job).get_details().any_aborted()
    assert len(etl.view(job).obj_errors) == 1
    etl.start()


def test_an_unknown_transform_is_told_in_aistores_words(bucket: Bucket, make_bucket: MakeBucket) -> None:
    made = make_bucket(create=False)
    for start in (bucket.transform, bucket.objects(obj_template="song").transform):
        with pytest.raises(AISError, match="ETL not-there doesn't exist") as refused:
            start(**{"etl_name": "not-there", "to_bck": made})
        assert refused.value.status_code == 404
    with pytest.raises(AISError, match="onto itself"):
        bucket.copy(bucket)
