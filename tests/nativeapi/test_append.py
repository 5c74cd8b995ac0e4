"""Appending through the native API."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import xxhash
from aistore import Client
from aistore.sdk.errors import AISError

from tests.conftest import StartNode
from tests.nativeapi.conftest import Answer, Api
from tests.node import Node

SONG = "/v1/objects/music/song"


def append(api: Api, data: bytes, handle: str = "", **headers: str) -> Answer:
    return api("PUT", f"{SONG}?provider=ais&append_type=append&append_handle={handle}", data, **headers)  # type: ignore


def flush(api: Api, handle: str, body: bytes = b"") -> Answer:
    return api("PUT", f"{SONG}?append_type=flush&append_handle={handle}", body)


def test_appended_pieces_are_seen_once_they_are_flushed(api: Api, bucket: str) -> None:
    api("PUT", SONG, b"before ", ais_custom_md="artist=Bach")
    first = append(api, b"one ")
    second = append(api, b"two", first.headers["Ais-Append-Handle"])
    assert (second.status, second.body) == (200, b"")
    assert api("GET", SONG).body == b"before "
    flushed = flush(api, second.headers["Ais-Append-Handle"], b"a body that is ignored")
    assert (flushed.status, "Ais-Append-Handle" in flushed.headers) == (200, False)
    got = api("GET", SONG)
    assert got.body == b"before one two"
    assert got.headers["Ais-Checksum-Value"] == xxhash.xxh64_hexdigest(got.body)
    assert got.headers["Ais-Custom-Md"] == "artist=Bach"


@pytest.mark.parametrize(
    "query",
    ["append_type=flush&append_handle=", "append_type=flush", "append_type=flush&append_handle=x%7Cy"]
    + ["append_type=append&append_handle=nonsense", "append_type=prepend", "append_type=flush&append_handle=%C3%A9-1"],
)
def test_malformed_appends_are_refused(api: Api, bucket: str, query: str) -> None:
    assert api("PUT", f"{SONG}?{query}", b"x").status == 400
    assert api("HEAD", SONG).status == 404


def test_handle_is_good_for_its_own_object_only(api: Api, bucket: str) -> None:
    handle = append(api, b"x").headers["Ais-Append-Handle"]
    other = api("PUT", f"/v1/objects/music/other?append_type=flush&append_handle={handle}")
    assert (other.status, other.message) == (400, "other: the append handle belongs to no append under way")


def test_piece_that_is_not_what_was_announced_is_not_appended(api: Api, bucket: str) -> None:
    handle = append(api, b"one").headers["Ais-Append-Handle"]
    wrong = append(api, b"two", handle, ais_checksum_type="md5", ais_checksum_value="0" * 32)
    assert wrong.message.startswith("BAD DATA CHECKSUM: md5(")
    assert flush(api, handle).status == 200
    assert api("GET", SONG).body == b"one"


def test_of_pieces_appended_at_once_one_counts(node: Node) -> None:
    """Over connections of their own, that is to several workers."""
    bucket = Client(node.endpoint, token=node.token).bucket(f"race-{random.randrange(16**8):08x}").create()
    first = bucket.object("song").get_writer().append_content(b"begin")
    pieces = [bytes([number]) * 300_000 for number in range(8)]

    def piece(data: bytes) -> str:
        try:
            own = Client(node.endpoint, token=node.token).bucket(bucket.name).object("song").get_writer()
            return own.append_content(data, handle=first)
        except AISError as error:
            assert error.status_code in (400, 409)
            return ""

    for _ in range(3):
        with ThreadPoolExecutor(8) as pool:
            handles = list(pool.map(piece, pieces))
        ((winner, handle),) = ((data, handle) for data, handle in zip(pieces, handles) if handle)
        bucket.object("song").get_writer().append_content(b"", handle=handle, flush=True)
        assert bucket.object("song").get_reader().read_all() == b"begin" + winner
        bucket.object("song").delete()
        first = bucket.object("song").get_writer().append_content(b"begin")
    bucket.delete()


def test_appends_survive_the_killing_of_the_node(start_node: StartNode, tmp_path: Path) -> None:
    node = start_node()
    made = Client(node.endpoint, token=node.token).bucket("grows").create().object("song")
    whole = b"before"
    made.get_writer().put_content(whole)
    handle = ""
    for number in range(3):
        piece = bytes([number]) * (200_000 if number else 3)
        handle = made.get_writer().append_content(piece, handle=handle)
        whole += piece
        node.kill()
        node.start()
    assert made.get_reader().read_all() == b"before"
    assert made.get_writer().append_content(b"", handle=handle, flush=True) == ""
    assert made.get_reader().read_all() == whole
    with pytest.raises(AISError) as raised:
        made.get_writer().append_content(b"more", handle=handle)
    assert raised.value.status_code == 400
