"""`sluice etl` against a real node."""

from __future__ import annotations

import json
import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from appliance.cli import main
from tests.conftest import StartNode
from tests.node import Node

PLAIN = Path(__file__).parent.parent / "etl" / "servers" / "plain.py"
Run = Callable[..., Result]


def spec(name: str, command: list[str]) -> str:
    return json.dumps({"name": name, "init_timeout": "60s", "runtime": {"image": "local", "command": command}})


@pytest.fixture
def run(node: Node, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs `sluice etl` with these words, which must end with the status `expect`."""
    monkeypatch.setenv("AIS_ENDPOINT", node.endpoint)
    monkeypatch.setenv("AIS_AUTHN_TOKEN", node.token)
    monkeypatch.chdir(tmp_path)

    def run(*words: str, expect: int = 0, input: str | None = None) -> Result:
        done = CliRunner().invoke(main, ["etl", *words], input=input)
        assert done.exit_code == expect, (words, done.output, done.stderr, done.exception)
        return done

    return run


@pytest.fixture
def name() -> str:
    return f"cli-{random.randrange(16**6):06x}"


@pytest.fixture
def plain(run: Run, name: str, tmp_path: Path) -> Iterator[str]:
    """A transform started from a YAML file beside its code, which that names by a path relative to itself."""
    path = tmp_path / "code" / "spec.yaml"
    path.parent.mkdir()
    shutil.copy(PLAIN, path.parent)
    runtime = f"runtime:\n  image: .\n  command: [{sys.executable}, {PLAIN.name}, --port, '8000']\n"
    path.write_text(f"name: {name}\ninit_timeout: 60s\n{runtime}")
    assert f"{name} is running (etl-" in run("init", "-f", str(path)).output
    yield name
    CliRunner().invoke(main, ["etl", "rm", name])


@pytest.fixture
def bucket(node: Node) -> str:
    made = f"cli-{random.randrange(16**8):08x}"
    s3 = node.client()
    s3.create_bucket(Bucket=made)
    s3.put_object(Bucket=made, Key="dir/a song", Body=b"la la")
    return made


def test_transform_is_shown_stopped_started_and_removed(run: Run, plain: str) -> None:
    assert plain in run("show").output
    (row,) = [row for row in json.loads(run("show", "--json").output) if row["id"] == plain]
    assert row["stage"] == "Running"
    assert "stage: Running" in run("show", plain).output
    assert run("stop", plain).output == f"{plain} is stopped\n"
    assert "stage: Aborted" in run("show", plain).output
    assert json.loads(run("start", "-f", "code/spec.yaml", "-j").output) == [{"name": plain, "result": "running"}]
    run("view-logs", plain)
    run("rm", plain)
    refused = run("show", plain, expect=1)
    assert refused.stderr.startswith("sluice: the node refused (404): ")
    assert refused.stderr.endswith("`sluice etl show` lists the transforms that exist\n")


def test_object_is_read_into_a_file_or_to_standard_output(run: Run, plain: str, bucket: str, tmp_path: Path) -> None:
    done = run("object", plain, f"{bucket}/dir/a song", "out.txt")
    assert done.output == f"ais://{bucket}/dir/a song => out.txt\n"
    assert (tmp_path / "out.txt").read_bytes() == b"LA LA"
    assert run("object", plain, f"ais://{bucket}/dir/a song", "-", "--args", "echo").stdout == "la la"


def test_file_that_cannot_be_written_is_named(run: Run, plain: str, bucket: str, tmp_path: Path) -> None:
    told = run("object", plain, f"{bucket}/dir/a song", "no/such/folder/out.txt", expect=2).stderr
    assert told == "sluice: no/such/folder/out.txt cannot be written: No such file or directory\n"
    told = run("object", plain, f"{bucket}/dir/a song", "/dev/full", expect=2).stderr
    assert told == "sluice: /dev/full cannot be written: No space left on device\n"


def test_file_has_the_mode_that_any_new_file_has(run: Run, plain: str, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "ordinary").touch()
    run("object", plain, f"{bucket}/dir/a song", "out.txt")
    assert (tmp_path / "out.txt").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


def test_object_is_copied(run: Run, node: Node, plain: str, bucket: str) -> None:
    run("object", plain, "cp", f"{bucket}/dir/a song", f"ais://{bucket}/copied/")
    assert node.client().get_object(Bucket=bucket, Key="copied/a song")["Body"].read() == b"LA LA"


def test_bucket_is_copied_through_a_transform(run: Run, node: Node, plain: str, bucket: str) -> None:
    assert "1 objects" in run("inspect", plain, bucket, "--wait").output
    run("bucket", plain, bucket, f"ais://{bucket}-2", "--wait", "--prepend", "up/")
    assert node.client().get_object(Bucket=f"{bucket}-2", Key="up/dir/a song")["Body"].read() == b"LA LA"
    run("bucket", plain, bucket, f"{bucket}-3", "--list", "dir/a song", "--wait")
    assert node.client().get_object(Bucket=f"{bucket}-3", Key="dir/a song")["Body"].read() == b"LA LA"


def test_failure_leaves_no_file_and_is_shown_later(run: Run, plain: str, bucket: str, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    told = run("object", plain, f"{bucket}/nope", "out.txt", expect=1).stderr
    assert f"ais://{bucket}/nope does not exist; `sluice ls BUCKET` lists" in told
    assert sorted(tmp_path.iterdir()) == before
    time.sleep(1.1)  # by then all processes know of it
    assert f"ais://{bucket}/nope" in run("show", "errors", plain).output
    (error,) = json.loads(run("show", "errors", plain, "--json").output)
    assert error["ecode"] == 404


def test_spec_comes_from_standard_input_with_overrides(run: Run, name: str) -> None:
    command = [sys.executable, str(PLAIN), "--port", "8000"]
    run("init", "-f", "-", "--name", name, "--init-timeout", "50s", input=spec("overridden", command))
    shown = json.loads(run("show", name, "--json").output)
    assert shown[0]["init_timeout"] == "50s"
    run("rm", name)


def test_server_that_does_not_come_up_tells_why(run: Run, name: str) -> None:
    dying = spec(name, [sys.executable, "-c", "raise SystemExit('this cannot work')"])
    assert "this cannot work" in run("init", "-f", "-", input=dying, expect=1).stderr
    assert "already exists" in run("init", "-f", "-", input=dying, expect=1).stderr
    run("rm", name)


@pytest.mark.parametrize(
    ("words", "text", "complaint"),
    [
        (("init", "-f", "missing.yaml"), None, "missing.yaml cannot be read: No such file or directory"),
        (("init", "-f", "-"), "[1", "not YAML"),
        (("init", "-f", "-", "--name", "other-one"), "name: a\n---\nname: b\n", "the spec holds 2 transforms"),
        (("stop",), None, "name transforms, or give --all"),
        (("object", "some-etl", "bucket"), None, "expected BUCKET/OBJECT OUT"),
        (("object", "some-etl", "bucket", "out"), None, "expected BUCKET/OBJECT, such as"),
        (("show", "--endpoint", "nonsense"), None, "nonsense is not a URL"),
    ],
)
def test_wrong_usage_is_told_in_one_line(run: Run, words: tuple[str, ...], text: str | None, complaint: str) -> None:
    told = run(*words, input=text, expect=2).stderr
    assert complaint in told
    assert told.startswith("sluice: ") and told.count("\n") == 1


def test_silence_is_told_apart(run: Run) -> None:
    told = run("show", "--endpoint", "http://127.0.0.1:1", expect=3).stderr
    assert told.startswith("sluice: no answer from http://127.0.0.1:1")


def test_wrong_token_is_told_with_the_next_step(run: Run) -> None:
    assert "give the node's token with --token" in run("show", "--token", "wrong", expect=1).stderr


def test_node_on_this_machine_needs_no_options(
    start_node: StartNode, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = start_node()
    for variable in ("AIS_ENDPOINT", "AIS_AUTHN_TOKEN"):
        monkeypatch.delenv(variable)
    monkeypatch.setenv("SLUICE_PORT", str(node.port))
    monkeypatch.setenv("SLUICE_ROOT_TOKEN", node.token)
    assert run("show", "--data", str(node.folder / "data")).output.startswith("no transforms")
