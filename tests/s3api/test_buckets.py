"""ListBuckets, CreateBucket, HeadBucket, DeleteBucket, GetBucketLocation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from s3api.bucket_names import is_bucket_name
from tests.s3api.conftest import REGION, Client, World


@pytest.mark.parametrize(
    "name", ["abc", "a-b", "0ab", "a.b.c", "a" * 63, "1" * 60, "foo.bar", "foo-bar", "192.168.1.x", "a--b"]
)
def test_name_that_amazon_takes(name: str) -> None:
    assert is_bucket_name(name)


@pytest.mark.parametrize(
    "name",
    ["a", "ab", "a" * 64, "Abc", "a_b", ".ab", "ab.", "-ab", "ab-", "a..b", "a.-b", "a-.b", "192.168.1.1", "xn--ab",
     "sthree-ab", "amzn-s3-demo-ab", "ab-s3alias", "ab--ol-s3", "ab.mrap", "ab--x-s3", "ab--table-s3", "a b", "é" * 3,
     "a\nbc"],
)
def test_name_that_amazon_refuses(name: str) -> None:
    assert not is_bucket_name(name)


def test_bad_or_reserved_name_is_refused(world: World) -> None:
    for name in ("ab", "Bad_Name", "console"):
        assert world.alice("PUT", f"/{name}").code == "InvalidBucketName"


def test_bucket_is_created_headed_located_listed_and_deleted(world: World) -> None:
    created = world.alice("PUT", "/first-bucket")

    assert (created.status, created.headers["location"], created.body) == (200, "/first-bucket", b"")
    assert world.alice("HEAD", "/first-bucket").headers["x-amz-bucket-region"] == REGION
    assert REGION in world.alice("GET", "/first-bucket?location").body.decode()
    listed = world.alice("GET", "/")
    assert (listed.text("Name"), listed.text("ID"), listed.text("DisplayName")) == ("first-bucket", "alice-id", "Alice")
    assert world.bob("GET", "/").text("Name") == ""
    deleted = world.alice("DELETE", "/first-bucket")
    assert (deleted.status, deleted.body) == (204, b"")
    assert world.alice("HEAD", "/first-bucket").status == 404
    assert world.alice("DELETE", "/first-bucket").code == "NoSuchBucket"
    assert world.alice("PUT", "/first-bucket").status == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", ""),
        ("<CreateBucketConfiguration/>", ""),
        (f"<CreateBucketConfiguration><LocationConstraint>{REGION}</LocationConstraint></CreateBucketConfiguration>",
         ""),
        ("<CreateBucketConfiguration><LocationConstraint>mars</LocationConstraint></CreateBucketConfiguration>",
         "InvalidLocationConstraint"),
        ("<CreateBucketConfiguration><Color>blue</Color></CreateBucketConfiguration>", "MalformedXML"),
        ("junk", "MalformedXML"),
        ("<CreateBucketConfiguration><Tags><Tag><Key>a</Key><Value>b</Value></Tag></Tags></CreateBucketConfiguration>",
         "NotImplemented"),
    ],
)
def test_location_constraint_must_be_this_region(world: World, body: str, code: str) -> None:
    assert world.alice("PUT", "/some-bucket", body=body.encode()).code == code
    assert world.alice("HEAD", "/some-bucket").status == (404 if code else 200)


def test_bucket_of_ones_own_created_again_is_409_and_keeps_its_objects(world: World, alice: Client) -> None:
    alice("PUT", "/bucket/key", body=b"data")

    assert alice("PUT", "/bucket").code == "BucketAlreadyOwnedByYou"
    assert world.bob("PUT", "/bucket").code == "BucketAlreadyExists"
    assert alice("GET", "/bucket/key").body == b"data"


def test_in_the_classic_region_creating_again_is_fine_and_the_location_empty(tmp_path: Path) -> None:
    world = World(tmp_path, region="us-east-1")
    signed = Client(world.application, "ALICE", "alice secret/+", region="us-east-1")
    try:
        assert [signed("PUT", "/bucket").status for _ in range(2)] == [200, 200]
        assert signed("GET", "/bucket?location").body.endswith(b'doc/2006-03-01/"></LocationConstraint>')
    finally:
        world.close()


def test_bucket_with_an_object_is_not_deleted_and_one_with_an_upload_is(alice: Client) -> None:
    alice("PUT", "/bucket/key", body=b"data")
    alice("POST", "/bucket/other?uploads")

    assert alice("DELETE", "/bucket").code == "BucketNotEmpty"
    alice("DELETE", "/bucket/key")
    assert alice("DELETE", "/bucket").status == 204


def test_buckets_are_listed_by_name_in_pages(world: World) -> None:
    s3 = world.boto()
    for name in ("bbb", "aaa", "ccc", "other"):
        world.alice("PUT", f"/{name}")

    first = s3.list_buckets(MaxBuckets=2)
    second = s3.list_buckets(MaxBuckets=2, ContinuationToken=first["ContinuationToken"])

    assert [bucket["Name"] for bucket in first["Buckets"] + second["Buckets"]] == ["aaa", "bbb", "ccc", "other"]
    assert "ContinuationToken" not in second
    assert [bucket["Name"] for bucket in s3.list_buckets(Prefix="o")["Buckets"]] == ["other"]
    assert not s3.list_buckets(BucketRegion="mars").get("Buckets")
    assert len(s3.list_buckets()["Buckets"]) == 4
    for junk in ("max-buckets=0", "max-buckets=x", "continuation-token=junk"):
        assert world.alice("GET", f"/?{junk}").code == "InvalidArgument"


def test_paginator_of_boto3_finds_every_bucket(world: World) -> None:
    for number in range(7):
        world.alice("PUT", f"/bucket-{number}")
    pages: Any = world.boto().get_paginator("list_buckets").paginate(PaginationConfig={"PageSize": 3})

    assert [bucket["Name"] for page in pages for bucket in page["Buckets"]] == [f"bucket-{n}" for n in range(7)]
