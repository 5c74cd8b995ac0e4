"""Our servers, asked over HTTP as a node asks."""

from __future__ import annotations

import hashlib
import http.client
import threading
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest
import urllib3
from websockets.sync.client import connect

from etl.runtimes.ports import free_port
from tests.etl.webserver.surroundings import OURS, SECRET, Server, Target, running

Servers = dict[str, Server]

BUFFERED = pytest.mark.parametrize("kind", ["flask-buffered", "threaded-buffered"])
STREAMED = pytest.mark.parametrize("kind", ["flask-streamed", "threaded-streamed"])
ODD = "bucket/dir//../a b\n?#%25ü"


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def pieces(count: int, size: int = 64 * 1024) -> list[bytes]:
    return [b"x" * size] * count


@BUFFERED
def test_an_object_is_transformed(servers: Servers, kind: str) -> None:
    answer = servers[kind].ask("PUT", "/bucket/a%20b?etl_args=+x+y+", body=b"hello")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/x-md5")
    assert answer.data.decode() == f"{md5(b'hello')} bucket/a b x y"


@BUFFERED
def test_names_arrive_as_they_are(servers: Servers, kind: str) -> None:
    answer = servers[kind].ask("PUT", "/" + quote(ODD), body=b"")
    assert answer.data.decode() == f"{md5(b'')} {ODD} "


@BUFFERED
def test_an_object_is_fetched_when_it_is_not_sent(servers: Servers, node: Target, kind: str) -> None:
    name = quote("ais/@#/" + ODD, safe="@")
    node.objects[name] = b"fetched"
    answer = servers[kind].ask("GET", "/" + name)
    assert answer.data.decode().startswith(md5(b"fetched") + " ais/@#/bucket/")


@BUFFERED
def test_the_node_s_refusal_is_passed_on(servers: Servers, kind: str) -> None:
    answer = servers[kind].ask("GET", "/ais%2F@%23%2Fbucket%2Fnone")
    assert (answer.status, answer.json()) == (410, {"error": "Target request failed with status 410"})


@BUFFERED
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_an_object_is_read_from_its_file(servers: Servers, tmp_path: Path, kind: str, method: str) -> None:
    file = tmp_path / "a b"
    file.write_bytes(b"in a file")
    answer = servers[kind].ask(method, f"/bucket/key?etl_fqn={quote(quote(str(file), safe=''))}")
    assert answer.data.decode().startswith(md5(b"in a file"))


def test_the_file_s_name_is_given_to_those_who_want_it(servers: Servers, tmp_path: Path) -> None:
    answer = servers["named"].ask("PUT", f"/bucket/key?etl_fqn={quote(quote(str(tmp_path / 'file'), safe=''))}")
    assert answer.data == b"file file of bucket/key"
    assert servers["named"].ask("PUT", "/bucket/key", body=b"hello").data.startswith(md5(b"hello").encode())


@BUFFERED
@pytest.mark.parametrize(
    ("request_path", "status", "message"),
    [
        ("/bucket/key?etl_args=fail", 500, "Processing error: as told"),
        (
            "/bucket/key?etl_args=missing", 404,
            "Error processing object 'bucket/key': file not found at '/where/it/was'.",
        ),
        ("/bucket/key?etl_fqn=%252Fno", 404, "Error processing object 'bucket/key': file not found at '/no'."),
    ],
)
def test_an_error_names_its_cause(servers: Servers, kind: str, request_path: str, status: int, message: str) -> None:
    answer = servers[kind].ask("PUT", request_path, body=b"")
    assert (answer.status, answer.json()) == (status, {"error": message})


@BUFFERED
@pytest.mark.parametrize("method", ["HEAD", "POST", "DELETE"])
def test_other_methods_are_refused(servers: Servers, kind: str, method: str) -> None:
    assert servers[kind].ask(method, "/bucket/key").status == 405


@BUFFERED
def test_a_result_is_put_where_it_is_wanted(servers: Servers, node: Target, kind: str) -> None:
    headers = {"Ais-Node-Url": node.destination(f"ais%2F@%23%2F{kind}")}
    answer = servers[kind].ask("PUT", "/bucket/key", body=b"hello", headers=headers)
    result = node.arrived(f"ais%2F@%23%2F{kind}")
    assert result.decode() == f"{md5(b'hello')} bucket/key "
    assert (answer.status, answer.headers["Ais-Direct-Put-Length"]) == (204, str(len(result)))


@BUFFERED
def test_an_empty_result_is_put_too(servers: Servers, node: Target, kind: str) -> None:
    headers = {"Ais-Node-Url": node.destination(f"empty-{kind}")}
    assert servers[kind].ask("PUT", "/bucket/key?etl_args=nothing", body=b"hello", headers=headers).status == 204
    assert node.taken[f"{SECRET}/empty-{kind}?owt=3&uuid=job&etl_args=nothing"] == b""


@BUFFERED
def test_a_delivery_that_was_cut_is_repeated(servers: Servers, node: Target, kind: str) -> None:
    node.cuts = 1
    headers = {"Ais-Node-Url": node.destination(f"cut-{kind}")}
    assert servers[kind].ask("PUT", "/bucket/key", body=b"hello", headers=headers).status == 204
    assert node.arrived(f"cut-{kind}").startswith(md5(b"hello").encode())


@BUFFERED
def test_an_address_where_nobody_listens_is_told_at_once(servers: Servers, node: Target, kind: str) -> None:
    port = free_port()
    headers = {"Ais-Node-Url": f"http://127.0.0.1:{port}/ais%2F@%23%2Fb%2Fk"}
    answer = servers[kind].ask("PUT", "/bucket/key", body=b"hello", headers=headers)
    assert answer.status == 502
    assert answer.json()["error"].startswith(f"Direct put failed: direct put to 127.0.0.1:{port} failed")
    assert "secret" not in answer.json()["error"]


@BUFFERED
def test_a_list_of_stages_with_a_gap_is_refused(servers: Servers, kind: str) -> None:
    answer = servers[kind].ask("PUT", "/bucket/key", body=b"", headers={"Ais-Node-Url": "http://a,,http://b"})
    assert answer.json() == {"error": "Invalid pipeline header: Pipeline header contains empty entry"}
    assert answer.status == 400


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("flask-buffered", "threaded-streamed"),
        ("threaded-streamed", "flask-buffered"),
        ("official-streamed", "flask-streamed"),
        ("flask-streamed", "official-streamed"),
    ],
)
def test_stages_pass_results_on(servers: Servers, node: Target, first: str, second: str) -> None:
    stages = f"{servers[second].url},{node.destination(first + second)}"
    answer = servers[first].ask("PUT", "/bucket/a%20b?etl_args=x", body=b"hello", headers={"Ais-Node-Url": stages})
    assert answer.status == 204
    expected = {
        "flask-buffered": f"{md5(b'hello')} BUCKET/A B X".replace(md5(b"hello"), md5(b"hello").upper()),
        "threaded-streamed": f"{md5(b'HELLO')} bucket/a b x",
        "official-streamed": "HELLO",
        "flask-streamed": "HELLO",
    }
    assert node.taken[f"{SECRET}/{first}{second}?owt=3&uuid=job&etl_args=x"].decode() == (
        expected[first]
    )


def test_the_last_stage_s_result_comes_back_through_the_others(servers: Servers) -> None:
    answer = servers["flask-streamed"].ask(
        "PUT", "/bucket/key", body=b"hello", headers={"Ais-Node-Url": servers["threaded-buffered"].url}
    )
    assert (answer.status, answer.data.decode()) == (200, f"{md5(b'HELLO')} bucket/key ")
    assert answer.headers["Content-Type"] == "text/x-md5"


def test_the_error_of_a_later_stage_comes_back(servers: Servers) -> None:
    answer = servers["threaded-streamed"].ask(
        "PUT", "/bucket/key?etl_args=missing", body=b"hello", headers={"Ais-Node-Url": servers["flask-buffered"].url}
    )
    assert (answer.status, "file not found" in answer.json()["error"]) == (404, True)


@STREAMED
def test_a_stream_is_transformed(servers: Servers, kind: str) -> None:
    answer = servers[kind].ask("PUT", "/bucket/key", body=iter(pieces(20)))
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/x-upper")
    assert answer.data == b"X" * (20 * 64 * 1024)


@STREAMED
def test_a_stream_of_nothing_is_empty(servers: Servers, kind: str) -> None:
    answer = servers[kind].ask("PUT", "/bucket/key", body=b"")
    assert (answer.status, answer.data) == (200, b"")


@STREAMED
def test_a_stream_that_fails_before_its_beginning_has_a_status(servers: Servers, kind: str) -> None:
    answer = servers[kind].ask("PUT", "/bucket/key?etl_args=fail", body=b"hello")
    assert (answer.status, answer.json()) == (500, {"error": "Processing error: as told"})


@STREAMED
def test_a_stream_that_fails_later_is_cut(servers: Servers, kind: str) -> None:
    with pytest.raises((urllib3.exceptions.ProtocolError, http.client.IncompleteRead)):
        servers[kind].ask("PUT", "/bucket/key?etl_args=break", body=b"".join(pieces(20)))


@STREAMED
def test_a_stream_that_fails_is_not_delivered(servers: Servers, node: Target, kind: str) -> None:
    headers = {"Ais-Node-Url": node.destination(f"broken-{kind}")}
    answer = servers[kind].ask("PUT", "/bucket/key?etl_args=break", body=b"".join(pieces(20)), headers=headers)
    assert (answer.status, "/where/it/was" in answer.json()["error"]) == (404, True)
    assert not any(f"broken-{kind}" in path for path in node.taken)


@STREAMED
def test_whoever_has_sent_the_object_is_asked_to_send_it_again(servers: Servers, node: Target, kind: str) -> None:
    node.cuts = 1
    headers = {"Ais-Node-Url": node.destination(f"spent-{kind}")}
    answer = servers[kind].ask("PUT", "/bucket/key", body=b"hello", headers=headers)
    assert (answer.status, answer.headers["Ais-Etl-Retry-Reason"]) == (503, "direct-put-transient")


@STREAMED
def test_a_stream_from_a_file_is_sent_again(servers: Servers, node: Target, tmp_path: Path, kind: str) -> None:
    (tmp_path / "file").write_bytes(b"hello")
    node.cuts = 1
    headers = {"Ais-Node-Url": node.destination(f"again-{kind}")}
    request_path = f"/bucket/key?etl_fqn={quote(quote(str(tmp_path / 'file'), safe=''))}"
    assert servers[kind].ask("PUT", request_path, headers=headers).status == 204
    assert node.arrived(f"again-{kind}") == b"HELLO"


@STREAMED
def test_a_large_stream_takes_little_memory(servers: Servers, kind: str) -> None:
    process = psutil.Process(servers[kind].process.pid)
    everyone = [process, *process.children(recursive=True)]
    before = sum(each.memory_info().rss for each in everyone)
    connection = http.client.HTTPConnection("127.0.0.1", servers[kind].port, timeout=20)
    connection.putrequest("PUT", "/bucket/key")
    connection.putheader("Content-Length", str(64 * 1024 * 1024))
    connection.endheaders()
    sending = connection.sock.dup()  # http.client parts with its own when an answer says that it is the last
    sender = threading.Thread(target=lambda: [sending.sendall(piece) for piece in pieces(1024)])
    sender.start()
    with closing(connection), closing(sending), connection.getresponse() as answer:
        size = sum(len(piece) for piece in iter(lambda: answer.read(256 * 1024), b""))
        sender.join()
    assert size == 64 * 1024 * 1024
    assert sum(each.memory_info().rss for each in everyone) - before < 24 * 1024 * 1024


@pytest.mark.parametrize(
    "request_path",
    ["/bucket/key", "/bucket/a%20b?etl_args=+x+", "/bucket/key?etl_args=nothing", "/health/key", "/ws", "/bucket/"],
)
def test_a_class_answers_on_ours_as_on_the_official_one(servers: Servers, request_path: str) -> None:
    ours, official = (
        servers[name].ask("PUT", request_path, body=b"hello") for name in ("flask-buffered", "official-buffered")
    )
    assert (ours.status, ours.data) == (official.status, official.data)
    assert ours.headers["Content-Type"] == official.headers["Content-Type"]


def test_clients_that_keep_their_connections_do_not_hold_up_the_end(node: Target) -> None:
    server = Server(("authored.py", *OURS["flask"], "buffered"), node.url)
    with running(server), closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)) as kept:
        kept.request("GET", "/health")
        assert kept.getresponse().read() == b"Running"
        with connect(f"ws://127.0.0.1:{server.port}/ws") as socket:
            socket.send(b'{"path":"key","etl_args":"echo"}')
            socket.send(b"hello")
            assert socket.recv(timeout=20) == b"hello"
            server.process.terminate()
            assert server.process.wait(4) == 0
