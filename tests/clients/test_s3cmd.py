"""s3cmd: mb, put, get, ls, info, cp, mv, sync, del, rb, with multipart and MD5 checks, signed with V4 and with V2."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.clients.conftest import MIB, Shell, digest, tree, write
from tests.node import Node


@pytest.fixture(params=["v4", "v2"])
def s3cmd(shell: Shell, node: Node, tmp_path: Path, request: pytest.FixtureRequest) -> list[str | Path]:
    """The command with a configuration as `sluice serve` prints it."""
    host = urlsplit(node.endpoint).netloc
    file = tmp_path / "s3cfg"
    file.write_text(
        f"[default]\naccess_key = {node.access_key}\nsecret_key = {node.secret_key}\nhost_base = {host}\n"
        f"host_bucket = {host}\nuse_https = False\nbucket_location = us-east-1\n"
        f"signature_v2 = {request.param == 'v2'}\ncheck_ssl_certificate = False\n"
    )
    return ["s3cmd", "--no-progress", "-c", file]


def test_put_and_get_bring_a_file_back(shell: Shell, s3cmd: list[str | Path], bucket: str, tmp_path: Path) -> None:
    for name, size in (("empty", 0), ("with space+%é.txt", 1000), ("nine.bin", 9 * MIB)):
        source = write(tmp_path / name, size)
        shell(*s3cmd, "put", source, f"s3://{bucket}/{name}")
        shell(*s3cmd, "get", f"s3://{bucket}/{name}", tmp_path / "back", "--force")
        assert digest(tmp_path / "back") == digest(source)


def test_put_in_parts_is_checked_by_md5(shell: Shell, s3cmd: list[str | Path], bucket: str, tmp_path: Path) -> None:
    source = write(tmp_path / "large", 23 * MIB)
    shell(*s3cmd, "put", "--multipart-chunk-size-mb=5", "--check-md5", source, f"s3://{bucket}/large")
    shell(*s3cmd, "get", "--check-md5", f"s3://{bucket}/large", tmp_path / "back")
    assert digest(tmp_path / "back") == digest(source)


def test_info_shows_size_type_and_md5(shell: Shell, s3cmd: list[str | Path], bucket: str, tmp_path: Path) -> None:
    source = write(tmp_path / "file.txt", 1000)
    shell(*s3cmd, "put", source, "--mime-type=text/x-test", "--add-header=x-amz-meta-colour:blue", f"s3://{bucket}/f")
    told = shell(*s3cmd, "info", f"s3://{bucket}/f")
    assert "1000" in told and "text/x-test" in told and "blue" in told


def test_cp_and_mv_keep_the_bytes(shell: Shell, s3cmd: list[str | Path], bucket: str, tmp_path: Path) -> None:
    source = write(tmp_path / "file", 1000)
    shell(*s3cmd, "put", source, f"s3://{bucket}/one")
    shell(*s3cmd, "cp", f"s3://{bucket}/one", f"s3://{bucket}/two words")
    shell(*s3cmd, "mv", f"s3://{bucket}/one", f"s3://{bucket}/three")
    listing = shell(*s3cmd, "ls", f"s3://{bucket}/")
    assert "two words" in listing and "three" in listing and f"{bucket}/one" not in listing
    shell(*s3cmd, "get", f"s3://{bucket}/three", tmp_path / "back")
    assert digest(tmp_path / "back") == digest(source)


def test_sync_carries_a_tree_there_and_back(
    shell: Shell, s3cmd: list[str | Path], bucket: str, folder: Path, tmp_path: Path
) -> None:
    shell(*s3cmd, "sync", f"{folder}/", f"s3://{bucket}/tree/")
    (tmp_path / "back").mkdir()
    shell(*s3cmd, "sync", f"s3://{bucket}/tree/", f"{tmp_path}/back/")
    assert tree(tmp_path / "back") == tree(folder)


def test_del_recursive_empties_a_bucket_that_rb_then_removes(
    shell: Shell, s3cmd: list[str | Path], folder: Path
) -> None:
    shell(*s3cmd, "mb", "s3://made-by-s3cmd")
    shell(*s3cmd, "sync", f"{folder}/", "s3://made-by-s3cmd/")
    shell(*s3cmd, "del", "--recursive", "--force", "s3://made-by-s3cmd/")
    shell(*s3cmd, "rb", "s3://made-by-s3cmd")
    assert "made-by-s3cmd" not in shell(*s3cmd, "ls")
