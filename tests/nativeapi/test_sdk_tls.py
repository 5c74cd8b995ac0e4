"""The official SDK over TLS, where it sends an upload's head first and the body to wherever that is redirected."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from aistore import Client

from tests.conftest import StartNode


@pytest.fixture
def client(start_node: StartNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"]
        + ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(variable, raising=False)
    node = start_node("--tls-certificate", str(certificate), "--tls-key", str(key))
    yield Client(node.endpoint, token=node.token, ca_cert=str(certificate))


def test_uploads_arrive_whole(client: Client, tmp_path: Path) -> None:
    assert client.cluster().is_ready()
    bucket = client.bucket("secure").create()
    large = random.Random(1).randbytes(5_000_000)
    path = tmp_path / "large"
    path.write_bytes(large)
    for name, data in (("empty", b""), ("small", b"hello world")):
        bucket.object(name).get_writer().put_content(data)
        assert bucket.object(name).get_reader().read_all() == data
    bucket.object("file").get_writer().put_file(path)
    assert bucket.object("file").get_reader().read_all() == large
    bucket.object("stream").get_writer()._put_data(iter([large, large]))
    assert bucket.object("stream").get_reader().read_all() == large + large
    bucket.object("file").copy(bucket.object("copy"))
    assert bucket.object("copy").get_reader().read_all() == large
