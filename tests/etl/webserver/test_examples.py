"""The examples, each asked over the channel that its spec says, and by a node where that speaks it."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect

from etl.spec import from_message, messages
from tests.etl.farm import Farm, opened, supervised
from tests.etl.webserver.surroundings import Server, Target, running

REPOSITORY = Path(__file__).parents[3]
EXAMPLES = REPOSITORY / "examples"
QUICKSTART = (REPOSITORY / "docs" / "transform-servers.md").read_text()


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    with opened(tmp_path_factory.mktemp("examples")) as made, supervised(made):
        made.put("lines", b"one\ntwo\n")
        yield made


def init(farm: Farm, folder: Path) -> str:
    """Start the transform that a folder holds; its name."""
    (message,) = messages((folder / "spec.yaml").read_text(), directory=folder)
    farm.transforms.init(from_message(message))
    return str(message["name"])


def test_the_quickstart_counts_lines(farm: Farm, tmp_path: Path) -> None:
    for name, language in (("server.py", "python"), ("spec.yaml", "yaml")):
        block = re.search(rf"```{language}\n(.*?)```", QUICKSTART, re.DOTALL)
        assert block is not None
        (tmp_path / name).write_text(block[1])
    assert farm.read(init(farm, tmp_path), "lines") == b"2"


def test_md5_takes_what_the_node_pushes(farm: Farm) -> None:
    assert farm.read(init(farm, EXAMPLES / "md5"), "lines").decode() == hashlib.md5(b"one\ntwo\n").hexdigest()


def test_gzip_pulls_from_the_node(node: Target) -> None:
    node.objects["ais%2F@%23%2Fbucket%2Fkey"] = b"hello" * 1000
    server = Server(("server.py",), node.url, EXAMPLES / "gzip")
    with running(server):
        answer = server.ask("GET", "/ais%2F@%23%2Fbucket%2Fkey?etl_args=9", decode_content=False)
    assert gzip.decompress(answer.data) == b"hello" * 1000


def test_uppercase_answers_over_a_websocket(node: Target) -> None:
    server = Server(("server.py",), node.url, EXAMPLES / "uppercase")
    with running(server), connect(f"ws://127.0.0.1:{server.port}/ws") as socket:
        socket.send(json.dumps({"path": "key"}).encode())
        socket.send("grüße".encode())
        assert socket.recv(timeout=20) == "GRÜSSE".encode()
