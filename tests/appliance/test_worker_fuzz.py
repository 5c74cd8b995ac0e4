"""Whatever bytes come, the worker answers, refuses or hangs up: no 500, no hang, no death."""

from __future__ import annotations

import re
import socket

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.appliance.wire import Server, Wire

FEW = settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

TOKENS = st.sampled_from([
    b"GET", b"PUT", b"HEAD", b" ", b"/", b"/small", b"/read", b"/digest", b"HTTP/1.1", b"HTTP/1.0", b"\r\n", b"\n",
    b"\r", b":", b"Host: a\r\n", b"Content-Length", b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Expect: 100-continue\r\n", b"Connection: close\r\n", b"Upgrade: websocket\r\n", b"0", b"3", b"abc", b"\x00",
    b"\xff", b"\t", b";", b"0\r\n\r\n", b"3\r\nabc\r\n", b"GET /small HTTP/1.1\r\nHost: a\r\n\r\n",
    b"PUT /read HTTP/1.1\r\n",
])
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,20}", fullmatch=True)
STREAMS = st.lists(st.one_of(TOKENS, TOKENS, TOKENS, st.binary(max_size=20)), max_size=25).map(b"".join)

ANSWER = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


def answers(server: Server, data: bytes) -> list[int]:
    """The statuses of all replies to the bytes, after which the client has nothing more to say."""
    with server.connect() as wire:
        try:
            wire.send(data)
            wire.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the server has hung up already
        received = wire.everything()
    return [int(status) for status in ANSWER.findall(received)]


@FEW
@given(STREAMS)
def test_no_stream_of_bytes_makes_the_worker_fail(echo: Server, data: bytes) -> None:
    assert not [status for status in answers(echo, data) if status >= 500]


@FEW
@given(STREAMS)
def test_no_chunked_body_makes_the_worker_fail(echo: Server, coded: bytes) -> None:
    head = b"PUT /digest HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    statuses = answers(echo, head + coded)
    assert statuses
    assert not [status for status in statuses if status >= 500]


@FEW
@given(st.lists(st.binary(min_size=1, max_size=3000), max_size=8), st.lists(st.integers(1, 4000), max_size=6))
def test_chunks_cut_anywhere_are_put_together_again(echo: Server, pieces: list[bytes], cuts: list[int]) -> None:
    coded = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    with echo.connect() as wire:
        wire.send(b"PUT /read HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for start, stop in zip([0, *sorted(cuts)], [*sorted(cuts), len(coded)]):
            wire.send(coded[start:stop])
        assert wire.reply().body == b"".join(pieces)
        assert alive(wire)


@FEW
@given(st.lists(st.tuples(NAMES, st.binary(max_size=30)), max_size=12))
def test_no_header_makes_the_worker_fail(echo: Server, pairs: list[tuple[str, bytes]]) -> None:
    lines = b"".join(name.encode() + b": " + value + b"\r\n" for name, value in pairs)
    statuses = answers(echo, b"GET /small HTTP/1.1\r\nHost: a\r\n" + lines + b"\r\n")
    assert not [status for status in statuses if status >= 500]


def alive(wire: Wire) -> bool:
    return wire.ask(b"GET /small HTTP/1.1\r\nHost: a\r\n\r\n").body == b"small"
