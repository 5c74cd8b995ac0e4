"""What is written by hand is what the model's writer writes."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3api.headers import describe
from s3api.model import OPERATIONS
from s3api.times import http_date, iso_date, parse_http_date, parse_iso_date
from s3api.writer import write_document, write_headers
from s3api.xml import escape
from storage.records import ObjectRecord
from tests.s3api.conftest import ALICE, REGION, Client, World

Tree = tuple[str, str, list[Any]]


def tree(element: ElementTree.Element) -> Tree:
    """Name, text and children; the order of elements of different names says nothing."""
    children = sorted((tree(child) for child in element), key=lambda child: child[0])
    return element.tag, element.text or "", children


def written_by_the_model(operation: str, members: dict[str, Any]) -> Tree:
    return tree(ElementTree.fromstring(write_document(OPERATIONS[operation], members)))


KEYS = ["a", "a b+c%", "dir/1", "dir/2", "<&>\"'", "é", "x\ry\nz"]


@pytest.fixture
def filled(alice: Client) -> Client:
    for number, key in enumerate(KEYS):
        headers = {"x-amz-storage-class": "REDUCED_REDUNDANCY"} if number == 0 else {}
        assert alice("PUT", f"/bucket/{quote(key)}", headers, b"x" * number).status == 200
    return alice


def contents(world: World, *, owner: bool) -> list[dict[str, Any]]:
    page = world.store.objects.list(world.store.buckets.get("bucket"), delimiter="/")
    return [
        {
            "Key": key,
            "LastModified": listed.modified,
            "ETag": f'"{listed.etag}"',
            "ChecksumAlgorithm": [name.upper() for name in listed.checksums],
            "ChecksumType": listed.checksum_type,
            "Size": listed.size,
            "StorageClass": listed.storage_class,
            "Owner": {"ID": ALICE.id, "DisplayName": ALICE.name} if owner else None,
        }
        for key, listed in page.entries
    ]


def test_list_objects_v2_is_what_the_model_writes(world: World, filled: Client) -> None:
    by_hand = filled("GET", "/bucket?list-type=2&delimiter=%2F&max-keys=100&start-after=0&fetch-owner=true").body

    assert tree(ElementTree.fromstring(by_hand)) == written_by_the_model(
        "ListObjectsV2",
        {
            "Name": "bucket", "Prefix": "", "StartAfter": "0", "KeyCount": len(KEYS) - 1, "MaxKeys": 100,
            "Delimiter": "/", "IsTruncated": False, "Contents": contents(world, owner=True),
            "CommonPrefixes": [{"Prefix": "dir/"}],
        },
    )


def test_list_objects_is_what_the_model_writes(world: World, filled: Client) -> None:
    by_hand = filled("GET", "/bucket?delimiter=%2F").body

    assert tree(ElementTree.fromstring(by_hand)) == written_by_the_model(
        "ListObjects",
        {
            "Name": "bucket", "Prefix": "", "Marker": "", "MaxKeys": 1000, "Delimiter": "/", "IsTruncated": False,
            "Contents": contents(world, owner=True), "CommonPrefixes": [{"Prefix": "dir/"}],
        },
    )


def test_delete_objects_is_what_the_model_writes(filled: Client) -> None:
    body = "<Delete><Object><Key>a</Key></Object><Object><Key>é</Key><Size>999</Size></Object></Delete>".encode()

    by_hand = filled("POST", "/bucket?delete", body=body).body

    assert tree(ElementTree.fromstring(by_hand)) == written_by_the_model(
        "DeleteObjects",
        {
            "Deleted": [{"Key": "a"}],
            "Errors": [
                {
                    "Key": "é", "Code": "PreconditionFailed",
                    "Message": "At least one of the pre-conditions you specified did not hold",
                }
            ],
        },
    )


def test_headers_of_an_object_are_what_the_model_writes() -> None:
    record = ObjectRecord(
        5, 1_640_995_200_000_000_000, "e" * 32, "me", "STANDARD_IA",
        content={"content-type": "text/plain", "cache-control": "no-store", "expires": "never",
                 "x-amz-website-redirect-location": "/there"},
        metadata={"color": "blue"}, tags=(("k", "v"),),
    )

    by_model = write_headers(
        OPERATIONS["GetObject"],
        {
            "AcceptRanges": "bytes", "LastModified": record.modified, "ETag": f'"{record.etag}"',
            "ContentType": "text/plain", "CacheControl": "no-store", "Expires": "never",
            "WebsiteRedirectLocation": "/there", "Metadata": {"color": "blue"}, "StorageClass": "STANDARD_IA",
            "TagCount": 1,
        },
    )
    assert sorted((name.lower(), value) for name, value in describe(record)) == sorted(by_model)


def test_plain_get_answers_as_a_selecting_one(alice: Client) -> None:
    alice("PUT", "/bucket/key", {"x-amz-meta-a": "b", "Content-Type": "text/plain"}, b"data")

    plain = alice("GET", "/bucket/key")
    selecting = alice("GET", "/bucket/key", {"If-Match": "*"})

    assert (plain.status, plain.body) == (selecting.status, selecting.body)
    apart = {"x-amz-request-id"}
    assert {n: v for n, v in plain.headers.items() if n not in apart} == {
        n: v for n, v in selecting.headers.items() if n not in apart
    }


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_escaped_text_is_read_back_where_xml_can_say_it(text: str) -> None:
    element = f"<a>{escape(text)}</a>"
    unsayable = {chr(number) for number in range(32)} - set("\t\r\n") | {"\ufffe", "\uffff"}
    if not set(text) & unsayable:
        assert (ElementTree.fromstring(element.encode()).text or "") == text
    assert "\r" not in element and "\n" not in element


@given(st.integers(0, 253402300799))
def test_dates_are_read_back(seconds: int) -> None:
    assert parse_http_date(http_date(seconds)) == parse_iso_date(iso_date(seconds)) == seconds * 1_000_000_000


@given(st.text(max_size=40))
def test_any_text_is_a_date_or_none(text: str) -> None:
    parse_http_date(text)
    parse_iso_date(text)


def test_location_is_text_in_its_own_element(alice: Client) -> None:
    root = ElementTree.fromstring(alice("GET", "/bucket?location").body)

    assert (root.tag, root.text) == ("{http://s3.amazonaws.com/doc/2006-03-01/}LocationConstraint", REGION)
