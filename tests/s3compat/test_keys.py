"""Keys: any UTF-8 of up to 1,024 bytes, as they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from tests.s3compat.conftest import MakeBucket
from tests.s3compat.outcomes import outcome
from tests.s3compat.raw import Raw

ODD_KEYS = [
    " ", '"', "$", "%", "&", "'", "<", ">", "_", "_ ", "_ _", "__", "/", "//", "///", "/a", "//a", "a/", "a//b",
    "a/./b", "./a", "../a", "a/../b", ".", "..", "a/..", "a+b", "a b", "%41", "%2F", "%25", "a%", "a?b", "a#b", "a;b",
    "a=b&c=d", "a:b", "a@b", "a,b", "[a]", "{a}", "a|b", "a\\b", "a^b", "a`b", "~a", "a*b", "(a)", "é",
    "e\u0301", "日本語", "😀", "\u00ff", "\ufeff", "\t", "a\nb", "a\rb", "\u2028", "\u0080", "uploads", "acl", "s3", "v1",
    "soap",
]
CONTROLS = ["\x01", "a\x08b", "\x0b", "\x1f", "\x7f", "\ufffe"]


@pytest.mark.parametrize("name", ODD_KEYS, ids=ascii)
def test_odd_key(s3: Any, raw: Raw, make_bucket: MakeBucket, bucket: str, name: str) -> None:
    """Checklist 14, 16: PUT, GET, HEAD, both listings, copy, DeleteObjects, all with the key as it is."""
    body = name.encode()
    s3.put_object(Bucket=bucket, Key=name, Body=body)
    assert s3.get_object(Bucket=bucket, Key=name)["Body"].read() == body
    assert s3.head_object(Bucket=bucket, Key=name)["ContentLength"] == len(body)
    for listing in (s3.list_objects, s3.list_objects_v2):
        assert [entry["Key"] for entry in listing(Bucket=bucket)["Contents"]] == [name]
    plain = raw("GET", f"/{bucket}?list-type=2")
    assert plain.texts("Contents/Key") == [name]
    s3.copy_object(Bucket=bucket, Key="copied", CopySource={"Bucket": bucket, "Key": name})
    assert s3.get_object(Bucket=bucket, Key="copied")["Body"].read() == body
    told = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": name}, {"Key": "copied"}]})
    assert {entry["Key"] for entry in told["Deleted"]} == {name, "copied"}
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


@pytest.mark.parametrize("name", CONTROLS, ids=ascii)
def test_key_that_xml_cannot_say(s3: Any, raw: Raw, bucket: str, name: str) -> None:
    """Checklist 17: stored, and listed with encoding-type=url."""
    s3.put_object(Bucket=bucket, Key=name, Body=b"x")
    assert s3.get_object(Bucket=bucket, Key=name)["Body"].read() == b"x"
    listed = raw("GET", f"/{bucket}?encoding-type=url&list-type=2").texts("Contents/Key")
    assert listed == [quote(name)]
    assert raw("DELETE", f"/{bucket}/{quote(name)}").status == 204


def test_line_feeds_are_references(raw: Raw, bucket: str) -> None:
    """Checklist 17: `&#10;` and `&#13;`, for a parser turns a bare CR into an LF."""
    raw("PUT", f"/{bucket}/a%0Ab%0Dc", body=b"x")
    body = raw("GET", f"/{bucket}").body
    assert b"a&#10;b&#13;c" in body or b"a&#xA;b&#xD;c" in body
    raw("DELETE", f"/{bucket}/a%0Ab%0Dc")


def test_keys_that_others_would_take_for_one(s3: Any, bucket: str) -> None:
    """Checklist 14: slashes, dots, case, composition and encoding make different keys."""
    names = ["a/b", "a//b", "/a/b", "a/b/", "a/./b", "A/b", "é", "e\u0301", "%2F", "a%2Fb", "a+b", "a b"]
    for name in names:
        s3.put_object(Bucket=bucket, Key=name, Body=name.encode())
    assert {entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]} == set(names)
    for name in names:
        assert s3.get_object(Bucket=bucket, Key=name)["Body"].read() == name.encode()
        s3.delete_object(Bucket=bucket, Key=name)


@pytest.mark.parametrize("sent", ["a+b", "a%2Bb"])
def test_plus_in_a_path_is_a_plus(raw: Raw, bucket: str, sent: str) -> None:
    """Checklist 14: in a query it is a space."""
    request = raw.prepared("PUT", f"/{bucket}/a%2Bb", body=b"x")
    assert raw.send(replace(request, target=f"/{bucket}/{sent}")).status == 200
    listing = raw.prepared("GET", f"/{bucket}?prefix=a%20b")
    assert raw.send(replace(listing, target=f"/{bucket}?prefix=a+b")).texts("Contents/Key") == []
    assert raw("GET", f"/{bucket}?prefix=a%2Bb").texts("Contents/Key") == ["a+b"]
    assert raw("DELETE", f"/{bucket}/a%2Bb").status == 204


def test_escapes_are_decoded_once(raw: Raw, s3: Any, bucket: str) -> None:
    """Checklist 14: %2541 is the key %41."""
    raw("PUT", f"/{bucket}/%2541", body=b"x")
    assert s3.get_object(Bucket=bucket, Key="%41")["Body"].read() == b"x"
    assert outcome(s3.get_object, Bucket=bucket, Key="A") == (404, "NoSuchKey")
    s3.delete_object(Bucket=bucket, Key="%41")


@pytest.mark.parametrize("name", ["k" * 1024, "é" * 512, "日" * 341 + "a", "/" * 1024, "a/" * 512])
def test_longest_key(s3: Any, raw: Raw, bucket: str, name: str) -> None:
    """Checklist 14: 1,024 bytes of UTF-8."""
    assert len(name.encode()) == 1024
    s3.put_object(Bucket=bucket, Key=name, Body=b"x")
    assert s3.get_object(Bucket=bucket, Key=name)["Body"].read() == b"x"
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [name]
    assert s3.list_objects(Bucket=bucket, Prefix=name[:-1], Delimiter=name[-1])["CommonPrefixes"][0]["Prefix"]
    s3.delete_object(Bucket=bucket, Key=name)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


@pytest.mark.parametrize("name", ["k" * 1025, "é" * 512 + "k"])
def test_key_that_is_too_long(s3: Any, bucket: str, name: str) -> None:
    """Checklist 14: 400 KeyTooLongError, for every operation that names one."""
    too_long = (400, "KeyTooLongError")
    assert outcome(s3.put_object, Bucket=bucket, Key=name, Body=b"x") == too_long
    assert outcome(s3.get_object, Bucket=bucket, Key=name) == too_long
    assert outcome(s3.create_multipart_upload, Bucket=bucket, Key=name) == too_long
    told = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": name}, {"Key": "short"}]})
    assert [error["Code"] for error in told["Errors"]] == ["KeyTooLongError"]
    assert [entry["Key"] for entry in told["Deleted"]] == ["short"]


def test_long_keys_are_in_order(s3: Any, make_bucket: MakeBucket) -> None:
    """Checklist 93: beside short ones, and where they differ only at their end."""
    stem = "k" * 1022
    names = sorted([stem, stem + "a", stem + "ab", stem + "b", "k" * 511, "k" * 512, "k" * 510 + "l", "k", "l"])
    made = make_bucket(*reversed(names))
    for size in (1, 4, 1000):
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=made, PaginationConfig={"PageSize": size})
        assert [entry["Key"] for page in pages for entry in page["Contents"]] == names


@pytest.mark.parametrize("name", ["%FF", "a%C3", "%ED%A0%80", "%C0%AF"])
def test_key_that_is_no_utf8(raw: Raw, bucket: str, name: str) -> None:
    """Checklist 15: 400 "Couldn't parse the specified URI."."""
    for method in ("PUT", "GET", "DELETE"):
        answer = raw(method, f"/{bucket}/{name}")
        assert answer.status == 400
        assert answer.text("Message") == "Couldn't parse the specified URI."
    assert raw("HEAD", f"/{bucket}/{name}").status == 400
