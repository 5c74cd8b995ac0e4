"""Whatever is sent, the native API answers by its own rules: no exception gets out, and no status says that one did."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.nativeapi.conftest import Api

METHODS = st.sampled_from(["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"])
PLACES = st.sampled_from(
    ["buckets", "buckets/music", "objects/music/song", "objects/music", "objects/", "etl", "etl/to-upper", "cluster"]
    + ["daemon", "reverse/daemon", "health", "nope", ""]
    + ["users", "users/admin", "roles", "roles/x", "clusters", "clusters/x", "tokens"]
)
RAW = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=30)
ESCAPED = st.binary(max_size=12).map(lambda data: "".join(f"%{byte:02x}" for byte in data))
COPY = ["ais/@%23/music/copy"]
PARAMETERS = st.dictionaries(
    st.sampled_from(
        ["provider", "namespace", "props", "object_to", "etl_name", "etl_args", "etl_pipeline", "uuid", "bsumm_remote"]
        + ["what", "uploadId", "append_type", "archpath", "set-new-custom", "pid"]
        + ["append_handle", "partNumber", "presence", "skip_vc", "validate-checksum"]
    ),
    RAW | ESCAPED | st.sampled_from(["ais", "true", "append", "flush", "1", "status", "smap", "to-upper"] + COPY),
    max_size=4,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)
UPLOADING = ["mpt-upload", "mpt-complete", "mpt-abort", "rename-obj", "check-lock"]
ACTIONS = st.fixed_dictionaries(
    {"action": st.sampled_from(["list", "create-bck", "summary-bck", "copy-bck", "", "start"] + UPLOADING) | JSON},
    optional={"name": JSON, "value": JSON},
)
VALUES = st.dictionaries(
    st.sampled_from(["prefix", "pagesize", "uuid", "props", "continuation_token", "flags", "start_after"]
                    + ["time_format", "target"]),
    JSON | st.integers(0, 2**16).map(str) | st.sampled_from(["8", "2048", "2056"]),
).map(lambda value: {"action": "list", "value": value})
BODIES = st.binary(max_size=40) | (JSON | ACTIONS | VALUES).map(lambda value: json.dumps(value).encode())
HEADERS = st.dictionaries(
    st.sampled_from(["range", "accept", "ais_checksum_type", "ais_checksum_value", "ais_custom_md", "ais_node_id"]),
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20)
    | st.sampled_from(["bytes=0-", "bytes=-0", "application/msgpack", "md5", "a=b"]),
    max_size=3,
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(METHODS, PLACES, RAW | ESCAPED | st.just(""), PARAMETERS, BODIES, HEADERS)
def test_every_request_is_answered(
    api: Api,
    upper: str,
    method: str,
    place: str,
    rest: str,
    parameters: dict[str, str],
    body: bytes,
    headers: dict[str, Any],
) -> None:
    api.action("POST", "/v1/buckets/music", "create-bck")
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    target = f"/v1/{place}{rest}" + (f"?{query}" if query else "")
    answer = api(method, target, body, **headers)
    assert answer.status in {200, 202, 206, 307, 400, 401, 403, 404, 405, 409, 416, 429, 501}
    for name, value in answer.headers.items():
        assert "\n" not in value and "\r" not in value, name
        value.encode("latin-1")


def test_long_names_are_answered_like_any_other(api: Api) -> None:
    long = "x" * 8000
    for target in (f"/v1/buckets/{long}", f"/v1/objects/{long}/song", f"/v1/etl/{long}"):
        assert api("GET", target).status in {400, 404}
    for value in ({"prefix": long}, {"continuation_token": long}, {"start_after": long}, {"props": long}):
        api.action("POST", "/v1/buckets/music", "create-bck")
        assert api.action("GET", "/v1/buckets/music", "list", value).status in {200, 400}


DEEP = 100_000


@pytest.mark.parametrize("value", [b"[" * DEEP + b"]" * DEEP, b'{"a":' * DEEP + b"1" + b"}" * DEEP, b'"\xff"'])
def test_message_that_nobody_means_is_refused(api: Api, bucket: str, value: bytes) -> None:
    message = b'{"name": "deep-transform", "id": "x", "action": "list", "value": %b, "runtime": %b}' % (value, value)
    for method, target in (
        ("GET", "/v1/buckets/music"), ("PATCH", "/v1/objects/music/song"), ("POST", "/v1/objects/music/song"),
        ("PUT", "/v1/etl"), ("GET", "/v1/cluster?what=status"), ("PUT", "/v1/cluster"),
    ):
        assert api(method, target, message).status in {400, 501}, target


def test_range_of_endless_digits_is_refused(api: Api, bucket: str) -> None:
    assert api("PUT", "/v1/objects/music/song", b"x").status == 200
    for text in ("bytes=" + "9" * 5000 + "-", "bytes=-" + "9" * 5000):
        assert api("GET", "/v1/objects/music/song", range=text).status == 416


def test_key_with_line_feeds_breaks_no_header(api: Api, bucket: str) -> None:
    assert api("PUT", "/v1/objects/music/a%0Ab", b"x").status == 200
    assert "\n" not in api("HEAD", "/v1/objects/music/a%0Ab").headers["Ais-Name"]
    assert api("PUT", "/v1/objects/music/a%0Ab?object_to=ais/@%23/music/c").status == 200
