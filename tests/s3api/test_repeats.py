"""A presigned request that comes again is answered as one that comes for the first time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from s3api import repeats
from tests.s3api.conftest import HOST, REGION, Answer, World

HOUR = 3600  # seconds


class Scene:
    """A world whose clock can be set, with an object of Alice's and an address for it that is good for an hour."""

    def __init__(self, folder: Path) -> None:
        self.late = 0  # seconds by which the application's clock is ahead
        self.world = World(folder, clock=lambda: time.time_ns() + self.late * 1_000_000_000)
        self.s3: Any = self.world.boto(signature_version="s3v4")
        self.s3.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
        self.s3.put_object(Bucket="bucket", Key="key", Body=b"first")
        self.target = self.address("key")

    def address(self, key: str) -> str:
        parts = urlsplit(self.s3.generate_presigned_url("get_object", {"Bucket": "bucket", "Key": key}, HOUR))
        return f"{parts.path}?{parts.query}"

    def send(self, *headers: tuple[str, str], method: str = "GET", host: str = HOST) -> Answer:
        return self.world.anybody.send(method, self.target, [("Host", host), *headers])


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path)
    assert scene.send().body == b"first"
    yield scene
    scene.world.close()


def test_repeat_is_answered_and_logged_as_before(scene: Scene) -> None:
    answer = scene.send()
    assert answer.body == b"first"
    logged = {name: answer.environ[f"sluice.{name}"] for name in ("account", "operation", "bucket", "key")}
    assert logged == {"account": "alice-id", "operation": "GetObject", "bucket": "bucket", "key": "key"}


def test_repeat_sees_the_object_as_it_is_now(scene: Scene) -> None:
    scene.s3.put_object(Bucket="bucket", Key="key", Body=b"second")
    assert scene.send().body == b"second"
    scene.s3.delete_object(Bucket="bucket", Key="key")
    assert scene.send().code == "NoSuchKey"
    scene.s3.delete_bucket(Bucket="bucket")
    assert scene.send().code == "NoSuchBucket"


def test_repeat_is_authorised_anew(scene: Scene) -> None:
    scene.s3.delete_object(Bucket="bucket", Key="key")
    scene.s3.delete_bucket(Bucket="bucket")
    scene.world.boto("BOB", "bob secret").create_bucket(
        Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    assert scene.send().code == "AccessDenied"


def test_repeat_after_the_lifetime_is_refused(scene: Scene) -> None:
    scene.late = HOUR - 60
    assert scene.send().status == 200
    scene.late = HOUR + 60
    assert scene.send().code == "AccessDenied"


def test_repeat_while_the_clock_is_set_back_is_refused(scene: Scene) -> None:
    scene.late = -HOUR
    assert scene.send().code == "AccessDenied"


def test_repeat_with_a_key_that_is_gone_is_refused(scene: Scene) -> None:
    scene.world.keys.forget("ALICE")
    assert scene.send().code == "InvalidAccessKeyId"


@pytest.mark.parametrize("header", [("x-amz-checksum-mode", "ENABLED"), ("X-Amz-Expected-Bucket-Owner", "alice-id")])
def test_repeat_with_a_header_that_should_be_signed_is_refused(scene: Scene, header: tuple[str, str]) -> None:
    assert scene.send(header).code == "AccessDenied"


def test_repeat_for_another_host_or_by_another_method_is_refused(scene: Scene) -> None:
    assert scene.send(host="s3.test:9001").code == "SignatureDoesNotMatch"
    assert scene.send(method="HEAD").status == 403
    assert scene.send(method="DELETE").code == "SignatureDoesNotMatch"
    assert scene.send().body == b"first"


def test_repeat_with_another_authentication_beside_is_refused(scene: Scene) -> None:
    assert scene.send(("Authorization", "AWS ALICE:c2lnbmF0dXJl")).code == "InvalidArgument"


def test_repeat_with_another_range_gets_that_range(scene: Scene) -> None:
    assert scene.send(("Range", "bytes=0-0")).body == b"f"
    assert scene.send(("Range", "bytes=1-2")).body == b"ir"
    assert scene.send().body == b"first"


def test_what_is_forgotten_or_never_kept_is_verified_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "MOST", 2)
    addresses = [scene.target, *(scene.address(f"missing-{number}") for number in range(5))]
    for _ in range(2):
        for scene.target in addresses:
            assert scene.send().status == (200 if scene.target == addresses[0] else 404)
            assert scene.send(("x-long", "a" * repeats.LARGEST)).status in (200, 404)
