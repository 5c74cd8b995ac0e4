"""Members of archives through the native API, as native-wire says it."""

from __future__ import annotations

import gzip
import io
import tarfile
from typing import Any
from urllib.parse import quote

import pytest

from tests.nativeapi.conftest import Api
from tests.storage.archived import SUFFIXES, made, members_of

MEMBERS = {"x/1.jpg": b"one" * 5000, "x/1.cls": b"7", "y/2.jpg": b"", "z/é": b"accent" * 60_000}


@pytest.fixture
def shard(api: Api, bucket: str, request: Any) -> str:
    """The path of an archive of MEMBERS."""
    suffix = getattr(request, "param", ".tar")
    assert api("PUT", f"/v1/objects/{bucket}/dir/a{suffix}", made(suffix, MEMBERS)).status == 200
    return f"/v1/objects/{bucket}/dir/a{suffix}"


each_format = pytest.mark.parametrize("shard", SUFFIXES, indirect=True)


@each_format
def test_one_member_is_read_alone(api: Api, shard: str) -> None:
    for name, data in MEMBERS.items():
        for asked in (name, "/" + name):
            answer = api("GET", f"{shard}?provider=ais&archpath={quote(asked)}&archregx=")
            assert (answer.status, answer.body) == (200, data)
            assert answer.headers["Content-Length"] == str(len(data))
            assert answer.headers["Content-Type"] == "application/octet-stream"
            assert not [header for header in answer.headers if header.startswith("Ais-")]


@each_format
def test_members_that_match_come_as_a_tar(api: Api, shard: str) -> None:
    answer = api("GET", f"{shard}?archmode=suffix&archpath=&archregx=.jpg")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/x-tar"
    assert members_of(".tar", answer.body) == [(name, MEMBERS[name]) for name in ("x/1.jpg", "y/2.jpg")]


def test_members_keep_their_headers(api: Api, shard: str) -> None:
    answer = api("GET", f"{shard}?archmode=prefix&archregx=z")
    with tarfile.open(fileobj=io.BytesIO(answer.body)) as opened:
        (info,) = opened.getmembers()
    assert (info.mtime, info.mode) == (1_700_000_000, 0o600)


REFUSED = [
    ("archpath=nope", 404, "ErrNotFound", "]: nope in ais://music/dir/a.tar does not exist"),
    (
        "archregx=zz&archmode=prefix", 404, "ErrNotFound",
        "]: (archregx=zz, archmode=prefix) in ais://music/dir/a.tar does not exist",
    ),
    ("archregx=a&archmode=foo", 400, "", "[regexp prefix suffix substr wdskey]"),
    ("archregx=(&archmode=regexp", 400, "", "invalid regular expression: missing ): ("),
    ("archregx=a", 400, "", "archregx and archmode must both be given"),
    ("archmode=regexp", 400, "", "archregx and archmode must both be given"),
    ("archpath=a&archregx=a&archmode=prefix", 400, "", "exclude each other"),
    ("archpath=a&etl_name=x", 400, "ErrUnsupp", "cannot transform archived content ais://music/dir/a.tar/a"),
]  # fmt: skip


def test_refusals_are_those_of_aistore(api: Api, shard: str) -> None:
    for query, status, code, message in REFUSED:
        answer = api("GET", f"{shard}?{query}")
        assert (answer.status, answer.json.get("tcode", "")) == (status, code)
        assert message in answer.message


def test_range_of_a_member_is_refused(api: Api, shard: str) -> None:
    answer = api("GET", f"{shard}?archpath=x/1.cls", Range="bytes=0-1")
    assert (answer.status, answer.json["tcode"]) == (400, "ErrUnsupp")
    assert "cannot range-read archived content" in answer.message


def test_what_is_no_archive_is_told(api: Api, bucket: str) -> None:
    api("PUT", "/v1/objects/music/o-00.txt", b"hello")
    answer = api("GET", "/v1/objects/music/o-00.txt?archpath=a")
    assert (answer.status, answer.message) == (400, 'unrecognized or unsupported file format: "o-00.txt"')
    assert api("GET", "/v1/objects/music/missing.tar?archpath=a").status == 404
    answer = api("GET", "/v1/objects/music/o-00.txt?archpath=a&archmime=.foo")
    assert (answer.status, answer.json["tcode"], answer.message) == (400, "errUnknownMime", 'unknown mime type ".foo"')


def test_format_is_told_by_the_name_then_the_request_then_the_bytes(api: Api, bucket: str) -> None:
    for suffix in (".tar", ".tgz", ".zip", ".tar.lz4"):
        api("PUT", "/v1/objects/music/shard", made(suffix, {"a": b"1"}))
        assert api("GET", "/v1/objects/music/shard?archpath=a").body == b"1"
        assert api("GET", f"/v1/objects/music/shard?archpath=a&archmime={suffix}").body == b"1"
        wrong = ".tar" if suffix != ".tar" else ".zip"
        assert api("GET", f"/v1/objects/music/shard?archpath=a&archmime={wrong}").status == 400


def test_damaged_archives_are_a_clients_mistake(api: Api, bucket: str) -> None:
    for suffix in SUFFIXES:
        for data in (b"x" * 5000, made(suffix, MEMBERS)[:100]):
            api("PUT", f"/v1/objects/music/bad{suffix}", data)
            for query in ("archpath=z", "archregx=z&archmode=prefix"):
                answer = api("GET", f"/v1/objects/music/bad{suffix}?{query}")
                assert (answer.status, "the archive cannot be read" in answer.message) == (400, True)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_archive_is_made_of_one_member_and_grows(api: Api, bucket: str, suffix: str) -> None:
    path = f"/v1/objects/music/new{suffix}"

    def put(member: str, data: bytes, pine: str) -> int:
        return api("PUT", f"{path}?archpath={member}&archmime=", data, ais_pine=pine).status

    assert put("a", b"1", "1") == 404
    assert put("a", b"1", "2") == 200
    assert put("dir/b", b"2" * 100_000, "1") == 200
    assert put("c", b"", "2") == 200
    grown = [("a", b"1"), ("dir/b", b"2" * 100_000), ("c", b"")]
    assert members_of(suffix, api("GET", path).body) == grown
    assert api("GET", f"{path}?archpath=dir/b").body == b"2" * 100_000
    assert put("d", b"alone", "") == 200
    assert members_of(suffix, api("GET", path).body) == [("d", b"alone")]


def test_archive_that_grows_keeps_its_metadata_and_has_the_checksum_of_its_bytes(api: Api, bucket: str) -> None:
    api("PUT", "/v1/objects/music/a.tar", made(".tar", MEMBERS), ais_custom_md="colour=red")
    assert api("PUT", "/v1/objects/music/a.tar?archpath=new", b"1", ais_pine="1").status == 200
    answer = api("GET", "/v1/objects/music/a.tar")
    assert answer.headers["Ais-Custom-Md"] == "colour=red"
    again = api("PUT", "/v1/objects/music/same", answer.body)
    assert again.headers["Ais-Checksum-Value"] == answer.headers["Ais-Checksum-Value"]


@pytest.mark.parametrize(
    ("path", "status", "code", "message"),
    [
        ("x.foo?archpath=a", 400, "errUnknownFileExt", 'unknown filename extension ("x.foo", ".foo")'),
        ("x?archpath=a", 400, "errUnknownFileExt", 'unknown filename extension ("x", "")'),
        ("x?archpath=a&archmime=foo", 400, "errUnknownMime", 'unknown mime type "foo"'),
        ("x.tar?archpath=../a", 400, "errInvalidPath", 'invalid object name "../a"'),
    ],
)
def test_members_that_cannot_be_written_are_refused(
    api: Api, bucket: str, path: str, status: int, code: str, message: str
) -> None:
    answer = api("PUT", f"/v1/objects/music/{path}", b"1")
    assert (answer.status, answer.json["tcode"], answer.message) == (status, code, message)
    assert api("GET", "/v1/objects/music/x").status == 404


def test_member_of_unknown_length_or_flags_is_refused(api: Api, bucket: str) -> None:
    assert "must be announced" in api("PUT", "/v1/objects/music/x.tar?archpath=a", b"1", announced=False).message
    assert "flags" in api("PUT", "/v1/objects/music/x.tar?archpath=a", b"1", ais_pine="7").message


def test_member_with_another_checksum_than_announced_changes_nothing(api: Api, bucket: str) -> None:
    headers = {"ais_checksum_type": "md5", "ais_checksum_value": "00" * 16}
    answer = api("PUT", "/v1/objects/music/x.tar?archpath=a", b"1", **headers)  # type: ignore[arg-type]
    assert (answer.status, answer.json["tcode"]) == (400, "ErrBadCksum")
    assert api("GET", "/v1/objects/music/x.tar").status == 404


def test_others_neither_read_nor_write_members(api: Api, shard: str) -> None:
    assert api("GET", f"{shard}?archpath=x/1.cls", token="alice-token").status == 403
    assert api("PUT", f"{shard}?archpath=x/1.cls", b"", token="alice-token").status == 403


def test_member_of_a_bomb_is_found_in_little_memory(api: Api, bucket: str) -> None:
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb") as packed, tarfile.open(fileobj=packed, mode="w") as opened:
        info = tarfile.TarInfo("zeros")
        info.size = 64 << 20
        opened.addfile(info, io.BytesIO(bytes(info.size)))
    api("PUT", "/v1/objects/music/bomb.tgz", out.getvalue())
    assert api("GET", "/v1/objects/music/bomb.tgz?archpath=nope").status == 404


NOT_MADE: list[tuple[dict[str, Any], int, str, str]] = [
    ({"archname": "x.foo"}, 400, "errUnknownFileExt", 'unknown filename extension ("x.foo", ".foo")'),
    ({"archname": "x", "mime": "foo"}, 400, "errUnknownMime", 'unknown mime type "foo"'),
    ({"archname": "../x.tar"}, 400, "errInvalidPath", 'invalid object name "../x.tar"'),
    ({"archname": ""}, 400, "errInvalidPath", 'invalid object name ""'),
    ({}, 400, "", "invalid archive request"),
    ({"archname": "x.tar", "colour": "red"}, 400, "", "invalid archive request"),
    ({"archname": "x.tar", "objnames": ["../a"]}, 400, "errInvalidPath", 'invalid object name "../a"'),
    (
        {"archname": "x.tar", "template": "a{3..1}"}, 400, "errTemplateInvalid",
        "invalid 'bash' template \"a{3..1}\": 'start' cannot be greater than 'end'",
    ),
    (
        {"archname": "x.tar", "tobck": {"name": "nope", "provider": "ais", "namespace": None}}, 404,
        "ErrBckNotFound", 'bucket "ais://nope" does not exist',
    ),
]  # fmt: skip


def test_archive_that_cannot_be_made_is_no_job(api: Api, bucket: str) -> None:
    for value, status, code, message in NOT_MADE:
        answer = api.action("PUT", "/v1/buckets/music", "archive", value)
        assert (answer.status, answer.json.get("tcode", "")) == (status, code)
        assert message in answer.message
    assert api.native.jobs.all() == []


def test_archive_takes_rights_on_both_buckets(api: Api, bucket: str) -> None:
    assert api.action("POST", "/v1/buckets/hers", "create-bck", token="alice-token").status == 200
    into = {"archname": "x.tar", "tobck": {"name": "hers", "provider": "ais", "namespace": None}}
    assert api.action("PUT", "/v1/buckets/music", "archive", into, token="alice-token").status == 403
    into["tobck"] = {"name": "music", "provider": "ais", "namespace": None}
    assert api.action("PUT", "/v1/buckets/hers", "archive", into, token="alice-token").status == 403
    assert api.action("PUT", "/v1/buckets/hers", "archive", {"archname": "x.tar"}, token="alice-token").status == 200
