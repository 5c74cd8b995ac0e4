"""boto3 with its defaults: transfers, resources, paginators, streaming bodies, checksums."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.clients.conftest import MIB, digest, write
from tests.node import Node


@pytest.mark.parametrize("size", [0, 1000, 9 * MIB, 40 * MIB + 1])
def test_upload_file_and_download_file(s3: Any, bucket: str, tmp_path: Path, size: int) -> None:
    source = write(tmp_path / "file", size)
    s3.upload_file(str(source), bucket, "file", ExtraArgs={"Metadata": {"colour": "blue"}})
    s3.download_file(bucket, "file", str(tmp_path / "back"))
    assert digest(tmp_path / "back") == digest(source)
    assert s3.head_object(Bucket=bucket, Key="file")["Metadata"] == {"colour": "blue"}


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_upload_file_with_each_checksum(s3: Any, bucket: str, tmp_path: Path, algorithm: str) -> None:
    for size in (1000, 9 * MIB):
        source = write(tmp_path / "file", size)
        s3.upload_file(str(source), bucket, "file", ExtraArgs={"ChecksumAlgorithm": algorithm})
        told = s3.head_object(Bucket=bucket, Key="file", ChecksumMode="ENABLED")
        assert told[f"Checksum{algorithm}"]


def test_streamed_body_is_read_piece_by_piece(s3: Any, bucket: str) -> None:
    body = bytes(range(256)) * 40_000
    s3.put_object(Bucket=bucket, Key="stream", Body=io.BytesIO(body))
    stream = s3.get_object(Bucket=bucket, Key="stream")["Body"]
    assert stream.read(1000) == body[:1000]
    assert b"".join(stream.iter_chunks(65536)) == body[1000:]


def test_default_checksum_is_stored_and_shown(s3: Any, bucket: str) -> None:
    put = s3.put_object(Bucket=bucket, Key="key", Body=b"some bytes")
    got = s3.get_object(Bucket=bucket, Key="key", ChecksumMode="ENABLED")
    assert got["Body"].read() == b"some bytes"
    shown = {name: value for name, value in got.items() if name.startswith("Checksum")}
    assert shown["ChecksumType"] == "FULL_OBJECT"
    assert shown == {name: value for name, value in put.items() if name.startswith("Checksum")}


def test_paginators_walk_everything_once(s3: Any, bucket: str) -> None:
    keys = sorted(f"{i % 7}/{i:03d}" for i in range(60))
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    for operation in ("list_objects", "list_objects_v2"):
        pages = s3.get_paginator(operation).paginate(Bucket=bucket, PaginationConfig={"PageSize": 7})
        assert [entry["Key"] for page in pages for entry in page["Contents"]] == keys
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 2})
    assert [p["Prefix"] for page in pages for p in page["CommonPrefixes"]] == [f"{i}/" for i in range(7)]


def test_resource_api(node: Node, bucket: str) -> None:
    resource = boto3.resource(
        "s3",
        endpoint_url=node.endpoint,
        region_name="us-east-1",
        aws_access_key_id=node.access_key,
        aws_secret_access_key=node.secret_key,
    )
    handle = resource.Bucket(bucket)
    handle.put_object(Key="one", Body=b"1")
    handle.Object("two").copy({"Bucket": bucket, "Key": "one"})
    assert [entry.key for entry in handle.objects.all()] == ["one", "two"]
    assert handle.Object("two").get()["Body"].read() == b"1"
    handle.objects.all().delete()
    assert list(handle.objects.all()) == []


def test_presigned_url_carries_a_put_and_a_get(s3: Any, bucket: str) -> None:
    import requests

    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "a b/+%é"})
    assert requests.put(url, data=b"signed").status_code == 200
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a b/+%é"})
    assert requests.get(url).content == b"signed"


def test_upload_of_unseekable_stream(s3: Any, bucket: str) -> None:
    body = hashlib.shake_256(b"seed").digest(12 * MIB)

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.rest = io.BytesIO(body)

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            return self.rest.read(size)

    s3.upload_fileobj(Pipe(), bucket, "piped")
    assert s3.get_object(Bucket=bucket, Key="piped")["Body"].read() == body
