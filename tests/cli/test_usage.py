"""The command line as such: help, errors, exit codes, completion, aliases, how fast it starts."""

from __future__ import annotations

import os
import resource
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click
import pytest

from appliance.cli import COMMANDS, loaded, main
from appliance.commands.table import ROWS
from tests.cli.conftest import INHERITED, Run
from tests.node import SLUICE, Node

LOCAL = ("serve", "settings")  # whose help is made from the table of settings, or has nothing to add


def test_every_command_teaches_by_examples() -> None:
    for row in ROWS:
        command = loaded(row)
        text = command.help or ""
        wanted = {f"sluice {words} " for words in (row.words, *row.aliases)}
        if row.words not in LOCAL:
            assert any(words.strip() in text for words in wanted), row.words


def test_all_words_lead_to_a_command() -> None:
    for words in COMMANDS:
        command: click.Command = main
        for word in words.split():
            assert isinstance(command, click.Group)
            found = command.get_command(click.Context(command), word)
            assert found is not None, words
            command = found


WRONG = ("--nope", "nope", "ls xx://b", "put a", "get b", "ls --limit x", "ls --regex [", "show job --regex [")


@pytest.mark.parametrize("words", [text.split() for text in WRONG])
def test_wrong_usage_is_told_in_one_line_with_the_next_step(run: Run, words: list[str]) -> None:
    told = run(*words, expect=2).err
    assert told.startswith("sluice: ") and told.count("\n") == 1 and "--help`" in told


def test_exit_codes_tell_what_went_wrong(run: Run) -> None:
    assert run("ls", "no-such-bucket", expect=1).err.count("\n") == 1
    assert "sluice serve" in run("ls", AIS_ENDPOINT="http://127.0.0.1:1", expect=3).err
    assert "sluice auth login" in run("ls", AIS_AUTHN_TOKEN="wrong", expect=1).err
    assert "is not a URL" in run("ls", AIS_ENDPOINT="nonsense", expect=2).err


def test_token_comes_from_a_file(run: Run, node: Node, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("token") / "token"
    for text in (node.token, f'{{"token": "{node.token}"}}'):
        path.write_text(text + "\n")
        run("ls", AIS_AUTHN_TOKEN="", AIS_AUTHN_TOKEN_FILE=str(path))
    path.write_text("{}")
    assert "holds no token" in run("ls", AIS_AUTHN_TOKEN="", AIS_AUTHN_TOKEN_FILE=str(path), expect=2).err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete(run: Run, shell: str) -> None:
    assert "_SLUICE_COMPLETE" in run("completion", shell).out


def test_buckets_and_objects_are_completed(run: Run, bucket: str) -> None:
    def completed(*words: str) -> list[str]:
        line = " ".join(("sluice", *words))
        count = str(len(words))
        done = run(_SLUICE_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD=count)
        return [text.partition(",")[2] for text in done.lines]

    assert f"ais://{bucket}" in completed("ls", "ais://cli-")
    assert completed("cat", f"ais://{bucket}/a/") == [f"ais://{bucket}/a/1.txt", f"ais://{bucket}/a/2.txt"]
    assert "--prefix" in completed("ls", "--pre")


def test_word_of_ones_own_stands_for_a_command(run: Run, bucket: str) -> None:
    run("alias", "set", "mine", "ls", bucket, "--name-only")
    assert run("mine", "--limit", "1").out == "a/1.txt\n"
    assert "mine" in run("alias", "show").out
    run("alias", "rm", "mine")
    run("mine", expect=2)
    assert "is a command already" in run("alias", "set", "ls", "create", expect=2).err


def test_commands_are_searched(run: Run) -> None:
    assert run("search", "rename", "object", "--json").json == ["object mv"]


def test_program_starts_fast() -> None:
    """CPU time, since the machine may be busy: the limit leaves room for slow machines."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(3):
        subprocess.run([*SLUICE, "--help"], stdout=subprocess.DEVNULL, env=INHERITED, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / 3 < 0.5


def test_table_is_shown_again_and_again(run: Run, bucket: str) -> None:
    assert run("ls", bucket, "--name-only", "--limit", "1", "--refresh", "10ms", "--count", "3").out == "a/1.txt\n" * 3


def test_output_that_nobody_reads_any_more_is_no_disaster(node: Node, bucket: str) -> None:
    environment = {**INHERITED, "AIS_ENDPOINT": node.endpoint, "AIS_AUTHN_TOKEN": node.token}
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*SLUICE, "ls", bucket], stdout=writing, stderr=subprocess.PIPE, env=environment)
    os.close(writing)
    assert done.returncode == 1 and b"Traceback" not in done.stderr


class Gateway(BaseHTTPRequestHandler):
    """Sends every request for an object on to the node, as AIStore's gateway does, body unread."""

    protocol_version = "HTTP/1.1"
    to = ""

    def log_message(self, format: str, *args: object) -> None: ...

    def answer(self) -> None:
        self.send_response(301 if self.command == "GET" else 307)
        mark = "&" if "?" in self.path else "?"
        self.send_header("Location", f"{self.to}{self.path}{mark}pid=p1234&utm=x")
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = answer

    def handle_expect_100(self) -> bool:
        return True


@pytest.fixture
def gateway(node: Node) -> Iterator[str]:
    kind = type("GatewayToNode", (Gateway,), {"to": node.endpoint})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_redirects_of_a_gateway_are_followed(run: Run, bucket: str, gateway: str, tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(os.urandom(3_000_000))
    begun = time.monotonic()
    run("put", path, bucket, AIS_ENDPOINT=gateway)
    assert time.monotonic() - begun < 30
    assert run("ls", f"{bucket}/large", "--json").json[0]["size"] == "3000000"
    assert run("cat", f"{bucket}/top.txt", AIS_ENDPOINT=gateway).out == "top.txt"
    run("rmo", f"{bucket}/top.txt", AIS_ENDPOINT=gateway)
