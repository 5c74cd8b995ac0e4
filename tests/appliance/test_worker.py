"""One connection, one worker: requests of the common shape and what surrounds them."""

from __future__ import annotations

import hashlib
import json
import os
import time

import pytest

from appliance.connection import DRAIN_SECONDS
from tests.appliance.wire import Server

GET = b"GET /small HTTP/1.1\r\nHost: a\r\n\r\n"


def put(path: str, body: bytes, *headers: str) -> bytes:
    lines = [f"PUT {path} HTTP/1.1", "Host: a", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def chunk(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


def chunked(path: str, coded: bytes, *headers: str) -> bytes:
    lines = [f"PUT {path} HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + coded


def told(body: bytes) -> bytes:
    return f"{len(body)} {hashlib.md5(body).hexdigest()}".encode()


def test_replies_carry_date_server_and_nothing_about_a_connection_that_stays(echo: Server) -> None:
    with echo.connect() as wire:
        reply = wire.ask(GET)
    assert (reply.status, reply.body) == (200, b"small")
    assert reply.headers["server"] == "Sluice"
    assert reply.headers["date"].endswith("GMT")
    assert "connection" not in reply.headers
    assert len(reply.headers["x-amz-request-id"]) == 16


def test_connection_serves_many_requests_with_different_ids(echo: Server) -> None:
    with echo.connect() as wire:
        assert len({wire.ask(GET).headers["x-amz-request-id"] for _ in range(50)}) == 50


def test_pipelined_requests_are_answered_in_order(echo: Server) -> None:
    with echo.connect() as wire:
        bodies = put("/read", b"first") + put("/digest", b"second") + chunked("/read", chunk(b"x") + b"0\r\n\r\n")
        wire.send(GET + bodies + GET)
        assert [wire.reply().body for _ in range(5)] == [b"small", b"first", told(b"second"), b"x", b"small"]


def test_head_may_arrive_byte_by_byte(echo: Server) -> None:
    with echo.connect() as wire:
        for byte in GET:
            wire.send(bytes([byte]))
        assert wire.reply().body == b"small"


def test_one_empty_line_before_a_request_is_ignored(echo: Server) -> None:
    with echo.connect() as wire:
        assert wire.ask(b"\r\n" + GET).body == b"small"
        for pieces in ((b"\r", b"\n" + GET), (b"\r\n", GET), (b"\r\nG", GET[1:])):
            for piece in pieces:
                wire.send(piece)
                time.sleep(0.05)
            assert wire.reply().body == b"small"


def test_connection_close_is_obeyed(echo: Server) -> None:
    with echo.connect() as wire:
        reply = wire.ask(b"GET /small HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert reply.headers["connection"] == "close"
        assert wire.is_closed()


def test_environ_holds_the_target_and_the_headers_as_sent(echo: Server) -> None:
    with echo.connect() as wire:
        reply = wire.ask(
            b"GET /environ?a=%2F//&b HTTP/1.1\r\nHost: h:81\r\nX-Amz-Meta-a_b: 1\r\nx-amz-meta-a-b:  2 \r\n"
            b"x-amz-meta-a-b: \xc3\xa9\r\n\r\n"
        )
    shown = json.loads(reply.body)
    assert shown["RAW_URI"] == "/environ?a=%2F//&b"
    assert shown["headers"] == [
        ["Host", "h:81"], ["X-Amz-Meta-a_b", "1"], ["x-amz-meta-a-b", "2"], ["x-amz-meta-a-b", "\xc3\xa9"],
    ]
    assert (shown["SERVER_NAME"], shown["SERVER_PORT"], shown["PATH_INFO"]) == ("h", "81", "/environ")
    assert shown["HTTP_X_AMZ_META_A_B"] == "2,\xc3\xa9"
    assert (shown["REMOTE_ADDR"], shown["wsgi.url_scheme"], shown["size"]) == ("127.0.0.1", "http", 0)


def test_absolute_target_is_its_path(echo: Server) -> None:
    with echo.connect() as wire:
        shown = json.loads(wire.ask(b"GET http://a/environ?b HTTP/1.1\r\nHost: a\r\n\r\n").body)
        assert shown["RAW_URI"] == "/environ?b"
        assert wire.ask(b"GET http://b/environ HTTP/1.1\r\nHost: a\r\n\r\n").status == 400


@pytest.mark.parametrize("size", [0, 1, 4096, 16384, 300_000, 5_000_000])
def test_body_arrives_byte_for_byte_whatever_the_buffer(echo: Server, size: int) -> None:
    body = os.urandom(size)
    with echo.connect() as wire:
        for buffer in ("1000", "65536", "1048576"):
            assert wire.ask(put(f"/digest?{buffer}", body)).body == told(body)
        assert wire.ask(put("/read", body)).body == body
        assert wire.ask(put("/read?100000", body)).body == body[:100_000]


def test_chunked_body_arrives_byte_for_byte(echo: Server) -> None:
    pieces = [os.urandom(size) for size in (1, 70_000, 2, 8192, 1_000_000)]
    coded = chunk(*pieces) + b"0;last\r\nx-trailer: 1\r\n\r\n"
    with echo.connect() as wire:
        assert wire.ask(chunked("/digest", coded)).body == told(b"".join(pieces))
        assert wire.ask(chunked("/read", coded)).body == b"".join(pieces)
        assert wire.ask(chunked("/read", b"0\r\n\r\n")).body == b""
        assert wire.ask(GET).body == b"small"


def test_continue_is_sent_when_the_body_is_read_and_not_before(echo: Server) -> None:
    with echo.connect() as wire:
        head, body = put("/digest", b"hello", "Expect: 100-continue").split(b"\r\n\r\n")
        wire.send(head + b"\r\n\r\n")
        assert wire.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert wire.ask(body).body == told(b"hello")
        assert wire.ask(GET).body == b"small"


def test_client_that_waits_to_send_an_empty_body_is_told_to_continue_too(echo: Server) -> None:
    with echo.connect() as wire:
        for _ in range(2):
            wire.send(put("/digest", b"", "Expect: 100-continue"))
            assert wire.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            assert wire.reply().body == told(b"")


def test_refusal_without_reading_sends_no_continue_and_closes(echo: Server) -> None:
    with echo.connect() as wire:
        reply = wire.ask(b"PUT /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\n")
        assert (reply.status, reply.headers["connection"]) == (403, "close")
        assert wire.is_closed()


@pytest.mark.parametrize("expectation", ["", "something"])
def test_other_expectations_are_ignored(echo: Server, expectation: str) -> None:
    with echo.connect() as wire:
        assert wire.ask(put("/digest", b"hello", f"Expect: {expectation}")).body == told(b"hello")


def test_client_that_does_not_wait_for_continue_is_sent_none(echo: Server) -> None:
    with echo.connect() as wire:
        assert wire.ask(put("/digest", b"hello", "Expect: 100-continue")).body == told(b"hello")


def test_small_unread_body_is_dropped_and_the_connection_stays(echo: Server) -> None:
    with echo.connect() as wire:
        assert wire.ask(put("/unread", b"x" * 200_000)).body == b"no"
        assert wire.ask(chunked("/unread", chunk(b"x" * 100_000) + b"0\r\n\r\n")).body == b"no"
        assert wire.ask(GET).body == b"small"


LARGE = b"x" * 3_000_000


@pytest.mark.parametrize("request_bytes", [put("/unread", LARGE), chunked("/unread", chunk(LARGE))])
def test_reply_reaches_a_client_whose_large_body_nobody_reads(echo: Server, request_bytes: bytes) -> None:
    with echo.connect() as wire:
        assert wire.ask(request_bytes).body == b"no"
        assert wire.is_closed()


def test_unread_body_that_trickles_in_does_not_hold_the_connection(echo: Server) -> None:
    with echo.connect() as wire:
        assert wire.ask(b"PUT /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n").body == b"no"
        wire.sock.settimeout(0.25)
        deadline = time.monotonic() + DRAIN_SECONDS + 2
        while time.monotonic() < deadline:
            try:
                assert wire.sock.recv(1) == b""
                return
            except TimeoutError:
                wire.send(b"x")
    raise AssertionError("the connection is still open")


def test_unread_body_of_tiny_chunks_is_not_worth_reading(echo: Server) -> None:
    with echo.connect() as wire:
        assert wire.ask(chunked("/unread", chunk(b"x") * 10_000 + b"0\r\n\r\n")).body == b"no"
        assert wire.is_closed()


def test_short_body_is_an_incomplete_body(echo: Server) -> None:
    before = len(echo.trace("raised"))
    with echo.connect() as wire:
        wire.send(b"PUT /digest HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
    assert echo.awaits("raised", before + 1)[before:] == ["IncompleteBody"]


def test_silent_sender_is_timed_out(echo: Server) -> None:
    with echo.connect() as wire:
        reply = wire.ask(b"PUT /digest HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
        assert (reply.status, reply.body, reply.headers["connection"]) == (400, b"BodyTimeout", "close")
        assert wire.is_closed()


def test_slow_head_is_timed_out(echo: Server) -> None:
    with echo.connect() as wire:
        wire.send(b"GET /small HTTP/1.1\r\n")
        began = time.monotonic()
        assert wire.reply().status == 408
        assert 1.5 < time.monotonic() - began < 5
        assert wire.is_closed()


def test_idle_connection_outlives_the_time_for_a_head_and_for_a_body(echo: Server) -> None:
    with echo.connect() as wire:
        wire.ask(put("/read", b"x"))
        time.sleep(3.5)
        assert wire.ask(GET).body == b"small"


def test_head_request_keeps_the_length_and_has_no_body(echo: Server) -> None:
    (echo.folder / "data").write_bytes(b"x" * 1000)
    with echo.connect() as wire:
        for path in ("small", "files?0-3", "pieces?11"):
            reply = wire.send(f"HEAD /{path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()).reply(bodiless=True)
            assert (reply.status, "transfer-encoding" in reply.headers) == (200, False)
            assert int(reply.headers["content-length"]) > 0
        assert wire.ask(GET).body == b"small"


def test_iterable_without_length_is_chunked(echo: Server) -> None:
    with echo.connect() as wire:
        reply = wire.ask(b"GET /pieces HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (reply.headers["transfer-encoding"], reply.body) == ("chunked", b"onetwothree")
        reply = wire.ask(b"GET /pieces?11 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert ("transfer-encoding" in reply.headers, reply.body) == (False, b"onetwothree")


def test_segments_of_files_arrive_byte_for_byte_and_are_closed(echo: Server) -> None:
    data = os.urandom(9_000_000)
    (echo.folder / "data").write_bytes(data)
    with echo.connect() as wire:
        reply = wire.ask(b"GET /files?0-9000000 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert reply.body == data
        reply = wire.ask(b"GET /files?5-10,8000000-999999,0-1,3-0,7-2000000 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert reply.body == data[5:15] + data[8_000_000:8_999_999] + data[:1] + data[7:2_000_007]
        assert wire.ask(b"GET /descriptors HTTP/1.1\r\nHost: a\r\n\r\n").body == b"0"


def test_file_shorter_than_its_segment_cuts_the_connection(echo: Server) -> None:
    (echo.folder / "data").write_bytes(b"x" * 1000)
    with echo.connect() as wire:
        received = wire.send(b"GET /files?0-1001 HTTP/1.1\r\nHost: a\r\n\r\n").everything()
        assert received.endswith(b"\r\n\r\n" + b"x" * 1000)


def test_client_that_leaves_during_a_large_reply_is_no_error(echo: Server) -> None:
    (echo.folder / "data").write_bytes(b"x" * 20_000_000)
    before = len(echo.trace("observed"))
    with echo.connect() as wire:
        wire.send(b"GET /files?0-20000000 HTTP/1.1\r\nHost: a\r\n\r\n").take(1000)
    echo.awaits("observed", before + 1)
    with echo.connect() as wire:
        assert wire.ask(b"GET /descriptors HTTP/1.1\r\nHost: a\r\n\r\n").body == b"0"
    assert "files?0-20000000 failed" not in echo.log()


def test_failure_before_the_reply_is_an_internal_error_with_its_traceback_logged(echo: Server) -> None:
    for path in ("fail", "split", "wrong-length"):
        with echo.connect() as wire:
            reply = wire.ask(f"GET /{path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert (reply.status, reply.headers["content-type"]) == (500, "application/xml")
        assert b"<Code>InternalError</Code>" in reply.body
        assert reply.headers["x-amz-request-id"].encode() in reply.body
    assert "LookupError: on purpose" in echo.log()


def test_failure_after_the_head_cuts_the_connection(echo: Server) -> None:
    with echo.connect() as wire:
        received = wire.send(b"GET /fail-late HTTP/1.1\r\nHost: a\r\n\r\n").everything()
        assert received.endswith(b"4\r\nsome\r\n")


def test_every_reply_is_observed_once(echo: Server) -> None:
    before = len(echo.trace("observed"))
    with echo.connect() as wire:
        wire.ask(b"GET /small?watched HTTP/1.1\r\nHost: a\r\n\r\n")
        wire.ask(b"GET /pieces?11 HTTP/1.1\r\nHost: a\r\n\r\n")
    lines = echo.awaits("observed", before + 2)
    assert lines[-2:] == ["GET /small?watched 200 5", "GET /pieces?11 200 11"]


def test_blocked_native_thread_leaves_the_loop_running(echo: Server) -> None:
    with echo.connect() as wire:
        assert int(wire.ask(b"GET /native-thread HTTP/1.1\r\nHost: a\r\n\r\n").body) > 5


def test_tls_clients_loaded_before_the_fork_work_under_gevent(echo: Server) -> None:
    with echo.connect() as wire:
        assert wire.ask(b"GET /tls-client HTTP/1.1\r\nHost: a\r\n\r\n").body == b"gevent.ssl"


def test_upgrade_to_something_unknown_is_ignored(echo: Server) -> None:
    request = put("/digest", b"hello", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAM")
    with echo.connect() as wire:
        assert wire.ask(request).body == told(b"hello")
        assert wire.ask(GET).body == b"small"
