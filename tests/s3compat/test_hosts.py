"""Buckets as host names."""

from __future__ import annotations

from typing import Any

import pytest

from tests.s3compat.raw import Raw
from tests.s3compat.wire import Target


def test_buckets_are_host_names(raw: Raw, target: Target, bucket: str, key: str) -> None:
    """Checklist 29: the host names the bucket, with its port; the path is the key."""
    host = {"Host": target.bucket_host(bucket)}
    assert raw("PUT", f"/{key}", host, b"by host").status == 200
    assert raw("GET", f"/{bucket}/{key}").body == b"by host"
    assert raw("GET", f"/{key}", host).body == b"by host"
    assert key in raw("GET", f"/?list-type=2&prefix={key}", host).texts("Contents/Key")
    assert raw("HEAD", "/", host).status == 200
    assert raw("GET", f"/{bucket}/{key}", host).refusal == (404, "NoSuchKey")


@pytest.mark.parametrize("name", ["s3/a", "s3", "v1/objects", "metrics", "healthz", "console", "/a", "a//", ".", "//"])
def test_no_key_is_special_below_a_host_name(raw: Raw, target: Target, bucket: str, name: str) -> None:
    """Checklist 29, 14: in virtual-host style the whole path is the key."""
    host = {"Host": target.bucket_host(bucket)}
    assert raw("PUT", f"/{name}", host, name.encode()).status == 200
    assert raw("GET", f"/{bucket}/{name}").body == name.encode()
    assert raw("DELETE", f"/{name}", host).status == 204
    assert raw("HEAD", f"/{bucket}/{name}").status == 404


def test_bucket_with_dots_is_a_host_name(raw: Raw, target: Target, s3: Any) -> None:
    """Checklist 29: names with dots, too; a bucket is created by its host name."""
    name = "s3compat.dots.in.name"
    host = {"Host": target.bucket_host(name)}
    assert raw("PUT", "/", host).status == 200
    assert raw("PUT", "/key", host, b"dotted").status == 200
    assert s3.get_object(Bucket=name, Key="key")["Body"].read() == b"dotted"
    assert raw("DELETE", "/key", host).status == 204
    assert raw("DELETE", "/", host).status == 204


def test_missing_bucket_by_host_name(raw: Raw, target: Target) -> None:
    """Checklist 29: 404 NoSuchBucket."""
    assert raw("GET", "/key", {"Host": target.bucket_host("no-such-bucket")}).refusal == (404, "NoSuchBucket")
