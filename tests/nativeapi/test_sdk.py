"""The official SDK, unmodified, against a real node."""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from aistore import Client
from aistore.sdk import Bucket
from aistore.sdk.errors import (
    AISError,
    ErrBckAlreadyExists,
    ErrBckNotFound,
    ErrETLAlreadyExists,
    ErrETLNotFound,
    ErrObjNotFound,
)
from aistore.sdk.etl import ETLConfig
from aistore.sdk.list_object_flag import ListObjectFlag

from tests.node import Node

MIB = 1024 * 1024
SERVERS = Path(__file__).parent.parent / "etl" / "servers"


@pytest.fixture
def client(node: Node) -> Client:
    return Client(node.endpoint, token=node.token)


@pytest.fixture
def bucket(client: Client) -> Iterator[Bucket]:
    made = client.bucket(f"Sdk_{random.randrange(16**8):08x}").create()
    yield made
    made.delete(missing_ok=True)


def write(bucket: Bucket, name: str, data: bytes) -> Any:
    made = bucket.object(name)
    made.get_writer().put_content(data)
    return made


def test_cluster_is_ready_and_has_one_target(client: Client) -> None:
    assert client.cluster().is_ready()
    smap = client.cluster().get_info()
    assert len(smap.tmap) == 1
    assert client.cluster().get_uuid()
    assert list(client.cluster().get_performance()) == list(smap.tmap)
    assert isinstance(client.cluster().list_running_jobs(), list)


def test_bucket_is_made_found_and_destroyed(client: Client, bucket: Bucket) -> None:
    assert bucket.name in [model.name for model in client.cluster().list_buckets()]
    with pytest.raises(ErrBckAlreadyExists):
        bucket.create()
    bucket.create(exist_ok=True)
    assert "Ais-Bucket-Props" in bucket.head()
    write(bucket, "song", b"x")
    bucket.delete()
    with pytest.raises(ErrBckNotFound):
        bucket.delete()
    with pytest.raises(ErrBckNotFound):
        bucket.list_objects()


@pytest.mark.parametrize("name", ["plain", "dir/o 1", "a+b#c?d%e", "é", "%41"])
def test_object_comes_back_under_any_name(bucket: Bucket, name: str) -> None:
    made = write(bucket, name, b"hello world")
    reader = made.get_reader()
    assert reader.read_all() == b"hello world"
    assert reader.attributes.checksum_type == "xxhash2"
    assert reader.attributes.checksum_value == "45ab6734b21e6968"
    assert [entry.name for entry in bucket.list_all_objects()] == [name]
    assert requests.get(made.get_url(), headers={"Authorization": f"Bearer {bucket.client.token}"}).content == (
        b"hello world"
    )


def test_missing_object_has_its_own_exception(bucket: Bucket) -> None:
    with pytest.raises(ErrObjNotFound):
        bucket.object("nope").get_reader().read_all()
    with pytest.raises(ErrObjNotFound):
        bucket.object("nope").delete()
    with pytest.raises(AISError) as raised:
        bucket.object("nope").head()
    assert raised.value.status_code == 404


def test_deleted_object_is_gone(bucket: Bucket) -> None:
    write(bucket, "song", b"x").delete()
    assert bucket.list_all_objects() == []


def test_lists_by_page_prefix_level_and_start(bucket: Bucket) -> None:
    names = sorted(f"{folder}/{number}" for folder in "ab" for number in range(6))
    for name in names:
        write(bucket, name, name.encode())
    assert [entry.name for entry in bucket.list_objects_iter(page_size=5)] == names
    assert [entry.name for entry in bucket.list_all_objects(page_size=4)] == names
    assert [entry.name for entry in bucket.list_all_objects(prefix="a/")] == names[:6]
    assert [entry.name for entry in bucket.list_all_objects(start_after="a/3")] == names[4:]
    level = bucket.list_objects(flags=[ListObjectFlag.NO_RECURSION])
    assert [entry.name for entry in level.entries] == ["a/", "b/"]
    assert all(entry.is_cached() and entry.is_ok() for entry in bucket.list_all_objects())
    (props,) = [made.props_cached for made in bucket.list_all_objects_iter(prefix="a/1", props="name,size,checksum")]
    assert (props.size, bool(props.checksum_value)) == (3, True)


def test_copy_keeps_bytes_and_metadata(client: Client, bucket: Bucket) -> None:
    made = write(bucket, "song", b"la la")
    made.get_writer().set_custom_props({"artist": "Bach"})
    copied = bucket.object("dir/the copy")
    assert made.copy(copied).status_code == 200
    assert copied.get_reader().read_all() == b"la la"
    assert copied.get_reader().attributes.custom_metadata == {"artist": "Bach"}
    with pytest.raises(AISError, match="does not exist"):
        made.copy(client.bucket("nowhere").object("x"))
    with pytest.raises(ErrObjNotFound):
        bucket.object("nope").copy(copied)


def test_s3_and_native_show_the_same_objects(node: Node, client: Client) -> None:
    s3 = node.client()
    name = f"both-{random.randrange(16**8):08x}"
    bucket = client.bucket(name).create()
    write(bucket, "native", b"from native")
    s3.put_object(Bucket=name, Key="s3", Body=b"from s3", Metadata={"artist": "Bach"})
    assert s3.get_object(Bucket=name, Key="native")["Body"].read() == b"from native"
    reader = bucket.object("s3").get_reader()
    assert reader.read_all() == b"from s3"
    assert reader.attributes.custom_metadata == {"artist": "Bach"}
    assert reader.attributes.checksum_type == "xxhash2"
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=name)["Contents"]] == ["native", "s3"]
    bucket.delete()


def test_wrong_token_opens_nothing(node: Node) -> None:
    for token in (None, "wrong"):
        with pytest.raises(AISError) as raised:
            Client(node.endpoint, token=token).cluster().list_buckets()
        assert raised.value.status_code == 401


@pytest.fixture
def md5(client: Client) -> Iterator[Any]:
    """The official server's MD5, started by the SDK."""
    etl = client.etl(f"sdk-md5-{random.randrange(16**6):06x}")
    command = [sys.executable, "-m", "uvicorn", "--factory", "official:fastapi", "--host", "0.0.0.0", "--port", "8000"]
    etl.init(image="local", command=command, init_timeout="60s", PYTHONPATH=str(SERVERS), NUMBER=5)
    yield etl
    try:
        etl.stop()
        etl.delete()
    except ErrETLNotFound:
        pass


def test_transform_lives_through_its_whole_life(client: Client, bucket: Bucket, md5: Any) -> None:
    made = write(bucket, "dir/song 1", b"la la")
    expected = hashlib.md5(b"la la").hexdigest().encode()
    (info,) = [found for found in client.cluster().list_etls() if found.id == md5.name]
    assert info.xaction_id.startswith("etl-")
    view = md5.view()
    assert (view.init_msg.communication, view.init_msg.runtime.env[0].name) == ("hpush://", "PYTHONPATH")
    assert view.init_msg.runtime.env[1].value == "5"

    result = made.get_reader(etl=ETLConfig(md5.name, args={"k": "x y"})).read_all()
    assert result.startswith(expected)
    assert b'{"k":"x y"}' in result
    copied = bucket.object("copied")
    assert made.copy(copied, etl=ETLConfig(md5.name)).status_code == 200
    assert copied.get_reader().read_all().startswith(expected)
    assert "transforming" in md5.logs()[0].logs

    md5.stop()
    assert [found.stage for found in client.cluster().list_etls(["Aborted"]) if found.id == md5.name] == ["Aborted"]
    with pytest.raises(AISError):
        made.get_reader(etl=ETLConfig(md5.name)).read_all()
    md5.start()
    assert made.get_reader(etl=ETLConfig(md5.name)).read_all().startswith(expected)
    with pytest.raises(ErrETLAlreadyExists):
        client.etl(md5.name).init(image="local", command=["true"])
    md5.delete()
    with pytest.raises(ErrETLNotFound):
        md5.view()


def test_plain_copy_onto_a_copy_then_through_a_transform_is_transformed(bucket: Bucket, md5: Any) -> None:
    made, copied = write(bucket, "song", b"la la"), bucket.object("copied")
    made.copy(copied)
    made.copy(copied, etl=ETLConfig(md5.name))
    assert copied.get_reader().read_all() != b"la la"


@pytest.fixture
def plain(client: Client) -> Iterator[Any]:
    """A server that fails in the way its argument says."""
    etl = client.etl(f"sdk-plain-{random.randrange(16**6):06x}")
    command = [sys.executable, str(SERVERS / "plain.py"), "--port", "8000"]
    etl.init(image="local", command=command, init_timeout="60s", obj_timeout="1s")
    yield etl
    etl.delete()


def test_transform_that_takes_too_long_is_told_at_once(bucket: Bucket, plain: Any) -> None:
    made = write(bucket, "song", b"la la")
    with pytest.raises(AISError, match="timeout"):
        made.get_reader(etl=ETLConfig(plain.name, args="hang 3")).read_all()
    with pytest.raises(AISError, match="timeout"):
        made.copy(bucket.object("copied"), etl=ETLConfig(plain.name, args="hang 3"))
    assert [entry.name for entry in bucket.list_all_objects()] == ["song"]
    (first, _) = plain.view().obj_errors
    assert first.obj_name == f"ais://{bucket.name}/song"


@pytest.mark.parametrize("way", ["half", "half_sized"])
def test_result_that_breaks_off_is_neither_passed_off_as_whole_nor_stored(
    node: Node, bucket: Bucket, plain: Any, way: str
) -> None:
    write(bucket, "song", b"la la" * MIB)
    url = f"{node.endpoint}/v1/objects/{bucket.name}/song"
    headers = {"Authorization": f"Bearer {node.token}"}
    through = {"etl_name": plain.name, "etl_args": way}
    with pytest.raises(requests.RequestException):
        requests.get(url, params=through, headers=headers, timeout=20).raise_for_status()
    copied = requests.put(
        url, params={**through, "object_to": f"ais/@#/{bucket.name}/copied"}, headers=headers, timeout=20
    )
    assert copied.status_code >= 400
    assert [entry.name for entry in bucket.list_all_objects()] == ["song"]


def test_server_that_dies_at_once_tells_why(client: Client) -> None:
    etl = client.etl("sdk-dies")
    with pytest.raises(AISError, match="cannot possibly work"):
        etl.init(image="local", command=[sys.executable, "-c", "raise SystemExit('this cannot possibly work')"])
    assert [found.stage for found in client.cluster().list_etls(["Aborted"]) if found.id == etl.name] == ["Aborted"]
    etl.delete()
