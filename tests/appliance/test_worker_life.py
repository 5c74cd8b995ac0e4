"""How the processes start, stop, are replaced, and share the work."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.appliance import wire
from tests.appliance.wire import Server

GET = b"GET /small HTTP/1.1\r\nHost: a\r\n\r\n"
PID = b"GET /pid HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Server]:
    """Two request workers and the jobs worker, for one test alone."""
    server = wire.start(tmp_path, workers=2)
    yield server
    server.process.kill()
    server.process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_lets_requests_in_flight_finish_and_closes_idle_connections(pair: Server, number: int) -> None:
    with pair.connect() as idle, pair.connect() as busy, pair.connect() as old:
        idle.ask(GET)
        old.ask(b"GET /small HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        busy.send(b"GET /slow?1.0 HTTP/1.1\r\nHost: a\r\n\r\n")
        pair.awaits("started", 1)
        pair.process.send_signal(number)
        began = time.monotonic()
        assert idle.is_closed()
        assert old.is_closed()
        assert time.monotonic() - began < 0.8
        reply = busy.reply()
        assert (reply.body, reply.headers["connection"]) == (b"slept", "close")
        assert busy.is_closed()
    assert pair.process.wait(10) == 0
    assert sorted(pair.trace("opened")) == sorted(pair.trace("closed"))
    assert "Traceback" not in pair.log()


def test_stop_cuts_what_outlasts_the_graceful_timeout(tmp_path: Path) -> None:
    server = wire.start(tmp_path, graceful_timeout=1)
    with server.connect() as busy:
        busy.send(b"GET /slow?30 HTTP/1.1\r\nHost: a\r\n\r\n")
        server.awaits("started", 1)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 8
        assert busy.is_closed()


def test_dead_worker_is_replaced(pair: Server) -> None:
    with pair.connect() as first:
        victim = int(first.ask(PID).body)
        os.kill(victim, signal.SIGKILL)
        assert first.is_closed()
    pair.awaits("opened", 4)
    with pair.connect() as second:
        assert second.ask(GET).body == b"small"
    assert pair.stop() == 0


def test_dead_jobs_worker_is_replaced(pair: Server) -> None:
    os.kill(int(pair.awaits("jobs", 1)[0]), signal.SIGKILL)
    assert len(set(pair.awaits("jobs", 2))) == 2
    assert pair.stop() == 0


def test_jobs_worker_answers_no_request(pair: Server) -> None:
    jobs = pair.awaits("jobs", 1)[0].encode()
    pids = set()
    for _ in range(40):
        with pair.connect() as connection:
            pids.add(connection.ask(PID).body)
    assert jobs not in pids


def test_hangup_replaces_every_process(pair: Server) -> None:
    before = set(pair.awaits("opened", 3))
    pair.process.send_signal(signal.SIGHUP)
    assert before.isdisjoint(pair.awaits("opened", 6)[3:])
    with pair.connect() as connection:
        assert connection.ask(GET).body == b"small"
    assert pair.stop() == 0


def test_requests_are_served_while_the_last_generation_finishes_its_own(pair: Server) -> None:
    old = pair.awaits("opened", 3)
    busy = [pair.connect().send(b"GET /slow?4.0 HTTP/1.1\r\nHost: a\r\n\r\n") for _ in range(8)]
    pair.awaits("started", 8)
    began = time.monotonic()
    for generation in (1, 2):
        pair.process.send_signal(signal.SIGHUP)
        pair.awaits("opened", 3 + 3 * generation)
        with pair.connect() as connection:
            assert connection.ask(PID).body.decode() not in old
    assert time.monotonic() - began < 3
    for connection in busy:
        assert connection.reply().body == b"slept"
        connection.sock.close()
    assert pair.stop() == 0
    assert "Traceback" not in pair.log()


@pytest.mark.parametrize("number", [signal.SIGTTIN, signal.SIGTTOU, signal.SIGUSR2, signal.SIGWINCH])
def test_what_gunicorn_does_at_other_signals_is_not_done(pair: Server, number: int) -> None:
    for _ in range(3):
        pair.process.send_signal(number)
        time.sleep(0.2)
    assert len(pair.trace("opened")) == 3
    with pair.connect() as connection:
        assert connection.ask(GET).body == b"small"
    assert pair.stop() == 0


def test_hangups_in_quick_succession_leave_the_node_whole(pair: Server) -> None:
    with pair.connect() as busy:
        busy.send(b"GET /slow?3.0 HTTP/1.1\r\nHost: a\r\n\r\n")
        pair.awaits("started", 1)
        for _ in range(10):
            pair.process.send_signal(signal.SIGHUP)
            time.sleep(0.1)
        assert busy.reply().body == b"slept"
    with pair.connect() as connection:
        assert connection.ask(GET).body == b"small"
    assert pair.stop() == 0


def test_workers_end_when_the_arbiter_is_killed(pair: Server) -> None:
    pair.process.kill()
    pair.awaits("closed", 3)


def test_connections_spread_evenly_over_the_workers(pair: Server) -> None:
    most = []
    for _ in range(5):
        connections = [pair.connect() for _ in range(32)]
        pids = Counter(connection.ask(PID).body for connection in connections)
        most.append(max(pids.values()))
        for connection in connections:
            connection.sock.close()
        time.sleep(0.1)
    assert sorted(most)[2] <= 24, most


def test_worker_without_descriptors_waits_quietly_and_goes_on(tmp_path: Path) -> None:
    server = wire.start(tmp_path)
    with server.connect() as first:
        worker = psutil.Process(int(first.ask(PID).body))
        worker.rlimit(psutil.RLIMIT_NOFILE, (worker.num_fds() + 4, 4096))
        others = [server.connect() for _ in range(8)]
        time.sleep(0.3)
        before = worker.cpu_times()
        time.sleep(1)
        after = worker.cpu_times()
        assert after.user + after.system - before.user - before.system < 0.2
        assert first.ask(GET).body == b"small"
        for other in others[:6]:
            other.sock.close()
        assert [other.ask(GET).body for other in others[6:]] == [b"small"] * 2
    assert server.stop() == 0


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"]
        + ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )
    trust = ssl.create_default_context(cafile=str(certificate))
    server = wire.start(folder, trust, certfile=str(certificate), keyfile=str(key))
    # The context verifies the name that the client connects to.
    trust.check_hostname = False
    yield server
    assert server.stop() == 0
    assert "Traceback" not in server.log()


def test_tls_serves_requests_bodies_and_files(secure: Server) -> None:
    data = os.urandom(5_000_000)
    (secure.folder / "data").write_bytes(data)
    with secure.connect() as connection:
        assert connection.ask(GET).body == b"small"
        assert connection.send(GET + GET).reply().body + connection.reply().body == b"smallsmall"
        body = os.urandom(3_000_000)
        head = f"PUT /read HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
        connection.send(head.encode()).until(b"100 Continue\r\n\r\n")
        assert connection.ask(body).body == body
        reply = connection.ask(b"GET /files?3-4000000,0-5 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert reply.body == data[3:4_000_003] + data[:5]


def test_tls_serves_the_full_lane(secure: Server) -> None:
    with secure.connect() as connection:
        assert connection.send(b"GET /small HTTP/1.0\r\n\r\n").everything().endswith(b"\r\n\r\nsmall")


def test_tls_survives_clients_that_speak_no_tls_or_nothing(secure: Server) -> None:
    plain = Server(secure.folder, secure.port, secure.process)
    with plain.connect() as silent, plain.connect() as wrong:
        silent.send(b"\x16")
        assert wrong.send(GET).everything().find(b"200 OK") < 0
        assert silent.everything() == b""  # cut when the time for a head is over
    with secure.connect() as connection:
        assert connection.ask(GET).body == b"small"
