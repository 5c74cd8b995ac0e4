"""Downloads by the node, on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.cli.conftest import Run
from tests.conftest import StartNode


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A web server with s-0.txt … s-4.txt."""
    folder = tmp_path_factory.mktemp("web")
    for number in range(5):
        (folder / f"s-{number}.txt").write_text(f"number {number}")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_objects_come_from_the_web(run: Run, start_node: StartNode, web: str, tmp_path: Path) -> None:
    there = {"AIS_ENDPOINT": start_node("--download-from", "anywhere").endpoint}
    run("create", "web", **there)
    done = run("start", "download", f"{web}/s-0.txt", "ais://web", "--wait", **there)
    assert done.out.endswith(": 1 objects\n")
    run("start", "download", f"{web}/s-{{1..3}}.txt", "ais://web/some/", "--progress", **there)
    (tmp_path / "links.json").write_text(json.dumps({"named": f"{web}/s-4.txt"}))
    job = run("download", "-", "web", "--object-list", "links.json", "--desc", "of mine", "--json", **there).json["job"]
    run("wait", "download", job, **there)
    assert run("ls", "web", "--name-only", **there).lines == [
        "named",
        "s-0.txt",
        "some/s-1.txt",
        "some/s-2.txt",
        "some/s-3.txt",
    ]
    assert run("cat", "web/named", **there).out == "number 4"
    failed = run("start", "download", f"{web}/nope", "ais://web", "--wait", expect=1, **there)
    assert failed.err.count("\n") == 2 and "1 failed" in failed.err
    shown = run("show", "job", "download", **there).out
    assert job in shown and "of mine" in shown and "finished" in shown
    assert run("show", "job", job, "--json", **there).json[0]["finished_cnt"] == 1
    run("job", "rm", "download", job, **there)
    assert job not in run("show", "job", "download", **there).out
    assert "expected the download's id" in run("stop", "download", expect=2, **there).err
