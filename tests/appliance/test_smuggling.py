"""Requests that two parsers might frame differently are refused, and what follows them is never served."""

from __future__ import annotations

import pytest

from tests.appliance.wire import Server

SMUGGLED = b"GET /pid HTTP/1.1\r\nHost: a\r\n\r\n"

PUT = b"PUT /read HTTP/1.1\r\nHost: a\r\n"

HEADS = {
    "both lengths": PUT + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
    "both lengths, other order": PUT + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n",
    "repeated length": PUT + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\n",
    "two lengths": PUT + b"Content-Length: 4\r\ncontent-length: 0\r\n\r\n",
    "list of lengths": PUT + b"Content-Length: 4, 4\r\n\r\n",
    "signed length": PUT + b"Content-Length: +4\r\n\r\n",
    "negative length": PUT + b"Content-Length: -4\r\n\r\n",
    "hexadecimal length": PUT + b"Content-Length: 0x4\r\n\r\n",
    "length with underscore": PUT + b"Content-Length: 1_0\r\n\r\n",
    "empty length": PUT + b"Content-Length:\r\n\r\n",
    "length of other digits": PUT + b"Content-Length: \xb2\r\n\r\n",
    "enormous length": PUT + b"Content-Length: 99999999999999999999\r\n\r\n",
    "length ends in 64-bit overflow": PUT + b"Content-Length: 18446744073709551620\r\n\r\n",
    "unknown coding": PUT + b"Transfer-Encoding: xchunked\r\n\r\n",
    "coding that is not last": PUT + b"Transfer-Encoding: chunked, identity\r\n\r\n",
    "stacked coding": PUT + b"Transfer-Encoding: chunked, chunked\r\n\r\n",
    "other coding before": PUT + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    "identity": PUT + b"Transfer-Encoding: identity\r\n\r\n",
    "gzip alone": PUT + b"Transfer-Encoding: gzip\r\n\r\n",
    "empty coding": PUT + b"Transfer-Encoding:\r\n\r\n",
    "repeated coding": PUT + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    "two codings": PUT + b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n",
    "vertical tab before coding": PUT + b"Transfer-Encoding: \x0bchunked\r\n\r\n",
    "quoted coding": PUT + b'Transfer-Encoding: "chunked"\r\n\r\n',
    "coding in HTTP/1.0": b"PUT /read HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    "bare LF everywhere": b"GET /read HTTP/1.1\nHost: a\n\n",
    "bare LF after request line": b"GET /read HTTP/1.1\nHost: a\r\n\r\n",
    "bare LF after header": b"GET /read HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
    "bare LF at the end": b"GET /read HTTP/1.1\r\nHost: a\r\n\n",
    "bare LF before request": b"\nGET /read HTTP/1.1\r\nHost: a\r\n\r\n",
    "bare LF in HTTP/1.0": b"GET /read HTTP/1.0\r\nHost: a\nX: b\r\n\r\n",
    "bare CR": b"GET /read HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
    "folded header": b"GET /read HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n",
    "folded length": b"GET /read HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n 4\r\n\r\n",
    "folded first header": b"GET /read HTTP/1.1\r\n Host: a\r\n\r\n",
    "space before colon": b"GET /read HTTP/1.1\r\nHost: a\r\nContent-Length : 4\r\n\r\n",
    "tab before colon": b"GET /read HTTP/1.1\r\nHost: a\r\nContent-Length\t: 4\r\n\r\n",
    "empty name": b"GET /read HTTP/1.1\r\nHost: a\r\n: 4\r\n\r\n",
    "no colon": b"GET /read HTTP/1.1\r\nHost: a\r\nContent-Length 4\r\n\r\n",
    "NUL in value": b"GET /read HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
    "NUL in name": b"GET /read HTTP/1.1\r\nHost: a\r\nX\x00: b\r\n\r\n",
    "non-ASCII name": b"GET /read HTTP/1.1\r\nHost: a\r\nX\xe9: b\r\n\r\n",
    "no host": b"GET /read HTTP/1.1\r\nX: a\r\n\r\n",
    "two hosts": b"GET /read HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "space in target": b"GET /re ad HTTP/1.1\r\nHost: a\r\n\r\n",
    "no version": b"GET /read\r\nHost: a\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/1.2": b"GET /read HTTP/1.2\r\nHost: a\r\n\r\n",
    "lower-case method": b"get /read HTTP/1.1\r\nHost: a\r\n\r\n",
    "tunnel": b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
}

LARGE = {
    "long line": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "long field": b"GET /read HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
    "large head": b"GET /read HTTP/1.1\r\nHost: a\r\n" + (b"X: " + b"a" * 2000 + b"\r\n") * 40 + b"\r\n",
    "endless line": b"GET /" + b"a" * 200_000,
    "endless head": b"GET /read HTTP/1.1\r\nHost: a\r\n" + (b"X: " + b"a" * 2000 + b"\r\n") * 100,
}

CHUNKS = {
    "bare LF after size": b"4\nabcd\r\n0\r\n\r\n",
    "bare LF after chunk": b"4\r\nabcd\n0\r\n\r\n",
    "bare LF at the end": b"4\r\nabcd\r\n0\r\n\n",
    "no line end after chunk": b"4\r\nabcd0\r\n\r\n",
    "long chunk": b"4\r\nabcde\r\n0\r\n\r\n",
    "empty size": b"\r\nabcd\r\n0\r\n\r\n",
    "size with prefix": b"0x4\r\nabcd\r\n0\r\n\r\n",
    "signed size": b"+4\r\nabcd\r\n0\r\n\r\n",
    "negative size": b"-4\r\nabcd\r\n0\r\n\r\n",
    "spaced size": b" 4\r\nabcd\r\n0\r\n\r\n",
    "size and space": b"4 \r\nabcd\r\n0\r\n\r\n",
    "size with underscore": b"0_4\r\nabcd\r\n0\r\n\r\n",
    "enormous size": b"f" * 17 + b"\r\nabcd\r\n0\r\n\r\n",
    "malformed extension": b"4;=\r\nabcd\r\n0\r\n\r\n",
    "CR in extension": b"4;a\rb\r\nabcd\r\n0\r\n\r\n",
    "endless size line": b"4;" + b"a" * 10_000,
    "malformed trailer": b"0\r\nno colon\r\n\r\n",
    "bare LF in trailer": b"0\r\na: b\nc: d\r\n\r\n",
    "endless trailers": b"0\r\n" + b"a: b\r\n" * 5_000,
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS.keys())
def test_ambiguous_head_is_refused_and_nothing_after_it_is_served(echo: Server, head: bytes) -> None:
    with echo.connect() as wire:
        reply = wire.ask(head + SMUGGLED)
        assert (reply.status, reply.headers["connection"]) == (400, "close")
        assert reply.headers["content-type"] == "application/xml"
        assert b"<Code>BadRequest</Code>" in reply.body
        assert f"<RequestId>{reply.headers['x-amz-request-id']}</RequestId>".encode() in reply.body
        assert f"<HostId>{reply.headers['x-amz-id-2']}</HostId>".encode() in reply.body
        assert wire.is_closed()


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS.keys())
def test_full_lane_is_as_strict(echo: Server, head: bytes) -> None:
    """A connection that began with HTTP/1.0 stays with gunicorn's parser, which by itself is laxer."""
    with echo.connect() as wire:
        assert wire.ask(b"GET /small HTTP/1.0\r\nConnection: keep-alive\r\nHost: a\r\n\r\n").body == b"small"
        reply = wire.ask(head + SMUGGLED)
        assert (reply.status, reply.headers["connection"]) == (400, "close")
        assert b"<Code>BadRequest</Code>" in reply.body
        assert wire.is_closed()


@pytest.mark.parametrize("head", LARGE.values(), ids=LARGE.keys())
def test_oversized_head_is_refused(echo: Server, head: bytes) -> None:
    with echo.connect() as wire:
        reply = wire.ask(head)
        assert (reply.status, reply.headers["connection"]) == (431, "close")
        assert b"<Error><Code>" in reply.body
        assert wire.is_closed()


@pytest.mark.parametrize("coded", CHUNKS.values(), ids=CHUNKS.keys())
@pytest.mark.parametrize("path", ["read", "unread"])
def test_broken_chunks_end_the_connection(echo: Server, path: str, coded: bytes) -> None:
    with echo.connect() as wire:
        wire.send(f"PUT /{path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + coded + SMUGGLED)
        reply = wire.reply()
        assert reply.status == (400 if path == "read" else 403)
        assert wire.is_closed()


def test_wellformed_oddities_are_served(echo: Server) -> None:
    with echo.connect() as wire:
        for head in (
            b"PUT /read HTTP/1.1\r\nhOsT: a\r\ntransfer-ENCODING: Chunked\r\n\r\n"
            b'4 ;a="b;c" ; d\r\nbody\r\n0\r\nx: y\r\n\r\n',
            b"PUT /read HTTP/1.1\r\nHost:a\r\nContent-Length:\t4 \r\n\r\nbody",
            PUT + b"Content-Length: 0004\r\n\r\nbody",
        ):
            assert wire.ask(head).body == b"body"
