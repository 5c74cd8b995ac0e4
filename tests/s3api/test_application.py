"""The order of refusals, what every answer carries, and what is never read."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from s3api.application import S3Application
from storage.identities.memberships import Memberships
from storage.pace import Pace
from tests.s3api.conftest import ALICE, CLUSTER, Client, Keys, Lenses, World


def test_every_answer_carries_ids_and_an_error_repeats_them(alice: Client) -> None:
    fine = alice("GET", "/")
    missing = alice("GET", "/bucket/missing")

    assert fine.headers["x-amz-request-id"] != missing.headers["x-amz-request-id"]
    assert missing.text("RequestId") == missing.headers["x-amz-request-id"]
    assert missing.text("HostId") == missing.headers["x-amz-id-2"] == fine.headers["x-amz-id-2"]
    assert missing.headers["content-type"] == "application/xml"
    assert (missing.text("Key"), missing.text("Resource")) == ("missing", "/bucket/missing")


def test_error_of_head_has_no_body(alice: Client) -> None:
    answer = alice("HEAD", "/bucket/missing")

    assert (answer.status, answer.body) == (404, b"")


def test_bad_signature_on_a_missing_bucket_is_403(world: World) -> None:
    liar = Client(world.application, "ALICE", "guess")

    assert liar("GET", "/no-such-bucket").code == "SignatureDoesNotMatch"
    assert Client(world.application, "EVE", "x")("GET", "/no-such-bucket").code == "InvalidAccessKeyId"


def test_missing_bucket_is_404_for_anyone(world: World, alice: Client) -> None:
    for client in (alice, world.bob, world.anybody):
        for method in ("GET", "PUT", "DELETE"):
            assert client(method, "/no-such-bucket/key").code == "NoSuchBucket"


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/bucket"), ("HEAD", "/bucket"), ("DELETE", "/bucket"), ("GET", "/bucket?location"),
        ("GET", "/bucket/key"), ("HEAD", "/bucket/key"), ("PUT", "/bucket/key"), ("DELETE", "/bucket/key"),
        ("POST", "/bucket/key?uploads"), ("GET", "/bucket?uploads"), ("POST", "/bucket?delete"),
        ("PUT", "/bucket/key?partNumber=1&uploadId=u"), ("GET", "/bucket/key?uploadId=u"),
    ],
)
def test_nobody_but_the_owner_gets_in(world: World, alice: Client, method: str, target: str) -> None:
    alice("PUT", "/bucket/key", body=b"mine")

    for stranger in (world.bob, world.anybody):
        answer = stranger(method, target, body=b"yours" if method in ("PUT", "POST") else b"")
        assert answer.status == 403
        assert answer.reads == 0
        assert method == "HEAD" or answer.code == "AccessDenied"
    assert alice("GET", "/bucket/key").body == b"mine"


def test_anonymous_has_no_buckets_and_makes_none(world: World) -> None:
    assert world.anybody("GET", "/").code == "AccessDenied"
    assert world.anybody("PUT", "/new-bucket").code == "AccessDenied"


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        ("/no-such-bucket/key", {}, 404),
        ("/bucket/key?flux", {}, 501),
        ("/bucket/key", {"If-None-Match": "*"}, 412),
        ("/bucket/absent", {"If-Match": '"0"'}, 404),
        ("/bucket/key", {"x-amz-server-side-encryption": "AES256"}, 501),
        ("/bucket/key", {"x-amz-storage-class": "NO"}, 400),
        ("/bucket/key", {"x-amz-expected-bucket-owner": "bob-id"}, 403),
        ("/bucket/key", {"Content-MD5": "bad"}, 400),
        ("/bucket/key", {"x-amz-meta-a": "x" * 3000}, 400),
        ("/bucket/key?partNumber=1&uploadId=none", {}, 404),
    ],
)
def test_what_can_be_refused_is_refused_before_the_first_byte_is_read(
    alice: Client, target: str, headers: dict[str, str], status: int
) -> None:
    alice("PUT", "/bucket/key", body=b"as it was")

    answer = alice("PUT", target, headers, b"new")

    assert (answer.status, answer.reads) == (status, 0)
    assert alice("GET", "/bucket/key").body == b"as it was"


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("x-amz-acl", "public-read", "NotImplemented"),
        ("x-amz-acl", "no-such-acl", "InvalidArgument"),
        ("x-amz-grant-read", "id=bob-id", "NotImplemented"),
        ("x-amz-server-side-encryption", "AES256", "NotImplemented"),
        ("x-amz-server-side-encryption-customer-algorithm", "AES256", "NotImplemented"),
        ("x-amz-object-lock-mode", "GOVERNANCE", "NotImplemented"),
        ("x-amz-object-lock-legal-hold", "ON", "NotImplemented"),
        ("x-amz-write-offset-bytes", "0", "NotImplemented"),
    ],
)
def test_header_that_asks_for_what_is_not_built_is_refused(alice: Client, name: str, value: str, code: str) -> None:
    for method, target in (("PUT", "/bucket/key"), ("POST", "/bucket/key?uploads")):
        if (name, method) != ("x-amz-write-offset-bytes", "POST"):
            assert alice(method, target, {name: value}).code == code
    assert alice("GET", "/bucket/key").status == 404


@pytest.mark.parametrize("value", ["private", "bucket-owner-full-control"])
def test_acl_that_changes_nothing_is_taken(alice: Client, value: str) -> None:
    assert alice("PUT", "/bucket/key", {"x-amz-acl": value}, b"data").status == 200


def test_expected_bucket_owner_must_be_the_owner(alice: Client) -> None:
    assert alice("GET", "/bucket", {"x-amz-expected-bucket-owner": ALICE.id}).status == 200
    assert alice("GET", "/bucket", {"x-amz-expected-bucket-owner": "other"}).code == "AccessDenied"


def test_what_the_access_log_needs_is_in_the_environ(alice: Client) -> None:
    environ = alice("GET", "/bucket/a%20b").environ

    seen = {name: environ[f"sluice.{name}"] for name in ("account", "operation", "bucket", "key", "error")}
    assert seen == {
        "account": ALICE.id, "operation": "GetObject", "bucket": "bucket", "key": "a b", "error": "NoSuchKey",
    }


def test_unexpected_exception_is_an_internal_error_and_logged(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.store.close()

    with caplog.at_level(logging.ERROR, "sluice.s3"):
        answer = world.alice("GET", "/bucket/key")

    assert (answer.status, answer.code) == (500, "InternalError")
    assert "Traceback" in caplog.text


def test_presigned_urls_of_both_signatures_get_and_put(world: World, s3: Any) -> None:
    for version in ("s3v4", "s3"):
        client = world.boto(signature_version=version)
        parameters = {"Bucket": "bucket", "Key": f"signed {version}+"}
        put = client.generate_presigned_url("put_object", {**parameters, "Metadata": {"color": "blue"}})
        headers = {"x-amz-meta-color": "blue"} if version == "s3v4" else {}  # V2 moves it into the URL
        path = put.removeprefix("http://s3.test:9000")
        assert world.anybody("PUT", path, headers, b"by url").status == 200
        get = client.generate_presigned_url(
            "get_object", {**parameters, "ResponseContentType": "text/x-test", "ResponseContentDisposition": "inline"}
        )
        answer = world.anybody("GET", get.removeprefix("http://s3.test:9000"))
        assert (answer.body, answer.headers["content-type"]) == (b"by url", "text/x-test")
        assert (answer.headers["content-disposition"], answer.headers["x-amz-meta-color"]) == ("inline", "blue")


def test_virtual_host_style_reaches_the_same_objects(world: World, s3: Any) -> None:
    virtual = world.boto(s3={"addressing_style": "virtual"})

    virtual.put_object(Bucket="bucket", Key="s3/a", Body=b"data")

    assert s3.get_object(Bucket="bucket", Key="s3/a")["Body"].read() == b"data"
    assert world.alice("GET", "/s3/bucket/s3/a").body == b"data"


def test_signature_v2_can_be_switched_off(tmp_path: Path, world: World) -> None:
    strict = S3Application(
        world.store, Keys(), Lenses(world.store), Memberships(world.directory, cluster=CLUSTER),
        Pace(1, clock=lambda: 0), region="eu-test-1", domains=(), bucket_defaults="classic", signature_v2=False,
        reserved_names=frozenset(), clock=lambda: 0, host_id="test",
    )

    answer = Client(strict).send("GET", "/", [("Host", "h"), ("Authorization", "AWS ALICE:sig"), ("Date", "x")])

    assert answer.code == "InvalidRequest"
