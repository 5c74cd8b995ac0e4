"""Fixtures that every test may use: real nodes, each on a port and data of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.node import Node

StartNode = Callable[..., Node]


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """The node that tests share: two workers, defaults otherwise. Use bucket names of your own."""
    started = Node(tmp_path_factory.mktemp("node"), ["--workers", "2"]).start()
    yield started
    assert started.stop() == 0, started.log


@pytest.fixture
def start_node(tmp_path: Path) -> Iterator[StartNode]:
    """Starts nodes of the test's own: `start_node("--flag", "value", …)`. They end with the test."""
    started: list[Node] = []

    def start(*arguments: str, **fields: object) -> Node:
        folder = tmp_path / f"node{len(started)}"
        folder.mkdir()
        one = Node(folder, ["--workers", "1", *arguments], **fields)  # type: ignore[arg-type]  # fields of Node
        started.append(one)
        return one.start()

    yield start
    for one in started:
        if one.process is not None and one.process.poll() is None:
            one.kill()
