"""Listings of any prefix, delimiter, position and size, compared with what the documentation says they are."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.s3compat.conftest import MakeBucket
from tests.s3compat.raw import Raw

KEYS = sorted(
    {
        "a", "a/", "a//", "a//b", "a/b", "a/b/", "a/b/c", "a/b/c/d", "a/bb", "a0", "ab", "ab/", "ab/c", "b", "b/",
        "b/a", "ba", "/", "//", "/a", "é", "é/é", "éa", "a b", "a+b", "a%2Fb", "aa", "aaa", "aab", "aba", "~",
        "😀", "😀/a", "\U0010ffff",
    },
    key=str.encode,
)
PIECES = st.sampled_from(
    ["", "a", "b", "/", "a/", "a/b", "aa", "é", "ab", "//", "😀", " ", "~", "a/b/c/d", "\U0010ffff"]
)
TEXTS = st.one_of(PIECES, st.builds(str.__add__, PIECES, PIECES), st.sampled_from(KEYS))
FEW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def tricky(make_bucket: MakeBucket) -> str:
    return make_bucket(*KEYS)


def entries(prefix: str, delimiter: str) -> list[str]:
    """Keys and common prefixes, each once, by their bytes."""
    found = set()
    for key in KEYS:
        if key.startswith(prefix):
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            found.add(key if cut < 0 else key[: cut + len(delimiter)])
    return sorted(found, key=str.encode)


def pages(raw: Raw, bucket: str, version: int, size: int, **terms: str) -> list[list[str]]:
    """What each page holds, merged, followed by the continuation that it names."""
    found: list[list[str]] = []
    query: dict[str, Any] = {**terms, "max-keys": size, "encoding-type": "url"}
    if version == 2:
        query["list-type"] = 2
    while True:
        answer = raw("GET", f"/{bucket}?{urlencode(sorted(query.items()), quote_via=quote)}")
        names = answer.texts("Contents/Key") + answer.texts("CommonPrefixes/Prefix")
        found.append(sorted(map(decoded, names), key=str.encode))
        assert version == 1 or answer.text("KeyCount") == str(len(names))
        if answer.text("IsTruncated") == "false":
            return found
        if version == 2:
            query["continuation-token"] = answer.text("NextContinuationToken") or ""
        else:
            query["marker"] = decoded(answer.text("NextMarker") or "") or found[-1][-1]


def decoded(name: str) -> str:
    return unquote(name, errors="strict")


@FEW
@given(prefix=TEXTS, delimiter=PIECES, size=st.integers(1, 12), version=st.sampled_from([1, 2]))
def test_pages_are_the_listing(raw: Raw, tricky: str, prefix: str, delimiter: str, size: int, version: int) -> None:
    """Checklist 93-101: the pages together are all entries in order, every page but the last is full."""
    expected = entries(prefix, delimiter)
    told = pages(raw, tricky, version, size, prefix=prefix, delimiter=delimiter)
    assert told == ([expected[start : start + size] for start in range(0, len(expected), size)] or [[]])


@FEW
@given(prefix=TEXTS, after=TEXTS, size=st.integers(1, 40), version=st.sampled_from([1, 2]))
def test_listing_from_a_position(raw: Raw, tricky: str, prefix: str, after: str, size: int, version: int) -> None:
    """Checklist 97: strictly after any text, whether it is a key or not."""
    expected = [key for key in entries(prefix, "") if key.encode() > after.encode()]
    name = "marker" if version == 1 else "start-after"
    told = pages(raw, tricky, version, size, prefix=prefix, **{name: after})
    assert [key for page in told for key in page] == expected
