"""A server of the echo application for the tests that leave it as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.appliance import wire


@pytest.fixture(scope="session")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[wire.Server]:
    server = wire.start(tmp_path_factory.mktemp("echo"))
    try:
        yield server
    finally:
        assert server.stop() == 0
