"""Requests of the uncommon shapes, answered by gunicorn's machinery with the same environ."""

from __future__ import annotations

import json

from tests.appliance.test_worker import put, told
from tests.appliance.wire import Server


def test_http_1_0_is_answered_and_closed(echo: Server) -> None:
    with echo.connect() as wire:
        received = wire.send(b"GET /small HTTP/1.0\r\n\r\n").everything()
    assert received.startswith(b"HTTP/1.0 200 OK\r\n")
    assert b"Connection: close\r\n" in received
    assert received.endswith(b"\r\n\r\nsmall")


def test_http_1_0_may_keep_the_connection(echo: Server) -> None:
    request = b"GET /small HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    with echo.connect() as wire:
        for _ in range(3):
            assert wire.ask(request).body == b"small"


def test_http_1_0_body_arrives(echo: Server) -> None:
    body = b"x" * 100_000
    request = put("/digest", body).replace(b"HTTP/1.1", b"HTTP/1.0", 1)
    with echo.connect() as wire:
        assert wire.send(request).everything().endswith(told(body))


def test_http_1_0_short_body_is_an_incomplete_body(echo: Server) -> None:
    before = len(echo.trace("raised"))
    with echo.connect() as wire:
        wire.send(b"PUT /digest HTTP/1.0\r\nContent-Length: 10\r\n\r\nhalf")
    assert echo.awaits("raised", before + 1)[before:] == ["IncompleteBody"]


def test_segments_pass_through_the_full_lane(echo: Server) -> None:
    (echo.folder / "data").write_bytes(b"0123456789" * 100_000)
    with echo.connect() as wire:
        received = wire.send(b"GET /files?5-10,0-900000 HTTP/1.0\r\n\r\n").everything()
    assert received.endswith(b"\r\n\r\n5678901234" + b"0123456789" * 90_000)


def test_full_lane_keeps_headers_with_underscores(echo: Server) -> None:
    with echo.connect() as wire:
        received = wire.send(b"GET /environ HTTP/1.0\r\nHost: a\r\nx-amz-meta-a_b: 1\r\nx-amz-meta-a-b: 2\r\n\r\n")
        shown = json.loads(received.everything().partition(b"\r\n\r\n")[2])
    assert [name.lower() for name, _ in shown["headers"]] == ["host", "x-amz-meta-a_b", "x-amz-meta-a-b"]
    assert shown["HTTP_X_AMZ_META_A_B"] == "2"


def test_absolute_target_is_its_path_in_the_full_lane_too(echo: Server) -> None:
    for host in (b"", b"Host: A\r\n"):
        with echo.connect() as wire:
            received = wire.send(b"GET http://a/environ?x HTTP/1.0\r\n" + host + b"\r\n").everything()
        assert json.loads(received.partition(b"\r\n\r\n")[2])["RAW_URI"] == "/environ?x"
    with echo.connect() as wire:
        assert b" 400 " in wire.send(b"GET http://b/environ HTTP/1.0\r\nHost: a\r\n\r\n").everything()


def test_websocket_upgrade_reaches_gunicorns_machinery(echo: Server) -> None:
    with echo.connect() as wire:
        wire.send(
            b"GET /hijack HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert wire.until(b"\r\n\r\n").startswith(b"HTTP/1.1 101 ")
        assert wire.send(b"hello").everything() == b"HELLO"


def test_failure_in_the_full_lane_is_an_internal_error(echo: Server) -> None:
    with echo.connect() as wire:
        received = wire.send(b"GET /fail HTTP/1.0\r\n\r\n").everything()
    assert b" 500 " in received
    assert b"<Code>InternalError</Code>" in received


def test_malformed_second_request_in_the_full_lane_is_refused(echo: Server) -> None:
    with echo.connect() as wire:
        wire.ask(b"GET /small HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        reply = wire.ask(b"GET /small HTTP/1.0\nHost: a\n\n")
        assert (reply.status, reply.headers["connection"]) == (400, "close")
        assert wire.is_closed()
