"""Objects through a transform by WebSocket, with a real server that behaves as it is told."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from etl.errors import TransformBroken, TransformFailed, TransformTimeout
from etl.spec import from_message
from tests.etl.conftest import folder
from tests.etl.farm import PYTHON, SERVERS, Farm, opened, supervised

NAME = "sockets"


@pytest.fixture(scope="module")
def sockets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    command = ["sh", "-c", f"exec {PYTHON} {SERVERS / 'sockets.py'} $(PORT)"]
    spec = {"name": NAME, "communication": "ws", "support_direct_put": True, "obj_timeout": "1s"}
    with folder(tmp_path_factory) as own, opened(own) as farm, supervised(farm):
        farm.transforms.init(from_message({**spec, "runtime": {"image": "sockets", "command": command}}))
        farm.put("small", b"hello")
        yield farm


@pytest.mark.parametrize("size", [0, 1, 125, 126, 4096, 65_535, 65_536, 70_000, 3_000_000])
@pytest.mark.parametrize("way", ["echo", "fragments"])
def test_bytes_come_back_whole_whatever_their_number_and_framing(sockets: Farm, size: int, way: str) -> None:
    data = random.Random(size).randbytes(size)
    sockets.put("sized", data)
    assert sockets.read(NAME, "sized", way) == data


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("text Transform error: as told", "ETL error: Transform error: as told"),
        ("text 0", "has put nothing"),
        ("text 5", "has put nothing"),
        ("close", "closed the WebSocket"),
        ("half", "before the end of its answer"),
        ("nonsense", "no frame of a WebSocket"),
    ],
)
def test_a_failure_is_the_object_s_own_and_the_next_one_goes_through(
    sockets: Farm, arguments: str, words: str
) -> None:
    with pytest.raises(TransformFailed) as caught:
        sockets.read(NAME, "small", arguments)
    assert words in caught.value.message
    assert sockets.read(NAME, "small") == b"hello"


def test_an_object_that_takes_longer_than_obj_timeout_fails(sockets: Farm) -> None:
    with pytest.raises(TransformTimeout, match="timeout"):
        sockets.read(NAME, "small", "hang 2")
    assert sockets.read(NAME, "small") == b"hello"


def test_a_server_that_dies_fails_the_object(sockets: Farm) -> None:
    """The last test: the transform is Aborted then."""
    with pytest.raises(TransformBroken):
        sockets.read(NAME, "small", "die")
