"""Signature V4 against the signers of Amazon's own Python SDK, over random keys, queries and headers."""

from __future__ import annotations

import time
from urllib.parse import quote, urlsplit

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from s3api.auth import encoding
from s3api.errors import S3Error
from tests.s3api.signing import ACCESS_KEY, OWNER, REGION, SECRET, authenticator

CREDENTIALS = Credentials(ACCESS_KEY, SECRET)
HOST = "node.example:9000"
KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
NAMES = st.text(st.sampled_from("abcxyz-_.~019 /+%éA"), min_size=1, max_size=8)
QUERIES = st.dictionaries(NAMES, KEYS, max_size=5)
VALUES = st.text(st.characters(codec="ascii", min_codepoint=32, max_codepoint=126), max_size=20).map(str.strip)
METADATA = st.dictionaries(st.from_regex("x-amz-meta-[a-z0-9_-]{1,8}", fullmatch=True), VALUES, max_size=4)
METHODS = st.sampled_from(["GET", "PUT", "HEAD", "DELETE", "POST"])


def sent(request: AWSRequest) -> tuple[str, str, dict[str, str]]:
    """What arrives at the server: path, query and headers."""
    prepared = urlsplit(request.prepare().url)
    headers = {name.lower(): str(value) for name, value in request.headers.items()}
    return prepared.path, prepared.query, {"host": HOST} | headers


def path_of(key: str) -> str:
    return "/bucket/" + quote(key, safe="/~")


@given(METHODS, KEYS, QUERIES, METADATA)
def test_request_signed_by_botocore_is_accepted(
    method: str, key: str, query: dict[str, str], metadata: dict[str, str]
) -> None:
    terms = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in query.items())
    address = f"http://{HOST}{path_of(key)}" + (f"?{terms}" if terms else "")
    request = AWSRequest(method, address, headers=metadata, data=b"body")
    S3SigV4Auth(CREDENTIALS, "s3", REGION).add_auth(request)
    path, raw_query, headers = sent(request)
    signed = authenticator().authenticate(method, path, raw_query, headers, now=time.time())
    assert signed is not None and signed.principal == OWNER


@given(METHODS, KEYS, QUERIES, METADATA)
def test_address_signed_by_botocore_is_accepted(
    method: str, key: str, query: dict[str, str], metadata: dict[str, str]
) -> None:
    request = AWSRequest(method, f"http://{HOST}{path_of(key)}", params=query, headers=metadata)
    S3SigV4QueryAuth(CREDENTIALS, "s3", REGION, expires=60).add_auth(request)
    path, raw_query, headers = sent(request)
    signed = authenticator().authenticate(method, path, raw_query, headers, now=time.time())
    assert signed is not None and signed.presigned and signed.principal == OWNER


QUERY_TEXT = st.text(st.sampled_from("abXYZ019-_.~%2F2B3Dé&&==+ /:;\x7f"), max_size=40)


@given(QUERY_TEXT)
def test_query_in_canonical_form_is_read_as_any_other(query: str) -> None:
    """The short way for what is canonical already gives what decoding and encoding gives."""
    pairs = [piece.partition("=") for piece in query.split("&") if piece]
    terms = [(quote_again(name), quote_again(value)) for name, _, value in pairs]
    assert encoding.canonical_query(query) == "&".join(f"{name}={value}" for name, value in sorted(terms))


def quote_again(term: str) -> str:
    return quote(encoding.decoded(term).encode("latin-1"), safe="~")


@given(st.text(st.sampled_from("abAZ09-_.~%2F2B/+ é%41"), min_size=1, max_size=30))
def test_path_is_decoded_once_and_encoded_once(path: str) -> None:
    canonical = encoding.canonical_path(path)
    assert encoding.canonical_path(canonical) == canonical
    assert quote(encoding.decoded(path.replace("+", "%2B")).encode("latin-1"), safe="/~") == canonical


def test_every_escape_is_canonical_or_made_so() -> None:
    """Unreserved characters lose their escapes, all others have them in capitals; a path keeps its slashes."""
    for code in range(256):
        for escape in (f"%{code:02X}", f"%{code:02x}"):
            assert encoding.canonical_path(f"/a{escape}b") == quote(b"/a%cb" % code, safe="/~")
            assert encoding.canonical_query(f"a{escape}=b{escape}") == f"a{encoded(code)}=b{encoded(code)}"


def encoded(code: int) -> str:
    return quote(bytes([code]), safe="~")


AUTHORIZATION = st.one_of(
    st.text(max_size=200),
    st.builds(
        "AWS4-HMAC-SHA256 Credential={}/{}/{}/{}/{}, SignedHeaders={}, Signature={}".format,
        *[st.one_of(st.text(max_size=10), st.sampled_from([ACCESS_KEY, "20130524", REGION, "s3", "aws4_request"]))] * 5,
        st.one_of(st.text(max_size=10), st.just("host;x-amz-date")),
        st.text(max_size=70),
    ),
    st.text(max_size=40).map("AWS {}".format),
)
LATIN = st.text(st.characters(max_codepoint=255), max_size=30)


@given(AUTHORIZATION, LATIN, LATIN, st.dictionaries(st.sampled_from(["host", "date", "x-amz-date", "range"]), LATIN))
def test_nothing_but_a_refusal_comes_of_garbage_in_headers(
    authorization: str, path: str, query: str, headers: dict[str, str]
) -> None:
    text = authorization.encode("latin-1", "replace").decode("latin-1")
    given = headers | {"authorization": text, "x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    refused_or_anonymous("GET", path, query, given)


PARAMETERS = ["X-Amz-Algorithm=AWS4-HMAC-SHA256", f"X-Amz-Credential={ACCESS_KEY}%2F20130524%2Fus-east-1%2Fs3%2F"
              "aws4_request", "X-Amz-Date=20130524T000000Z", "X-Amz-Expires=60", "X-Amz-SignedHeaders=host",
              "X-Amz-Signature=" + "0" * 64, "AWSAccessKeyId=" + ACCESS_KEY, "Expires=1", "Signature=%E9", "acl"]


@given(st.lists(st.one_of(st.sampled_from(PARAMETERS), LATIN), max_size=10), st.dictionaries(LATIN, LATIN, max_size=3))
def test_nothing_but_a_refusal_comes_of_garbage_in_the_query(terms: list[str], headers: dict[str, str]) -> None:
    refused_or_anonymous("GET", "/bucket/key", "&".join(terms), headers)


def refused_or_anonymous(method: str, path: str, query: str, headers: dict[str, str]) -> None:
    try:
        assert authenticator().authenticate(method, path, query, headers, now=1369353600) is None
    except S3Error:
        pass
