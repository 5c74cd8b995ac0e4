"""Bucket properties: read, checked, shown, and what they do to objects, whichever door these come through."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xxhash
from awscrt import checksums as crt

from appliance.room import is_wanted
from nativeapi.kinds import parse_duration, parse_size, show_duration, show_size
from nativeapi.property_table import TABLE, Effect, markdown
from storage.attributes import Attributes
from storage.completion import PartRef
from storage.payload import BytesPayload
from storage.rights import BCK_HEAD
from tests.nativeapi.conftest import Answer, Api

DOCS = Path(__file__).parents[2] / "docs"
FRESH = {
    "backend_bck": {"name": "", "provider": "", "namespace": {"uuid": "", "name": ""}},
    "write_policy": {"data": "immediate", "md": "immediate"},
    "provider": "ais",
    "Renamed": "",
    "checksum": {"type": "xxhash2", "validate_cold_get": False, "validate_warm_get": False, "validate_obj_move": False,
                 "enable_read_range": False},
    "extra": {"aws": {}, "gcp": {}, "oci": {}},
    "rate_limit": {"backend": {"interval": "1m", "max_tokens": 1000, "enabled": False, "num_retries": 3},
                   "frontend": {"interval": "1m", "max_tokens": 1000, "enabled": False, "burst_size": 375}},
    "ec": {"compression": "never", "bundle_multiplier": 2, "burst_buffer": 512, "objsize_limit": 262144,
           "data_slices": 2, "parity_slices": 2, "enabled": False, "disk_only": False},
    "chunks": {"objsize_limit": "0B", "max_monolithic_size": "1TiB", "chunk_size": "1GiB"},
    "mirror": {"copies": 2, "burst_buffer": 512, "enabled": False},
    "lru": {"dont_evict_time": "2h0m", "capacity_upd_time": "10m", "batch_size": 32768, "enabled": False},
    "access": "18446744073709551615",
    "features": "0",
    "versioning": {"enabled": True, "validate_warm_get": False, "synchronize": False},
}


def shown(api: Api, bucket: str = "music") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(api("HEAD", f"/v1/buckets/{bucket}").headers["Ais-Bucket-Props"])
    return found


def change(api: Api, value: object, **headers: str) -> Answer:
    return api.action("PATCH", "/v1/buckets/music?provider=ais", "set-bprops", value, **headers)


def test_fresh_bucket_has_aistores_properties_in_aistores_order(api: Api, bucket: str) -> None:
    found = shown(api)
    assert int(found.pop("bid")) >> 63 == 1
    assert int(found.pop("created")) > 10**18
    assert found == FRESH
    assert list(found) == list(FRESH)


SET: list[tuple[object, str, str, object]] = [
    ({"checksum": {"type": "md5"}}, "checksum", "type", "md5"),
    ({"versioning": {"enabled": False}}, "versioning", "enabled", False),
    ({"lru": {"enabled": True, "dont_evict_time": "120m"}}, "lru", "dont_evict_time", "2h0m"),
    ({"lru": {"dont_evict_time": "90m30s"}}, "lru", "dont_evict_time", "1h30m30s"),
    ({"mirror": {"copies": 4}, "force": True}, "mirror", "copies", 4),
    ({"ec": {"objsize_limit": -1}}, "ec", "objsize_limit", -1),
    ({"chunks": {"chunk_size": "4mb"}}, "chunks", "chunk_size", "4MiB"),
    ({"chunks": {"chunk_size": 1000000}}, "chunks", "chunk_size", "1000000B"),
    ({"rate_limit": {"backend": {"num_retries": 5}}}, "rate_limit", "backend",
     {"interval": "1m", "max_tokens": 1000, "enabled": False, "num_retries": 5}),
    ({"extra": {"custom": "mine"}}, "extra", "custom", "mine"),
    ({"lru": {"enabled": None, "batch_size": 2048}}, "lru", "batch_size", 2048),
]


def test_a_property_that_is_set_is_shown(api: Api, bucket: str) -> None:
    for value, section, name, expected in SET:
        answer = change(api, value)
        assert (answer.status, answer.body) == (200, b""), value
        assert shown(api)[section][name] == expected


def test_masks_come_as_numbers_or_strings_and_are_shown_as_strings(api: Api, bucket: str) -> None:
    for written in (2**63 + BCK_HEAD, str(2**64 - 2)):
        assert change(api, {"features": "4096", "access": written}).status == 200
        assert (shown(api)["features"], shown(api)["access"]) == ("4096", str(written))


REFUSED: list[tuple[object, int, str]] = [
    ({"speed": 5}, 400, 'unknown property "speed"'),
    ({"checksum": {"tpye": "md5"}}, 400, 'unknown property "checksum.tpye"'),
    ({"extra": {"http": {"original_url": "x"}}}, 400, 'unknown property "extra.http.original_url"'),
    ({"checksum": {"type": "md6"}}, 400, "one of [crc32c md5 none sha256 sha512 xxhash xxhash2]"),
    ({"checksum": {"type": 5}}, 400, "checksum.type"),
    ({"lru": {"a": {"b": {"c": {"d": 1}}}}}, 400, 'unknown property "lru.a.b"'),
    ({"checksum": "md5"}, 400, 'unknown property "checksum"'),
    ({"versioning": {"enabled": "true"}}, 400, "versioning.enabled"),
    ({"mirror": {"copies": 1}}, 400, "mirror.copies"),
    ({"mirror": {"copies": 33}}, 400, "mirror.copies"),
    ({"mirror": {"copies": True}}, 400, "mirror.copies"),
    ({"ec": {"data_slices": 0}}, 400, "ec.data_slices"),
    ({"ec": {"enabled": True}}, 400, "not enough targets"),
    ({"lru": {"dont_evict_time": "59m"}}, 400, "lru.dont_evict_time"),
    ({"lru": {"dont_evict_time": 7200}}, 400, "lru.dont_evict_time"),
    ({"lru": {"capacity_upd_time": "soon"}}, 400, "lru.capacity_upd_time"),
    ({"chunks": {"chunk_size": "6GiB"}}, 400, "chunks.chunk_size"),
    ({"rate_limit": {"frontend": {"burst_size": 501}}}, 400, "burst_size"),
    ({"features": "8"}, 400, "features"),
    ({"features": str(3 << 11)}, 400, "exclude each other"),
    ({"access": "-1"}, 400, "access"),
    ({"access": str(2**64)}, 400, "access"),
    ({"provider": "aws"}, 400, 'property "provider" is read-only'),
    ({"bid": "7"}, 400, 'property "bid" is read-only'),
    ({"extra": {"aws": {"profile": "p"}}}, 400, "expecting remote bucket (have ais://music)"),
    ({"checksum": {"validate_cold_get": True}}, 400, "expecting remote bucket"),
    ({"versioning": {"synchronize": True}}, 400, "expecting remote bucket"),
    ({"backend_bck": {"name": "xyz", "provider": "gcp"}}, 404, "GCP backend is missing"),
    ({"backend_bck": {"name": "xyz", "provider": "ais"}}, 400, "must be remote"),
    ({"backend_bck": {"name": "xyz", "provider": "zzz"}}, 400, "invalid backend provider"),
    ({"mirror": {"enabled": True}}, 501, "mirror.enabled - operation not supported"),
    ({"write_policy": {"md": "never"}}, 501, "write_policy.md"),
    ({"checksum": {"validate_obj_move": True}}, 501, "checksum.validate_obj_move"),
    ({"chunks": {"objsize_limit": "1MiB"}}, 501, "chunks.objsize_limit"),
    ([], 400, "must be an object"),
    (None, 400, "must be an object"),
    ("md5", 400, "must be an object"),
]


def test_what_cannot_be_set_is_refused_by_name_and_nothing_changes(api: Api, bucket: str) -> None:
    before = shown(api)
    for value, status, named in REFUSED:
        wanted = {"lru": {"enabled": True}, **value} if isinstance(value, dict) and "lru" not in value else value
        refused = change(api, wanted)
        assert (refused.status, named in refused.message) == (status, True), (value, refused)
    assert shown(api) == before


def test_what_a_property_is_already_may_be_said_again(api: Api, bucket: str) -> None:
    assert change(api, shown(api)).status == 200
    assert change(api, {"backend_bck": {"name": "", "provider": ""}}).status == 200


def test_reset_gives_back_what_a_new_bucket_has(api: Api, bucket: str) -> None:
    before = shown(api)
    change(api, {"checksum": {"type": "sha256"}, "versioning": {"enabled": False}, "extra": {"custom": "x"}})
    assert api.action("PATCH", "/v1/buckets/music", "reset-bprops").status == 200
    assert shown(api) == before


def test_bucket_is_created_with_some_properties(api: Api) -> None:
    value = {"checksum": {"type": "crc32c"}, "lru": {"enabled": True}, "versioning": {"enabled": False}}
    assert api.action("POST", "/v1/buckets/made", "create-bck", value).status == 200
    found = shown(api, "made")
    assert (found["checksum"]["type"], found["lru"]["enabled"], found["versioning"]["enabled"]) == (
        "crc32c", True, False)


def test_wrong_property_creates_no_bucket(api: Api) -> None:
    assert api.action("POST", "/v1/buckets/made", "create-bck", {"speed": 5}).status == 400
    assert api("HEAD", "/v1/buckets/made").status == 404


def test_changes_of_several_processes_do_not_undo_each_other(api: Api, bucket: str) -> None:
    """The second change begins before the first one is written."""
    buckets = api.native.store.buckets
    seen = buckets.get(bucket)

    def slow(current: Any) -> Any:
        if "extra.custom" not in current:
            buckets.update(seen, lambda before: {**before, "extra.custom": "first"})
        return {**current, "lru.enabled": True}

    _, after = buckets.update(seen, slow)
    assert (after.properties["extra.custom"], after.properties["lru.enabled"]) == ("first", True)
    assert after.generation == seen.generation + 2


DIGESTS: dict[str, Callable[[bytes], str]] = {
    "xxhash": xxhash.xxh64_hexdigest,
    "xxhash2": xxhash.xxh64_hexdigest,
    "md5": lambda data: hashlib.md5(data).hexdigest(),
    "crc32c": lambda data: f"{crt.crc32c(data):08x}",
    "sha256": lambda data: hashlib.sha256(data).hexdigest(),
    "sha512": lambda data: hashlib.sha512(data).hexdigest(),
}


@pytest.mark.parametrize("size", [0, 5, 40_000, 700_000])
def test_objects_get_the_checksum_of_the_bucket_s_type(api: Api, bucket: str, size: int) -> None:
    data = b"song!"[:size] * max(1, size // 5)
    for kind, digest in DIGESTS.items():
        assert change(api, {"checksum": {"type": kind}}).status == 200
        put = api("PUT", "/v1/objects/music/a", data)
        head = api("HEAD", "/v1/objects/music/a?props=checksum")
        for answer in (put, head, api("GET", "/v1/objects/music/a")):
            assert (answer.headers["Ais-Checksum-Type"], answer.headers["Ais-Checksum-Value"]) == (kind, digest(data))


def test_without_a_checksum_type_nothing_is_told(api: Api, bucket: str) -> None:
    change(api, {"checksum": {"type": "none"}})
    assert "Ais-Checksum-Type" not in api("PUT", "/v1/objects/music/a", b"x").headers
    assert "Ais-Checksum-Type" not in api("GET", "/v1/objects/music/a").headers


def test_objects_keep_the_checksum_they_were_written_with(api: Api, bucket: str) -> None:
    api("PUT", "/v1/objects/music/a", b"hello world")
    change(api, {"checksum": {"type": "md5"}})
    head = api("HEAD", "/v1/objects/music/a?props=checksum").headers
    assert (head["Ais-Checksum-Type"], head["Ais-Checksum-Value"]) == ("xxhash2", "45ab6734b21e6968")


@pytest.mark.parametrize(("kind", "told"), [("crc32c", True), ("xxhash2", False)])
def test_of_several_parts_only_a_combinable_checksum_is_known(api: Api, bucket: str, kind: str, told: bool) -> None:
    change(api, {"checksum": {"type": kind}})
    store = api.native.store
    made = store.buckets.get(bucket)
    upload = store.uploads.create(made, "long", Attributes("root"))
    pieces = [b"a" * (5 << 20), b"bc"]
    parts = [
        store.uploads.put_part(made, "long", upload.id, number, BytesPayload(piece))
        for number, piece in enumerate(pieces, 1)
    ]
    store.uploads.complete(made, "long", upload.id, [PartRef(part.number, part.etag) for part in parts])
    head = api("HEAD", "/v1/objects/music/long?props=checksum").headers
    assert head.get("Ais-Checksum-Value") == (DIGESTS["crc32c"](b"".join(pieces)) if told else None)


def test_damaged_bytes_are_not_sent_where_that_is_looked_at(api: Api, bucket: str, tmp_path: Path) -> None:
    for name, size in (("a", 100_000), ("b", 100)):
        api("PUT", f"/v1/objects/music/{name}", b"x" * size)
    (blob,) = (path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size == 100_000)
    blob.chmod(0o600)
    with blob.open("r+b") as file:
        file.write(b"y")
    assert api("GET", "/v1/objects/music/a").body[:2] == b"yx"
    change(api, {"checksum": {"validate_warm_get": True}})
    refused = api("GET", "/v1/objects/music/a")
    assert (refused.status, refused.json["tcode"]) == (500, "ErrBadCksum")
    assert api("PUT", "/v1/objects/music/a?object_to=ais/@%23/music/c").status == 500
    assert api("GET", "/v1/objects/music/b").body == b"x" * 100


def versions(api: Api, count: int) -> list[str | None]:
    return [api("PUT", "/v1/objects/music/a", b"x").headers.get("Ais-Version") for _ in range(count)]


def test_versions_are_counted_from_one(api: Api, bucket: str) -> None:
    assert versions(api, 3) == ["1", "2", "3"]
    assert api("HEAD", "/v1/objects/music/a?props=version").headers["Ais-Version"] == "3"
    api("DELETE", "/v1/objects/music/a")
    assert versions(api, 1) == ["1"]


def test_counting_can_be_switched_off_and_on_again(api: Api, bucket: str) -> None:
    versions(api, 2)
    change(api, {"versioning": {"enabled": False}})
    assert versions(api, 2) == [None, None]
    change(api, {"versioning": {"enabled": True}})
    assert versions(api, 2) == ["1", "2"]


def test_metadata_make_no_version_and_a_copy_is_one(api: Api, bucket: str) -> None:
    versions(api, 2)
    api.action("PATCH", "/v1/objects/music/a", "", {"k": "v"})
    assert api("HEAD", "/v1/objects/music/a?props=version").headers["Ais-Version"] == "2"
    api("PUT", "/v1/objects/music/a?object_to=ais/@%23/music/b")
    api("PUT", "/v1/objects/music/a?object_to=ais/@%23/music/b")
    assert api("HEAD", "/v1/objects/music/b?props=version").headers["Ais-Version"] == "2"


def test_durations_and_sizes_are_shown_as_aistore_shows_them() -> None:
    durations = ["2h0m", "10m", "1m", "1m30s", "45s", "100ms", "1.5s", "0s", "1h30m5s"]
    assert [show_duration(parse_duration(text)) for text in durations] == durations
    sizes = ["0B", "1TiB", "1GiB", "64MiB", "1KiB", "1000B"]
    assert [show_size(parse_size(text)) for text in sizes] == sizes
    assert [parse_size(text) for text in ("1mb", "128k", "1048576", "1.5GiB")] == [1 << 20, 1 << 17, 1 << 20, 3 << 29]


def test_every_row_is_documented() -> None:
    assert (DOCS / "bucket-properties.md").read_text() == markdown(), "make bucket-properties"
    assert all(row.about.endswith(".") for row in TABLE)
    assert {row.effect for row in TABLE} == set(Effect)


def test_an_eviction_is_wanted_when_a_volume_is_too_full_and_a_bucket_allows_it(api: Api, bucket: str) -> None:
    assert not is_wanted(api.native)
    change(api, {"lru": {"enabled": True}})
    wanted = api.action("PUT", "/v1/cluster", "set-config", {"space": {"cleanupwm": 1, "lowwm": 2, "highwm": 3}})
    assert wanted.status == 200, wanted
    assert is_wanted(api.native)
    api.native.jobs.start("lru", owner="root")
    assert not is_wanted(api.native)
