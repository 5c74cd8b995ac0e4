"""The WebSocket of the Flask server, spoken to by the library that most clients use."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from socket import SHUT_RDWR
from urllib.parse import quote

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.etl.webserver.surroundings import Server, Target
from tests.etl.webserver.test_requests import md5

Servers = dict[str, Server]


@pytest.fixture
def socket(servers: Servers) -> Iterator[ClientConnection]:
    with opened(servers["flask-buffered"]) as made:
        yield made


def opened(server: Server) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{server.port}/ws", max_size=None)


def control(**fields: str) -> bytes:
    return json.dumps(fields).encode()


def ask(socket: ClientConnection, data: bytes, **fields: str) -> bytes | str:
    socket.send(control(**fields))
    socket.send(data)
    return socket.recv(timeout=20)


def test_an_object_is_transformed(socket: ClientConnection) -> None:
    assert ask(socket, b"hello", path="a b", etl_args=" x ") == f"{md5(b'hello')} a b x".encode()


def test_answers_come_in_the_order_of_the_objects(socket: ClientConnection) -> None:
    for number in range(20):
        socket.send(control(path=str(number), etl_args="fail" if number == 7 else ""))
        socket.send(str(number).encode())
    answers = [socket.recv(timeout=20) for _ in range(20)]
    assert answers.pop(7) == "Transform error: Processing error: as told"
    assert [answer.split()[1] for answer in answers] == [str(n).encode() for n in range(20) if n != 7]


def test_a_large_object_comes_back_unharmed(socket: ClientConnection) -> None:
    data = bytes(range(256)) * 64 * 1024 + b"odd"
    assert ask(socket, data, etl_args="echo") == data


def test_an_empty_object_has_an_empty_result(socket: ClientConnection) -> None:
    assert ask(socket, b"", etl_args="echo") == b""


def test_an_object_is_read_from_its_file(socket: ClientConnection, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"hello")
    socket.send(control(path="key", fqn=quote(str(tmp_path / "file"), safe="")))
    assert socket.recv(timeout=20) == f"{md5(b'hello')} key ".encode()


def test_a_file_that_is_missing_leaves_the_connection_usable(socket: ClientConnection) -> None:
    socket.send(control(path="key", fqn="%2Fno"))
    assert socket.recv(timeout=20) == "Transform error: Error processing object 'key': file not found at '/no'."
    assert ask(socket, b"hello", etl_args="echo") == b"hello"


def test_a_result_is_put_where_it_is_wanted(socket: ClientConnection, node: Target) -> None:
    assert ask(socket, b"hello", path="key", pipeline=node.destination("ws"), etl_args="") == str(len(md5(b"")) + 5)
    assert node.arrived("ws") == f"{md5(b'hello')} key ".encode()


def test_a_delivery_that_fails_is_told(socket: ClientConnection, servers: Servers) -> None:
    refused = ask(socket, b"hello", path="key", pipeline=servers["threaded-streamed"].url, etl_args="fail ")
    assert refused == "Transform error: Processing error: as told"
    unheard = ask(socket, b"hello", pipeline="http://127.0.0.1:1/x")
    assert isinstance(unheard, str)
    assert unheard.startswith("Transform error: Direct put failed: direct put to 127.0.0.1:1")


def test_the_last_stage_s_result_comes_back(socket: ClientConnection, servers: Servers) -> None:
    answer = ask(socket, b"hello", path="key", pipeline=servers["flask-streamed"].url)
    assert answer == f"{md5(b'hello')} key ".upper().encode()


def test_a_class_that_streams_is_served_too(servers: Servers) -> None:
    with opened(servers["flask-streamed"]) as socket:
        assert ask(socket, b"hello", path="key") == b"HELLO"


def test_a_message_that_says_nothing_of_an_object_ends_the_connection(socket: ClientConnection) -> None:
    socket.send(b"no JSON")
    with pytest.raises(ConnectionClosed):
        socket.recv(timeout=20)


def test_a_server_survives_clients_that_vanish(servers: Servers) -> None:
    with opened(servers["flask-buffered"]) as vanishing:
        vanishing.send(control(path="key"))
        vanishing.socket.shutdown(SHUT_RDWR)
    with opened(servers["flask-buffered"]) as another:
        assert ask(another, b"hello", etl_args="echo") == b"hello"


def test_the_plain_server_has_none(servers: Servers) -> None:
    headers = {
        "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    assert servers["threaded-buffered"].ask("GET", "/ws", headers=headers).status == 501
