"""ListObjects and ListObjectsV2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.s3compat.conftest import MakeBucket
from tests.s3compat.outcomes import outcome
from tests.s3compat.raw import Raw
from tests.s3compat.wire import Answer

NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"
BY_BYTES = [
    "!", "0/", "0/1", "1999", "1999#", "1999+", "2000", "A", "Z", "_", "a", "a b", "a!", "a/", "a0", "z", "é", "日", "😀",
]
TREE = ["asdf", "boo/bar", "boo/baz/xyzzy", "cquux/bla", "cquux/thud", "quux"]


@pytest.fixture(scope="module")
def ordered(make_bucket: MakeBucket) -> str:
    return make_bucket(*reversed(BY_BYTES))


@pytest.fixture(scope="module")
def tree(make_bucket: MakeBucket) -> str:
    return make_bucket(*TREE)


List = Callable[..., dict[str, Any]]


@pytest.fixture(params=["list_objects", "list_objects_v2"])
def listing(request: pytest.FixtureRequest, s3: Any) -> List:
    """Either version."""
    call: List = getattr(s3, request.param)
    return call


def keys(page: dict[str, Any]) -> list[str]:
    return [entry["Key"] for entry in page.get("Contents", [])]


def prefixes(page: dict[str, Any]) -> list[str]:
    return [entry["Prefix"] for entry in page.get("CommonPrefixes", [])]


def walk(s3: Any, bucket: str, version: int, **arguments: Any) -> list[tuple[list[str], list[str]]]:
    """Keys and prefixes of every page, the continuation taken from the answer as SDKs do."""
    pages: list[tuple[list[str], list[str]]] = []
    while True:
        page = (s3.list_objects if version == 1 else s3.list_objects_v2)(Bucket=bucket, **arguments)
        pages.append((keys(page), prefixes(page)))
        if not page["IsTruncated"]:
            return pages
        if version == 1:
            arguments["Marker"] = page.get("NextMarker") or page["Contents"][-1]["Key"]
        else:
            arguments["ContinuationToken"] = page["NextContinuationToken"]


def test_order_is_by_bytes(listing: List, ordered: str) -> None:
    """Checklist 93: of the keys' UTF-8."""
    assert BY_BYTES == sorted(BY_BYTES, key=str.encode)
    assert keys(listing(Bucket=ordered)) == BY_BYTES


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 19, 20])
def test_pages_of_any_size(s3: Any, ordered: str, version: int, size: int) -> None:
    """Checklist 95, 97, 106: all of it, once, in order; the last page is not truncated even when it is full."""
    pages = walk(s3, ordered, version, MaxKeys=size)
    assert [key for page, _ in pages for key in page] == BY_BYTES
    assert len(pages) == -(-len(BY_BYTES) // size)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 1000])
def test_pages_with_prefixes(s3: Any, tree: str, version: int, size: int) -> None:
    """Checklist 93-96: prefixes count once and like keys, in one order with them, whatever the page's size."""
    merged = ["asdf", "boo/", "cquux/", "quux"]
    pages = walk(s3, tree, version, MaxKeys=size, Delimiter="/")
    assert [sorted(page + found) for page, found in pages] == [
        merged[start : start + size] for start in range(0, 4, size)
    ]


def test_limits(listing: List, tree: str) -> None:
    """Checklist 94: 1000 by default and at most; 0 is an empty page that is not truncated."""
    assert listing(Bucket=tree)["MaxKeys"] == 1000
    assert listing(Bucket=tree, MaxKeys=5000)["MaxKeys"] == 1000
    none = listing(Bucket=tree, MaxKeys=0)
    assert (keys(none), none["IsTruncated"], none["MaxKeys"]) == ([], False, 0)


@pytest.mark.parametrize("version", ["", "list-type=2&"])
@pytest.mark.parametrize("limit", ["-1", "x", "1.5", "1e3", "99999999999999999999", "%20"])
def test_limit_that_is_none(raw: Raw, tree: str, version: str, limit: str) -> None:
    """Checklist 94: 400 InvalidArgument."""
    answer = raw("GET", f"/{tree}?{version}max-keys={limit}")
    assert answer.refusal == (400, "InvalidArgument")
    assert answer.text("ArgumentName") in ("max-keys", "maxKeys")


def test_large_prefix_is_passed_over(s3: Any, raw: Raw, make_bucket: MakeBucket) -> None:
    """Checklist 95: one entry, however many keys lie under it; 1,100 of them are two pages."""
    made = make_bucket("a", "z")
    for number in range(1100):
        raw("PUT", f"/{made}/many/{number:04}")
    page = s3.list_objects_v2(Bucket=made, Delimiter="/", MaxKeys=3)
    assert (keys(page), prefixes(page), page["IsTruncated"]) == (["a", "z"], ["many/"], False)
    assert page["KeyCount"] == 3
    pages = walk(s3, made, 2, Prefix="many/")
    assert [len(page) for page, _ in pages] == [1000, 100]
    assert [key for page, _ in walk(s3, made, 1, Prefix="many/") for key in page] == [
        f"many/{number:04}" for number in range(1100)
    ]


def test_markers(s3: Any, raw: Raw, tree: str) -> None:
    """Checklist 96: Marker is always there; NextMarker only with a delimiter, when truncated."""
    plain = raw("GET", f"/{tree}?max-keys=2")
    assert (plain.text("Marker"), plain.text("NextMarker"), plain.text("IsTruncated")) == ("", None, "true")
    cut = raw("GET", f"/{tree}?max-keys=2&delimiter=%2F")
    assert (cut.text("NextMarker"), cut.texts("CommonPrefixes/Prefix")) == ("boo/", ["boo/"])
    assert raw("GET", f"/{tree}?delimiter=%2F").text("NextMarker") is None
    page = s3.list_objects(Bucket=tree, Delimiter="/", Marker="boo/")
    assert (keys(page), prefixes(page), page["Marker"]) == (["quux"], ["cquux/"], "boo/")
    inside = s3.list_objects(Bucket=tree, Delimiter="/", Marker="boo/bar")
    assert prefixes(inside) in (["boo/", "cquux/"], ["cquux/"])


@pytest.mark.parametrize(
    ("after", "expected"),
    [("", TREE), ("asdf", TREE[1:]), ("b", TREE[1:]), ("boo/barz", TREE[2:]), ("quux", []), ("zzz", []), (" ", TREE)],
)
def test_listing_begins_strictly_after(s3: Any, tree: str, after: str, expected: list[str]) -> None:
    """Checklist 97: what is named need not exist."""
    assert keys(s3.list_objects(Bucket=tree, Marker=after)) == expected
    page = s3.list_objects_v2(Bucket=tree, StartAfter=after)
    assert (keys(page), page["IsTruncated"]) == (expected, False)


def test_answer_of_version_2(s3: Any, raw: Raw, tree: str) -> None:
    """Checklist 98: KeyCount, the token echoed, StartAfter echoed, the token before StartAfter."""
    first = s3.list_objects_v2(Bucket=tree, MaxKeys=2, StartAfter="asdf")
    assert (keys(first), first["KeyCount"], first["StartAfter"]) == (TREE[1:3], 2, "asdf")
    token = first["NextContinuationToken"]
    second = s3.list_objects_v2(Bucket=tree, MaxKeys=9, StartAfter="asdf", ContinuationToken=token)
    assert (keys(second), second["ContinuationToken"]) == (TREE[3:], token)
    assert "NextContinuationToken" not in second
    both = s3.list_objects_v2(Bucket=tree, StartAfter="zzz", ContinuationToken=token)
    assert keys(both) == TREE[3:]
    assert s3.list_objects_v2(Bucket=tree, Delimiter="/")["KeyCount"] == 4
    absent = raw("GET", f"/{tree}?list-type=2")
    assert (absent.text("ContinuationToken"), absent.text("StartAfter")) == (None, None)


def test_empty_token_is_the_start(raw: Raw, tree: str) -> None:
    """Checklist 98: accepted and echoed."""
    answer = raw("GET", f"/{tree}?list-type=2&continuation-token=")
    assert (answer.status, answer.text("ContinuationToken"), answer.texts("Contents/Key")) == (200, "", TREE)


@pytest.mark.parametrize("token", ["junk", "asdf", "AAAA", "%F0%9F%98%80", "a%20b", "%21%21%21%21"])
def test_token_that_is_none(raw: Raw, tree: str, token: str) -> None:
    """Checklist 98: 400 InvalidArgument."""
    assert raw("GET", f"/{tree}?list-type=2&continuation-token={token}").refusal == (400, "InvalidArgument")


def test_owner(s3: Any, tree: str, main_owner: Any) -> None:
    """Checklist 99: always in V1, in V2 with fetch-owner."""
    told = {"ID": main_owner.id, "DisplayName": main_owner.name}
    assert all(entry["Owner"] == told for entry in s3.list_objects(Bucket=tree)["Contents"])
    assert all("Owner" not in entry for entry in s3.list_objects_v2(Bucket=tree)["Contents"])
    assert all(entry["Owner"] == told for entry in s3.list_objects_v2(Bucket=tree, FetchOwner=True)["Contents"])


@pytest.mark.parametrize("delimiter", ["/", "a", "%", " ", ".", "\n", "ab", "//", "é", "&", "+"])
def test_any_delimiter(listing: List, make_bucket: MakeBucket, delimiter: str) -> None:
    """Checklist 100: of any characters and length."""
    made = make_bucket(f"x{delimiter}1", f"x{delimiter}2", f"x{delimiter}2{delimiter}3", "y", f"{delimiter}z")
    page = listing(Bucket=made, Delimiter=delimiter)
    assert (keys(page), sorted(prefixes(page))) == (["y"], sorted([delimiter, f"x{delimiter}"]))
    assert page["Delimiter"] == delimiter
    below = listing(Bucket=made, Delimiter=delimiter, Prefix=f"x{delimiter}")
    assert (keys(below), prefixes(below)) == ([f"x{delimiter}1", f"x{delimiter}2"], [f"x{delimiter}2{delimiter}"])


def test_no_delimiter(raw: Raw, tree: str) -> None:
    """Checklist 100: an empty one is none, with no element; one that never occurs is echoed."""
    for version in ("", "&list-type=2"):
        assert raw("GET", f"/{tree}?delimiter={version}").text("Delimiter") is None
        assert raw("GET", f"/{tree}?delimiter={version}").texts("Contents/Key") == TREE
        answer = raw("GET", f"/{tree}?delimiter=nowhere{version}")
        assert (answer.text("Delimiter"), answer.texts("Contents/Key")) == ("nowhere", TREE)


def test_prefix(raw: Raw, listing: List, make_bucket: MakeBucket, tree: str) -> None:
    """Checklist 101: always echoed; the key that equals the prefix is content."""
    assert raw("GET", f"/{tree}").text("Prefix") == ""
    assert raw("GET", f"/{tree}?list-type=2&prefix=").text("Prefix") == ""
    page = listing(Bucket=tree, Prefix="boo/")
    assert (keys(page), page["Prefix"]) == (["boo/bar", "boo/baz/xyzzy"], "boo/")
    assert keys(listing(Bucket=tree, Prefix="nothing")) == []
    assert keys(listing(Bucket=tree, Prefix="quuxx")) == []
    made = make_bucket("asdf/", "asdf/b", "asdf/c/d")
    below = listing(Bucket=made, Prefix="asdf/", Delimiter="/")
    assert (keys(below), prefixes(below)) == (["asdf/", "asdf/b"], ["asdf/c/"])
    assert prefixes(listing(Bucket=made, Prefix="asdf", Delimiter="/")) == ["asdf/"]
    assert prefixes(listing(Bucket=made, Prefix="as", Delimiter="d")) == ["asd"]


def test_names_in_url_encoding(raw: Raw, make_bucket: MakeBucket) -> None:
    """Checklist 102: every element that holds a key or a part of one; slashes stay."""
    made = make_bucket("asdf+b", "foo+1/bar", "foo/bar/xyzzy", "quux ab/thud", "quux ab/cd+ef", "a%b", "é", 'q"<&')
    page = raw("GET", f"/{made}?encoding-type=url&delimiter=%2F")
    assert page.texts("Contents/Key") == ["a%25b", "asdf%2Bb", "q%22%3C%26", "%C3%A9"]
    assert page.texts("CommonPrefixes/Prefix") == ["foo%2B1/", "foo/", "quux%20ab/"]
    assert (page.text("EncodingType"), page.text("Delimiter")) == ("url", "/")
    cut = raw("GET", f"/{made}?encoding-type=url&delimiter=%20&max-keys=1&prefix=quux%20ab%2F&marker=q%2B%20")
    assert cut.text("Prefix") == "quux%20ab/"
    assert (cut.text("Delimiter"), cut.text("Marker")) == ("%20", "q%2B%20")
    assert cut.text("NextMarker") == "quux%20ab/cd%2Bef"
    assert raw("GET", f"/{made}?encoding-type=url&list-type=2&start-after=a%20%2B").text("StartAfter") == "a%20%2B"
    plain = raw("GET", f"/{made}")
    assert plain.text("EncodingType") is None and "quux ab/thud" in plain.texts("Contents/Key")


@pytest.mark.parametrize("kind", ["other", "URI", ""])
def test_other_encodings(raw: Raw, tree: str, kind: str) -> None:
    """Checklist 102: 400 InvalidArgument."""
    for target in (f"/{tree}?encoding-type={kind}", f"/{tree}?list-type=2&encoding-type={kind}",
                   f"/{tree}?uploads&encoding-type={kind}"):
        assert raw("GET", target).refusal == (400, "InvalidArgument")


def names_of(answer: Answer, path: str) -> list[str]:
    element = answer.root.find("/".join(NAMESPACE + step for step in path.split("/")))
    assert element is not None
    return [child.tag.removeprefix(NAMESPACE) for child in element]


def test_order_of_elements(raw: Raw, tree: str) -> None:
    """Checklist 103: as clients that read strictly expect; one namespace."""
    order = ["Key", "LastModified", "ETag", "ChecksumAlgorithm", "ChecksumType", "Size", "Owner", "StorageClass"]
    for query in ("", "list-type=2", "list-type=2&fetch-owner=true"):
        answer = raw("GET", f"/{tree}?{query}")
        assert answer.root.tag == f"{NAMESPACE}ListBucketResult"
        names = names_of(answer, "Contents")
        assert names == [name for name in order if name in names]
        assert {"Key", "LastModified", "ETag", "Size", "StorageClass"} <= set(names)
        assert answer.texts("Contents/StorageClass") == ["STANDARD"] * len(TREE)
        assert answer.text("Name") == tree


def test_optional_attributes_are_accepted(s3: Any, tree: str) -> None:
    """Checklist 104: RestoreStatus."""
    assert keys(s3.list_objects_v2(Bucket=tree, OptionalObjectAttributes=["RestoreStatus"])) == TREE
    assert keys(s3.list_objects(Bucket=tree, OptionalObjectAttributes=["RestoreStatus"])) == TREE


def test_who_may_list(s3: Any, alt_s3: Any, anonymous_s3: Any, tree: str) -> None:
    """Checklist 105: a missing bucket is 404 for anyone; without the right 403."""
    for client in (s3, alt_s3, anonymous_s3):
        for call in (client.list_objects, client.list_objects_v2):
            assert outcome(call, Bucket="no-such-bucket-at-all") == (404, "NoSuchBucket")
            assert outcome(call, Bucket=tree) == ((200, "") if client is s3 else (403, "AccessDenied"))


def test_token_is_a_position(s3: Any, make_bucket: MakeBucket) -> None:
    """Checklist 106: keys that come and go between the pages neither hide nor repeat others."""
    made = make_bucket(*(f"key-{number:02}" for number in range(10)))
    page = s3.list_objects_v2(Bucket=made, MaxKeys=4)
    s3.delete_object(Bucket=made, Key="key-00")
    s3.delete_object(Bucket=made, Key="key-03")
    s3.put_object(Bucket=made, Key="key-01a", Body=b"")
    s3.put_object(Bucket=made, Key="key-05a", Body=b"")
    rest = s3.list_objects_v2(Bucket=made, ContinuationToken=page["NextContinuationToken"])
    assert keys(rest) == ["key-04", "key-05", "key-05a", "key-06", "key-07", "key-08", "key-09"]


@pytest.mark.parametrize("kind", ["1", "3", "x", "22"])
def test_other_list_types(raw: Raw, tree: str, kind: str) -> None:
    """Checklist 107: 400 InvalidArgument."""
    assert raw("GET", f"/{tree}?list-type={kind}").refusal == (400, "InvalidArgument")


def test_parameters_of_the_other_version(raw: Raw, tree: str) -> None:
    """Checklist 107: ignored."""
    first = raw("GET", f"/{tree}?start-after=quux&fetch-owner=false")
    assert first.texts("Contents/Key") == TREE and first.text("Owner") is not None
    assert raw("GET", f"/{tree}?list-type=2&marker=quux").texts("Contents/Key") == TREE


def test_empty_bucket(s3: Any, listing: List, bucket: str) -> None:
    """Checklist 94: no entries, not truncated."""
    page = listing(Bucket=bucket)
    assert (keys(page), prefixes(page), page["IsTruncated"]) == ([], [], False)
