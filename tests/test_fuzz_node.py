"""A whole node under requests that were right before they were mutated, as bytes or before they were signed.

Whatever comes over the socket, the node answers, refuses or hangs up within seconds; a client's mistake is never
answered as if it were the node's, no worker dies of one, and the node serves on.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote, quote_from_bytes

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.node import Node
from tests.s3compat.raw import CHUNKS_SIGNED, CHUNKS_SIGNED_TRAILER, CHUNKS_UNSIGNED_TRAILER, UNSIGNED, Prepared, Raw
from tests.s3compat.raw import completion
from tests.s3compat.wire import Account, Target

KEPT = b"what others stored"
PATIENCE_SECONDS = 10  # for an answer; nothing that is sent here takes a hundredth of it
ANSWER = re.compile(rb"HTTP/1\.[01] (\d{3}) [A-Z]")
MANY = settings(max_examples=1200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

TOKENS = [
    b"", b"0", b"-1", b"1", b"9" * 20, b"9" * 5000, b"1e999", b"true", b"null", b"*", b"a" * 1025, b"\xc3\xa9",
    b"\x00", b"\xff", b"\r\n", b"\n", b"\r", b" ", b"\t", b"%", b"%00", b"%ff", b"%0D%0A", b"\xed\xa0\x80", b"\\ud800",
    b"..", b"/", b"//", b"?", b"&", b"=", b"+", b",", b";", b":", b'"', b"\\", b"{", b"}", b"[", b"[" * 3000,
    b"<", b">", b"&#0;", b"&x;", b"<!DOCTYPE a [<!ENTITY x 'y'>]>", b"<a>" * 300, b"<?xml version='1.0' encoding='x'?>",
    b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n", b"Connection: close\r\n",
    b"x-amz-meta-a: b\r\n", b"0\r\n\r\n", b";chunk-signature=", b"aws-chunked", b"HTTP/1.0", b"http://a/", b"bytes=0-",
]


class Change(NamedTuple):
    """At `place` of the whole, so many bytes are replaced by others."""

    place: float
    taken: int
    put: bytes


CHANGE = st.builds(
    Change,
    st.floats(0, 1),
    st.sampled_from([0, 0, 1, 2, 8, 64, 1_000_000]),
    st.sampled_from(TOKENS) | st.binary(max_size=4),
)
CHANGES = st.lists(CHANGE, min_size=1, max_size=3)


def mutated(data: bytes, changes: list[Change]) -> bytes:
    for place, taken, put in changes:
        start = int(place * len(data))
        data = data[:start] + put + data[start + taken :]
    return data


class Seed(NamedTuple):
    """A request before it is signed."""

    method: str
    key: bytes
    query: dict[str, bytes] = {}
    headers: dict[str, bytes] = {}
    body: bytes = b""


DELETE = b"<Delete><Object><Key>a</Key><VersionId>null</VersionId></Object><Quiet>true</Quiet></Delete>"
REGION = b"<CreateBucketConfiguration><LocationConstraint></LocationConstraint></CreateBucketConfiguration>"
PAGE = {"list-type": b"2", "max-keys": b"2", "prefix": b"k", "continuation-token": b"", "delimiter": b"/"}
UPLOAD = {"uploadId": b"0" * 32}
SELECTED = {"range": b"bytes=0-3", "if-match": b'"a"', "x-amz-checksum-mode": b"ENABLED"}
DESCRIBED = {"x-amz-meta-a": b"b", "x-amz-tagging": b"a=b", "content-md5": b"XUFAKrxLKna5cZ2REBfFkg=="}
SOURCE = {"x-amz-copy-source": b"/fuzzed/kept?versionId=null", "x-amz-copy-source-if-match": b'"a"'}
COMPOSITE = {"x-amz-checksum-algorithm": b"CRC32", "x-amz-checksum-type": b"COMPOSITE"}
SUMMED = {"x-amz-sdk-checksum-algorithm": b"CRC32", "x-amz-checksum-crc32": b"AAAAAA=="}
S3_SEEDS = [
    Seed("GET", b"kept", {"versionId": b"null"}, SELECTED),
    Seed("GET", b"kept", {"response-content-type": b"text/plain", "partNumber": b"1"}),
    Seed("GET", b"kept", {"etl_name": b"nothing", "etl_args": b"x"}),
    Seed("HEAD", b"kept", {}, {"if-modified-since": b"Tue, 27 Mar 2007 19:36:42 GMT"}),
    Seed("PUT", b"new", {}, DESCRIBED, b"hello"),
    Seed("PUT", b"new", {}, {"x-amz-checksum-crc32": b"NhCmhg==", "if-none-match": b"*", "expires": b"0"}, b"hello"),
    Seed("PUT", b"copy", {}, SOURCE),
    Seed("PUT", b"part", UPLOAD | {"partNumber": b"1"}, {"x-amz-copy-source": b"/fuzzed/kept"}),
    Seed("POST", b"part", UPLOAD, {"x-amz-mp-object-size": b"5"}, completion((1, '"a"'))),
    Seed("POST", b"part", {"uploads": b""}, COMPOSITE),
    Seed("DELETE", b"new", {}, {"if-match": b"*", "x-amz-if-match-size": b"5"}),
    Seed("GET", b"", PAGE),
    Seed("GET", b"", {"marker": b"a", "encoding-type": b"url", "max-keys": b"0"}),
    Seed("GET", b"", {"uploads": b"", "key-marker": b"a", "upload-id-marker": b"b", "max-uploads": b"1"}),
    Seed("POST", b"", {"delete": b""}, SUMMED, DELETE),
    Seed("POST", b"", {"delete": b""}, {"content-encoding": b"gzip"}, DELETE),
    Seed("PUT", b"", {}, {"x-amz-acl": b"private"}, REGION),
]
LIST = (
    b'{"action": "list", "value": {"prefix": "k", "pagesize": 2, "continuation_token": "", "flags": 0,'
    b' "props": "name,size", "start_after": ""}}'
)
SPEC = b'{"name": "never-runs", "runtime": {"image": "nowhere", "env": []}, "init_timeout": "1s"}'
ANNOUNCED = {"ais-custom-md": b"a=b", "ais-checksum-type": b"md5", "ais-checksum-value": b"00"}
NATIVE_SEEDS = [
    Seed("GET", b"buckets/fuzzed", {"provider": b"ais"}, {}, LIST),
    Seed("GET", b"buckets/fuzzed", {}, {"accept": b"application/msgpack"}, LIST),
    Seed("GET", b"buckets/fuzzed", {}, {}, b'{"action": "summary-bck", "value": {"uuid": "", "prefix": "k"}}'),
    Seed("HEAD", b"buckets/fuzzed", {"bsumm_remote": b"true", "uuid": b"summary-0"}),
    Seed("POST", b"buckets/another", {}, {}, b'{"action": "create-bck"}'),
    Seed("GET", b"objects/fuzzed/kept", {"provider": b"ais"}, {"range": b"bytes=0-3"}),
    Seed("HEAD", b"objects/fuzzed/kept", {"props": b"name,custom,chunked"}),
    Seed("PUT", b"objects/fuzzed/new", {}, ANNOUNCED, b"x"),
    Seed("PUT", b"objects/fuzzed/kept", {"object_to": b"ais/@#/fuzzed/copy"}),
    Seed("PATCH", b"objects/fuzzed/new", {"set-new-custom": b"true"}, {}, b'{"action": "", "value": {"a": "b"}}'),
    Seed("GET", b"objects/fuzzed/kept", {"etl_name": b"nothing", "etl_args": b"x"}),
    Seed("PUT", b"etl", {}, {}, SPEC),
    Seed("GET", b"etl/nothing/logs"),
    Seed("GET", b"cluster", {"what": b"status"}, {}, b'{"ID": "x"}'),
    Seed("GET", b"health", {"cii": b"true"}),
]


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node of two workers; at its end nothing was its own fault, by its own books."""
    started = Node(tmp_path_factory.mktemp("fuzzed"), ["--workers", "2"]).start()
    yield started
    assert started.stop() == 0, started.log
    lines = (started.folder / "access.log").read_text().splitlines()
    assert not [line for line in lines if json.loads(line)["status"] in {500, 502, 503, 504, 507}]
    assert "Traceback" not in started.log and "traceback" not in started.log, started.log


@pytest.fixture
def steady(fuzzed: Node) -> Iterator[Node]:
    """The node, whose processes are the same after the test as before, and all serve."""
    client = fuzzed.client()
    client.create_bucket(Bucket="fuzzed")
    client.put_object(Bucket="fuzzed", Key="kept", Body=KEPT)
    before = processes(fuzzed)
    yield fuzzed
    assert processes(fuzzed) == before, fuzzed.log
    client.create_bucket(Bucket="afterwards")
    client.put_object(Bucket="afterwards", Key="key", Body=KEPT)
    for _ in range(8):  # each on a connection of its own, so that every worker has a share
        assert fuzzed.client().get_object(Bucket="afterwards", Key="key")["Body"].read() == KEPT


def processes(node: Node) -> set[int]:
    return {child.pid for child in psutil.Process(node.pid).children()}


def signer(node: Node) -> Raw:
    root = Account(node.access_key, node.secret_key)
    return Raw(Target(node.endpoint, "us-east-1", root, root), root)


def told(node: Node, data: bytes) -> list[int]:
    """The statuses of what is answered to these bytes, when nothing follows them. A hang is a `TimeoutError`."""
    received = b""
    with socket.create_connection(("127.0.0.1", node.port), PATIENCE_SECONDS) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                received += piece
        except ConnectionError:  # refused before all of it was sent
            pass
    return [int(status) for status in ANSWER.findall(received)]


def is_fair(status: int) -> bool:
    return status < 500 or status == 501


def address(start: str, seed: Seed) -> str:
    query = "&".join(f"{quote(name, safe='')}={quote_from_bytes(value, safe='')}" for name, value in seed.query.items())
    return start + quote_from_bytes(seed.key) + (f"?{query}" if query else "")


def header_text(value: bytes) -> str:
    """What a header can hold, so that the mutation gets beyond the parser."""
    return "".join(chr(byte) for byte in value if 32 <= byte < 127).strip()


@st.composite
def changed_seeds(draw: st.DrawFn, seeds: list[Seed]) -> Seed:
    """A seed of which one to three of the parts are mutated."""
    seed = draw(st.sampled_from(seeds))
    parts = ["key", "body", *(f"?{name}" for name in seed.query), *(f":{name}" for name in seed.headers)]
    for part in draw(st.lists(st.sampled_from(parts), min_size=1, max_size=3, unique=True)):
        changes = draw(CHANGES)
        if part == "key":
            seed = seed._replace(key=mutated(seed.key, changes))
        elif part == "body":
            seed = seed._replace(body=mutated(seed.body, changes))
        elif part[0] == "?":
            seed = seed._replace(query=seed.query | {part[1:]: mutated(seed.query[part[1:]], changes)})
        else:
            seed = seed._replace(headers=seed.headers | {part[1:]: mutated(seed.headers[part[1:]], changes)})
    return seed


def uploads(raw: Raw) -> list[Prepared]:
    """The streaming forms of an upload."""
    chunks = [b"a" * 8192, b"b" * 10]
    checksum = "x-amz-checksum-crc32:AAAAAA=="
    return [
        raw.streamed("/fuzzed/streamed", chunks, mode=CHUNKS_SIGNED),
        raw.streamed("/fuzzed/streamed", chunks, mode=CHUNKS_SIGNED_TRAILER, trailer=checksum),
        raw.streamed("/fuzzed/streamed", chunks, mode=CHUNKS_UNSIGNED_TRAILER, trailer=checksum),
    ]


def prepared(raw: Raw) -> list[Prepared]:
    """Requests as they go over the wire, signed in every way."""
    return [
        *uploads(raw),
        *(raw.prepared(seed.method, address("/fuzzed/", seed), _texts(seed), seed.body) for seed in S3_SEEDS[:4]),
        raw.presigned("GET", "/fuzzed/kept?response-expires=0"),
        raw.presigned("PUT", "/fuzzed/new?x-amz-meta-a=b", body=b"x"),
        raw.signed_v2("PUT", "/fuzzed/new", {"x-amz-meta-a": "b"}, b"x"),
        raw.signed_v2("GET", "/fuzzed?uploads"),
        raw.prepared("POST", "/fuzzed?delete=", (), DELETE, content=UNSIGNED),
        *(native(raw, seed) for seed in NATIVE_SEEDS[:6]),
        Prepared("GET", "/metrics", [("Host", "a")]),
        Prepared("GET", "/healthz", [("Host", "a"), ("Connection", "keep-alive")]),
    ]


def native(raw: Raw, seed: Seed) -> Prepared:
    pairs = [("Host", raw.endpoint.host), ("Authorization", "Bearer root-token"), *_texts(seed).items()]
    if seed.body:
        pairs.append(("Content-Length", str(len(seed.body))))
    return Prepared(seed.method, address("/v1/", seed), pairs, seed.body)


def _texts(seed: Seed) -> dict[str, str]:
    return {name: header_text(value) for name, value in seed.headers.items()}


@MANY
@given(st.integers(0, 100), CHANGES, st.booleans())
def test_request_of_other_bytes_is_no_fault_of_the_node(
    steady: Node, number: int, changes: list[Change], again: bool
) -> None:
    """Anywhere in the request, which may be followed by one that is right."""
    requests = prepared(signer(steady))
    sent = requests[number % len(requests)].wire

    assert all(map(is_fair, told(steady, mutated(sent, changes) + (sent if again else b""))))


@MANY
@given(st.integers(0, 100), CHANGES)
def test_head_of_other_bytes_is_no_fault_of_the_node(steady: Node, number: int, changes: list[Change]) -> None:
    requests = prepared(signer(steady))
    request = requests[number % len(requests)]

    assert all(map(is_fair, told(steady, mutated(request.head[:-4], changes) + b"\r\n\r\n" + request.body)))


@MANY
@given(st.integers(0, 100), CHANGES)
def test_credentials_of_other_bytes_are_refused(steady: Node, number: int, changes: list[Change]) -> None:
    """In the Authorization header, or in the query of a presigned request."""
    requests = prepared(signer(steady))[:-2]
    request = requests[number % len(requests)]
    text = dict(request.headers).get("Authorization")
    if text is None:
        path, _, query = request.target.partition("?")
        sent = quote_from_bytes(mutated(query.encode(), changes), safe="/&=%+?:;,")
        request = request.without("Authorization")
        request = Prepared(request.method, f"{path}?{sent}", request.headers, request.body)
    else:
        sent = header_text(mutated(text.encode(), changes))
        request = request.without("Authorization").adding(("Authorization", sent))

    statuses = told(steady, request.wire)
    assert statuses and all(map(is_fair, statuses))


@MANY
@given(st.integers(0, 2), CHANGES)
def test_streamed_body_of_other_bytes_is_no_fault_of_the_node(
    steady: Node, number: int, changes: list[Change]
) -> None:
    request = uploads(signer(steady))[number]
    body = mutated(request.body, changes)
    head = request.without("Content-Length").adding(("Content-Length", str(len(body)))).head

    statuses = told(steady, head + body)
    assert statuses and all(map(is_fair, statuses))


@MANY
@given(changed_seeds(S3_SEEDS))
def test_request_that_was_changed_before_it_was_signed_is_answered(steady: Node, seed: Seed) -> None:
    request = signer(steady).prepared(
        seed.method, address("/fuzzed/", seed), _texts(seed), seed.body, content=UNSIGNED
    )

    statuses = told(steady, request.wire)
    assert statuses and all(map(is_fair, statuses))


@MANY
@given(CHANGES, CHANGES)
def test_header_moved_into_the_query_breaks_no_later_answer(
    steady: Node, name: list[Change], value: list[Change]
) -> None:
    raw = signer(steady)
    moved = {f"x-amz-meta-{mutated(b'', name).decode(errors='replace')}": mutated(b"value", value)}

    for request in (
        raw.presigned("PUT", address("/fuzzed/", Seed("PUT", b"moved", moved)), body=b"x"),
        raw.prepared("GET", "/fuzzed/moved"),
        raw.prepared("DELETE", "/fuzzed/moved"),
    ):
        statuses = told(steady, request.wire)
        assert statuses and all(map(is_fair, statuses))


@MANY
@given(changed_seeds(NATIVE_SEEDS))
def test_native_request_that_was_changed_is_answered(steady: Node, seed: Seed) -> None:
    statuses = told(steady, native(signer(steady), seed).wire)
    assert statuses and all(map(is_fair, statuses))
