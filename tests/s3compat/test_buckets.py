"""ListBuckets, CreateBucket, HeadBucket, DeleteBucket, GetBucketLocation."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.s3compat.conftest import MakeBucket, client, fresh_name
from tests.s3compat.outcomes import outcome
from tests.s3compat.raw import Raw
from tests.s3compat.wire import Target

GOOD_NAMES = ["a" * 60, "b" * 63, "9-digit-first-", "with.period", "with-hyphen", "a.b-c.d", "123456", "1.2.3.4.5"]
BAD_NAMES = [
    "a", "ab", "a" * 64, "Capital", "under_score", "-hyphen", "hyphen-", ".period", "period.", "two..periods", "a.-b",
    "a-.b",
    "192.168.5.4", "xn--a", "sthree-a", "amzn-s3-demo-a", "a-s3alias", "a--ol-s3", "a.mrap", "a--x-s3", "a--table-s3",
    "sp ace", "percent%25", "uml-ü",
]


@pytest.fixture(scope="module")
def several(s3: Any) -> Iterator[list[str]]:
    """Five buckets with a prefix of their own, in order."""
    prefix = fresh_name()
    names = [f"{prefix}-{letter}" for letter in "abcde"]
    for name in reversed(names):
        s3.create_bucket(Bucket=name)
    yield names
    for name in names:
        s3.delete_bucket(Bucket=name)


def located(region: str) -> bytes:
    """The body of CreateBucket for a region."""
    constraint = f"<LocationConstraint>{region}</LocationConstraint>"
    return f"<CreateBucketConfiguration>{constraint}</CreateBucketConfiguration>".encode()


def test_list_has_only_the_callers(s3: Any, alt_s3: Any, several: list[str], alt_bucket: str, main_owner: Any) -> None:
    """Checklist 49: sorted by name, with the owner, and nobody else's."""
    told = s3.list_buckets()
    names = [each["Name"] for each in told["Buckets"]]
    assert names == sorted(names) and set(several) <= set(names)
    assert told["Owner"] == {"ID": main_owner.id, "DisplayName": main_owner.name}
    others = [each["Name"] for each in alt_s3.list_buckets()["Buckets"]]
    assert alt_bucket in others
    assert set(names).isdisjoint(others)


def test_creation_date(s3: Any, make_bucket: MakeBucket) -> None:
    """Checklist 49: not before the creation, not after now."""
    before = datetime.now(timezone.utc) - timedelta(seconds=1)
    name = make_bucket()
    (date,) = (each["CreationDate"] for each in s3.list_buckets()["Buckets"] if each["Name"] == name)
    assert before <= date <= datetime.now(timezone.utc) + timedelta(seconds=1)


def test_pages_of_buckets(s3: Any, several: list[str]) -> None:
    """Checklist 50: a token only when more remain."""
    prefix = several[0][:-1]
    first = s3.list_buckets(Prefix=prefix, MaxBuckets=2)
    assert [each["Name"] for each in first["Buckets"]] == several[:2]
    assert first["Prefix"] == prefix
    second = s3.list_buckets(Prefix=prefix, MaxBuckets=2, ContinuationToken=first["ContinuationToken"])
    third = s3.list_buckets(Prefix=prefix, MaxBuckets=2, ContinuationToken=second["ContinuationToken"])
    assert [each["Name"] for page in (second, third) for each in page["Buckets"]] == several[2:]
    assert "ContinuationToken" not in third
    assert "ContinuationToken" not in s3.list_buckets(Prefix=prefix, MaxBuckets=5)
    assert "ContinuationToken" not in s3.list_buckets(Prefix=prefix)


def test_buckets_of_a_region(s3: Any, several: list[str], target: Target) -> None:
    """Checklist 50: bucket-region selects."""
    prefix = several[0][:-1]
    assert len(s3.list_buckets(Prefix=prefix, BucketRegion=target.region)["Buckets"]) == 5
    assert not s3.list_buckets(Prefix=prefix, BucketRegion="mars-north-1").get("Buckets")


@pytest.mark.parametrize("query", ["max-buckets=0", "max-buckets=-1", "max-buckets=x", "continuation-token=junk"])
def test_paging_that_is_wrong(raw: Raw, query: str) -> None:
    """Checklist 50: 400 InvalidArgument."""
    assert raw("GET", f"/?{query}").refusal == (400, "InvalidArgument")


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_name_that_is_good(raw: Raw, name: str) -> None:
    """Checklist 51: up to 63 characters, digits first, periods, hyphens."""
    name = name if len(name) > 59 else f"{name}{int(time.time())}"
    assert raw("PUT", f"/{name}").status == 200
    assert raw("HEAD", f"/{name}").status == 200
    assert raw("DELETE", f"/{name}").status == 204


@pytest.mark.parametrize("name", BAD_NAMES)
def test_name_that_is_bad(raw: Raw, name: str) -> None:
    """Checklist 51: 400 InvalidBucketName."""
    encoded = "".join(chr(byte) if byte < 128 and byte != 32 else f"%{byte:02X}" for byte in name.encode())
    assert raw("PUT", f"/{encoded}").refusal == (400, "InvalidBucketName")
    assert raw("GET", f"/{encoded}").status in (400, 404)


def test_configuration_at_creation(raw: Raw, elsewhere: Target) -> None:
    """Checklist 52: a location of ours, or none; an empty body is none."""
    name = fresh_name()
    there = Raw(elsewhere, elsewhere.main)
    for sender, body in ((there, located(elsewhere.region)), (raw, b""), (raw, b"<CreateBucketConfiguration/>")):
        assert sender("PUT", f"/{name}", body=body).status == 200
        assert sender("DELETE", f"/{name}").status == 204


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        (b"junk", {"MalformedXML"}),
        (b"<Other/>", {"MalformedXML"}),
        (b"<CreateBucketConfiguration><Junk/></CreateBucketConfiguration>", {"MalformedXML"}),
        (located("mars-north-1"), {"InvalidLocationConstraint", "IllegalLocationConstraintException"}),
    ],
)
def test_configuration_that_is_wrong(raw: Raw, body: bytes, codes: set[str]) -> None:
    """Checklist 52: junk is MalformedXML, another region a refusal; no bucket is made."""
    name = fresh_name()
    answer = raw("PUT", f"/{name}", body=body)
    assert answer.status == 400 and answer.code in codes
    assert raw("HEAD", f"/{name}").status == 404


def test_answer_to_creation(raw: Raw, s3: Any) -> None:
    """Checklist 53: 200, Location, no body."""
    name = fresh_name()
    answer = raw("PUT", f"/{name}")
    assert (answer.status, answer.header("Location"), answer.body) == (200, f"/{name}", b"")
    s3.delete_bucket(Bucket=name)


def test_creating_again(s3: Any, make_bucket: MakeBucket, target: Target) -> None:
    """Checklist 54: 200 in us-east-1, as Amazon; the objects stay."""
    name = make_bucket("key")
    expected = (200, "") if target.region == "us-east-1" else (409, "BucketAlreadyOwnedByYou")
    assert outcome(s3.create_bucket, Bucket=name) == expected
    assert s3.head_object(Bucket=name, Key="key")["ContentLength"] == 0


def test_creating_again_elsewhere(elsewhere: Target) -> None:
    """Checklist 54: 409 BucketAlreadyOwnedByYou outside of us-east-1."""
    s3 = client(elsewhere, elsewhere.main)
    where = {"CreateBucketConfiguration": {"LocationConstraint": elsewhere.region}}
    name = fresh_name()
    s3.create_bucket(Bucket=name, **where)
    assert outcome(s3.create_bucket, Bucket=name, **where) == (409, "BucketAlreadyOwnedByYou")
    s3.delete_bucket(Bucket=name)


def test_creating_what_another_has(s3: Any, alt_bucket: str) -> None:
    """Checklist 56: 409 BucketAlreadyExists."""
    assert outcome(s3.create_bucket, Bucket=alt_bucket) == (409, "BucketAlreadyExists")


@pytest.mark.parametrize(
    "header",
    [
        ("x-amz-bucket-object-lock-enabled", "true"),
        ("x-amz-object-ownership", "BucketOwnerEnforced"),
        ("x-amz-acl", "public-read"),
        ("x-amz-grant-read", 'id="someone"'),
    ],
)
def test_wishes_at_creation_are_granted_or_refused(raw: Raw, s3: Any, header: tuple[str, str]) -> None:
    """Checklist 57, 200: what cannot be done yet is 501 and makes no bucket; silence would be worse."""
    name = fresh_name()
    assert raw("PUT", f"/{name}", [header]).refusal == (501, "NotImplemented")
    assert outcome(s3.head_bucket, Bucket=name) == (404, "404")


def test_unknown_acl_at_creation(raw: Raw) -> None:
    """Checklist 57: 400 InvalidArgument."""
    assert raw("PUT", f"/{fresh_name()}", {"x-amz-acl": "no-such-acl"}).refusal == (400, "InvalidArgument")


def test_head_of_a_bucket(raw: Raw, alt_raw: Raw, nobody: Raw, bucket: str, target: Target) -> None:
    """Checklist 58: 200 with the region, 404, 403 for another's and for nobody."""
    answer = raw("HEAD", f"/{bucket}")
    assert (answer.status, answer.header("x-amz-bucket-region")) == (200, target.region)
    assert raw("HEAD", "/no-such-bucket-at-all").status == 404
    assert nobody("HEAD", "/no-such-bucket-at-all").status == 404
    assert alt_raw("HEAD", f"/{bucket}").status == 403
    assert nobody("HEAD", f"/{bucket}").status == 403


def test_bucket_with_objects_is_not_deleted(s3: Any, make_bucket: MakeBucket) -> None:
    """Checklist 59: 409 BucketNotEmpty, and everything stays."""
    name = make_bucket("key")
    assert outcome(s3.delete_bucket, Bucket=name) == (409, "BucketNotEmpty")
    assert s3.head_object(Bucket=name, Key="key")["ContentLength"] == 0


def test_pending_uploads_do_not_hold_a_bucket(s3: Any) -> None:
    """Checklist 59: they are aborted, and do not come back with the name."""
    name = fresh_name()
    s3.create_bucket(Bucket=name)
    upload = s3.create_multipart_upload(Bucket=name, Key="key")["UploadId"]
    s3.upload_part(Bucket=name, Key="key", UploadId=upload, PartNumber=1, Body=b"x")
    s3.delete_bucket(Bucket=name)
    s3.create_bucket(Bucket=name)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=name)
    assert outcome(s3.list_parts, Bucket=name, Key="key", UploadId=upload) == (404, "NoSuchUpload")
    s3.delete_bucket(Bucket=name)


def test_deleted_bucket_is_gone(s3: Any, nobody: Raw) -> None:
    """Checklist 59: 404 NoSuchBucket for every later call, even by nobody; its owner may create it again at once."""
    name = fresh_name()
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="key", Body=b"x")
    s3.delete_object(Bucket=name, Key="key")
    s3.delete_bucket(Bucket=name)
    gone = (404, "NoSuchBucket")
    assert outcome(s3.delete_bucket, Bucket=name) == gone
    assert outcome(s3.list_objects_v2, Bucket=name) == gone
    assert outcome(s3.list_objects, Bucket=name) == gone
    assert outcome(s3.put_object, Bucket=name, Key="key", Body=b"") == gone
    assert outcome(s3.get_object, Bucket=name, Key="key") == gone
    assert outcome(s3.get_bucket_location, Bucket=name) == gone
    assert nobody("GET", f"/{name}/key").refusal == gone
    assert name not in [each["Name"] for each in s3.list_buckets()["Buckets"]]
    s3.create_bucket(Bucket=name)
    assert "Contents" not in s3.list_objects_v2(Bucket=name)
    s3.delete_bucket(Bucket=name)


def test_location(s3: Any, raw: Raw, bucket: str, target: Target, elsewhere: Target) -> None:
    """Checklist 60: empty for us-east-1, else the name given at creation; EU is an old name of eu-west-1."""
    answer = raw("GET", f"/{bucket}?location")
    assert answer.root.tag == "{http://s3.amazonaws.com/doc/2006-03-01/}LocationConstraint"
    assert (answer.root.text or "") == ("" if target.region == "us-east-1" else target.region)
    there = client(elsewhere, elsewhere.main)
    for where in ({"CreateBucketConfiguration": {"LocationConstraint": elsewhere.region}}, {}):
        name = fresh_name()
        there.create_bucket(Bucket=name, **where)
        assert there.get_bucket_location(Bucket=name)["LocationConstraint"] == elsewhere.region
        there.delete_bucket(Bucket=name)
