"""ListObjects and ListObjectsV2."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3api.errors import S3Error
from s3api.listing_terms import read_token, write_token
from tests.s3api.conftest import Client

NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"
KEYS = ["0/1", "1999", "1999#", "1999+", "2000", "a/b/1", "a/b/2", "a/c", "a/", "b%c+d", "e f", "é/1", "z"]
SORTED = sorted(KEYS, key=str.encode)


@pytest.fixture
def filled(s3: Any) -> Any:
    for key in KEYS:
        s3.put_object(Bucket="bucket", Key=key, Body=key.encode())
    return s3


def keys_of(page: Any) -> list[str]:
    return [found["Key"] for found in page.get("Contents", [])]


def prefixes_of(page: Any) -> list[str]:
    return [found["Prefix"] for found in page.get("CommonPrefixes", [])]


def both(pages: Iterable[Any]) -> list[str]:
    return sorted((name for page in pages for name in keys_of(page) + prefixes_of(page)), key=str.encode)


def test_keys_come_in_the_order_of_their_bytes(filled: Any) -> None:
    assert keys_of(filled.list_objects(Bucket="bucket")) == SORTED
    page = filled.list_objects_v2(Bucket="bucket")
    assert (keys_of(page), page["KeyCount"], page["MaxKeys"], page["IsTruncated"]) == (SORTED, len(KEYS), 1000, False)
    assert not {"NextContinuationToken", "StartAfter", "Delimiter"} & set(page)


@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2"])
@pytest.mark.parametrize("delimiter", ["", "/", "9", "/b/", "%"])
@pytest.mark.parametrize("prefix", ["", "a/", "19", "none"])
def test_pages_of_any_size_add_up(filled: Any, operation: str, delimiter: str, prefix: str) -> None:
    expected: set[str] = set()
    for key in KEYS:
        if key.startswith(prefix):
            before, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
            expected.add(prefix + before + found if found else key)

    for size in (1, 2, 3, 1000):
        pages = filled.get_paginator(operation).paginate(
            Bucket="bucket", Delimiter=delimiter, Prefix=prefix, PaginationConfig={"PageSize": size}
        )
        assert both(pages) == sorted(expected, key=str.encode)


def test_marker_equal_to_a_common_prefix_skips_all_under_it(filled: Any) -> None:
    page = filled.list_objects(Bucket="bucket", Delimiter="/", Marker="a/", MaxKeys=1)

    assert (keys_of(page), page["Marker"], page["NextMarker"]) == (["b%c+d"], "a/", "b%c+d")


def test_markers_need_not_exist(filled: Any) -> None:
    assert keys_of(filled.list_objects(Bucket="bucket", Marker="1999$")) == SORTED[3:]
    page = filled.list_objects_v2(Bucket="bucket", StartAfter="1999$")
    assert (keys_of(page), page["StartAfter"]) == (SORTED[3:], "1999$")
    assert keys_of(filled.list_objects_v2(Bucket="bucket", StartAfter="\U0010ffff")) == []


def test_token_wins_over_start_after(filled: Any) -> None:
    first = filled.list_objects_v2(Bucket="bucket", MaxKeys=2)
    second = filled.list_objects_v2(Bucket="bucket", ContinuationToken=first["NextContinuationToken"], StartAfter="z")

    assert keys_of(second) == SORTED[2:]
    assert second["ContinuationToken"] == first["NextContinuationToken"]


def test_first_version_names_the_next_marker_only_with_a_delimiter(filled: Any) -> None:
    assert "NextMarker" not in filled.list_objects(Bucket="bucket", MaxKeys=2)
    assert filled.list_objects(Bucket="bucket", MaxKeys=1, Delimiter="/")["NextMarker"] == "0/"


def test_page_that_ends_at_the_last_entry_is_not_truncated(filled: Any) -> None:
    assert filled.list_objects_v2(Bucket="bucket", MaxKeys=len(KEYS))["IsTruncated"] is False
    assert filled.list_objects_v2(Bucket="bucket", MaxKeys=len(KEYS) - 1)["IsTruncated"] is True


def test_limit_is_cut_to_a_thousand_and_zero_gives_nothing(filled: Any, alice: Client) -> None:
    assert filled.list_objects_v2(Bucket="bucket", MaxKeys=5000)["MaxKeys"] == 1000
    none = filled.list_objects_v2(Bucket="bucket", MaxKeys=0)
    assert (none["KeyCount"], none["IsTruncated"], none["MaxKeys"]) == (0, False, 0)


@pytest.mark.parametrize(
    "query",
    ["max-keys=x", "max-keys=-1", "max-keys=99999999999", "encoding-type=x", "list-type=2&continuation-token=x"],
)
def test_parameter_that_is_none_is_an_invalid_argument(alice: Client, query: str) -> None:
    assert alice("GET", f"/bucket?{query}").code == "InvalidArgument"


def elements(body: bytes) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for element in ElementTree.fromstring(body).iter():
        found.setdefault(element.tag.removeprefix(NAMESPACE), []).append(element.text or "")
    return found


def test_prefix_and_marker_are_always_echoed_and_the_rest_when_sent(filled: Any, alice: Client) -> None:
    first = elements(alice("GET", "/bucket?delimiter=").body)
    second = elements(alice("GET", "/bucket?list-type=2&continuation-token=").body)

    assert (first["Prefix"], first["Marker"], "Delimiter" in first) == ([""], [""], False)
    assert (second["Prefix"], second["ContinuationToken"]) == ([""], [""])
    assert second["Key"] == SORTED
    assert elements(alice("GET", "/bucket?delimiter=%0A").body)["Delimiter"] == ["\n"]


def test_owner_is_shown_by_the_first_version_and_on_request(filled: Any, alice: Client) -> None:
    assert elements(alice("GET", "/bucket").body)["DisplayName"] == ["Alice"] * len(KEYS)
    assert "Owner" not in elements(alice("GET", "/bucket?list-type=2").body)
    assert elements(alice("GET", "/bucket?list-type=2&fetch-owner=true").body)["ID"] == ["alice-id"] * len(KEYS)


def test_url_encoding_covers_every_name(filled: Any, alice: Client) -> None:
    found = elements(alice("GET", "/bucket?encoding-type=url&delimiter=%2F&prefix=&marker=2000%2B&max-keys=4").body)

    assert found["Key"] == ["b%25c%2Bd", "e%20f", "z"]
    assert found["Prefix"] == ["", "a/"]
    assert (found["Marker"], found["Delimiter"], found["EncodingType"]) == (["2000%2B"], ["/"], ["url"])


def test_order_of_elements_is_amazons(alice: Client) -> None:
    alice("PUT", "/bucket/key", body=b"data")
    root = ElementTree.fromstring(alice("GET", "/bucket").body)
    names = [child.tag.removeprefix(NAMESPACE) for child in root.find(f"{NAMESPACE}Contents") or ()]

    assert names == [
        "Key", "LastModified", "ETag", "ChecksumAlgorithm", "ChecksumType", "Size", "Owner", "StorageClass",
    ]


def test_listing_and_head_show_the_same_second(filled: Any) -> None:
    listed = filled.list_objects_v2(Bucket="bucket", MaxKeys=1)["Contents"][0]

    assert listed["LastModified"] == filled.head_object(Bucket="bucket", Key=listed["Key"])["LastModified"]


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_token_is_read_back(position: str) -> None:
    assert read_token(write_token(position)) == position


@given(st.text(min_size=1))
def test_junk_is_no_token(text: str) -> None:
    with pytest.raises(S3Error):
        read_token(text)
