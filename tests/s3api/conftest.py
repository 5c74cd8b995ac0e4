"""The S3 application in this process, with a store on disk below it and boto3, unmodified, in front of it."""

from __future__ import annotations

import io
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.client import BaseClient
from botocore.config import Config
from botocore.credentials import Credentials

from etl.errors import NoSuchTransform
from s3api.application import S3Application
from storage.access import Principal
from storage.conditions import Conditions
from storage.content import Content, Span
from storage.engines.lmdb import Durability
from storage.engines.memory import MemoryIndex
from storage.errors import IncompleteBody
from storage.identities.directory import Directory
from storage.identities.memberships import Memberships
from storage.layout import claim
from storage.pace import Pace
from storage.records import Bucket, ObjectRecord
from storage.source import Opener, Source, close_content
from storage.store import Options, Store

SESSION = boto3.session.Session()  # reads the service's model once
HOST = "s3.test:9000"
REGION = "eu-test-1"
CLUSTER = "cAbCdEfG"
MINIMUM_PART = 1000  # bytes
ALICE = Principal("alice-id", "Alice", "alice@example.com")
BOB = Principal("bob-id", "Bob", "bob@example.com")


@dataclass(frozen=True)
class Key:
    secret: str
    principal: Principal


class Keys:
    """A keyring of two accounts."""

    def __init__(self) -> None:
        self._keys = {"ALICE": Key("alice secret/+", ALICE), "BOB": Key("bob secret", BOB)}

    def credential(self, access_key: str, /) -> Key | None:
        return self._keys.get(access_key)

    def forget(self, access_key: str) -> None:
        del self._keys[access_key]


class Upside:
    """A transform in this process: the bytes reversed, then its arguments; their number is not known before the end."""

    def __init__(self, inner: Source, args: str) -> None:
        self._inner = inner
        self._args = args
        self.size: int | None = None
        self.record: ObjectRecord = inner.record

    def content(self, span: Span | None = None) -> Content | Iterator[bytes]:
        content = self._inner.content(span)
        whole = content if isinstance(content, bytes) else b"".join(content)
        close_content(content)
        return iter([whole[::-1], self._args.encode()])

    def close(self) -> None:
        self._inner.close()


class Lenses:
    def __init__(self, store: Store) -> None:
        self._store = store

    def open(self, name: str, args: str, principal: Principal, /) -> Opener:
        if name != "upside":
            raise NoSuchTransform(name)

        def opener(bucket: Bucket, key: str, given: Conditions) -> Source:
            return Upside(self._store.objects.open(bucket, key, given), args)

        return opener


class Body:
    """The worker's body reader over bytes; `reads` tells whether the application looked into it."""

    def __init__(self, data: bytes, size: int | None) -> None:
        self._stream = io.BytesIO(data)
        self._came = len(data)
        self.size = size
        self.reads = 0

    def read(self, size: int = -1, /) -> bytes:
        self.reads += 1
        return self._stream.read(size)

    def readinto(self, buffer: memoryview, /) -> int:
        self.reads += 1
        got = self._stream.readinto(buffer)
        if not got and self.size is not None and self._came < self.size:
            raise IncompleteBody(self.size, self._came)
        return got


@dataclass
class Answer:
    status: int
    headers: dict[str, str]  # lower-case names
    body: bytes
    names: list[str]  # of the headers, as sent
    reads: int  # how often the body was read from
    environ: dict[str, Any] = field(repr=False)

    @property
    def code(self) -> str:
        return self.text("Code")

    def text(self, element: str) -> str:
        """The first element's text, as it stands in the XML; "" when there is none."""
        before, found, rest = self.body.decode().partition(f"<{element}>")
        return rest.partition(f"</{element}>")[0] if found else ""


Headers = dict[str, str] | list[tuple[str, str]]


class Client:
    """Requests put together by hand, signed by botocore as one of the accounts or by nobody."""

    def __init__(
        self, application: S3Application, access_key: str = "", secret: str = "", *, region: str = REGION
    ) -> None:
        self._application = application
        self._region = region
        self._credentials = Credentials(access_key, secret) if access_key else None
        self._ids = itertools.count(1)

    def __call__(
        self, method: str, target: str, headers: Headers | None = None, body: bytes = b"", *, framed: bool = True
    ) -> Answer:
        """The answer to a request for this raw target; `framed` adds the Content-Length where there is a body."""
        pairs = list(headers.items() if isinstance(headers, dict) else headers or ())
        if framed and (body or method in ("PUT", "POST")):
            pairs.append(("Content-Length", str(len(body))))
        if self._credentials is not None:
            pairs = self._signed(method, target, pairs, body)
        if not any(name.lower() == "host" for name, _ in pairs):
            pairs.append(("Host", HOST))
        return self.send(method, target, pairs, body)

    def _signed(self, method: str, target: str, pairs: list[tuple[str, str]], body: bytes) -> list[tuple[str, str]]:
        joined: dict[str, str] = {}
        for name, latin in pairs:
            value = latin.encode("latin-1").decode("utf-8", "surrogateescape")  # botocore signs text as UTF-8
            known = joined.get(name.lower())
            joined[name.lower()] = value if known is None else f"{known},{value}"
        host = joined.pop("host", HOST)
        request = AWSRequest(method, f"http://{host}{target}", headers=joined, data=body)
        S3SigV4Auth(self._credentials, "s3", self._region).add_auth(request)
        added = [(name, value) for name, value in request.headers.items() if name.lower() not in joined]
        named = any(name.lower() == "host" for name, _ in pairs)
        return [*pairs, *added] if named else [*pairs, *added, ("Host", host)]

    def send(self, method: str, target: str, pairs: list[tuple[str, str]], body: bytes = b"") -> Answer:
        """The answer to a request with exactly these headers."""
        lengths = [value for name, value in pairs if name.lower() == "content-length"]
        chunked = any(name.lower() == "transfer-encoding" for name, _ in pairs)
        reader = Body(body, None if chunked else int(lengths[0]) if lengths else 0)
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "RAW_URI": target,
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": reader,
            "sluice.headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs],
            "sluice.request_id": f"{next(self._ids):016X}",
        }
        started: list[tuple[str, list[tuple[str, str]]]] = []
        content = self._application(environ, lambda status, headers: started.append((status, headers)))
        received = b"".join(content)
        close = getattr(content, "close", None)
        if close is not None:
            close()
        ((status, headers),) = started
        for name, value in headers:
            assert not set(name + value) & set("\r\n\0"), (name, value)
            (name + value).encode("latin-1")
        return Answer(
            int(status[:3]), {name.lower(): value for name, value in headers}, received,
            [name for name, _ in headers], reader.reads, environ,
        )


class World:
    """An application over an empty store."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self._claim = claim([folder])
        self.store = Store(
            self._claim.layout,
            Options(
                reserve=0, minimum_part_size=MINIMUM_PART, inline_limit=4096, durability=Durability.RELAXED
            ),
            open_index=lambda _: MemoryIndex(),
        )
        settings: dict[str, Any] = {
            "region": REGION,
            "domains": ("s3.test",),
            "bucket_defaults": "classic",
            "signature_v2": True,
            "reserved_names": frozenset({"console"}),
            "clock": time.time_ns,
            "host_id": "test",
        }
        self.keys = Keys()
        self.directory = Directory(self.store.catalog, clock=time.time_ns)
        memberships = Memberships(self.directory, cluster=CLUSTER)
        self.application = S3Application(
            self.store, self.keys, Lenses(self.store), memberships, Pace(1, clock=time.monotonic_ns),
            **{**settings, **options}
        )
        self.alice = Client(self.application, "ALICE", "alice secret/+")
        self.bob = Client(self.application, "BOB", "bob secret")
        self.anybody = Client(self.application)

    def boto(self, access_key: str = "ALICE", secret: str = "alice secret/+", **config: Any) -> Any:
        client: BaseClient = SESSION.client(
            "s3",
            endpoint_url=f"http://{HOST}",
            region_name=REGION,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret,
            config=Config(**{"s3": {"addressing_style": "path"}, "retries": {"total_max_attempts": 1}, **config}),
        )
        client.meta.events.register("before-send.s3", self._deliver)
        return client

    def _deliver(self, request: Any, **_: Any) -> AWSResponse:
        parts = urlsplit(request.url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        pairs = [(name, as_text(value)) for name, value in request.headers.items()]
        if not any(name.lower() == "host" for name, _ in pairs):
            pairs.append(("Host", parts.netloc))
        body = request.body or b""
        if hasattr(body, "read"):
            body = body.read()
        answer = self.anybody.send(request.method, target, pairs, body if isinstance(body, bytes) else body.encode())
        return AWSResponse(request.url, answer.status, answer.headers, Raw(answer.body))

    def close(self) -> None:
        self.store.close()
        self._claim.close()


def as_text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


class Raw(io.BytesIO):
    """What botocore takes for urllib3's answer."""

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self.read()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


@pytest.fixture
def s3(world: World) -> Any:
    """Alice's boto3 client, with a bucket `bucket`."""
    client = world.boto()
    client.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
    return client


@pytest.fixture
def alice(world: World, s3: Any) -> Client:
    return world.alice
