"""The access log and the counters, each by itself and on a node with two workers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from appliance.metrics import BOUNDS, OTHER, ROWS, Counters, Key, Shared, totals
from appliance.observe import FULL, LINGER, PIPE_ATOMIC, AccessLog, Sink, as_json, as_text
from tests.conftest import StartNode
from tests.node import Node


def request(**fields: Any) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "GET",
        "REMOTE_ADDR": "10.0.0.1",
        "sluice.request_id": "00000000000000AB",
        "sluice.headers": [(b"Host", b"h"), (b"USER-agent", b"curl/8 \xe9")],
        "wsgi.input": SimpleNamespace(received=fields.pop("received", 0)),
        **{f"sluice.{name}": value for name, value in fields.items()},
    }


class Timers:
    """Stands in for the event loop: calls what is due when told that time has gone by."""

    def __init__(self) -> None:
        self.waiting: list[tuple[float, Callable[[], None]]] = []

    def __call__(self, seconds: float, function: Callable[[], None]) -> None:
        self.waiting.append((seconds, function))

    def fire(self) -> None:
        waiting, self.waiting = self.waiting, []
        for _, function in waiting:
            function()


def test_a_line_says_who_did_what_and_how_it_went(tmp_path: Path) -> None:
    log = AccessLog(Sink(str(tmp_path / "log")), as_json, later=Timers(), now=lambda: 1_700_000_000.0625)
    log.observe(request(account="alice", operation="GetObject", bucket="b", key='é"/\n'), 200, 4096, 0.0012345)
    log.close()
    assert json.loads((tmp_path / "log").read_text()) == {
        "time": "2023-11-14T22:13:20.062Z",
        "id": "00000000000000AB",
        "account": "alice",
        "operation": "GetObject",
        "bucket": "b",
        "key": 'é"/\n',
        "status": 200,
        "bytes": 4096,
        "ms": 1.234,
        "method": "GET",
        "remote": "10.0.0.1",
        "agent": "curl/8 é",
    }


def test_a_text_line_has_its_fields_in_one_line(tmp_path: Path) -> None:
    log = AccessLog(Sink(str(tmp_path / "log")), as_text, later=Timers(), now=lambda: 1_700_000_000.0)
    log.observe(request(key="a b\nc"), 403, 0, 0.5)
    log.close()
    assert (tmp_path / "log").read_text() == (
        '2023-11-14T22:13:20.000Z 10.0.0.1 00000000000000AB - GET - - "a b\\nc" 403 0 500.000ms "curl/8 é"\n'
    )


def test_no_name_of_a_bucket_ends_a_text_line(tmp_path: Path) -> None:
    log = AccessLog(Sink(str(tmp_path / "log")), as_text, later=Timers(), now=lambda: 1_700_000_000.0)
    log.observe(request(bucket="b\n2023-11-14T22:13:20.000Z forged", key="k"), 403, 0, 0.5)
    log.close()
    assert '- GET - "b\\n2023-11-14T22:13:20.000Z forged" "k" 403 ' in (tmp_path / "log").read_text()


def test_lines_wait_for_a_tenth_of_a_second_at_most(tmp_path: Path) -> None:
    timers = Timers()
    log = AccessLog(Sink(str(tmp_path / "log")), as_json, later=timers)
    log.observe(request(), 200, 0, 0.001)
    log.observe(request(), 200, 0, 0.001)
    assert (tmp_path / "log").read_text() == "" and [seconds for seconds, _ in timers.waiting] == [LINGER]
    timers.fire()
    assert (tmp_path / "log").read_text().count("\n") == 2
    log.close()


def test_many_lines_are_written_without_waiting(tmp_path: Path) -> None:
    log = AccessLog(Sink(str(tmp_path / "log")), as_json, later=Timers())
    for _ in range(FULL // 200):
        log.observe(request(key="k" * 200), 200, 0, 0.001)
    assert (tmp_path / "log").stat().st_size >= FULL
    log.close()


def test_a_renamed_file_is_left_alone_after_a_reopen(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = AccessLog(Sink(str(path)), as_json, later=Timers())
    log.observe(request(key="before"), 200, 0, 0.001)
    path.rename(tmp_path / "log.1")
    log.reopen()
    log.observe(request(key="after"), 200, 0, 0.001)
    log.close()
    assert "before" in (tmp_path / "log.1").read_text() and "after" in path.read_text()


def test_lines_of_processes_that_share_a_pipe_stay_whole() -> None:
    """Two writers, one pipe, batches far larger than what the kernel writes at once."""
    program = (
        "import sys; from appliance.observe import Sink\n"
        "sink = Sink('-')\n"
        "for _ in range(40):\n"
        "    sink.write(bytearray(b''.join(sys.argv[1].encode() * 150 + b'\\n' for _ in range(400))))\n"
    )
    reader, writer = os.pipe()
    children = [subprocess.Popen([sys.executable, "-c", program, letter], stdout=writer) for letter in "ab"]
    os.close(writer)
    with open(reader, "rb") as file:
        lines = set(file.read().splitlines())
    assert [child.wait() for child in children] == [0, 0]
    assert lines == {b"a" * 150, b"b" * 150}


def test_a_line_longer_than_a_pipe_takes_is_written_whole() -> None:
    reader, writer = os.pipe()
    program = f"from appliance.observe import Sink; Sink('-').write(bytearray(b'x' * {PIPE_ATOMIC * 3} + b'\\n'))"
    child = subprocess.Popen([sys.executable, "-c", program], stdout=writer)
    os.close(writer)
    with open(reader, "rb") as file:
        assert file.read() == b"x" * PIPE_ATOMIC * 3 + b"\n"
    assert child.wait() == 0


def test_a_log_that_cannot_be_written_stops_no_request(caplog: pytest.LogCaptureFixture) -> None:
    log = AccessLog(Sink("/dev/full"), as_json, later=Timers())
    log.observe(request(), 200, 0, 0.001)
    log.flush()
    assert "access log lines were lost: /dev/full: No space left on device" in caplog.text
    log.close()


def test_counters_add_up_over_processes() -> None:
    shared = Shared(4)
    children = []
    for number in (1, 2):
        child = os.fork()
        if child == 0:
            counters = Counters(shared.claim())
            for _ in range(number * 100):
                counters.observe(request(operation="PutObject", received=7), 200, 3, 0.003)
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    total = totals(shared)[Key("PutObject", 200)]
    assert (total.count, total.received, total.sent) == (300, 2100, 900)
    assert total.buckets[BOUNDS.index(0.005)] == 300 and abs(total.nanoseconds - 900_000_000) < 1000


def test_a_process_goes_on_from_the_counts_of_a_dead_one_and_shares_none_with_a_living_one() -> None:
    shared = Shared(2)
    for _ in range(5):
        child = os.fork()
        if child == 0:
            Counters(shared.claim()).observe(request(operation="GetObject"), 200, 1, 0.001)
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(child, 0)
    assert totals(shared)[Key("GetObject", 200)].count == 5
    assert sum(1 for _ in shared.rows()) == 1


def test_more_operations_than_rows_are_counted_together() -> None:
    shared = Shared(1)
    counters = Counters(shared.claim())
    for number in range(ROWS + 50):
        counters.observe(request(operation=f"operation{number}"), 200, 1, 0.001)
    found = totals(shared)
    assert len(found) == ROWS and found[Key(*OTHER)].count == 51
    assert sum(total.count for total in found.values()) == ROWS + 50


# -- on a node ---------------------------------------------------------------------------------------------------------


def samples(node: Node) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample that /metrics shows, by its name and labels; parsing it as Prometheus does."""
    text = fetch(node, "/metrics").decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def fetch(node: Node, target: str) -> bytes:
    connection = HTTPConnection("127.0.0.1", node.port, timeout=30)
    connection.request("GET", target)
    body = connection.getresponse().read()
    connection.close()
    return body


def test_the_sums_are_exact_whichever_worker_is_asked(start_node: StartNode) -> None:
    node = start_node("--workers", "2")
    node.client().create_bucket(Bucket="counted")
    with ThreadPoolExecutor(8) as pool:
        for batch in range(25):
            client = node.client(max_pool_connections=8)  # new connections, so that both workers get some
            list(pool.map(lambda n: client.put_object(Bucket="counted", Key=f"{batch}/{n}", Body=b"x" * 100), range(8)))
            client.close()
    put = (("operation", "PutObject"),)
    for _ in range(10):
        found = samples(node)
        assert found["sluice_requests_total", (*put, ("status", "200"))] == 200
        assert found["sluice_request_seconds_count", put] == 200
    assert workers_seen(node) == 2


def workers_seen(node: Node) -> int:
    """How many processes answer, told by the request ids that each counts upwards from a number of its own."""
    ids = []
    for _ in range(60):
        connection = HTTPConnection("127.0.0.1", node.port, timeout=30)
        connection.request("GET", "/")
        ids.append(int(connection.getresponse().headers["x-amz-request-id"], 16) >> 32)
        connection.close()
    return len(set(ids))


def test_metrics_name_no_bucket_and_no_key(node: Node) -> None:
    node.client().create_bucket(Bucket="confidential-bucket")
    node.client().put_object(Bucket="confidential-bucket", Key="confidential-key", Body=b"")
    assert b"confidential" not in fetch(node, "/metrics")


def test_every_request_has_one_line_with_the_id_that_its_client_saw(start_node: StartNode) -> None:
    node = start_node("--workers", "2")
    client = node.client()
    client.create_bucket(Bucket="logged")
    answers = [client.put_object(Bucket="logged", Key=f"é {n}", Body=b"body") for n in range(20)]
    refused = HTTPConnection("127.0.0.1", node.port)
    refused.request("GET", "/logged/k")
    refused.getresponse().read()
    assert node.stop() == 0
    lines = [json.loads(line) for line in (node.folder / "access.log").read_text().splitlines()]
    puts = {line["id"]: line for line in lines if line["operation"] == "PutObject"}
    assert set(puts) == {answer["ResponseMetadata"]["RequestId"] for answer in answers}
    assert {line["key"] for line in puts.values()} == {f"é {n}" for n in range(20)}
    assert all(line["bucket"] == "logged" and line["account"] and line["status"] == 200 for line in puts.values())
    assert [line["status"] for line in lines if line["operation"] == "GetObject"] == [403]


def test_sigusr1_makes_every_process_write_to_a_new_file(start_node: StartNode) -> None:
    node = start_node("--workers", "2")
    path = node.folder / "access.log"
    path.rename(node.folder / "access.log.1")
    os.kill(node.pid, signal.SIGUSR1)
    deadline = time.monotonic() + 10
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.5)  # every process has had its signal
    before = (node.folder / "access.log.1").read_bytes()
    for _ in range(20):
        fetch(node, "/healthz")
    assert node.stop() == 0
    assert (node.folder / "access.log.1").read_bytes() == before
    assert path.read_text().count('"node.Health"') == 20


def test_the_node_is_healthy_and_ready(node: Node) -> None:
    assert json.loads(fetch(node, "/healthz")) == {"status": "ok"}
    assert json.loads(fetch(node, "/readyz")) == {"status": "ok", "volumes": {}}
