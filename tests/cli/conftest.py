"""The real `sluice` program against the shared node."""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nativeapi.client import NativeClient, object_path
from nativeapi.client_http import Bytes
from tests.node import SLUICE, Node

INHERITED = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}


@dataclass(frozen=True, slots=True)
class Done:
    """What the program has printed; it ended with the status that was expected."""

    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


Run = Callable[..., Done]


@pytest.fixture
def run(node: Node, tmp_path: Path) -> Run:
    """Runs `sluice` with these words in a folder of the test's own; it must end with the status `expect`."""
    base = {**INHERITED, "AIS_ENDPOINT": node.endpoint, "AIS_AUTHN_TOKEN": node.token, "XDG_CONFIG_HOME": str(tmp_path)}

    def run(*words: object, expect: int = 0, input: bytes = b"", **environment: str) -> Done:
        command = [*SLUICE, *map(str, words)]
        done = subprocess.run(
            command, input=input, capture_output=True, cwd=tmp_path, env={**base, **environment}, timeout=120
        )
        found = Done(done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
        assert done.returncode == expect, (words, done.returncode, found)
        return found

    return run


@pytest.fixture
def name() -> str:
    """A name for a bucket of the test's own."""
    return f"cli-{random.randrange(16**8):08x}"


@pytest.fixture
def bucket(node: Node, name: str) -> str:
    """A bucket with a/1.txt, a/2.txt, b/3.txt and top.txt, each holding its own name."""
    client = NativeClient(node.endpoint, node.token)
    client.act("POST", f"buckets/{name}", "create-bck")
    for key in ("a/1.txt", "a/2.txt", "b/3.txt", "top.txt"):
        client.text("PUT", object_path(name, key), body=Bytes(key.encode()))
    return name


@pytest.fixture
def empty(node: Node, name: str) -> str:
    """A bucket with nothing in it."""
    NativeClient(node.endpoint, node.token).act("POST", f"buckets/{name}", "create-bck")
    return name
