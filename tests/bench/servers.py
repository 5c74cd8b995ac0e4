"""The servers that are measured: a node with its defaults, and nginx serving the same bytes as files."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from urllib.request import urlopen

import click

from tests.node import Node, free_port

NGINX = """
daemon off;
worker_processes auto;
pid %(root)s/nginx.pid;
error_log %(root)s/error.log warn;
user root;
events { worker_connections 1024; }
http {
    sendfile on;
    tcp_nopush on;
    keepalive_timeout 75s;
    keepalive_requests 1000000;
    access_log %(root)s/access.log;
    client_body_temp_path %(root)s/incoming;
    client_max_body_size 0;
    proxy_temp_path %(root)s/p; fastcgi_temp_path %(root)s/f; uwsgi_temp_path %(root)s/u; scgi_temp_path %(root)s/s;
    server {
        listen 127.0.0.1:%(port)d backlog=1024;
        root %(root)s/files;
        location / { dav_methods PUT; create_full_put_path on; }
    }
}
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its base URL and the process whose family is measured."""

    base: str
    pid: int
    files: Path  # nginx: the folder it serves; node: its data directory
    node: Node | None = None


def wait_until_up(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the URL answers; ClickException with the end of the log when the process ends or a minute passes."""
    for _ in range(600):
        if process.poll() is not None:
            break
        try:
            with urlopen(url, timeout=1):
                return
        except OSError as error:
            if hasattr(error, "code"):
                return
            time.sleep(0.1)
    process.kill()
    raise click.ClickException(f"{process.args!r} did not come up:\n{log.read_text()[-2000:]}")


@contextmanager
def running(command: list[str], *, base: str, probe: str, files: Path, log: Path) -> Iterator[Server]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
    try:
        wait_until_up(base + probe, process, log)
        yield Server(base, process.pid, files)
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def scratch_folder(parent: Path | None) -> Iterator[Path]:
    root = Path(mkdtemp(prefix="sluice-bench-", dir=parent))
    try:
        yield root
    finally:
        shutil.rmtree(root)


@contextmanager
def node(parent: Path | None) -> Iterator[Server]:
    """A node with its defaults on a fresh data directory, its access log going to a file."""
    with scratch_folder(parent) as root:
        started = Node(root).start()
        try:
            yield Server(started.endpoint, started.pid, root / "data", started)
        finally:
            started.stop()


@contextmanager
def nginx(parent: Path | None) -> Iterator[Server]:
    """nginx with static files and its DAV module: no signature, no hash, no sync; the access log on."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if program is None:
        raise click.ClickException("nginx is missing: apt-get install nginx")
    with scratch_folder(parent) as root:
        root.chmod(0o755)
        (root / "files").mkdir()
        port = free_port()
        (root / "nginx.conf").write_text(NGINX % {"root": root, "port": port})
        command = [program, "-p", str(root), "-c", str(root / "nginx.conf")]
        base = f"http://127.0.0.1:{port}"
        with running(command, base=base, probe="/", files=root / "files", log=root / "nginx.log") as server:
            yield server
