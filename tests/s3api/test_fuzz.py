"""Whatever is sent, the answer is a proper one: no 500, and no exception leaves the application."""

from __future__ import annotations

from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s3api.model import OPERATIONS
from tests.s3api.conftest import Client, World

METHODS = st.sampled_from(["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH", ""])
PATHS = st.sampled_from(["/", "/bucket", "/bucket/key", "/bucket//", "/s3", "/missing/key", "/a"])
NAMES = st.sampled_from(sorted({"etl_name", "x"}.union(*(found.known_query for found in OPERATIONS.values()))))
HEADERS = st.sampled_from(sorted(set().union(*(found.headers for found in OPERATIONS.values())) - {"content-length"}))
WORDS = ["", "1", "-1", "true", "*", "bytes=0-1", "/bucket/key", "CRC32", "COPY", "url", "2", "null", "upside", "%"]
VALUES = st.one_of(st.sampled_from(WORDS), st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12))
BODIES = st.one_of(
    st.binary(max_size=50),
    st.sampled_from(
        [b"<Delete><Object><Key>key</Key></Object></Delete>", b"<CompleteMultipartUpload/>",
         b"<CreateBucketConfiguration/>"]
    ),
)
ANYTHING = st.text(st.characters(max_codepoint=255), max_size=30)

thorough = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400, deadline=None)


@thorough
@given(METHODS, PATHS, st.dictionaries(NAMES, VALUES, max_size=4), st.dictionaries(HEADERS, VALUES, max_size=4), BODIES)
def test_any_signed_request_is_answered(
    alice: Client, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes
) -> None:
    terms = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(query.items()))

    answer = alice(method, f"{path}?{terms}" if terms else path, headers, body)

    assert answer.status < 500 or answer.status == 501
    assert answer.code != "SignatureDoesNotMatch" or set(headers) & {"x-amz-content-sha256", "x-amz-date"}


@thorough
@given(METHODS, ANYTHING, st.lists(st.tuples(ANYTHING, ANYTHING), max_size=4), st.binary(max_size=30))
def test_any_bytes_of_a_stranger_are_answered(
    world: World, method: str, target: str, headers: list[tuple[str, str]], body: bytes
) -> None:
    framed = [(name, value) for name, value in headers if name.lower() != "content-length"]

    assert world.anybody.send(method, target, framed, body).status in (400, 403, 404, 405, 501)
    assert world.anybody.send(method, f"/bucket/{target}", framed, body).status in (400, 403, 404, 405, 501)
