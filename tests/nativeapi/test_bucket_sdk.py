"""Buckets through the official SDK and, where it cannot ask, through plain requests, against a real node."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from aistore import Client
from aistore.sdk import Bucket
from aistore.sdk.enums import FLTPresence
from aistore.sdk.errors import (
    AISError, ErrBckAlreadyExists, ErrBckNotFound, ErrObjNotFound, ErrRemoteBckNotFound, InvalidBckProvider,
)
from aistore.sdk.namespace import Namespace
from aistore.sdk.provider import Provider
from botocore.exceptions import ClientError

from tests.node import Node

NAMESPACE = Namespace(name="Ns_1")


@pytest.fixture(scope="module")
def client(node: Node) -> Client:
    return Client(node.endpoint, token=node.token)


@pytest.fixture
def bucket(client: Client) -> Iterator[Bucket]:
    made = client.bucket(f"Bck_{random.randrange(16**8):08x}").create()
    yield made
    made.delete(missing_ok=True)


@pytest.fixture
def nested(client: Client, bucket: Bucket) -> Iterator[Bucket]:
    """A bucket of the same name in a namespace."""
    made = client.bucket(bucket.name, namespace=NAMESPACE).create()
    yield made
    made.delete(missing_ok=True)


class Wire:
    """Requests as they are."""

    def __init__(self, node: Node) -> None:
        self._base = node.endpoint
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {node.token}"

    def __call__(
        self, method: str, path: str, action: str = "", value: object = None, name: str = "", body: object = None
    ) -> Any:
        body = {"action": action, "name": name, "value": value} if action else body
        return self._session.request(method, f"{self._base}{path}", json=body, timeout=20)


@pytest.fixture(scope="module")
def wire(node: Node) -> Wire:
    return Wire(node)


def refusal(answer: Any) -> tuple[int, str, str]:
    told = answer.json() if answer.content else json.loads(answer.headers["Hdr-Error"])
    assert told["status"] == answer.status_code
    return answer.status_code, told.get("tcode", ""), told["message"]


def fill(bucket: Bucket, *names: str) -> None:
    for size, name in enumerate(names, 1):
        bucket.object(name).get_writer().put_content(b"x" * size)


def test_bucket_is_made_found_and_destroyed(client: Client, bucket: Bucket) -> None:
    with pytest.raises(ErrBckAlreadyExists):
        bucket.create()
    assert bucket.create(exist_ok=True) is bucket
    props = json.loads(bucket.head()["Ais-Bucket-Props"])
    assert (props["provider"], props["checksum"]["type"], props["versioning"]["enabled"]) == ("ais", "xxhash2", True)
    fill(bucket, "song")
    bucket.delete()
    bucket.delete(missing_ok=True)
    for missing in (bucket.delete, bucket.list_objects, bucket.summary):
        with pytest.raises(ErrBckNotFound):
            missing()
    with pytest.raises(AISError):
        bucket.head()


def test_buckets_of_a_namespace_are_others(client: Client, bucket: Bucket, nested: Bucket) -> None:
    fill(bucket, "one")
    fill(nested, "one", "two")
    assert [entry.name for entry in bucket.list_all_objects()] == ["one"]
    assert [entry.name for entry in nested.list_all_objects()] == ["one", "two"]
    assert nested.object("two").get_reader().read_all() == b"xx"
    with pytest.raises(ErrObjNotFound):
        bucket.object("two").get_reader().read_all()
    with pytest.raises(ErrBckAlreadyExists):
        nested.create()
    nested.delete()
    with pytest.raises(ErrBckNotFound):
        nested.list_objects()
    assert bucket.list_objects().entries[0].name == "one"


def test_list_of_buckets_can_be_narrowed(client: Client, wire: Wire, bucket: Bucket, nested: Bucket) -> None:
    def named(query: str, name: str = "") -> list[tuple[str, str]]:
        found = wire("GET", f"/v1/buckets{query}", "list", name=name).json()
        assert {row["provider"] for row in found} <= {"ais"}
        return [(row["namespace"]["name"], row["name"]) for row in found]

    here, there = ("", bucket.name), ("Ns_1", bucket.name)
    assert {here, there} <= set(named(""))
    assert named("?provider=ais", bucket.name) == [here, there]
    assert named("?provider=ais&presence=2&namespace=%40%23Ns_1") == [there]
    assert here in named("?namespace=%40%23") and there not in named("?namespace=%40%23")
    assert named("?presence=5") == []
    assert named("?provider=ais", "made-up") == []
    assert there[1] in [model.name for model in client.cluster().list_buckets(provider="")]


def test_this_cluster_s_own_uuid_means_the_local_namespaces(wire: Wire, bucket: Bucket, nested: Bucket) -> None:
    bmd = wire("GET", "/v1/daemon?what=bmd").json()
    assert bmd["providers"]["ais"]["@#Ns_1"][bucket.name]["provider"] == "ais"
    assert bucket.name in bmd["providers"]["ais"]["@#"]
    fill(nested, "song")
    listed = wire("GET", f"/v1/buckets/{bucket.name}?namespace=%40{bmd['uuid']}%23Ns_1", "list").json()
    assert [entry["name"] for entry in listed["entries"]] == ["song"]


def test_attached_cluster_that_does_not_answer_is_told_from_one_that_is_not_attached(node: Node, wire: Wire) -> None:
    headers = {"Authorization": f"Bearer {node.token}", "Ais-Remote-Ais-Alias": "far"}
    there = {**headers, "Ais-Remote-Ais-Url": "http://127.0.0.1:9"}
    assert requests.put(f"{node.endpoint}/v1/cluster/attach?what=remote", headers=there, timeout=20).status_code == 200
    try:
        for path in ("/v1/buckets/b?namespace=%40far%23", "/v1/buckets?namespace=%40far%23"):
            status, code, message = refusal(wire("GET", path, "list"))
            assert (status, code) == (400, "") and "remote ais cluster @far (http://127.0.0.1:9)" in message
        assert refusal(wire("GET", "/v1/buckets/b?namespace=%40other%23", "list")) == (
            400, "", 'remote ais cluster "other" is not attached')
    finally:
        detached = requests.put(f"{node.endpoint}/v1/cluster/detach?what=remote", headers=headers, timeout=20)
    assert detached.status_code == 200


def test_versions_are_counted_without_gaps_by_many_writers(node: Node, bucket: Bucket) -> None:
    def write(number: int) -> int:
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {node.token}"
            url = f"{node.endpoint}/v1/objects/{bucket.name}/song"
            return max(int(session.put(url, data=b"x" * 10, timeout=20).headers["Ais-Version"]) for _ in range(10))

    with ThreadPoolExecutor(12) as pool:
        assert max(pool.map(write, range(12))) == 120
    assert bucket.object("song").head(props="version").obj_version == "120"


def test_nonsense_in_a_list_of_buckets_is_refused(wire: Wire) -> None:
    assert refusal(wire("GET", "/v1/buckets?provider=aws", "list")) == (
        400, "ErrMissingBackend", "AWS backend is missing in the cluster configuration")
    assert refusal(wire("GET", "/v1/buckets?provider=az", "list")) == (
        400, "ErrMissingBackend", "Azure backend is missing in the cluster configuration")
    assert refusal(wire("GET", "/v1/buckets?provider=foo", "list"))[:2] == (400, "ErrInvalidBackendProvider")
    assert refusal(wire("GET", "/v1/buckets?presence=6", "list"))[0] == 400
    assert refusal(wire("GET", "/v1/buckets?namespace=ns", "list"))[0] == 400
    assert refusal(wire("GET", "/v1/buckets?namespace=%40abc%23", "list")) == (
        400, "", "no remote ais clusters attached")
    assert refusal(wire("GET", "/v1/buckets", "dance")) == (400, "", 'invalid action "dance"')


@pytest.mark.parametrize(
    ("query", "status", "code", "message"),
    [
        ("?provider=ais", 404, "ErrBckNotFound", 'bucket "ais://nope" does not exist'),
        ("?namespace=%40%23ns", 404, "ErrBckNotFound", 'bucket "ais://nope" does not exist in namespace "#ns"'),
        ("?namespace=%40uuid%23ns", 400, "", "no remote ais clusters attached"),
        ("?namespace=%40%23a%2Fb", 400, "", 'invalid namespace "@#a/b": expecting @uuid#name'),
        ("?provider=foo", 400, "ErrInvalidBackendProvider",
         'invalid backend provider "foo": must be one of [ais aws azure gcp oci]'),
    ],
)
def test_missing_buckets_are_told_as_aistore_tells_them(
    wire: Wire, query: str, status: int, code: str, message: str
) -> None:
    for method, action in (("HEAD", ""), ("GET", "list"), ("GET", "summary-bck"), ("DELETE", "destroy-bck"),
                           ("PATCH", "set-bprops")):
        assert refusal(wire(method, f"/v1/buckets/nope{query}", action)) == (status, code, message)


@pytest.mark.parametrize(("provider", "scheme", "title"), [("aws", "s3", "AWS"), ("gs", "gs", "GCP")])
def test_bucket_of_a_missing_backend_is_not_found(wire: Wire, provider: str, scheme: str, title: str) -> None:
    status, code, message = refusal(wire("HEAD", f"/v1/buckets/nope?provider={provider}"))
    assert (status, code) == (404, "ErrFailedTo")
    assert message.endswith(
        f"failed to lookup bucket {scheme}://nope, err: {title} backend is missing in the cluster configuration")


def test_sdk_knows_the_bucket_of_a_missing_backend_as_remote(client: Client) -> None:
    with pytest.raises(ErrRemoteBckNotFound):
        client.bucket("nope", provider=Provider.AMAZON).list_objects()


def test_bucket_that_exists_is_not_made_again(wire: Wire, bucket: Bucket, nested: Bucket) -> None:
    exists = f'bucket "ais://{bucket.name}" already exists'
    for query, message in (("", exists), ("?namespace=%40%23Ns_1", f'{exists} in namespace "#Ns_1"')):
        answer = wire("POST", f"/v1/buckets/{bucket.name}{query}", "create-bck")
        assert refusal(answer) == (409, "ErrBucketAlreadyExists", message)


def test_every_way_to_write_counts_versions_and_gives_the_checksum(bucket: Bucket) -> None:
    made = bucket.object("song")

    def told() -> tuple[str, str, str]:
        facts = made.head(props="version,checksum")
        return facts.obj_version, facts.checksum_type, facts.checksum_value

    made.get_writer().put_content(b"")
    handle = made.get_writer().append_content(b"hello ")
    handle = made.get_writer().append_content(b"world", handle=handle)
    made.get_writer().append_content(b"", handle=handle, flush=True)
    appended = told()
    upload = made.multipart_upload().create()
    for number, piece in enumerate((b"hello ", b"world"), 1):
        upload.add_part(number).put_content(piece)
    upload.complete()
    made.copy(bucket.object("copy"))
    assert (appended, told()) == (("2", "xxhash2", "45ab6734b21e6968"), ("3", "xxhash2", "45ab6734b21e6968"))
    assert bucket.object("copy").head(props="version").obj_version == "1"


def test_bad_names_make_no_bucket(wire: Wire) -> None:
    for name, message in (
        ("a" * 65, "bucket name is too long: 65 > 64(max length)"),
        ("a%2Ab",
         "bucket name is invalid: may only contain letters, numbers, dashes (-), underscores (_), and dots (.)"),
    ):
        assert refusal(wire("POST", f"/v1/buckets/{name}", "create-bck")) == (400, "", message)
    assert refusal(wire("POST", "/v1/buckets/b?namespace=%40%23a%2Ab", "create-bck"))[0] == 400


def test_info_counts_the_objects_with_a_prefix(bucket: Bucket) -> None:
    fill(bucket, "a", "pg/1", "pg/2", "pg/3")
    props, summary = bucket.info(prefix="pg/")
    assert json.loads(props)["provider"] == "ais"
    assert (summary["name"], summary["is_present"]) == (bucket.name, True)
    assert summary["ObjCount"] == {"obj_count_present": "3", "obj_count_remote": "0"}
    assert summary["ObjSize"] == {"obj_min_size": 2, "obj_avg_size": 3, "obj_max_size": 4}
    assert summary["TotalSize"]["size_all_present_objs"] == "9"
    assert int(summary["TotalSize"]["size_on_disk"]) > 9
    assert int(summary["TotalSize"]["total_disks_size"]) > 2**20


def test_info_takes_every_presence(client: Client, wire: Wire, bucket: Bucket) -> None:
    for presence in FLTPresence:
        first = wire("HEAD", f"/v1/buckets/{bucket.name}?presence={presence.value}&bsumm_remote=False")
        assert (first.status_code, "Ais-Xaction-Id" in first.headers) == (202, True)
    assert refusal(wire("HEAD", f"/v1/buckets/{bucket.name}?presence=9"))[0] == 400
    with pytest.raises(ValueError, match="flt_presence"):
        bucket.info(flt_presence=9)


def poll(wire: Wire, path: str, job: str) -> Any:
    for _ in range(200):
        answer = wire("GET", path, "summary-bck", {"uuid": job, "prefix": ""})
        if answer.status_code == 200:
            return answer.json()
        assert answer.status_code in (202, 206)
        time.sleep(0.02)
    raise AssertionError("the summary is never ready")


def test_summary_of_a_bucket_and_of_all(wire: Wire, bucket: Bucket, nested: Bucket) -> None:
    fill(bucket, "a", "b")
    big = bucket.object("big")
    big.get_writer().put_content(b"x" * 100_000)
    found = bucket.summary()
    assert (found["ObjCount"]["obj_count_present"], found["is_present"]) == ("3", False)
    assert 100_003 < int(found["TotalSize"]["size_on_disk"]) < 105_000
    assert bucket.summary(prefix="b")["TotalSize"]["size_all_present_objs"] == "100002"
    first = wire("GET", "/v1/buckets?provider=ais", "summary-bck", {"uuid": "", "prefix": ""})
    assert (first.status_code, first.headers["Content-Type"]) == (202, "text/plain; charset=utf-8")
    every = {(row["namespace"]["name"], row["name"]): row for row in poll(wire, "/v1/buckets", first.text)}
    assert every["", bucket.name] == found
    assert every["Ns_1", bucket.name]["ObjSize"] == {"obj_min_size": 0, "obj_avg_size": 0, "obj_max_size": 0}


def test_summary_belongs_to_its_bucket_and_id(wire: Wire, bucket: Bucket, nested: Bucket) -> None:
    job = wire("GET", f"/v1/buckets/{bucket.name}", "summary-bck", {"uuid": ""}).text
    unknown = (404, "", f'"x-[{job}]" not found')
    other = wire("GET", f"/v1/buckets/{bucket.name}?namespace=%40%23Ns_1", "summary-bck", {"uuid": job})
    assert refusal(other) == unknown
    assert refusal(wire("HEAD", f"/v1/buckets/{bucket.name}?bsumm_remote=true&uuid=made-up"))[0] == 404
    assert refusal(wire("GET", f"/v1/buckets/{bucket.name}", "summary-bck", {"uuid": 5}))[0] == 400


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_buckets_that_s3_cannot_name_are_refused_there_and_not_listed(
    node: Node, client: Client, bucket: Bucket, nested: Bucket
) -> None:
    s3 = node.client()
    fill(nested, "song")
    for action in (
        lambda: s3.list_objects_v2(Bucket=bucket.name),
        lambda: s3.put_object(Bucket=bucket.name, Key="song"),
        lambda: s3.delete_bucket(Bucket=bucket.name),
    ):
        with pytest.raises(ClientError) as refused:
            action()
        assert code(refused) == "InvalidBucketName"
    s3.create_bucket(Bucket="copies-nothing")
    for source in (f"{bucket.name}/song", f"%23Ns_1/{bucket.name}/song", f"%23Ns_1%2F{bucket.name}/song"):
        with pytest.raises(ClientError) as refused:
            s3.copy_object(Bucket="copies-nothing", Key="song", CopySource=source)
        assert code(refused) in ("InvalidBucketName", "NoSuchBucket")
    for path in (f"%23Ns_1%2F{bucket.name}", f"%23Ns_1/{bucket.name}", f"%23Ns_1%2F{bucket.name}/song"):
        assert requests.get(f"{node.endpoint}/{path}", timeout=20).status_code in (400, 403, 404)
    listed = [row["Name"] for row in s3.list_buckets()["Buckets"]]
    assert not [name for name in listed if not name.islower() or "#" in name]


def test_bucket_of_s3_is_one_of_the_native_api(node: Node, client: Client) -> None:
    s3 = node.client()
    s3.create_bucket(Bucket="made-by-s3.1")
    made = client.bucket("made-by-s3.1")
    props = json.loads(made.head()["Ais-Bucket-Props"])
    assert (props["checksum"]["type"], props["versioning"]["enabled"]) == ("xxhash2", False)
    s3.put_object(Bucket="made-by-s3.1", Key="song", Body=b"hello world")
    assert made.object("song").head(props="checksum").checksum_value == "45ab6734b21e6968"
    made.delete()
    with pytest.raises(ClientError) as refused:
        s3.head_bucket(Bucket="made-by-s3.1")
    assert code(refused) == "404"


def test_properties_govern_writes_through_s3(node: Node, wire: Wire, client: Client) -> None:
    name = f"governed-{random.randrange(16**8):08x}"
    made = client.bucket(name).create()
    wire("PATCH", f"/v1/buckets/{name}", "set-bprops", {"checksum": {"type": "md5"}})
    s3 = node.client()
    for body in (b"one", b"two"):
        s3.put_object(Bucket=name, Key="song", Body=body, ChecksumAlgorithm="SHA1")
    s3.copy_object(Bucket=name, Key="copy", CopySource={"Bucket": name, "Key": "song"})
    facts = made.object("song").head(props="checksum,version")
    assert (facts.checksum_type, facts.checksum_value, facts.obj_version) == (
        "md5", "b8a9f715dbb64fd5c56e7783c6820a61", "2")
    assert made.object("copy").head(props="version").obj_version == "1"
    seen = s3.head_object(Bucket=name, Key="song", ChecksumMode="ENABLED")
    assert "VersionId" not in seen
    assert [header for header in seen["ResponseMetadata"]["HTTPHeaders"] if "checksum" in header] == [
        "x-amz-checksum-sha1", "x-amz-checksum-type"]
    made.delete()


def test_files_are_put_and_their_urls_listed(node: Node, bucket: Bucket, nested: Bucket, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("a.txt", "b.bin", "sub/c.txt"):
        (tmp_path / name).write_text(name)
    assert bucket.put_files(tmp_path, dry_run=True, recursive=True) and not bucket.list_all_objects()
    put = bucket.put_files(tmp_path, recursive=True, pattern="*.txt", prepend="p-")
    assert sorted(put) == ["p-a.txt", "p-sub/c.txt"]
    assert sorted(nested.put_files(tmp_path, basename=True)) == ["a.txt", "b.bin"]
    for made, names in ((bucket, ["p-a.txt", "p-sub/c.txt"]), (nested, ["a.txt", "b.bin"])):
        urls = list(made.list_urls())
        assert [entry.name for entry in made.list_all_objects(page_size=1)] == names
        headers = {"Authorization": f"Bearer {node.token}"}
        assert [requests.get(url, headers=headers, timeout=20).text for url in urls] == [
            name.removeprefix("p-") for name in names]


def test_bucket_is_copied_and_renamed_across_namespaces(client: Client, bucket: Bucket, nested: Bucket) -> None:
    fill(bucket, "one", "two")
    job = client.job(bucket.copy(to_bck=nested, prepend="from-"))
    assert job.wait(timeout=20).success
    assert [entry.name for entry in nested.list_all_objects()] == ["from-one", "from-two"]
    (snapshot,) = job.get_details().list_snapshots()
    assert (snapshot.source_bck.name, snapshot.destination_bck.namespace.name) == (bucket.name, "Ns_1")
    bucket.object("one").copy(nested.object("three"))
    assert nested.object("three").get_reader().read_all() == b"x"
    other = f"{nested.name}-moved"
    assert client.job(nested.rename(other)).wait(timeout=20).success
    moved = client.bucket(other, namespace=NAMESPACE)
    assert len(moved.list_all_objects()) == 3
    moved.delete()
    with pytest.raises(ErrBckNotFound):
        nested.list_objects()


def test_what_needs_a_backend_is_refused(client: Client, bucket: Bucket) -> None:
    for action in (bucket.create_inventory, bucket.destroy_inventory):
        with pytest.raises(AISError) as refused:
            action()
        assert (refused.value.status_code, "expecting remote bucket" in refused.value.message) == (400, True)
    assert bucket.show_inventory() == {}
    remote = client.bucket("nope", provider="aws")
    for action in (remote.create, remote.delete, remote.summary):
        with pytest.raises((InvalidBckProvider, ErrRemoteBckNotFound)):
            action()
    with pytest.raises(InvalidBckProvider):
        bucket.evict()


def test_an_eviction_that_is_asked_for_removes_nothing_while_there_is_room(
    client: Client, wire: Wire, bucket: Bucket
) -> None:
    wire("PATCH", f"/v1/buckets/{bucket.name}", "set-bprops", {"lru": {"enabled": True}})
    bucket.object("song").get_writer().put_content(b"x" * 100_000)
    job = client.job(job_kind="lru")
    job = client.job(job_id=job.start(buckets=[bucket]), job_kind="lru")
    assert job.wait(timeout=20).success
    (snapshot,) = wire("GET", "/v1/cluster?what=qryxstats", body={"id": job.job_id}).json().popitem()[1]
    assert snapshot["ctlmsg"].endswith("nothing is removed")
    assert bucket.object("song").head().size == 100_000
