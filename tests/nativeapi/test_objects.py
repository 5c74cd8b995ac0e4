"""Objects through the native API."""

from __future__ import annotations

import hashlib
import json

import xxhash
import pytest

from storage.store import Store
from tests.nativeapi.conftest import Answer, Api

LARGE = bytes(range(256)) * 4096  # 1 MiB: not kept inside a record
ODD_KEYS = ["a//b", "/leading", "50%", "a b", "é", "x?y#z", "a+b", "%41", "dir/ümläut/.hidden"]


def quoted(key: str) -> str:
    from urllib.parse import quote

    return quote(key)


@pytest.mark.parametrize("data", [b"", b"hello world", LARGE], ids=["empty", "inline", "file"])
def test_object_comes_back_as_it_was_put(api: Api, bucket: str, data: bytes) -> None:
    put = api("PUT", "/v1/objects/music/a/song?provider=ais", data)
    assert (put.status, put.body) == (200, b"")
    got = api("GET", "/v1/objects/music/a/song?provider=ais")
    assert (got.status, got.body) == (200, data)
    assert got.headers["Content-Length"] == str(len(data))
    assert got.headers["Content-Type"] == "application/octet-stream"


def test_body_of_unknown_length_is_stored_whole(api: Api, bucket: str) -> None:
    assert api("PUT", "/v1/objects/music/song", LARGE, announced=False).status == 200
    assert api("GET", "/v1/objects/music/song").body == LARGE


def test_checksum_is_the_hash_that_aistore_uses(api: Api, bucket: str) -> None:
    put = api("PUT", "/v1/objects/music/song", b"hello world")
    assert put.headers["Ais-Checksum-Type"] == "xxhash2"
    assert put.headers["Ais-Checksum-Value"] == "45ab6734b21e6968"
    large = api("PUT", "/v1/objects/music/large", LARGE)
    assert large.headers["Ais-Checksum-Value"] == xxhash.xxh64_hexdigest(LARGE)


@pytest.mark.parametrize("key", ODD_KEYS)
def test_any_key_is_reachable_as_it_was_sent(api: Api, bucket: str, store: Store, key: str) -> None:
    target = f"/v1/objects/music/{quoted(key)}"
    assert api("PUT", target, b"x").status == 200
    assert store.objects.head(store.buckets.get("music"), key).size == 1
    assert api("GET", target).body == b"x"
    assert api("DELETE", target).status == 200
    assert api("HEAD", target).status == 404


@pytest.mark.parametrize("name", ["../x", "a/./b", "~/x", "a%00b", "ends/", "x" * 1025, "%ff"])
def test_names_that_aistore_refuses_are_refused(api: Api, bucket: str, name: str) -> None:
    assert api("PUT", f"/v1/objects/music/{name}", b"x").status == 400


@pytest.mark.parametrize(
    ("text", "span"), [("bytes=2-4", (2, 5)), ("bytes=5-200", (5, 11)), ("bytes=-3", (8, 11)), ("bytes=6-", (6, 11))]
)
def test_range_gives_its_bytes_and_the_checksum_of_all(
    api: Api, bucket: str, text: str, span: tuple[int, int]
) -> None:
    api("PUT", "/v1/objects/music/song", b"hello world")
    got = api("GET", "/v1/objects/music/song", range=text)
    assert (got.status, got.body) == (206, b"hello world"[slice(*span)])
    assert got.headers["Content-Range"] == f"bytes {span[0]}-{span[1] - 1}/11"
    assert got.headers["Ais-Checksum-Value"] == "45ab6734b21e6968"


def test_range_of_a_file_is_sent_from_there(api: Api, bucket: str) -> None:
    api("PUT", "/v1/objects/music/large", LARGE)
    assert api("GET", "/v1/objects/music/large", range="bytes=1000-500000").body == LARGE[1000:500001]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bytes=100-200", "size=11: not satisfiable range [100-200]"),
        ("bytes=0-1,3-4", "cannot multi-range read ais://music/song - operation not supported"),
        ("foo", 'read range "foo" is invalid (prefix)'),
        ("bytes=x-y", 'read range "bytes=x-y" is invalid'),
    ],
)
def test_range_that_cannot_be_is_416(api: Api, bucket: str, text: str, message: str) -> None:
    api("PUT", "/v1/objects/music/song", b"hello world")
    got = api("GET", "/v1/objects/music/song", range=text)
    assert (got.status, got.message) == (416, message)


def test_unsatisfiable_range_tells_the_size(api: Api, bucket: str) -> None:
    api("PUT", "/v1/objects/music/song", b"hello world")
    assert api("GET", "/v1/objects/music/song", range="bytes=11-").headers["Content-Range"] == "bytes */11"


@pytest.mark.parametrize(
    ("kind", "value"),
    [("md5", "5eb63bbbe01eeed093cb22bb8f5acdc3"), ("xxhash2", "45ab6734b21e6968"), ("crc32c", "C99465AA")],
)
def test_announced_checksum_is_verified(api: Api, bucket: str, kind: str, value: str) -> None:
    target = "/v1/objects/music/song"
    wrong = "0" * len(value)
    refused = api("PUT", target, b"hello world", ais_checksum_type=kind, ais_checksum_value=wrong)
    assert refused.status == 400
    assert refused.message.startswith("BAD DATA CHECKSUM")
    assert api("HEAD", target).status == 404
    assert api("PUT", target, b"hello world", ais_checksum_type=kind, ais_checksum_value=value).status == 200


def test_custom_metadata_is_shown_as_it_was_given(api: Api, bucket: str) -> None:
    api("PUT", "/v1/objects/music/song", b"x", ais_custom_md="artist=Bach")
    assert api("GET", "/v1/objects/music/song").headers["Ais-Custom-Md"] == "artist=Bach"
    api.action("PATCH", "/v1/objects/music/song", "", {"year": "1721"})
    assert api("HEAD", "/v1/objects/music/song?props=custom").headers["Ais-Custom-Md"] == "artist=Bach, year=1721"
    api.action("PATCH", "/v1/objects/music/song?set-new-custom=true", "", {"key": "G"})
    assert api("HEAD", "/v1/objects/music/song?props=custom").headers["Ais-Custom-Md"] == "key=G"
    assert api("GET", "/v1/objects/music/song").body == b"x"


@pytest.mark.parametrize("value", [{"a": "x" * 3000}, {"a": "line\nbreak"}, {"a": 1}, ["a"], None])
def test_custom_metadata_that_cannot_be_sent_is_refused(api: Api, bucket: str, value: object) -> None:
    api("PUT", "/v1/objects/music/song", b"x")
    assert api.action("PATCH", "/v1/objects/music/song", "", value).status == 400


def test_head_tells_what_is_asked_for(api: Api, bucket: str) -> None:
    api("PUT", "/v1/objects/music/song", b"hello world")
    head = api("HEAD", "/v1/objects/music/song?props=name,size")
    assert head.body == b""
    assert head.headers == {"Content-Length": "11", "Ais-Present": "true"}
    full = api("HEAD", "/v1/objects/music/song?props=checksum,atime,version,copies,custom,location,last-modified,etag")
    assert {"Ais-Checksum-Value", "Ais-Atime", "Ais-Location", "Ais-Mirror-Copies", "Last-Modified", "Etag"} <= {
        *full.headers
    }
    unknown = api("HEAD", "/v1/objects/music/song?props=foo")
    assert (unknown.status, unknown.message) == (400, 'invalid property "foo" in props list')


def test_head_without_props_speaks_the_older_dialect(api: Api, bucket: str) -> None:
    api("PUT", "/v1/objects/music/song", b"hello world")
    headers = api("HEAD", "/v1/objects/music/song").headers
    assert headers["Ais-Name"] == "song"
    assert headers["Ais-Bucket-Name"] == "music"
    assert headers["Ais-Bucket-Provider"] == "ais"


def test_object_in_a_namespace_is_told_as_such(api: Api) -> None:
    space = "namespace=%40%23ns"
    assert api.action("POST", f"/v1/buckets/music?{space}", "create-bck").status == 200
    assert api("PUT", f"/v1/objects/music/song?{space}", b"x").status == 200
    head = api("HEAD", f"/v1/objects/music/song?{space}").headers
    assert (head["Ais-Bucket-Name"], head["Ais-Bucket-Namespace-Name"]) == ("music", "ns")
    assert api("GET", f"/v1/objects/music/nope?{space}").message.endswith("ais://#ns/music/nope does not exist")
    assert api("HEAD", "/v1/objects/music/song").status == 404


def test_missing_object_is_told_in_words_that_the_sdk_knows(api: Api, bucket: str) -> None:
    got = api("GET", "/v1/objects/music/song")
    assert got.status == 404
    assert "ais://music/song does not exist" in got.message
    assert got.json["tcode"] == "ErrNotFound"
    assert got.json["url_path"] == "/v1/objects/music/song"
    assert "ais://music/song does not exist" in api("HEAD", "/v1/objects/music/song").message
    gone = api("DELETE", "/v1/objects/music/song")
    assert (gone.status, gone.message) == (404, "ais://music/song doesn't exist")


def test_missing_bucket_is_told_in_words_that_the_sdk_knows(api: Api) -> None:
    got = api("PUT", "/v1/objects/nope/song", b"x")
    assert (got.status, got.message) == (404, 'bucket "ais://nope" does not exist')


def test_copy_has_bytes_checksum_and_metadata_of_its_source(api: Api, bucket: str) -> None:
    api("PUT", "/v1/objects/music/song", LARGE, ais_custom_md="artist=Bach")
    api.action("POST", "/v1/buckets/other", "create-bck")
    copied = api("PUT", "/v1/objects/music/song?object_to=ais%2F%40%23%2Fother%2Fthe%20copy&latest-ver=false")
    assert copied.status == 200
    got = api("GET", "/v1/objects/other/the%20copy")
    assert got.body == LARGE
    assert got.headers["Ais-Custom-Md"] == "artist=Bach"
    assert got.headers["Ais-Checksum-Type"] == "xxhash2"


def test_copy_needs_source_and_destination(api: Api, bucket: str) -> None:
    missing = api("PUT", "/v1/objects/music/song?object_to=ais/@%23/music/copy")
    assert (missing.status, "ais://music/song does not exist" in missing.message) == (404, True)
    api("PUT", "/v1/objects/music/song", b"x")
    nowhere = api("PUT", "/v1/objects/music/song?object_to=ais/@%23/nope/copy")
    assert (nowhere.status, nowhere.message) == (404, 'bucket "ais://nope" does not exist')
    for malformed, words in (
        ("ais/@%23/music", "object name is missing"),
        ("x", "bucket name is missing"),
        ("ais/@%23", "bucket name is missing"),
        ("foo/@%23/music/copy", "invalid backend provider"),
        ("ais/@%23/music/../x", "invalid object name"),
    ):
        refused = api("PUT", f"/v1/objects/music/song?object_to={malformed}")
        assert (refused.status, words in refused.message) == (400, True), refused.message


def test_plain_copy_onto_itself_changes_nothing(api: Api, bucket: str) -> None:
    itself = "/v1/objects/music/song?object_to=ais/@%23/music/song"
    assert api("PUT", itself).status == 404
    api("PUT", "/v1/objects/music/song", b"x")
    before = api("HEAD", "/v1/objects/music/song").headers
    assert api("PUT", itself).status == 200
    assert api("HEAD", "/v1/objects/music/song").headers == before


@pytest.mark.parametrize("data", [b"la la", LARGE])
@pytest.mark.parametrize("kind", ["md5", "sha256", "none"])
def test_copy_has_a_checksum_of_the_type_that_its_bucket_wants(api: Api, bucket: str, kind: str, data: bytes) -> None:
    api("PUT", "/v1/objects/music/song", data)
    api.action("POST", "/v1/buckets/other", "create-bck", {"checksum": {"type": kind}})
    assert api("PUT", "/v1/objects/music/song?object_to=ais/@%23/other/copy").status == 200
    got = api("GET", "/v1/objects/other/copy")
    assert got.body == data
    expected = None if kind == "none" else hashlib.new(kind, data).hexdigest()
    assert got.headers.get("Ais-Checksum-Value") == expected


def test_empty_selectors_select_nothing(api: Api, bucket: str) -> None:
    api("PUT", "/v1/objects/music/song", b"before")
    assert api("GET", "/v1/objects/music/song?archpath=&archregx=&etl_name=").body == b"before"


def test_actions_that_do_not_exist_are_refused(api: Api, bucket: str) -> None:
    nonsense = api.action("POST", "/v1/objects/music/song", "dance")
    assert (nonsense.status, nonsense.message) == (400, 'invalid action "dance"')
    assert api("POST", "/v1/objects/music/song", b"{").status == 400


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ("provider=foo", 400, 'invalid backend provider "foo": must be one of [ais aws azure gcp oci]'),
        ("provider=aws", 404, "failed to lookup bucket s3://music, err: AWS backend is missing"),
        ("provider=ais&namespace=%40uuid%23ns", 400, "no remote ais clusters attached"),
        ("provider=ais&namespace=%40%23ns", 404, "does not exist"),
    ],
)
def test_buckets_elsewhere_are_refused(api: Api, bucket: str, query: str, status: int, message: str) -> None:
    got = api("GET", f"/v1/objects/music/song?{query}")
    assert (got.status, message in got.message) == (status, True)


def test_too_short_paths_and_strange_methods_are_refused(api: Api, bucket: str) -> None:
    assert api("GET", "/v1/objects/music").message == (
        "URL 'v1/objects/music' is too short: expected 4 items, got 3"
    )
    refused = api("OPTIONS", "/v1/objects/music/song")
    assert (refused.status, refused.body) == (405, b"Method Not Allowed\n")
    assert "PATCH" in refused.headers["Allow"]


def test_nobody_gets_in_without_a_token(api: Api, bucket: str) -> None:
    assert api("GET", "/v1/objects/music/song", token="").message == "token required"
    for wrong in ("nonsense", "root-token2"):
        refused = api("GET", "/v1/objects/music/song", token=wrong)
        assert (refused.status, refused.message) == (401, "invalid token")


def test_other_accounts_stay_out(api: Api, bucket: str) -> None:
    api("PUT", "/v1/objects/music/song", b"x")
    assert api("GET", "/v1/objects/music/song", token="alice-token").status == 403
    api.action("POST", "/v1/buckets/alices", "create-bck", token="alice-token")
    assert api("PUT", "/v1/objects/alices/song", b"x", token="alice-token").status == 200
    assert api("GET", "/v1/objects/alices/song").body == b"x"


def test_copy_out_of_or_into_anothers_bucket_is_refused(api: Api, bucket: str) -> None:
    api.action("POST", "/v1/buckets/alices", "create-bck", token="alice-token")
    api("PUT", "/v1/objects/alices/song", b"x", token="alice-token")
    api("PUT", "/v1/objects/music/song", b"x")
    for source, destination in (("music", "alices"), ("alices", "music")):
        target = f"/v1/objects/{source}/song?object_to=ais/@%23/{destination}/copy"
        assert api("PUT", target, token="alice-token").status == 403
        assert api("HEAD", f"/v1/objects/{destination}/copy").status == 404


def test_access_log_is_told_what_happened(api: Api, bucket: str) -> None:
    api("PUT", "/v1/objects/music/a%20song", b"x")
    names = ("sluice.account", "sluice.operation", "sluice.bucket", "sluice.key")
    assert [api.environ[name] for name in names] == ["root", "native.PutObject", "music", "a song"]


def test_sdk_upload_over_tls_is_sent_on_before_its_body_comes(api: Api, bucket: str) -> None:
    sdk = {"user_agent": "ais/python/2.0.0", "x_forwarded_proto": "https"}
    first = api("PUT", "/v1/objects/music/song?provider=ais", b"", **sdk)
    assert first.status == 307
    location = first.headers["Location"]
    assert location.startswith("https://node:9000/v1/objects/music/song?provider=ais&pid=")
    second = api("PUT", location.removeprefix("https://node:9000") + "&provider=ais", b"x", **sdk)
    assert second.status == 200
    assert api("PUT", "/v1/objects/music/song", b"x", x_forwarded_proto="https").status == 200


def test_overwriting_keeps_custom_metadata_unless_told_not_to(api: Api, bucket: str) -> None:
    target = "/v1/objects/music/song"
    api("PUT", target, b"1", ais_custom_md="artist=Bach")
    api("PUT", target, b"2")
    assert api("GET", target).headers["Ais-Custom-Md"] == "artist=Bach"
    api("PUT", target, b"3", ais_custom_md="year=1721")
    assert api("GET", target).headers["Ais-Custom-Md"] == "artist=Bach, year=1721"
    assert api("PUT", target, b"4", ais_custom_md=f"more={'x' * 2030}").status == 400
    assert api("GET", target).body == b"3"
    api("PUT", f"{target}?skip_vc=true", b"5")
    assert "Ais-Custom-Md" not in api("GET", target).headers


def rename(api: Api, key: str, name: object) -> Answer:
    body = json.dumps({"action": "rename-obj", "name": name, "value": None}).encode()
    return api("POST", f"/v1/objects/music/{key}", body)


@pytest.mark.parametrize("data", [b"inline", LARGE], ids=["inline", "file"])
def test_renamed_object_is_the_same_under_another_name(api: Api, bucket: str, store: Store, data: bytes) -> None:
    api("PUT", "/v1/objects/music/song", data, ais_custom_md="artist=Bach")
    api("PUT", "/v1/objects/music/other", LARGE)
    before = api("HEAD", "/v1/objects/music/song?props=checksum,atime,custom").headers
    assert rename(api, "song", "other").status == 200
    assert api("HEAD", "/v1/objects/music/other?props=checksum,atime,custom").headers == before
    assert api("GET", "/v1/objects/music/other").body == data
    assert api("GET", "/v1/objects/music/song").status == 404


def test_rename_that_cannot_be_changes_nothing(api: Api, bucket: str) -> None:
    missing = rename(api, "song", "other")
    assert (missing.status, "ais://music/song does not exist" in missing.message) == (404, True)
    api("PUT", "/v1/objects/music/song", b"x")
    for name in ("song", "", None, "../x", "ends/", "a\0b"):
        assert rename(api, "song", name).status == 400
    assert api("GET", "/v1/objects/music/song").body == b"x"


def test_objects_are_never_locked(api: Api, bucket: str) -> None:
    api("PUT", "/v1/objects/music/song", b"x")
    unlocked = api.action("POST", "/v1/objects/music/song", "check-lock")
    assert (unlocked.status, unlocked.body) == (200, b"")


def test_head_names_the_mountpath(api: Api, bucket: str) -> None:
    path = api.native.paths()[0]
    api("PUT", "/v1/objects/music/song", b"x")
    head = api("HEAD", "/v1/objects/music/song?props=location,copies").headers
    assert head["Ais-Location"].startswith(f"t[{api.native.nodes.target}]:mp[{path}, ")
    assert (head["Ais-Mirror-Copies"], head["Ais-Mirror-Paths"]) == ("1", str(path))
    legacy = api("HEAD", "/v1/objects/music/song").headers
    assert legacy["Ais-Mirror-Paths"] == f"[{path}]"
    assert legacy["Ais-Location"] == head["Ais-Location"]


@pytest.mark.parametrize(
    ("presence", "status"), [("0", 200), ("2", 200), ("4", 200), ("5", 404), ("6", 400), ("x", 400)]
)
def test_presence_asks_where_the_object_is(api: Api, bucket: str, presence: str, status: int) -> None:
    api("PUT", "/v1/objects/music/song", b"x")
    head = api("HEAD", f"/v1/objects/music/song?presence={presence}&props=size")
    assert head.status == status
    if status == 200:
        assert head.headers["Ais-Present"] == "true"


@pytest.mark.parametrize("data", [b"inline", LARGE], ids=["inline", "file"])
def test_stored_bytes_are_verified_when_asked_for(api: Api, bucket: str, store: Store, data: bytes) -> None:
    target = "/v1/objects/music/song?validate-checksum=true"
    api("PUT", target, data)
    assert api("GET", target).body == data
    assert api("HEAD", target).status == 200
    for blob in store.objects.head(store.buckets.get("music"), "song").blobs:
        with open(store.partitions.primary.blobs.path(blob.id), "r+b") as file:
            file.write(b"rot")
        spoiled = api("GET", target)
        assert (spoiled.status, spoiled.message.startswith("BAD DATA CHECKSUM")) == (500, True)
        assert api("HEAD", target).status == 500
