"""A worker that holds as many connections as it may."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.appliance import wire
from tests.appliance.wire import Server

GET = b"GET /small HTTP/1.1\r\nHost: a\r\n\r\n"
BEGUN = b"GET /small HTTP/1.1\r\n"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Server]:
    """One worker with room for two connections."""
    server = wire.start(tmp_path, worker_connections=2)
    yield server
    assert server.stop() == 0


def test_connections_beyond_the_limit_wait_for_room(small: Server) -> None:
    with small.connect() as first, small.connect() as second:
        assert first.ask(GET).body + second.ask(GET).body == b"smallsmall"
        first.send(BEGUN)
        second.send(BEGUN)
        with small.connect() as third:
            third.send(GET).sock.settimeout(1.5)
            with pytest.raises(TimeoutError):
                third.reply()
            third.sock.settimeout(10)
            second.sock.close()
            assert third.reply().body == b"small"
        assert first.ask(b"Host: a\r\n\r\n").body == b"small"


def test_connections_that_say_nothing_make_room_for_others_the_longest_silent_first(small: Server) -> None:
    with small.connect() as first, small.connect() as second:
        assert first.ask(GET).body == b"small"
        time.sleep(0.05)
        assert second.ask(GET).body == b"small"
        with small.connect() as third:
            third.sock.settimeout(5)
            assert third.ask(GET).body == b"small"
            assert first.is_closed()
