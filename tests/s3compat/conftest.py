"""The endpoint that the tests speak to: the one of the command line, or a node of their own with two accounts."""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from tests.node import Node
from tests.s3compat.raw import Raw
from tests.s3compat.wire import Account, Target

MAIN = Account("MAINACCOUNT000000000", "main/secret+with=odd&characters%")
ALT = Account("ALTACCOUNT0000000000", "another-secret")
DOMAIN = "s3.test"

IDENTITIES = f"""
[[account]]
id = "main-canonical-id"
name = "Main Account"
email = "main@example.com"
keys = [{{access = "{MAIN.access_key}", secret = "{MAIN.secret_key}"}}]

[[account]]
id = "alt-canonical-id"
name = "Alt Account"
email = "alt@example.com"
keys = [{{access = "{ALT.access_key}", secret = "{ALT.secret_key}"}}]
"""

_OPTIONS = ("endpoint", "access-key", "secret-key", "alt-access-key", "alt-secret-key", "region")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("s3compat", "the S3 endpoint under test")
    for name in _OPTIONS:
        group.addoption(f"--{name}", default=None)


@dataclass(frozen=True, slots=True)
class Owner:
    id: str
    name: str


StartTarget = Callable[..., Target]


@pytest.fixture(scope="session")
def start_target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartTarget]:
    """Starts nodes with the two accounts: `start_target("--flag", "value", …)`."""
    nodes: list[Node] = []

    def start(*arguments: str, region: str = "us-east-1") -> Target:
        folder = tmp_path_factory.mktemp("s3compat")
        identities = folder / "identities.toml"
        identities.write_text(IDENTITIES)
        identities.chmod(0o600)
        node = Node(folder, ["--identities", str(identities), "--domain", DOMAIN, "--region", region, *arguments])
        nodes.append(node.start())
        return Target(node.endpoint, region, MAIN, ALT, f"{DOMAIN}:{node.port}")

    yield start
    for node in nodes:
        assert node.stop() == 0, node.log


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest, start_target: StartTarget) -> Target:
    """The endpoint under test."""
    given = {name: request.config.getoption(f"--{name}", None) for name in _OPTIONS}
    if given["endpoint"] is None:
        return start_target("--workers", "2")
    main = Account(given["access-key"], given["secret-key"])
    alt = Account(given["alt-access-key"] or main.access_key, given["alt-secret-key"] or main.secret_key)
    return Target(given["endpoint"].rstrip("/"), given["region"] or "us-east-1", main, alt)


@pytest.fixture(scope="session")
def elsewhere(start_target: StartTarget) -> Target:
    """A node in another region than us-east-1, where Amazon behaves differently in places."""
    return start_target("--workers", "1", region="eu-test-1")


def client(target: Target, account: Account | None, **options: Any) -> Any:
    """A boto3 client of the account, of nobody when it is None; path style, no retries."""
    if account is None:
        options["signature_version"] = UNSIGNED
    config = Config(**{"retries": {"total_max_attempts": 1}, "s3": {"addressing_style": "path"}, **options})
    return boto3.client(
        "s3",
        endpoint_url=target.endpoint,
        region_name=target.region,
        aws_access_key_id=account and account.access_key,
        aws_secret_access_key=account and account.secret_key,
        config=config,
    )


@pytest.fixture(scope="session")
def s3(target: Target) -> Any:
    """boto3 as the main account."""
    return client(target, target.main)


@pytest.fixture(scope="session")
def alt_s3(target: Target) -> Any:
    """boto3 as the other account."""
    return client(target, target.alt)


@pytest.fixture(scope="session")
def anonymous_s3(target: Target) -> Any:
    """boto3 without credentials."""
    return client(target, None)


@pytest.fixture(scope="session")
def raw(target: Target) -> Raw:
    """Requests by hand, signed by the main account."""
    return Raw(target, target.main)


@pytest.fixture(scope="session")
def alt_raw(target: Target) -> Raw:
    return Raw(target, target.alt)


@pytest.fixture(scope="session")
def nobody(target: Target) -> Raw:
    """Requests by hand, without a signature."""
    return Raw(target, None)


def owner_of(s3: Any) -> Owner:
    told = s3.list_buckets(MaxBuckets=1)["Owner"]
    return Owner(told["ID"], told["DisplayName"])


@pytest.fixture(scope="session")
def main_owner(s3: Any) -> Owner:
    return owner_of(s3)


@pytest.fixture(scope="session")
def alt_owner(alt_s3: Any) -> Owner:
    return owner_of(alt_s3)


def fresh_name() -> str:
    return f"s3compat-{secrets.token_hex(6)}"


def empty(s3: Any, bucket: str) -> None:
    """Remove every object of a bucket."""
    while keys := [{"Key": entry["Key"]} for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]:
        s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})


MakeBucket = Callable[..., str]


@pytest.fixture(scope="module")
def make_bucket(s3: Any) -> Iterator[MakeBucket]:
    """Creates buckets of the main account that are gone after the module: `make_bucket()`, or with keys to put."""
    made: list[str] = []

    def make(*keys: str) -> str:
        name = fresh_name()
        s3.create_bucket(Bucket=name)
        made.append(name)
        for key in keys:
            s3.put_object(Bucket=name, Key=key, Body=b"")
        return name

    yield make
    for name in made:
        empty(s3, name)
        s3.delete_bucket(Bucket=name)


@pytest.fixture(scope="module")
def bucket(make_bucket: MakeBucket) -> str:
    """The module's bucket; tests take keys of their own in it."""
    return make_bucket()


@pytest.fixture(scope="module")
def alt_bucket(alt_s3: Any) -> Iterator[str]:
    """A bucket of the other account."""
    name = fresh_name()
    alt_s3.create_bucket(Bucket=name)
    yield name
    empty(alt_s3, name)
    alt_s3.delete_bucket(Bucket=name)


_numbers = itertools.count(1)


@pytest.fixture
def key(request: pytest.FixtureRequest) -> str:
    """A key that no other test has."""
    return f"{re.sub('[^a-z_]', '', request.node.name)[:60]}-{next(_numbers)}"


@pytest.fixture
def path(bucket: str, key: str) -> str:
    """The raw target of that key."""
    return f"/{bucket}/{key}"
