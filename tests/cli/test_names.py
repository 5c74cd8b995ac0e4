"""How the command line reads what the user writes: names, sizes, times, properties."""

from __future__ import annotations

from typing import Any

import click
import pytest

from appliance.terminal.kinds import DURATION, SIZE_TYPE
from appliance.terminal.names import Bucket, beneath, bucket_of, parse
from appliance.terminal.output import duration, size
from appliance.terminal.properties import parsed
from appliance.terminal.waiting import outcome


@pytest.mark.parametrize(
    ("text", "uri", "query", "key", "uname"),
    [
        ("b", "ais://b", {"provider": "ais"}, "", "ais/@#/b/"),
        ("ais://b/a/x y", "ais://b/a/x y", {"provider": "ais"}, "a/x y", "ais/@#/b/a/x y"),
        ("ais:b", "ais://b", {"provider": "ais"}, "", "ais/@#/b/"),
        ("aws://b/k", "s3://b/k", {"provider": "aws"}, "k", "aws/@#/b/k"),
        ("gs://b//k", "gs://b//k", {"provider": "gcp"}, "/k", "gcp/@#/b//k"),
        ("ais://#n/b/k", "ais://#n/b/k", {"provider": "ais", "namespace": "@#n"}, "k", "ais/@#n/b/k"),
        ("ais://@#n/b", "ais://#n/b", {"provider": "ais", "namespace": "@#n"}, "", "ais/@#n/b/"),
        ("ais://@u1#n/b", "ais://@u1#n/b", {"provider": "ais", "namespace": "@u1#n"}, "", "ais/@u1#n/b/"),
        ("ais://@u1/b", "ais://@u1/b", {"provider": "ais", "namespace": "@u1"}, "", "ais/@u1#/b/"),
        ("ais://@#/b", "ais://b", {"provider": "ais"}, "", "ais/@#/b/"),
    ],
)
def test_names_are_read_as_aistore_writes_them(
    text: str, uri: str, query: dict[str, str], key: str, uname: str
) -> None:
    place = parse(text)
    assert (place.uri, place.bucket.query, place.key) == (uri, query, key)
    assert place.bucket.uname(place.key) == uname
    assert bucket_of(place.bucket.json) == place.bucket


def test_copies_lie_under_the_destination() -> None:
    source = parse("ais://a/x/y.jpg")
    assert [beneath(parse(to), source).uri for to in ("ais://b", "ais://b/z", "ais://b/z/")] == [
        "ais://b/x/y.jpg",
        "ais://b/z",
        "ais://b/z/y.jpg",
    ]
    assert parse("b/s-{1..3}.tar").is_template and not parse("b/user@1.jpg").is_template


@pytest.mark.parametrize(
    ("count", "units", "text"),
    [(6, "iec", "6B"), (157204, "iec", "153.52KiB"), (157204, "si", "157.20KB"), ("9", "raw", "9"), ("", "iec", "-")],
)
def test_sizes_are_shown_as_aistore_shows_them(count: int | str, units: str, text: str) -> None:
    assert size(count, units) == text


def test_sizes_and_times_are_read_with_units() -> None:
    sizes = [SIZE_TYPE.convert(text, None, None) for text in ("5", "1KiB", "64k", "1.5GiB", "2mb", "0B")]
    assert sizes == [5, 1024, 65536, 1610612736, 2097152, 0]
    assert [DURATION.convert(text, None, None) for text in ("5", "1m30s", "100ms", "0.5")] == [5, 90, 0.1, 0.5]
    for kind, text in ((SIZE_TYPE, "many"), (DURATION, "soon")):
        with pytest.raises(click.UsageError):
            kind.convert(text, None, None)
    assert [duration(seconds) for seconds in (0.0451, 3.2, 312, 7400)] == ["45ms", "3.2s", "5m12s", "2h03m"]


@pytest.mark.parametrize(
    ("words", "tree"),
    [
        (("a.b=true", "a.c=4", "d=10m"), {"a": {"b": True, "c": 4}, "d": "10m"}),
        (('{"a": {"b": 1}}',), {"a": {"b": 1}}),
        (("access", "ro"), {"access": "771"}),
        (("access=GET,PUT",), {"access": "5"}),
        (("access=0x342",), {"access": "834"}),
        (("backend_bck=gcp://x",), {"backend_bck": Bucket("x", "gcp").json}),
        (("backend_bck=none",), {"backend_bck": {"name": "", "provider": ""}}),
    ],
)
def test_properties_are_read_in_every_notation(words: tuple[str, ...], tree: dict[str, Any]) -> None:
    assert parsed(words) == tree


def test_job_is_as_far_as_its_slowest_node() -> None:
    zero = "0001-01-01T00:00:00Z"
    ended = {"kind": "copy-bck", "end-time": "2026-11-21T05:24:18Z", "stats": {"loc-objs": "5", "loc-bytes": "15"}}
    running = {**ended, "end-time": zero}
    assert outcome("j", [ended, running]).state == "running"
    assert (outcome("j", [ended, ended]).state, outcome("j", [ended, ended]).objects) == ("finished", 10)
    assert outcome("j", [ended, {**running, "is_idle": True}]).state == "idle"
    assert outcome("j", [ended, {**ended, "aborted": True, "abort-err": "user abort"}]).error == "user abort"
    assert outcome("j", [{**ended, "err": "disk"}]).state == "failed"
