"""A real node in a process of its own, for tests, campaigns and the benchmark."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import boto3
from botocore.config import Config

SLUICE = [str(Path(sys.executable).with_name("sluice"))]
START_SECONDS = 60


class StartFailed(Exception):
    """The node ended, or was not ready within a minute; the text is the end of its output."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(slots=True)
class Node:
    """A node with a port and data of its own; `start`, `stop`, `kill` and `start` again work on the same data.

    `command` is what is run before `serve`; the node's output goes to `folder`/node.log, its access log beside it.
    """

    folder: Path
    arguments: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=lambda: list(SLUICE))
    environment: dict[str, str] = field(default_factory=dict)
    access_key: str = "ROOTACCESSKEY0000000"
    secret_key: str = "root-secret/key+with=odd&characters"
    token: str = "root-token"
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        scheme = "https" if "--tls-certificate" in self.arguments else "http"
        return f"{scheme}://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process is not None, "not started"
        return self.process.pid

    @property
    def log(self) -> str:
        return (self.folder / "node.log").read_text(errors="replace")

    def start(self) -> Node:
        """Return when the node is ready to serve; `StartFailed` when it never is."""
        command = [*self.command, "serve", "--port", str(self.port), "--access-log", str(self.folder / "access.log")]
        if "--data" not in self.arguments:
            command += ["--data", str(self.folder / "data")]
        keys = ["--root-access-key", self.access_key, "--root-secret-key", self.secret_key, "--root-token", self.token]
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        with (self.folder / "node.log").open("ab") as out:
            self.process = subprocess.Popen(
                [*command, *keys, *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**inherited, **self.environment},
                start_new_session=True,
            )
        self.wait_until_ready()
        return self

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process is not None and self.process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1):
                    pass
                if self.endpoint.startswith("https"):
                    return
                with urlopen(self.endpoint + "/readyz", timeout=5):
                    return
            except HTTPError as error:
                if error.code != 503:
                    raise
            except OSError:
                time.sleep(0.05)
        self.kill()
        raise StartFailed(self.log[-2000:])

    def stop(self) -> int:
        """End it as Ctrl-C does; its exit status."""
        assert self.process is not None, "not started"
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)

    def kill(self) -> None:
        """SIGKILL to all of its processes at once; fine after `stop`, too."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(60)

    def client(
        self, *, access_key: str = "", secret_key: str = "", endpoint_url: str = "", **options: Any
    ) -> Any:
        """A boto3 client of the root account, or of the one whose keys are given, without retries unless asked for."""
        options.setdefault("retries", {"max_attempts": 0})
        return boto3.client(
            "s3",
            endpoint_url=endpoint_url or self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=access_key or self.access_key,
            aws_secret_access_key=secret_key or self.secret_key,
            config=Config(**options),
        )
