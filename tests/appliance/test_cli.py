"""The `sluice` command as an operator meets it."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from configparser import ConfigParser
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import boto3
import psutil
import pytest

from appliance.cli import COMMANDS
from appliance.settings import ROWS, flag, variable
from tests.conftest import StartNode
from tests.node import SLUICE, Node, free_port

REPOSITORY = Path(__file__).parents[2]
ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}


def sluice(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SLUICE, *arguments], capture_output=True, text=True, env={**ENVIRONMENT, **environment}, timeout=60
    )


def refusal(*arguments: str) -> str:
    """The one line on standard error with which `sluice serve` refuses to start."""
    done = sluice("serve", "--port", str(free_port()), *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done
    return done.stderr


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A node that has made its keys itself, and its port; it serves."""
    port = free_port()
    command = [*SLUICE, "serve", "--port", str(port), "--workers", "1", "--access-log", "off", *arguments]
    output = (folder / "output").open("w+")
    process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output, text=True, env=ENVIRONMENT)
    try:
        deadline = time.monotonic() + 30
        while not answers(port):
            assert process.poll() is None and time.monotonic() < deadline, (folder / "output").read_text()
            time.sleep(0.02)
        yield process, port
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        output.close()


def answers(port: int) -> bool:
    try:
        return status(port, "/healthz") == 200
    except OSError:
        return False


def exports(text: str) -> dict[str, str]:
    return dict(re.findall(r"^export (\w+)=(.*)$", text, re.MULTILINE))


def test_the_first_start_prints_settings_that_work_and_keeps_them(tmp_path: Path) -> None:
    with serving(tmp_path) as (_, port):
        printed = (tmp_path / "output").read_text()
        given = exports(printed)
        assert given["AWS_ENDPOINT_URL"] == given["AIS_ENDPOINT"] == f"http://127.0.0.1:{port}"
        client = boto3.client(
            "s3",
            endpoint_url=given["AWS_ENDPOINT_URL"],
            region_name=given["AWS_DEFAULT_REGION"],
            aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
        )
        assert client.list_buckets()["Buckets"] == []
        client.close()
        assert status(port, "/v1/buckets/?what=x", given["AIS_AUTHN_TOKEN"]) != 401
        assert status(port, "/v1/buckets/?what=x", "another-token") == 401
    config = ConfigParser(interpolation=None)
    config.read_string(printed[printed.index("[default]") : printed.index("# ais")])
    assert config["default"]["secret_key"] == given["AWS_SECRET_ACCESS_KEY"]
    kept = tmp_path / "data" / "identities" / "root.toml"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600 and given["AWS_SECRET_ACCESS_KEY"] in kept.read_text()


def status(port: int, target: str, token: str = "") -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", target, headers={"Authorization": f"Bearer {token}"})
    found = connection.getresponse().status
    connection.close()
    return found


def test_later_starts_print_no_secret_and_credentials_does(tmp_path: Path) -> None:
    with serving(tmp_path):
        first = exports((tmp_path / "output").read_text())
    with serving(tmp_path):
        second = (tmp_path / "output").read_text()
    assert first["AWS_ACCESS_KEY_ID"] in second
    assert first["AWS_SECRET_ACCESS_KEY"] not in second and first["AIS_AUTHN_TOKEN"] not in second
    shown = exports(sluice("credentials", "--data", str(tmp_path / "data")).stdout)
    assert shown["AWS_SECRET_ACCESS_KEY"] == first["AWS_SECRET_ACCESS_KEY"]
    assert shown["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9000"


def test_credentials_of_a_node_that_never_started_are_refused(tmp_path: Path) -> None:
    done = sluice("credentials", "--data", str(tmp_path))
    assert done.returncode == 2 and done.stderr.startswith(f"sluice: no keys are kept in {tmp_path}; start the node")


def test_a_stopped_node_leaves_nothing_running_and_says_nothing_more(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, _):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        printed = (tmp_path / "output").read_text()
    assert len(children) == 2  # a worker and the process for jobs
    assert not any(Path(f"/proc/{child}").exists() for child in children)
    assert (tmp_path / "output").read_text() == printed


def test_a_busy_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        line = refusal("--data", str(tmp_path / "data"), "--port", str(port))
    assert line.startswith(f"sluice: cannot listen on 127.0.0.1 port {port} (Address already in use); stop what")
    assert not (tmp_path / "data").exists()


def test_a_data_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert refusal("--data", str(tmp_path / "file")).startswith(f"sluice: data directory {tmp_path}/file is not")


def test_a_data_directory_in_use_is_named(start_node: StartNode) -> None:
    node = start_node()
    assert "is in use by another process; stop that node" in refusal("--data", str(node.folder / "data"))


def test_an_index_that_is_damaged_is_named(tmp_path: Path) -> None:
    with serving(tmp_path, "--data", str(tmp_path / "data")):
        pass
    (tmp_path / "data" / "index" / "data.mdb").write_bytes(b"no index" * 4096)
    line = refusal("--data", str(tmp_path / "data"))
    assert line.startswith(f"sluice: data directory {tmp_path}/data cannot be opened: ")


@pytest.mark.parametrize("hard, words", [(600, ""), (300, "a worker holds 22 connections only")])
def test_every_process_may_open_as_many_files_as_the_system_allows(
    start_node: StartNode, hard: int, words: str
) -> None:
    node = start_node("--max-connections", "100", command=["prlimit", f"--nofile=256:{hard}", *SLUICE])
    children = Path(f"/proc/{node.pid}/task/{node.pid}/children").read_text().split()
    assert len(children) == 2
    for pid in (node.pid, *children):
        limits = Path(f"/proc/{pid}/limits").read_text()
        assert re.search(rf"^Max open files +{hard} +{hard} ", limits, re.MULTILINE)
    assert words in node.log
    assert ("raise that limit" in node.log) == bool(words)


def test_files_that_are_no_certificate_are_named(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("no certificate")
    line = refusal("--tls-certificate", str(wrong), "--tls-key", str(wrong))
    assert line.startswith(f"sluice: TLS cannot use {wrong} and {wrong} (")


def test_a_wrong_identities_file_ends_the_start_before_keys_are_made(tmp_path: Path) -> None:
    wrong = tmp_path / "identities.toml"
    wrong.write_text("[[account]]\nname = 'nobody'")
    assert "account 1: id is missing" in refusal("--identities", str(wrong), "--data", str(tmp_path / "data"))
    assert not (tmp_path / "data" / "identities").exists()


def test_accounts_of_the_identities_file_may_sign(start_node: StartNode, tmp_path: Path) -> None:
    file = tmp_path / "identities.toml"
    file.write_text("""[[account]]\nid = "alice-id"\nname = "Alice"\nkeys = [{access = "ALICE", secret = 'x/y+é z'}]""")
    file.chmod(0o600)
    client = start_node("--identities", str(file)).client(access_key="ALICE", secret_key="x/y+é z")
    assert client.list_buckets()["Owner"] == {"ID": "alice-id", "DisplayName": "Alice"}


def test_everything_can_be_set_by_environment_and_file(tmp_path: Path) -> None:
    config = tmp_path / "sluice.toml"
    config.write_text(f'data = ["{tmp_path}/data"]\nworkers = 1\nlog_format = "text"\nregion = "eu-north-1"')
    node = Node(tmp_path, environment={"SLUICE_CONFIG": str(config), "SLUICE_DOMAIN": "s3.test,s3.other"})
    node.start()
    try:
        reply = node.client().list_buckets
        with pytest.raises(Exception, match="eu-north-1"):
            reply()
        assert (tmp_path / "data" / "volume.json").exists()
    finally:
        assert node.stop() == 0


def test_names_that_the_node_answers_itself_are_no_buckets(node: Node) -> None:
    client = node.client()
    for name in ("metrics", "healthz", "readyz", "console"):
        with pytest.raises(client.exceptions.ClientError, match="InvalidBucketName"):
            client.create_bucket(Bucket=name)
    client.create_bucket(Bucket="metrics-of-ours")


def test_a_buckets_host_has_its_whole_path_for_keys(start_node: StartNode) -> None:
    node = start_node("--domain", "s3.test")
    node.client().create_bucket(Bucket="hosted")
    for target in ("/metrics", "/healthz", "/v1/buckets"):
        for host in ("hosted.s3.test", f"Hosted.S3.test:{node.port}"):
            connection = HTTPConnection("127.0.0.1", node.port, timeout=30)
            connection.request("GET", target, headers={"Host": host})
            reply = connection.getresponse()
            assert (reply.status, b"<Code>AccessDenied</Code>" in reply.read()) == (403, True)
            connection.close()


def test_readyz_names_the_volume_that_cannot_be_written(start_node: StartNode, tmp_path: Path) -> None:
    node = start_node("--reserve", "0")
    data = node.folder / "data"
    away = data.with_name("away")
    assert probe(node) == (200, {"status": "ok", "volumes": {}})
    data.rename(away)
    assert probe(node) == (503, {"status": "failing", "volumes": {str(data): "No such file or directory"}})
    away.rename(data)
    assert probe(node) == (200, {"status": "ok", "volumes": {}})


def probe(node: Node) -> tuple[int, dict[str, object]]:
    connection = HTTPConnection("127.0.0.1", node.port, timeout=30)
    connection.request("GET", "/readyz")
    reply = connection.getresponse()
    found = reply.status, json.loads(reply.read())
    connection.close()
    return found


def test_make_run_serves_until_ctrl_c_and_ends_well(tmp_path: Path) -> None:
    """On a terminal, as a developer runs it."""
    port = free_port()
    make = ["make", "run", f"RUN_ARGUMENTS=--port {port} --data {tmp_path}/data --access-log off"]
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(REPOSITORY)
        os.execvpe(make[0], make, ENVIRONMENT)
    deadline = time.monotonic() + 60
    while not answers(port):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.write(terminal, b"\x03")
    shown = b"".join(iter(lambda: read_terminal(terminal), b""))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, shown.decode()
    os.close(terminal)


def read_terminal(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux tells that nobody has the other end any more
        return b""


def test_every_command_and_every_setting_is_in_the_help() -> None:
    listed = sluice("--help").stdout
    assert all(f"\n  {name} " in listed for name in COMMANDS if " " not in name)
    shown = sluice("serve", "--help").stdout
    assert [name for name in ROWS if flag(name) not in shown or variable(name) not in shown] == []


def test_the_version_is_told() -> None:
    assert re.fullmatch(r"sluice \d+\.\d+\.\d+\n", sluice("--version").stdout)


def test_command_line_shows_no_secrets(start_node: StartNode) -> None:
    node = start_node("--root-token=given-with-an-equals-sign")
    processes = [psutil.Process(node.pid), *psutil.Process(node.pid).children()]
    assert len(processes) == 3
    for process in processes:
        shown = process.cmdline()
        assert node.access_key in shown
        assert {node.secret_key, node.token}.isdisjoint(shown)
        assert not [text for text in shown if "equals-sign" in text]
