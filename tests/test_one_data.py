"""One data, two doors: what S3 clients write AIStore's clients read, and the reverse, as the same object."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import xxhash
from aistore import Client
from aistore.sdk import Bucket

from tests.node import Node

MIB = 1024 * 1024
LARGE = random.Random(2).randbytes(6 * MIB)
NAME = f"two-doors-{random.randrange(16**8):08x}"
SIZES = pytest.mark.parametrize("data", [b"", b"hello world", LARGE], ids=["empty", "inline", "file"])


@pytest.fixture(scope="module")
def bucket(node: Node) -> Iterator[Bucket]:
    made = Client(node.endpoint, token=node.token).bucket(NAME).create()
    yield made
    made.delete()


@pytest.fixture(scope="module")
def s3(node: Node) -> Any:
    return node.client()


def set_property(node: Node, value: dict[str, Any]) -> None:
    message = json.dumps({"action": "set-bprops", "value": value})
    headers = {"Authorization": f"Bearer {node.token}"}
    answer = requests.patch(f"{node.endpoint}/v1/buckets/{NAME}", message, headers=headers, timeout=10)
    assert answer.status_code == 200, answer.text


@SIZES
def test_object_of_s3_is_read_natively(bucket: Bucket, s3: Any, data: bytes) -> None:
    s3.put_object(Bucket=NAME, Key="from/s3", Body=data, Metadata={"artist": "Bach", "year": "1721"})
    read = bucket.object("from/s3").get_reader()
    assert read.read_all() == data
    assert read.attributes.custom_metadata == {"artist": "Bach", "year": "1721"}
    assert (read.attributes.checksum_type, read.attributes.checksum_value) == ("xxhash2", xxhash.xxh64_hexdigest(data))
    assert bucket.object("from/s3").head("etag").etag.strip('"') == hashlib.md5(data).hexdigest()


@SIZES
def test_native_object_is_read_by_s3(bucket: Bucket, s3: Any, data: bytes) -> None:
    made = bucket.object("from/native")
    made.get_writer().put_content(data)
    made.get_writer().set_custom_props({"artist": "Bach", "Year": "1721"}, replace_existing=True)
    got = s3.get_object(Bucket=NAME, Key="from/native")
    assert got["Body"].read() == data
    assert got["ETag"] == f'"{hashlib.md5(data).hexdigest()}"'
    assert got["Metadata"] == {"artist": "Bach", "Year": "1721"}


def test_metadata_goes_round_through_both_doors(bucket: Bucket, s3: Any) -> None:
    made = bucket.object("round")
    made.get_writer().put_content(b"x")
    made.get_writer().set_custom_props({"artist": "Bach"})
    s3.copy_object(Bucket=NAME, Key="copied", CopySource={"Bucket": NAME, "Key": "round"})
    bucket.object("copied").copy(bucket.object("again"))
    assert s3.head_object(Bucket=NAME, Key="again")["Metadata"] == {"artist": "Bach"}
    s3.put_object(Bucket=NAME, Key="again", Body=b"y", Metadata={"year": "1721"})
    assert bucket.object("again").head("custom").custom_metadata == {"year": "1721"}
    bucket.object("again").get_writer().put_content(b"z")
    assert s3.head_object(Bucket=NAME, Key="again")["Metadata"] == {"year": "1721"}


def test_versions_are_counted_whichever_door_writes(node: Node, bucket: Bucket, s3: Any) -> None:
    set_property(node, {"versioning": {"enabled": True}})
    made = bucket.object("counted")
    s3.put_object(Bucket=NAME, Key="counted", Body=b"1")
    made.get_writer().put_content(b"2")
    s3.put_object(Bucket=NAME, Key="counted", Body=b"3")
    assert made.head("version").obj_version == "3"
    made.get_writer().append_content(b"", handle=made.get_writer().append_content(b"4"), flush=True)
    upload = made.multipart_upload().create()
    upload.add_part(1).put_content(b"5")
    upload.complete()
    assert made.get_reader().attributes.obj_version == "5"
    assert s3.get_object(Bucket=NAME, Key="counted").get("VersionId") in (None, "null")


def test_checksum_is_of_the_buckets_type_whichever_door_writes(node: Node, bucket: Bucket, s3: Any) -> None:
    try:
        for kind in ("md5", "sha256", "crc32c", "none", "xxhash2"):
            set_property(node, {"checksum": {"type": kind}})
            bucket.object("native").get_writer().put_content(b"hello world")
            s3.put_object(Bucket=NAME, Key="s3", Body=b"hello world", ChecksumAlgorithm="SHA1")
            native, foreign = (bucket.object(key).head("checksum") for key in ("native", "s3"))
            assert (native.checksum_type, native.checksum_value) == (foreign.checksum_type, foreign.checksum_value)
            assert native.checksum_type == ("" if kind == "none" else kind)
        assert native.checksum_value == "45ab6734b21e6968"
    finally:
        set_property(node, {"checksum": {"type": "xxhash2"}})


def test_upload_begun_at_one_door_is_finished_at_the_other(bucket: Bucket, s3: Any) -> None:
    made = bucket.object("parts")
    upload = made.multipart_upload().create()
    upload.add_part(1).put_content(LARGE)
    named = {"Bucket": NAME, "Key": "parts", "UploadId": upload.upload_id}
    etag = s3.upload_part(**named, PartNumber=2, Body=b"end")["ETag"]
    first = s3.list_parts(**named)["Parts"][0]["ETag"]
    s3.complete_multipart_upload(
        **named, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": first}, {"PartNumber": 2, "ETag": etag}]}
    )
    assert made.get_reader().read_all() == LARGE + b"end"
    assert made.head("chunked").chunks.chunk_count == 2
    assert made.head("checksum").checksum_value == xxhash.xxh64_hexdigest(LARGE + b"end")

    upload.upload_id = s3.create_multipart_upload(Bucket=NAME, Key="parts", Metadata={"artist": "Bach"})["UploadId"]
    upload.parts = []
    for number, data in ((1, LARGE), (2, b"other end")):
        upload.add_part(number).put_content(data)
    upload.complete()
    got = s3.get_object(Bucket=NAME, Key="parts")
    assert (got["Body"].read(), got["Metadata"]) == (LARGE + b"other end", {"artist": "Bach"})
    assert got["ETag"].endswith('-2"')
    assert s3.get_object(Bucket=NAME, Key="parts", PartNumber=2)["Body"].read() == b"other end"


def test_object_of_s3_is_appended_to_and_read_by_s3(bucket: Bucket, s3: Any) -> None:
    s3.put_object(Bucket=NAME, Key="log", Body=LARGE, ContentType="text/plain", Metadata={"artist": "Bach"})
    with bucket.object("log").get_writer().as_file(mode="a") as file:
        file.write(b" and more")
    got = s3.get_object(Bucket=NAME, Key="log")
    assert (got["Body"].read(), got["Metadata"]) == (LARGE + b" and more", {"artist": "Bach"})
    ranged = s3.get_object(Bucket=NAME, Key="log", Range="bytes=-4", IfMatch=got["ETag"])
    assert ranged["Body"].read() == b"more"


def test_both_doors_list_the_same(bucket: Bucket, s3: Any) -> None:
    for key in ("list/a", "list/b/c", "list/é"):
        s3.put_object(Bucket=NAME, Key=key, Body=key.encode())
    native = [(entry.name, entry.size) for entry in bucket.list_all_objects(props="name,size")]
    paged = s3.get_paginator("list_objects_v2").paginate(Bucket=NAME)
    assert native == [(found["Key"], found["Size"]) for page in paged for found in page["Contents"]]
    bucket.object("list/a").delete()
    assert [found["Key"] for found in s3.list_objects_v2(Bucket=NAME, Prefix="list/")["Contents"]] == [
        "list/b/c", "list/é"
    ]
