"""The downloader, against real web servers on this machine."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests

from nativeapi.download.egress import GUARDS
from tests.node import Node

FILES = {
    "/small.txt": b"small",
    "/big.bin": bytes(range(256)) * 20000,
    **{f"/shards/s-{number:03d}.tar": f"shard {number}".encode() for number in range(5)},
}


@dataclass(slots=True)
class Seen:
    """What the web server was asked, and how many times it is to fail first."""

    requests: list[tuple[str, str]] = field(default_factory=list)
    failures: int = 0


SEEN = Seen()


class Web(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        SEEN.requests.append((self.command, self.path))
        if self.path == "/moved":
            return self._head(302, b"", Location="/small.txt")
        if self.path.startswith("/secret") and self.headers.get("X-Key") != "open":
            return self._head(403, b"")
        if self.path == "/cut":
            return self._cut()
        if SEEN.failures:
            SEEN.failures -= 1
            return self._head(503, b"")
        data = FILES.get(self.path.partition("?")[0].removeprefix("/secret"))
        if data is None:
            return self._head(404, b"")
        if self.path.endswith("slow"):
            return self._slow(data)
        self._head(200, data if with_body else b"", ETag=f'"{hashlib.md5(data).hexdigest()}"', size=len(data))

    def _head(self, status: int, body: bytes, size: int | None = None, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if size is None else size))
        self.end_headers()
        self.wfile.write(body)

    def _cut(self) -> None:
        self._head(200, b"half", size=8)
        self.close_connection = True

    def _slow(self, data: bytes) -> None:
        self._head(200, b"", size=len(data))
        for at in range(0, len(data), len(data) // 50):
            self.wfile.write(data[at : at + len(data) // 50])
            time.sleep(0.2)

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            pass  # the node has gone away

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Web) as server:
        server.daemon_threads = True
        server.block_on_close = False
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    with serving() as address:
        yield address


@dataclass(frozen=True, slots=True)
class Downloader:
    node: Node

    def __call__(self, method: str, path: str = "", **message: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.node.token}"}
        url = f"{self.node.endpoint}/v1/download{path}"
        return requests.request(method, url, headers=headers, data=json.dumps(message), timeout=10)

    def start(self, **message: Any) -> str:
        reply = self("POST", bucket={"name": "web", "provider": "ais"}, **message)
        assert reply.status_code == 200, reply.text
        return str(reply.json()["id"])

    def look(self, job: str) -> dict[str, Any]:
        found: dict[str, Any] = self("GET", id=job).json()
        return found

    def finished(self, job: str) -> dict[str, Any]:
        deadline = time.monotonic() + 20
        while (found := self.look(job))["finished_time"].startswith("0001"):
            assert time.monotonic() < deadline, found
            time.sleep(0.03)
        return found

    def content(self, name: str) -> bytes:
        url = f"{self.node.endpoint}/v1/objects/web/{name}?provider=ais"
        reply = requests.get(url, headers={"Authorization": f"Bearer {self.node.token}"}, timeout=10)
        assert reply.status_code == 200, reply.text
        return reply.content


def made(folder: Path, *arguments: str) -> Iterator[Downloader]:
    node = Node(folder, ["--workers", "1", *arguments]).start()
    url = f"{node.endpoint}/v1/buckets/web"
    message = json.dumps({"action": "create-bck"})
    requests.post(url, headers={"Authorization": f"Bearer {node.token}"}, data=message, timeout=10)
    yield Downloader(node)
    node.stop()


@pytest.fixture(scope="module")
def download(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Downloader]:
    yield from made(tmp_path_factory.mktemp("node"), "--download-from", "anywhere")


def test_one_link_becomes_one_object(download: Downloader, web: str) -> None:
    job = download.start(type="single", link=f"{web}/big.bin", object_name="bin/big", description="the big one")
    assert job.startswith("dnl-")
    found = download.finished(job)
    assert download.content("bin/big") == FILES["/big.bin"]
    assert found["description"] == "the big one"
    counts = {name: found[name] for name in ("finished_cnt", "scheduled_cnt", "skipped_cnt", "error_cnt", "total")}
    assert counts == {"finished_cnt": 1, "scheduled_cnt": 1, "skipped_cnt": 0, "error_cnt": 0, "total": 1}
    assert (found["all_dispatched"], found["aborted"], found["current_tasks"]) == (True, False, [])
    (task,) = found["finished_tasks"]
    assert (task["name"], task["downloaded"], task["total"]) == ("bin/big", "5120000", "5120000")


def test_a_range_of_links_is_downloaded_and_skipped_the_next_time(download: Downloader, web: str) -> None:
    message = {"type": "range", "template": f"{web}/shards/s-{{000..004}}.tar", "subdir": "set"}
    first = download.finished(download.start(**message))
    assert (first["finished_cnt"], first["skipped_cnt"], first["total"]) == (5, 0, 5)
    assert download.content("set/s-003.tar") == b"shard 3"
    SEEN.requests.clear()
    again = download.finished(download.start(**message))
    assert (again["finished_cnt"], again["skipped_cnt"], again["error_cnt"]) == (5, 5, 0)
    assert {method for method, _ in SEEN.requests} == {"HEAD"}


def test_what_has_changed_is_downloaded_again(download: Downloader, web: str, monkeypatch: pytest.MonkeyPatch) -> None:
    message = {"type": "multi", "objects": {"changing": f"{web}/small.txt"}}
    download.finished(download.start(**message))
    monkeypatch.setitem(FILES, "/small.txt", b"SMALL")
    assert download.finished(download.start(**message))["skipped_cnt"] == 0
    assert download.content("changing") == b"SMALL"


def test_links_that_fail_are_told_and_the_others_go_on(download: Downloader, web: str) -> None:
    links = {"ok": "small.txt", "missing": "nowhere", "short": "cut", "moved": "moved", "closed": "secret/small.txt"}
    objects = {name: f"{web}/{path}" for name, path in links.items()} | {"strange": f"http://{'a' * 70}.test/x"}
    found = download.finished(download.start(type="multi", objects=objects))
    assert (found["finished_cnt"], found["error_cnt"], found["total"]) == (2, 4, 6)
    errors = {error["name"]: error["error"] for error in found["download_errors"]}
    assert errors["missing"] == "request failed with 404 status code (Not Found)"
    assert "IncompleteRead" in errors["short"]
    assert errors["strange"]
    assert "403" in errors["closed"]
    assert download.content("ok") == download.content("moved") == b"small"


def test_headers_are_sent_and_a_server_that_fails_at_first_is_asked_again(download: Downloader, web: str) -> None:
    SEEN.failures = 1
    headers = {"X-Key": ["open"]}
    job = download.start(type="multi", objects=[f"{web}/secret/small.txt"], headers=headers)
    assert download.finished(job)["finished_cnt"] == 1
    assert download.content("small.txt") == b"small"


def test_a_download_shows_its_progress_and_is_aborted_within_a_second(download: Downloader, web: str) -> None:
    job = download.start(type="single", link=f"{web}/big.bin?slow", object_name="slow")
    deadline = time.monotonic() + 10
    while not (tasks := download.look(job)["current_tasks"]) or tasks[0]["downloaded"] == "0":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert tasks[0]["total"] == "5120000"
    assert download("DELETE", "/remove", id=job).status_code == 400
    began = time.monotonic()
    assert download("DELETE", "/abort", id=job).status_code == 200
    assert download.finished(job)["aborted"]
    assert time.monotonic() - began < 1.5
    assert download("DELETE", "/remove", id=job).status_code == 200
    assert download("GET", id=job).status_code == 404


def test_a_link_has_only_so_much_time(download: Downloader, web: str) -> None:
    job = download.start(type="single", link=f"{web}/big.bin?slow", object_name="late", timeout="1s")
    (error,) = download.finished(job)["download_errors"]
    assert error["error"] == "the link's time is over"


def test_bytes_an_hour_are_limited(download: Downloader, web: str) -> None:
    objects = {f"slowly/{number}": f"{web}/shards/s-{number:03d}.tar" for number in range(5)}
    limits = {"connections": 2, "bytes_per_hour": 25 * 3600}  # 35 bytes, so 1.1 s
    began = time.monotonic()
    assert download.finished(download.start(type="multi", objects=objects, limits=limits))["finished_cnt"] == 5
    assert time.monotonic() - began > 0.8


def test_downloads_are_listed_by_their_descriptions(download: Downloader, web: str) -> None:
    for name in ("one", "two"):
        download.finished(download.start(type="single", link=f"{web}/small.txt", description=f"listed {name}"))
    listed = download("GET", regex="^listed t")
    assert listed.headers["Content-Type"].startswith("text/plain")
    assert [found["description"] for found in listed.json()] == ["listed two"]
    assert download("GET", regex="(").status_code == 400
    assert download("DELETE", "/remove", regex="^listed ").status_code == 200
    assert download("GET", regex="^listed ").json() == []


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"type": "single", "link": "gs://bucket/object"}, "invalid link"),
    ({"type": "single", "link": "file:///etc/passwd"}, "invalid link"),
    ({"type": "single", "link": "http://host/"}, "invalid object name"),
    ({"type": "single", "link": "http://host/x", "object_name": "../x"}, "invalid object name"),
    ({"type": "multi", "objects": []}, "no objects"),
    ({"type": "range", "template": "http://host/x"}, "has no range"),
    ({"type": "range", "template": "http://host/x{3..1}"}, "'start' cannot be greater than 'end'"),
    ({"type": "backend", "prefix": "x"}, "expecting remote bucket"),
    ({"type": "dance"}, "invalid download type"),
    ({"type": "single", "link": "http://host/x", "colour": "red"}, "unknown field"),
    ({"type": "single", "link": "http://host/x", "timeout": "soon"}, "invalid duration"),
    ({"type": "single", "link": "http://host/x", "headers": {"A": "b\r\nc: d"}}, "invalid header"),
]


@pytest.mark.parametrize(("message", "words"), REFUSED)
def test_wrong_requests_are_refused(download: Downloader, message: dict[str, Any], words: str) -> None:
    refused = download("POST", bucket={"name": "web"}, **message)
    assert (refused.status_code, words in refused.json()["message"]) == (400, True), refused.text


def test_what_does_not_exist_is_told(download: Downloader) -> None:
    single = {"type": "single", "link": "http://host/x"}
    assert download("POST", bucket={"name": "nowhere"}, **single).status_code == 404
    assert download("POST", **single).status_code == 400
    unknown = download("GET", id="dnl-unknown")
    assert (unknown.status_code, unknown.json()["tcode"]) == (404, "ErrNotFound")
    assert download("DELETE", "/abort", id="dnl-unknown").status_code == 404
    assert requests.get(
        f"{download.node.endpoint}/v1/download",
        headers={"Authorization": f"Bearer {download.node.token}"},
        timeout=10,
    ).status_code == 400


@pytest.mark.parametrize(
    ("address", "doors"),
    [
        ("93.184.216.34", {"public", "private", "anywhere"}),
        ("2606:2800:220:1::1", {"public", "private", "anywhere"}),
        ("10.1.2.3", {"private", "anywhere"}),
        ("192.168.0.1", {"private", "anywhere"}),
        ("fd00::1", {"private", "anywhere"}),
        ("127.0.0.1", {"anywhere"}),
        ("::1", {"anywhere"}),
        ("169.254.169.254", {"anywhere"}),
        ("fe80::1", {"anywhere"}),
        ("0.0.0.0", {"anywhere"}),
    ],
)
def test_addresses_are_public_private_or_never_meant(address: str, doors: set[str]) -> None:
    assert {name for name, guard in GUARDS.items() if guard(ip_address(address))} == doors


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "[64:ff9b::7f00:1]"])
def test_a_node_does_not_reach_its_own_machine_for_clients(
    tmp_path: Path, web: str, host: str, guarded: Downloader
) -> None:
    SEEN.requests.clear()
    link = f"http://{host}:{web.rpartition(':')[2]}/small.txt"
    (error,) = guarded.finished(guarded.start(type="single", link=link))["download_errors"]
    assert error["error"].startswith("dload: egress blocked: ")
    assert SEEN.requests == []


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Downloader]:
    yield from made(tmp_path_factory.mktemp("node"))
