"""Jobs over many objects, asked for by the official SDK of a real node."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aistore import Client
from aistore.sdk import Bucket
from aistore.sdk.errors import AISError, InvalidBckProvider
from aistore.sdk.multiobj import ObjectRange

from tests.conftest import StartNode
from tests.node import Node


@pytest.fixture
def client(node: Node) -> Client:
    return Client(node.endpoint, token=node.token)


@pytest.fixture
def make_bucket(client: Client) -> Iterator[Callable[[], Bucket]]:
    made: list[Bucket] = []

    def make(*, create: bool = True) -> Bucket:
        bucket = client.bucket(f"Lists_{random.randrange(16**8):08x}")
        made.append(bucket)
        return bucket.create() if create else bucket

    yield make
    for bucket in made:
        bucket.delete(missing_ok=True)


@pytest.fixture
def bucket(make_bucket: Callable[[], Bucket]) -> Bucket:
    """Ten objects, o-00 to o-09, each holding its name."""
    made = make_bucket()
    for number in range(10):
        made.object(f"o-{number:02d}").get_writer().put_content(f"o-{number:02d}".encode())
    return made


def names(bucket: Bucket) -> list[str]:
    return [entry.name for entry in bucket.list_all_objects()]


def snapshot(client: Client, job: str) -> dict[str, Any]:
    """The job as AIStore shows it, with what the SDK leaves out."""
    message = {"ID": job, "Kind": "", "DaemonID": "", "Bck": None, "Buckets": None}
    reply = client.cluster().client.request("GET", "cluster", params={"what": "qryxstats"}, json=message)
    ((found,),) = reply.json().values()
    return dict(found)


def idle(client: Client, job: str) -> None:
    """Wait until the job has nothing to do; the SDK's own wait takes two seconds at least."""
    deadline = time.monotonic() + 20
    while not snapshot(client, job)["is_idle"]:
        assert time.monotonic() < deadline, "it never came to its end"
        time.sleep(0.02)


def counts(client: Client, job: str) -> tuple[int, int]:
    """Objects and bytes that the job has done."""
    stats = snapshot(client, job)["stats"]
    return int(stats["loc-objs"]), int(stats["loc-bytes"])


def numbered(*numbers: int, before: str = "") -> list[str]:
    return [f"{before}o-{number:02d}" for number in numbers]


def test_listed_objects_are_deleted_and_unknown_ones_are_no_error(client: Client, bucket: Bucket) -> None:
    job = client.job(bucket.objects(obj_names=["o-01", "o-03", "nowhere"]).delete())
    assert job.wait(timeout=10).success
    assert names(bucket) == numbered(0, 2, 4, 5, 6, 7, 8, 9)


@pytest.mark.parametrize(
    ("template", "left"),
    [
        ("o-{00..09..2}", numbered(1, 3, 5, 7, 9)),
        ("o-@07", numbered(8, 9)),
        ("o-%02d", []),
        ("o-{0..0}{3..4}", numbered(0, 1, 2, 5, 6, 7, 8, 9)),
        ("o-0", []),
        ("o-{000..009}", numbered(*range(10))),
        ("other", numbered(*range(10))),
    ],
)
def test_objects_of_a_template_are_deleted(client: Client, bucket: Bucket, template: str, left: list[str]) -> None:
    assert client.job(bucket.objects(obj_template=template).delete()).wait(timeout=10).success
    assert names(bucket) == left


def test_a_range_of_the_sdk_is_deleted(client: Client, bucket: Bucket) -> None:
    group = bucket.objects(obj_range=ObjectRange("o-", 2, 6, pad_width=2, step=2))
    assert group.list_names() == numbered(2, 4, 6)
    assert client.job(group.delete()).wait(timeout=10).success
    assert names(bucket) == numbered(0, 1, 3, 5, 7, 8, 9)


def test_objects_are_copied_into_a_bucket_that_is_made_for_them(
    client: Client, bucket: Bucket, make_bucket: Callable[..., Bucket]
) -> None:
    path = f"objects/{bucket.name}/o-01"
    colour = {"action": "", "name": "", "value": {"colour": "red"}}
    client.cluster().client.request("PATCH", path, params={"provider": "ais"}, json=colour)
    copy = make_bucket(create=False)
    (job,) = bucket.objects(obj_names=numbered(1, 2)).copy(copy, prepend="new/")
    assert job.startswith("tco-")
    assert client.job(job).wait_for_idle(timeout=10).success
    assert names(copy) == numbered(1, 2, before="new/")
    twin = copy.object("new/o-01").get_reader()
    original = bucket.object("o-01").get_reader()
    assert twin.read_all() == original.read_all() == b"o-01"
    assert twin.attributes.checksum_value == original.attributes.checksum_value != ""
    assert twin.attributes.custom_metadata == {"colour": "red"}


def test_later_copies_join_the_job_while_it_lingers(
    client: Client, bucket: Bucket, make_bucket: Callable[..., Bucket]
) -> None:
    copy = make_bucket()
    (first,) = bucket.objects(obj_names=numbered(1)).copy(copy)
    idle(client, first)
    (second,) = bucket.objects(obj_template="o-{02..03}").copy(copy)
    assert second == first
    idle(client, first)
    assert names(copy) == numbered(1, 2, 3)
    assert counts(client, first) == (3, 12)


def test_a_copy_onto_the_same_bucket_does_not_come_upon_itself(client: Client, bucket: Bucket) -> None:
    (job,) = bucket.objects(obj_template="o").copy(bucket, prepend="o")
    idle(client, job)
    assert names(bucket) == sorted(numbered(*range(10)) + numbered(*range(10), before="o"))


def test_a_dry_run_copies_nothing_and_makes_no_bucket(
    client: Client, bucket: Bucket, make_bucket: Callable[..., Bucket]
) -> None:
    copy = make_bucket(create=False)
    (job,) = bucket.objects(obj_template="o-{00..04}").copy(copy, dry_run=True)
    idle(client, job)
    assert counts(client, job) == (5, 20)
    assert copy.name not in [one.name for one in client.cluster().list_buckets()]


@pytest.mark.parametrize("tolerant", [False, True])
def test_a_listed_source_that_is_missing_is_told(
    client: Client, bucket: Bucket, make_bucket: Callable[..., Bucket], tolerant: bool
) -> None:
    copy = make_bucket()
    group = bucket.objects(obj_names=["nowhere", *numbered(1, 2)])
    (job,) = group.copy(copy, continue_on_error=tolerant, num_workers=1)
    idle(client, job)
    if tolerant:
        assert names(copy) == numbered(1, 2)
    else:
        assert "nowhere does not exist" in snapshot(client, job)["err"]


def test_a_copy_killed_in_the_middle_goes_on_and_ends_with_the_right_objects(start_node: StartNode) -> None:
    node = start_node()
    client = Client(node.endpoint, token=node.token)
    bucket, copy = client.bucket("many").create(), client.bucket("copy").create()
    for number in range(60):
        bucket.object(f"o-{number:02d}").get_writer().put_content(b"1234567890")
    for letter in "abcdef":  # 3,840 objects
        (job,) = bucket.objects(obj_template="*").copy(bucket, prepend=letter)
        idle(client, job)
    (job,) = bucket.objects(obj_template="*").copy(copy)
    while not copy.list_objects(page_size=1).entries:
        pass
    node.kill()
    node.start()
    idle(client, job)
    assert names(copy) == names(bucket)
    assert counts(client, job) == (3840, 38400)


def test_a_group_lists_its_objects_and_their_addresses(node: Node, bucket: Bucket) -> None:
    group = bucket.objects(obj_template="o-{00..02}")
    assert group.list_names() == numbered(0, 1, 2)
    assert [(one.name, one.props_cached.size) for one in group.list_all_objects_iter()] == [
        (name, 4) for name in numbered(0, 1, 2)
    ]
    first, *_ = group.list_urls()
    assert first.startswith(f"{node.endpoint}/v1/objects/{bucket.name}/o-00")


def test_what_needs_a_backend_the_sdk_refuses_by_itself(bucket: Bucket) -> None:
    for action in (bucket.objects(obj_names=["o-01"]).evict, bucket.objects(obj_names=["o-01"]).prefetch, bucket.evict):
        with pytest.raises(InvalidBckProvider):
            action()
    with pytest.raises(AISError, match="blob-download: expecting remote bucket"):
        bucket.object("o-01").blob_download()


def raw(bucket: Bucket, method: str, action: str, value: Any) -> str:
    return str(bucket.make_request(method, action, value=value).text)


REFUSED = [
    ("delete-listrange", {"template": "a{3..1}"}, "invalid 'bash' template \"a{3..1}\": 'start' cannot be greater"),
    ("delete-listrange", {"objnames": ["../x"]}, 'invalid object name "../x"'),
    ("delete-listrange", {"objnames": "x"}, "invalid delete-listrange request"),
    ("delete-listrange", {"colour": "red"}, "unknown field `colour`"),
    ("delete-listrange", {"num-workers": "many"}, "invalid delete-listrange request"),
    ("delete-listrange", {"template": "", "num-workers": 2**64}, "invalid delete-listrange request"),
    ("delete-listrange", {"template": "o-{0..9223372036854775807}"}, "exceed the maximum"),
    ("delete-listrange", None, "neither objnames nor a template"),
    ("delete-listrange", {"objnames": []}, "neither objnames nor a template"),
    ("copy-listrange", {"tobck": {"name": "ok"}}, "neither objnames nor a template"),
    ("copy-listrange", {"template": ""}, "missing required field `tobck`"),
    ("copy-listrange", {"template": "", "tobck": None}, "the destination bucket (tobck) is missing"),
    ("copy-listrange", {"template": "", "tobck": {"name": "a b"}}, "bucket name is invalid"),
    ("copy-listrange", {"template": "", "tobck": {"name": "ok"}, "prepend": "../"}, "invalid object name"),
    ("etl-listrange", {"template": "", "tobck": {"name": "ok"}, "id": "nowhere"}, "ETL nowhere doesn't exist"),
]


@pytest.mark.parametrize(("action", "value", "words"), REFUSED)
def test_a_wrong_request_is_refused_and_starts_nothing(
    bucket: Bucket, action: str, value: dict[str, Any], words: str
) -> None:
    with pytest.raises(AISError) as refused:
        raw(bucket, "DELETE" if action.startswith("delete") else "POST", action, value)
    assert refused.value.status_code == (404 if action.startswith("etl") else 400)
    assert words in json.loads(refused.value.message)["message"]
    assert names(bucket) == numbered(*range(10))
