"""Requests exactly as boto3 would put them on the wire, taken just before they are sent."""

from __future__ import annotations

import io
import time
from base64 import b64encode
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from urllib3 import HTTPResponse

from s3api.auth import PayloadMode
from s3api.body import body_mode, payload, read_whole
from s3api.checksums import integrity
from storage.checksums import ALGORITHMS, digest
from tests.s3api.signing import ACCESS_KEY, REGION, SECRET, Body, authenticator

DATA = b"some bytes" * 30000
# What boto3 can compute, with awscrt.
COMPUTED = ["crc32", "crc32c", "crc64nvme", "sha1", "sha256"]


class Wire:
    """A boto3 client whose requests end here."""

    def __init__(self, scheme: str, **config: Any) -> None:
        self.requests: list[AWSPreparedRequest] = []
        self.client = boto3.client(
            "s3",
            endpoint_url=f"{scheme}://node.example:9000",
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET,
            config=Config(**config),
        )
        self.client.meta.events.register("before-send.s3", self._take)

    def _take(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        self.requests.append(request)
        return AWSResponse(request.url, 200, {}, HTTPResponse(io.BytesIO(), preload_content=False))


def served(request: AWSPreparedRequest) -> tuple[PayloadMode, bytes]:
    """Authenticate and read the request as the node does."""
    parts = urlsplit(request.url)
    headers = {
        name.lower(): value.decode("latin-1") if isinstance(value, bytes) else str(value)
        for name, value in request.headers.items()
    }
    headers.setdefault("host", parts.netloc)
    signed = authenticator().authenticate(request.method, parts.path, parts.query, headers, now=time.time())
    sent = request.body if isinstance(request.body, bytes | None) else request.body.read()
    body = Body(sent or b"")
    taken = payload(body, headers=headers, signed=signed, integrity=integrity(headers))
    return body_mode(headers, signed), read_whole(taken, limit=1 << 20)


@pytest.mark.parametrize("name", [None, *COMPUTED])
@pytest.mark.parametrize(
    ("scheme", "mode"), [("http", PayloadMode.HASHED), ("https", PayloadMode.CHUNKS_UNSIGNED_TRAILER)]
)
def test_object_put_by_boto3_is_read(name: str | None, scheme: str, mode: PayloadMode) -> None:
    wire = Wire(scheme)
    chosen = {} if name is None else {"ChecksumAlgorithm": name.upper()}
    wire.client.put_object(Bucket="bucket", Key="a key/ü", Body=io.BytesIO(DATA), Metadata={"a_b": "c"}, **chosen)
    assert served(wire.requests[0]) == (mode, DATA)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("name", ALGORITHMS)
def test_checksum_given_to_boto3_is_checked(name: str, scheme: str) -> None:
    wire = Wire(scheme)
    given = {f"Checksum{name.upper()}": b64encode(digest(name, DATA)).decode()}
    wire.client.put_object(Bucket="bucket", Key="key", Body=DATA, **given)
    assert served(wire.requests[0])[1] == DATA


@pytest.mark.parametrize(
    "config",
    [
        {"signature_version": "s3"},
        {"signature_version": UNSIGNED},
        {"s3": {"payload_signing_enabled": False}},
        {"s3": {"payload_signing_enabled": True}},
        {"request_checksum_calculation": "when_required"},
        {"s3": {"addressing_style": "virtual"}},
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_object_put_with_any_configuration_is_read(scheme: str, config: dict[str, Any]) -> None:
    wire = Wire(scheme, **config)
    wire.client.put_object(Bucket="bucket", Key="key", Body=DATA, ContentType="text/plain")
    if config.get("s3") == {"addressing_style": "virtual"}:
        assert urlsplit(wire.requests[0].url).netloc.startswith("bucket.")
    assert served(wire.requests[0])[1] == DATA


@pytest.mark.parametrize("version", ["s3v4", "s3"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_document_sent_by_boto3_is_read(scheme: str, version: str) -> None:
    wire = Wire(scheme, signature_version=version)
    wire.client.delete_objects(Bucket="bucket", Delete={"Objects": [{"Key": "a&b"}]})
    _, document = served(wire.requests[0])
    assert b"<Key>a&amp;b</Key>" in document


def test_address_made_by_boto3_is_accepted() -> None:
    for version in ("s3v4", "s3"):
        wire = Wire("http", signature_version=version)
        for operation in ("get_object", "put_object", "head_object"):
            address = wire.client.generate_presigned_url(operation, {"Bucket": "bucket", "Key": "a+b/ü c"}, 60)
            parts = urlsplit(address)
            method = {"get": "GET", "put": "PUT", "head": "HEAD"}[operation[: operation.index("_")]]
            headers = {"host": parts.netloc, "content-length": "0"}
            assert authenticator().authenticate(method, parts.path, parts.query, headers, now=time.time())
