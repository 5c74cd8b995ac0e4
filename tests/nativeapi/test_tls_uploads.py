"""The redirect of the SDK's uploads over TLS, byte for byte as the SDK needs it."""

from __future__ import annotations

import random
import socket
import ssl
from collections.abc import Iterator
from email.parser import BytesHeaderParser
from pathlib import Path

import pytest
import requests

from tests.node import Node

SDK = "ais/python/2.0.0"
BUCKET = f"redirected-{random.randrange(16**8):08x}"


@pytest.fixture(scope="module")
def context(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


@pytest.fixture(scope="module")
def node(secure: Node, certificate: Path) -> Iterator[Node]:
    for method, action in (("POST", "create-bck"), ("DELETE", "destroy-bck")):
        headers = {"Authorization": f"Bearer {secure.token}"}
        url = f"{secure.endpoint}/v1/buckets/{BUCKET}"
        answer = requests.request(
            method, url, json={"action": action}, headers=headers, verify=str(certificate), timeout=10
        )
        assert answer.status_code == 200
        if method == "POST":
            yield secure


def head_alone(node: Node, context: ssl.SSLContext, target: str, *, size: int, agent: str = SDK) -> tuple[int, str]:
    """Send a PUT's head, announcing a body that never comes; the status and the location of an answer after which the
    connection is closed."""
    lines = [
        f"PUT {target} HTTP/1.1", f"Host: 127.0.0.1:{node.port}", f"User-Agent: {agent}", "Connection: close",
        f"Authorization: Bearer {node.token}", "Content-Type: application/json", f"Content-Length: {size}", "", "",
    ]  # fmt: skip
    with socket.create_connection(("127.0.0.1", node.port), 5) as plain:
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as link:
            link.sendall("\r\n".join(lines).encode())
            answer = b""
            while piece := link.recv(65536):
                answer += piece
    start, _, rest = answer.partition(b"\r\n")
    headers, _, body = rest.partition(b"\r\n\r\n")
    assert body == b"" or start.split()[1] != b"307"
    return int(start.split()[1]), BytesHeaderParser().parsebytes(headers).get("Location", "")


@pytest.mark.parametrize("size", [0, 1, 10**9])
@pytest.mark.parametrize(
    "query", ["?provider=ais", "", "?provider=ais&append_type=append&append_handle=", "?uploadId=x&partNumber=1"]
)
def test_head_of_an_upload_is_redirected_before_its_body_comes(
    node: Node, context: ssl.SSLContext, size: int, query: str
) -> None:
    target = f"/v1/objects/{BUCKET}/a%20song{query}"
    status, location = head_alone(node, context, target, size=size)
    assert status == 307
    assert location.startswith(f"{node.endpoint}{target}{'&' if query else '?'}pid=p")
    assert "&utm=" in location


def test_redirected_upload_with_its_parameters_repeated_is_stored(
    node: Node, context: ssl.SSLContext, certificate: Path
) -> None:
    target = f"/v1/objects/{BUCKET}/song?provider=ais"
    _, location = head_alone(node, context, target, size=5)
    headers = {"Authorization": f"Bearer {node.token}", "User-Agent": SDK}
    for _ in range(2):
        put = requests.put(
            location, b"whole", params={"provider": "ais"}, headers=headers, verify=str(certificate), timeout=10,
            allow_redirects=False,
        )
        assert put.status_code == 200
    assert requests.get(f"{node.endpoint}{target}", headers=headers, verify=str(certificate), timeout=10).text == (
        "whole"
    )


@pytest.mark.parametrize(
    ("target", "status"),
    [("/v1/objects/nowhere-at-all/song", 404), (f"/v1/objects/{BUCKET}/../song", 400), ("/v1/objects", 400)],
)
def test_what_would_be_refused_is_refused_at_once(
    node: Node, context: ssl.SSLContext, target: str, status: int
) -> None:
    assert head_alone(node, context, target, size=100) == (status, "")


def test_other_clients_are_not_redirected(node: Node, certificate: Path) -> None:
    url = f"{node.endpoint}/v1/objects/{BUCKET}/plain"
    headers = {"Authorization": f"Bearer {node.token}"}
    put = requests.put(url, b"x", headers=headers, verify=str(certificate), timeout=10, allow_redirects=False)
    assert put.status_code == 200
