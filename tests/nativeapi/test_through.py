"""Objects read and copied through a transform."""

from __future__ import annotations

import pytest

from tests.nativeapi.conftest import Api


@pytest.fixture(autouse=True)
def song(api: Api, bucket: str) -> None:
    api("PUT", "/v1/objects/music/song", b"la la", ais_custom_md="artist=Bach")


def test_get_gives_what_the_transform_makes(api: Api, upper: str) -> None:
    got = api("GET", f"/v1/objects/music/song?provider=ais&etl_name={upper}&etl_args=x%3A&etl_pipeline=")
    assert (got.status, got.body) == (200, b"x%3ALA LA")
    assert got.headers["Content-Type"] == "text/x-upper"
    assert not [name for name in got.headers if name.startswith("Ais-")]


def test_range_is_ignored(api: Api, upper: str) -> None:
    got = api("GET", f"/v1/objects/music/song?etl_name={upper}", range="bytes=0-1")
    assert (got.status, got.body) == (200, b"LA LA")


def test_head_describes_the_source(api: Api, upper: str) -> None:
    head = api("HEAD", f"/v1/objects/music/song?etl_name={upper}&props=checksum,atime,version,custom")
    assert head.headers["Content-Length"] == "5"
    assert head.headers["Ais-Custom-Md"] == "artist=Bach"


def test_copy_stores_what_the_transform_makes_and_nothing_of_the_source(api: Api, upper: str) -> None:
    copied = api("PUT", f"/v1/objects/music/song?object_to=ais/@%23/music/copy&etl_name={upper}")
    assert (copied.status, copied.body) == (200, b"")
    got = api("GET", "/v1/objects/music/copy")
    assert got.body == b"LA LA"
    assert "Ais-Custom-Md" not in got.headers


def test_copy_onto_its_own_plain_copy_is_not_skipped(api: Api, upper: str) -> None:
    api("PUT", "/v1/objects/music/song?object_to=ais/@%23/music/copy")
    api("PUT", f"/v1/objects/music/song?object_to=ais/@%23/music/copy&etl_name={upper}")
    assert api("GET", "/v1/objects/music/copy").body == b"LA LA"


def test_status_and_words_of_the_transform_pass_through(api: Api, upper: str) -> None:
    got = api("GET", f"/v1/objects/music/song?etl_name={upper}&etl_args=422")
    assert (got.status, got.message) == (422, "ETL error: cannot do that")
    copied = api("PUT", f"/v1/objects/music/song?object_to=ais/@%23/music/copy&etl_name={upper}&etl_args=422")
    assert copied.status == 422


def test_nothing_is_stored_when_the_result_breaks_off(api: Api, upper: str) -> None:
    target = f"/v1/objects/music/song?object_to=ais/@%23/music/copy&etl_name={upper}&etl_args=break"
    refused = api("PUT", target)
    assert (refused.status, "closed the connection before the end" in refused.message) == (400, True)
    assert api("HEAD", "/v1/objects/music/copy").status == 404


def test_missing_object_is_an_ordinary_404(api: Api, upper: str) -> None:
    got = api("GET", f"/v1/objects/music/nope?etl_name={upper}")
    assert (got.status, "ais://music/nope does not exist" in got.message) == (404, True)


def test_unknown_transform_is_404_for_get_and_copy(api: Api) -> None:
    got = api("GET", "/v1/objects/music/song?etl_name=not-there")
    assert got.status == 404
    assert 'try starting new ETL with "http://node:9000/v1/etl/init" endpoint' in got.message
    copied = api("PUT", "/v1/objects/music/song?object_to=ais/@%23/music/copy&etl_name=not-there")
    assert (copied.status, copied.message) == (404, "ETL not-there doesn't exist")


def test_a_pipeline_needs_all_its_transforms(api: Api, upper: str) -> None:
    got = api("GET", f"/v1/objects/music/song?etl_name={upper}&etl_pipeline=other-one")
    assert (got.status, "entry not found in the target" in got.message) == (404, True)
