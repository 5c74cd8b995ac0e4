"""rclone, minio-py and s5cmd."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from minio import Minio
from minio.commonconfig import CopySource
from minio.deleteobjects import DeleteObject

from tests.clients.conftest import MIB, Shell, digest, tree, write
from tests.node import Node


@pytest.fixture
def rclone(shell: Shell, node: Node, tmp_path: Path) -> list[str | Path]:
    file = tmp_path / "rclone.conf"
    file.write_text(
        f"[node]\ntype = s3\nprovider = Other\naccess_key_id = {node.access_key}\n"
        f"secret_access_key = {node.secret_key}\nendpoint = {node.endpoint}\nregion = us-east-1\n"
    )
    return ["rclone", "--config", file]


def test_rclone_copy_sync_and_check(
    shell: Shell, rclone: list[str | Path], bucket: str, folder: Path, tmp_path: Path
) -> None:
    write(folder / "large.bin", 23 * MIB)
    remote = f"node:{bucket}/tree"
    shell(*rclone, "copy", folder, remote, "--s3-upload-cutoff", "5M", "--s3-chunk-size", "5M")
    shell(*rclone, "check", folder, remote)
    (folder / "a+b.txt").unlink()
    shell(*rclone, "sync", folder, remote)
    shell(*rclone, "check", folder, remote)
    shell(*rclone, "copy", remote, tmp_path / "back")
    assert tree(tmp_path / "back") == tree(folder)
    shell(*rclone, "purge", remote)
    assert shell(*rclone, "lsf", "-R", f"node:{bucket}") == ""


def test_rclone_copies_on_the_server(shell: Shell, rclone: list[str | Path], bucket: str, tmp_path: Path) -> None:
    source = write(tmp_path / "with space.txt", 1000)
    shell(*rclone, "copy", source, f"node:{bucket}/one")
    shell(*rclone, "copyto", f"node:{bucket}/one/with space.txt", f"node:{bucket}/two/é+.txt")
    shell(*rclone, "copyto", f"node:{bucket}/two/é+.txt", tmp_path / "back")
    assert digest(tmp_path / "back") == digest(source)


@pytest.fixture
def minio(node: Node) -> Minio:
    return Minio(urlsplit(node.endpoint).netloc, node.access_key, node.secret_key, secure=False, region="us-east-1")


def test_minio_puts_gets_lists_copies_and_removes(minio: Minio, bucket: str, tmp_path: Path) -> None:
    body = write(tmp_path / "file", 12 * MIB).read_bytes()
    minio.put_object(bucket, "été/a b+c%", io.BytesIO(body), len(body), metadata={"colour": "blue"}, part_size=5 * MIB)
    assert (minio.stat_object(bucket, "été/a b+c%").metadata or {})["x-amz-meta-colour"] == "blue"
    answer = minio.get_object(bucket, "été/a b+c%", offset=5 * MIB - 1, length=3)
    assert answer.read() == body[5 * MIB - 1 : 5 * MIB + 2]
    answer.close()
    answer.release_conn()
    minio.copy_object(bucket, "copy", CopySource(bucket, "été/a b+c%"))
    assert [entry.object_name for entry in minio.list_objects(bucket, recursive=True)] == ["copy", "été/a b+c%"]
    assert requests.get(minio.presigned_get_object(bucket, "copy", timedelta(minutes=1))).content == body
    assert list(minio.remove_objects(bucket, [DeleteObject("copy"), DeleteObject("été/a b+c%")])) == []
    assert list(minio.list_objects(bucket)) == []


def test_minio_uploads_a_stream_of_unknown_length(minio: Minio, bucket: str) -> None:
    body = bytes(range(256)) * 30_000
    minio.put_object(bucket, "stream", io.BytesIO(body), -1, part_size=5 * MIB)
    assert minio.get_object(bucket, "stream").read() == body


def test_s5cmd_copies_syncs_and_removes(shell: Shell, bucket: str, folder: Path, tmp_path: Path) -> None:
    shell("s5cmd", "sync", f"{folder}/", f"s3://{bucket}/tree/")
    shell("s5cmd", "cp", f"s3://{bucket}/tree/*", f"{tmp_path}/back/")
    assert tree(tmp_path / "back") == tree(folder)
    shell("s5cmd", "mv", f"s3://{bucket}/tree/plain.txt", f"s3://{bucket}/moved.txt")
    assert "moved.txt" in shell("s5cmd", "ls", f"s3://{bucket}/")
    shell("s5cmd", "rm", f"s3://{bucket}/*")
    assert shell("s5cmd", "ls", f"s3://{bucket}/", expect=0) == ""
