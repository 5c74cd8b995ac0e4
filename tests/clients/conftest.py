"""What every client test needs: a clean environment, files of awkward names and sizes, a bucket of its own."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.node import Node

MIB = 1024 * 1024


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tree(folder: Path) -> dict[str, str]:
    """SHA-256 by relative path of every file below the folder."""
    return {str(path.relative_to(folder)): digest(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def write(path: Path, size: int) -> Path:
    """A file of `size` bytes, the same ones at every run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    source = random.Random(f"{path.name}{size}")
    with path.open("wb") as file:
        while size:
            piece = source.randbytes(min(size, 8 * MIB))
            file.write(piece)
            size -= len(piece)
    return path


@dataclass(frozen=True, slots=True)
class Shell:
    """Runs a client in an environment that holds the node's settings and nothing of whoever runs the tests."""

    environment: dict[str, str]
    folder: Path

    def __call__(self, *command: str | Path, expect: int = 0) -> str:
        """Standard output of the command, which must end with the status `expect`."""
        done = subprocess.run(
            [str(word) for word in command], env=self.environment, cwd=self.folder, capture_output=True, text=True
        )
        assert done.returncode == expect, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture
def shell(node: Node, tmp_path: Path) -> Shell:
    home = tmp_path / "home"
    home.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "AWS_ACCESS_KEY_ID": node.access_key,
        "AWS_SECRET_ACCESS_KEY": node.secret_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": node.endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
        "S3_ENDPOINT_URL": node.endpoint,
    }
    return Shell(environment, tmp_path)


@pytest.fixture
def s3(node: Node) -> Any:
    """A boto3 client with its defaults: checksums on, retries on."""
    return boto3.client(
        "s3",
        endpoint_url=node.endpoint,
        region_name="us-east-1",
        aws_access_key_id=node.access_key,
        aws_secret_access_key=node.secret_key,
        config=Config(retries={"max_attempts": 1}),
    )


@pytest.fixture
def bucket(s3: Any, request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty bucket, gone with its content after the test."""
    name = f"clients-{random.randrange(16**8):08x}"
    s3.create_bucket(Bucket=name)
    yield name
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
        for entry in page.get("Contents", []):
            s3.delete_object(Bucket=name, Key=entry["Key"])
    s3.delete_bucket(Bucket=name)


ODD_NAMES = ["plain.txt", "with space.txt", "a+b.txt", "50%.txt", "%41.txt", "été/é.txt", "deep/er/x.bin"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files of 0 B, 1 KB and 9 MB with the names that clients encode in different ways, an hour old: S3 counts in whole
    seconds, so a file just written may seem newer than its upload."""
    top = tmp_path / "source"
    for number, name in enumerate(ODD_NAMES):
        write(top / name, 1000 + number)
    write(top / "empty", 0)
    write(top / "nine.bin", 9 * MIB)
    for path in top.rglob("*"):
        os.utime(path, (time.time() - 3600, time.time() - 3600))
    return top
