"""aws-cli v1: mb, cp, sync, ls, mv, rm, presign, rb."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest

from tests.clients.conftest import MIB, ODD_NAMES, Shell, digest, tree, write


@pytest.mark.parametrize("size", [0, 1000, 9 * MIB, 200 * MIB])
def test_cp_brings_a_file_back_as_it_was(shell: Shell, bucket: str, tmp_path: Path, size: int) -> None:
    source = write(tmp_path / "file", size)
    shell("aws", "s3", "cp", source, f"s3://{bucket}/file")
    shell("aws", "s3", "cp", f"s3://{bucket}/file", tmp_path / "back")
    assert digest(tmp_path / "back") == digest(source)


@pytest.mark.parametrize("name", [*ODD_NAMES, "two//slashes.txt", "trailing/"])
def test_cp_takes_names_as_they_are(shell: Shell, bucket: str, tmp_path: Path, name: str) -> None:
    source = write(tmp_path / "file", 1000)
    shell("aws", "s3api", "put-object", "--bucket", bucket, "--key", name, "--body", source)
    shell("aws", "s3", "cp", f"s3://{bucket}/{name}", tmp_path / "back")
    assert digest(tmp_path / "back") == digest(source)
    shell("aws", "s3api", "delete-object", "--bucket", bucket, "--key", name)
    assert shell("aws", "s3", "ls", f"s3://{bucket}", "--recursive") == ""


def test_sync_carries_a_tree_there_and_back(shell: Shell, bucket: str, folder: Path, tmp_path: Path) -> None:
    shell("aws", "s3", "sync", folder, f"s3://{bucket}/tree")
    shell("aws", "s3", "sync", f"s3://{bucket}/tree", tmp_path / "back")
    assert tree(tmp_path / "back") == tree(folder)
    assert shell("aws", "s3", "sync", folder, f"s3://{bucket}/tree") == "", "nothing is left to carry"


def test_sync_with_delete_removes_what_is_gone(shell: Shell, bucket: str, folder: Path) -> None:
    shell("aws", "s3", "sync", folder, f"s3://{bucket}")
    (folder / "a+b.txt").unlink()
    shell("aws", "s3", "sync", "--delete", folder, f"s3://{bucket}")
    assert "a+b.txt" not in shell("aws", "s3", "ls", "--recursive", f"s3://{bucket}")


def test_ls_shows_folders_and_totals(shell: Shell, bucket: str, folder: Path) -> None:
    shell("aws", "s3", "sync", folder, f"s3://{bucket}")
    top = shell("aws", "s3", "ls", f"s3://{bucket}/")
    assert "PRE deep/" in top and "PRE été/" in top and "with space.txt" in top
    totals = shell("aws", "s3", "ls", "--recursive", "--summarize", f"s3://{bucket}")
    assert f"Total Objects: {len(tree(folder))}" in totals


def test_mv_leaves_the_object_under_its_new_name_alone(shell: Shell, bucket: str, tmp_path: Path) -> None:
    source = write(tmp_path / "file", 1000)
    shell("aws", "s3", "cp", source, f"s3://{bucket}/old name")
    shell("aws", "s3", "mv", f"s3://{bucket}/old name", f"s3://{bucket}/new+name")
    listing = shell("aws", "s3", "ls", f"s3://{bucket}/")
    assert "new+name" in listing and "old name" not in listing


def test_rm_recursive_empties_a_bucket_that_rb_then_removes(shell: Shell, folder: Path) -> None:
    shell("aws", "s3", "mb", "s3://made-by-awscli")
    shell("aws", "s3", "sync", folder, "s3://made-by-awscli")
    shell("aws", "s3", "rb", "s3://made-by-awscli", expect=1)
    shell("aws", "s3", "rm", "--recursive", "s3://made-by-awscli")
    shell("aws", "s3", "rb", "s3://made-by-awscli")
    assert "made-by-awscli" not in shell("aws", "s3", "ls")


def test_presign_makes_a_link_that_anyone_can_fetch(shell: Shell, bucket: str, tmp_path: Path) -> None:
    source = write(tmp_path / "with space+é.txt", 1000)
    shell("aws", "s3", "cp", source, f"s3://{bucket}/{source.name}")
    link = shell("aws", "s3", "presign", f"s3://{bucket}/{source.name}").strip()
    with urllib.request.urlopen(link) as answer:
        assert answer.read() == source.read_bytes()
