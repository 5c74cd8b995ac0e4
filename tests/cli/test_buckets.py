"""Buckets on the command line."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Run


def test_bucket_is_created_listed_and_removed(run: Run, name: str) -> None:
    assert run("create", f"ais://{name}").out == f'"ais://{name}" created\n'
    assert [f"ais://{name}", "yes"] in [line.split() for line in run("ls").lines]
    assert {"name": name, "provider": "ais", "namespace": {"uuid": "", "name": ""}, "present": True} in run(
        "ls", "ais", "--json"
    ).json
    assert run("ls", "--regex", f"^{name}$", "-H").lines == [f"ais://{name}   yes"]
    assert run("rmb", name, "--yes").out == f'"ais://{name}" destroyed\n'
    assert name not in run("ls").out


def test_what_exists_and_what_does_not_is_refused_unless_ignored(run: Run, bucket: str) -> None:
    told = run("create", bucket, expect=1).err
    assert told.startswith(f'sluice: bucket "ais://{bucket}" already exists; `sluice ls`')
    run("create", bucket, "--ignore-error")
    assert "does not exist" in run("rmb", bucket + "x", "--yes", expect=1).err
    assert "`sluice create BUCKET` makes one" in run("ls", bucket + "x", expect=1).err


def test_removal_asks_first(run: Run, bucket: str) -> None:
    assert "Say so with --yes" in run("rmb", bucket, expect=2).err
    run("ls", bucket)


def test_properties_are_shown_set_and_reset(run: Run, bucket: str) -> None:
    assert "checksum.type" in run("show", "bucket", bucket).out
    done = run("bucket", "props", "set", bucket, "checksum.type=md5")
    assert done.out == '"checksum.type" set to: "md5" (was: "xxhash2")\nBucket props successfully updated.\n'
    assert run("bucket", "props", "show", bucket, "checksum", "--json").json["checksum"]["type"] == "md5"
    assert "nothing to do" in run("bucket", "props", "set", bucket, '{"checksum": {"type": "md5"}}').out
    run("bucket", "props", "set", bucket, "access", "ro")
    assert "access     ro" in run("bucket", "props", "show", bucket, "access").out
    run("bucket", "props", "reset", bucket)
    assert run("bucket", "props", "show", bucket, "checksum", "--json").json["checksum"]["type"] == "xxhash2"
    assert "no right" in run("bucket", "props", "set", bucket, "access=FLY", expect=2).err
    assert run("bucket", "props", "set", bucket, "no.such=1", expect=1).err.startswith("sluice: the node refused (400)")


def test_summary_counts_objects_and_sizes(run: Run, bucket: str) -> None:
    (found,) = run("bucket", "summary", bucket, "--json").json
    assert found["ObjCount"]["obj_count_present"] == "4"
    assert run("ls", "--summary", "--regex", f"^{bucket}$", "-H").out.startswith(f"ais://{bucket}   4 ")
    (found,) = run("ls", f"{bucket}/a/", "--summary", "--json").json
    assert found["TotalSize"]["size_all_present_objs"] == "14"


def test_bucket_is_renamed(run: Run, bucket: str, name: str) -> None:
    done = run("bucket", "mv", bucket, f"ais://{name}-new", "--wait")
    assert done.out.startswith(f"ais://{bucket} is now ais://{name}-new (")
    assert len(run("ls", f"{name}-new", "--name-only").lines) == 4
    run("ls", bucket, expect=1)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--name-only",), ["a/1.txt", "a/2.txt", "b/3.txt", "top.txt"]),
        (("--name-only", "--prefix", "a/"), ["a/1.txt", "a/2.txt"]),
        (("--name-only", "--regex", "[13]"), ["a/1.txt", "b/3.txt"]),
        (("--name-only", "--template", "a/{1..1}.txt"), ["a/1.txt"]),
        (("--name-only", "--limit", "2"), ["a/1.txt", "a/2.txt"]),
        (("--name-only", "--start-after", "a/2.txt"), ["b/3.txt", "top.txt"]),
        (("--name-only", "--page-size", "1", "--max-pages", "3"), ["a/1.txt", "a/2.txt", "b/3.txt"]),
        (("--name-only", "--nr"), ["a/", "b/", "top.txt"]),
        (("--count-only",), ["4 objects, 28B"]),
        (("--prefix", "b/", "-H"), ["b/3.txt   7B"]),
    ],
)
def test_objects_are_listed(run: Run, bucket: str, words: tuple[str, ...], expected: list[str]) -> None:
    assert run("ls", f"ais://{bucket}", *words).lines == expected


def test_buckets_of_a_namespace_are_others(run: Run, bucket: str) -> None:
    assert run("create", f"ais://#mine/{bucket}").out == f'"ais://#mine/{bucket}" created\n'
    run("put", "-", f"ais://@#mine/{bucket}/x", input=b"in mine")
    assert run("cat", f"ais://#mine/{bucket}/x").out == "in mine"
    assert run("ls", f"ais://#mine/{bucket}", "--name-only").lines == ["x"]
    assert run("ls", "ais://#mine", "-H").lines == [f"ais://#mine/{bucket}   yes"]
    run("cp", f"ais://#mine/{bucket}/x", bucket)
    run("cp", f"ais://#mine/{bucket}", f"ais://#other/{bucket}", "--wait")
    assert run("cat", f"ais://#other/{bucket}/x").out == run("cat", f"{bucket}/x").out == "in mine"
    run("rmb", f"ais://#mine/{bucket}", f"ais://#other/{bucket}", "--yes")


def test_listing_of_several_pages_is_one_table(run: Run, bucket: str) -> None:
    lines = run("ls", bucket, "--page-size", "2").lines
    assert lines == ["NAME      SIZE", "a/1.txt   7B", "a/2.txt   7B", "b/3.txt   7B", "top.txt   7B"]
    assert len(run("ls", bucket, "--page-size", "2", "--json").json) == 4
    assert run("ls", bucket, "--prefix", "nope", "--json").json == []


def test_all_properties_of_objects_are_listed(run: Run, bucket: str) -> None:
    head, row = run("ls", f"{bucket}/top", "--props", "all").lines
    assert head.split() == "NAME SIZE CHECKSUM ATIME VERSION CACHED STATUS COPIES CUSTOM LOCATION".split()
    assert row.split()[:2] == ["top.txt", "7B"] and " ok " in row
    assert [one["name"] for one in run("ls", bucket, "--json").json] == ["a/1.txt", "a/2.txt", "b/3.txt", "top.txt"]
    assert "choose from" in run("ls", bucket, "--props", "weight", expect=2).err
