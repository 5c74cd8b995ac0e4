"""One object, several objects, and the jobs over them."""

from __future__ import annotations

import subprocess
import time

import pytest

from tests.cli.conftest import INHERITED, Run
from tests.conftest import StartNode
from tests.node import SLUICE


def test_one_object_is_copied_renamed_described_and_removed(run: Run, bucket: str) -> None:
    copied = run("cp", f"{bucket}/top.txt", f"{bucket}/copy.txt").out
    assert copied == f"COPY ais://{bucket}/top.txt => ais://{bucket}/copy.txt\n"
    assert "[DRY RUN]" in run("object", "cp", f"{bucket}/top.txt", f"{bucket}/dry/", "--dry-run").out
    run("object", "mv", f"{bucket}/copy.txt", "moved.txt")
    run("object", "set-custom", f"{bucket}/moved.txt", "camera=x100", "place=Oslo")
    shown = run("show", "object", f"{bucket}/moved.txt", "--props", "all").out
    assert "size            7B" in shown and "camera=x100" in shown
    run("rmo", f"{bucket}/moved.txt", f"{bucket}/top.txt")
    assert run("ls", bucket, "--name-only").lines == ["a/1.txt", "a/2.txt", "b/3.txt"]
    assert "doesn't exist; `sluice ls BUCKET`" in run("rmo", f"{bucket}/top.txt", expect=1).err


def test_bucket_is_copied_by_a_job(run: Run, bucket: str) -> None:
    done = run("cp", bucket, f"ais://{bucket}-2", "--wait", "--prepend", "old/")
    assert done.out.startswith(f"COPY all objects of ais://{bucket} => ais://{bucket}-2 (4 objects, 28B, ")
    assert run("ls", f"{bucket}-2", "--name-only").lines[0] == "old/a/1.txt"
    found = run("cp", f"{bucket}/a/", f"{bucket}-3", "--wait", "--json", "--progress").json
    assert (found["objects"], found["state"], found["kind"]) == (2, "finished", "copy-bck")
    run("cp", bucket, f"{bucket}-4", "--dry-run", "--wait")
    assert "does not exist" in run("ls", f"{bucket}-4", expect=1).err


def test_several_objects_are_copied_by_a_job(run: Run, bucket: str) -> None:
    job = run("cp", bucket, f"{bucket}-2", "--list", "a/1.txt,top.txt", "--json").json["job"]
    assert job.startswith("tco-")
    run("wait", job)
    assert run("ls", f"{bucket}-2", "--name-only").lines == ["a/1.txt", "top.txt"]
    run("cp", f"{bucket}/a/{{2..5}}.txt", f"{bucket}-2", "--wait")
    assert len(run("ls", f"{bucket}-2", "--name-only").lines) == 3


def test_job_that_fails_is_told_with_the_reason_and_the_next_step(run: Run, bucket: str) -> None:
    told = run("cp", bucket, f"{bucket}-2", "--list", "nothing", "--wait", expect=1).err
    assert " failed: nothing: " in told and "does not exist; see `sluice show job tco-" in told


def test_several_objects_are_removed_by_a_job(run: Run, bucket: str) -> None:
    assert run("rmo", f"{bucket}/a/", "--dry-run").lines[-1] == "[DRY RUN] 2 objects"
    assert "Say so with --yes" in run("rmo", f"{bucket}/a/", expect=2).err
    run("rmo", f"{bucket}/a/", "--yes", "--wait")
    assert run("ls", bucket, "--name-only").lines == ["b/3.txt", "top.txt"]
    run("rmo", bucket, "--list", "b/3.txt,nope", "--wait")
    run("rmo", bucket, "--all", "--yes", "--wait")
    assert run("ls", bucket, "--name-only").lines == []


@pytest.mark.parametrize("words", [("evict", "{b}", "--yes"), ("evict", "{b}/a/", "--wait"), ("prefetch", "{b}")])
def test_what_needs_a_remote_bucket_is_refused_in_its_own_words(
    run: Run, bucket: str, words: tuple[str, ...]
) -> None:
    told = run(*(word.replace("{b}", bucket) for word in words), expect=1).err
    assert f"expecting remote bucket (have ais://{bucket})" in told


def test_jobs_are_shown_and_stopped(run: Run, bucket: str) -> None:
    job = run("cp", bucket, f"{bucket}-2", "--wait", "--json").json["id"]
    (row,) = run("show", "job", job, "-H").lines
    assert row.split()[:6] == ["copy-bucket", job, f"ais://{bucket}", "=>", f"ais://{bucket}-2", "4"]
    assert run("job", "show", job, "--json").json[0]["stats"]["loc-objs"] == "4"
    assert job in run("show", "job", "copy-bucket", "--all").out
    assert run("wait", job).out.startswith(f"copy-bck {job} finished (4 objects")
    run("stop", job)
    assert "not found; `sluice show job --all`" in run("show", "job", "nosuchjob1", expect=1).err
    assert "no job's name" in run("stop", "what?", expect=2).err
    assert "give a job's id" in run("stop", expect=2).err


def test_wait_outlasts_a_restart_of_the_node(start_node: StartNode, run: Run) -> None:
    node = start_node()
    there = {"AIS_ENDPOINT": node.endpoint}
    run("create", "many", **there)
    run("archive", "gen-shards", "many/s-{000..299}.tar", "--num-workers", "32", **there)
    environment = {**INHERITED, **there, "AIS_AUTHN_TOKEN": node.token}
    command = [*SLUICE, "cp", "many", "copied", "--wait", "--num-workers", "-1"]
    waiting = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    deadline = time.monotonic() + 30
    while "copy-bucket" not in run("show", "job", "--all", **there).out and time.monotonic() < deadline:
        pass
    node.kill()
    node.start()
    out, _ = waiting.communicate(timeout=60)
    assert waiting.returncode == 0 and "(300 objects" in out


def test_jobs_are_started(run: Run) -> None:
    assert run("start", "lru", "--wait").out.startswith("lru-eviction ended (0 objects")
    assert run("start", "lru", "--json").json["job"]


def test_files_are_put_together(run: Run, bucket: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("parts")
    (folder / "1").write_bytes(b"one ")
    (folder / "2").write_bytes(b"two")
    run("object", "concat", folder, f"{bucket}/both", "--progress")
    assert run("cat", f"{bucket}/both").out == "one two"


def test_objects_are_packed_by_a_job(run: Run, bucket: str) -> None:
    run("archive", "bucket", f"{bucket}/a/", f"{bucket}/both.tar", "--wait")
    assert run("cat", f"{bucket}/both.tar", "--archpath", "a/2.txt").out == "a/2.txt"
    listed = run("archive", "ls", f"{bucket}/both.tar", "--json").json
    assert [one["name"] for one in listed] == ["both.tar", "both.tar/a/1.txt", "both.tar/a/2.txt"]


def test_many_objects_are_read_at_once(run: Run, bucket: str) -> None:
    done = run("ml", "get-batch", bucket, "--list", "top.txt,a/1.txt", "out.tar", "--omit-src-bck")
    assert done.out.startswith("GET 2 objects => out.tar")
