"""Files become objects, and objects files."""

from __future__ import annotations

import random
import signal
import subprocess
import time
import zipfile
from pathlib import Path

import pytest

from tests.cli.conftest import INHERITED, Run
from tests.conftest import StartNode
from tests.node import SLUICE, Node

MIB = 1024 * 1024


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """data/ with one.bin of 1.5 MiB, two.bin, three.txt and deep/four.bin."""
    made = tmp_path / "data"
    (made / "deep").mkdir(parents=True)
    (made / "one.bin").write_bytes(random.randbytes(MIB * 3 // 2))
    (made / "two.bin").write_bytes(b"two")
    (made / "three.txt").write_bytes(b"")
    (made / "deep" / "four.bin").write_bytes(b"four")
    return made


def names(run: Run, bucket: str) -> list[str]:
    return run("ls", bucket, "--name-only").lines


def test_file_goes_under_its_own_name_or_another(run: Run, folder: Path, empty: str) -> None:
    assert run("put", "data/one.bin", f"ais://{empty}").out == f'PUT "data/one.bin" => ais://{empty}/one.bin\n'
    run("put", "data/one.bin", f"{empty}/x/")
    run("put", "data/two.bin", f"{empty}/y")
    assert names(run, empty) == ["one.bin", "x/one.bin", "y"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("data", "{b}"), ["one.bin", "three.txt", "two.bin"]),
        (("data", "{b}/p", "-r"), ["p/deep/four.bin", "p/one.bin", "p/three.txt", "p/two.bin"]),
        (("data", "{b}", "-r", "--include-src-dir"), [f"data/{n}" for n in ("deep/four.bin", "one.bin", "three.txt")]),
        (("data/*.bin", "{b}"), ["one.bin", "two.bin"]),
        (("data", "{b}", "--list", "two.bin,deep/four.bin"), ["deep/four.bin", "two.bin"]),
        (("{b}/t/", "--template", "data/t{1..2}w.bin"), []),
    ],
)
def test_several_files_are_named_as_they_lie(
    run: Run, folder: Path, empty: str, words: tuple[str, ...], expected: list[str]
) -> None:
    given = [word.replace("{b}", empty) for word in words]
    dry = run("put", *given, "--dry-run").out
    assert "[DRY RUN]" in dry and names(run, empty) == []
    run("put", *given, expect=0 if expected else 1)
    assert names(run, empty)[: len(expected)] == expected


def test_files_of_a_template_are_stored(run: Run, tmp_path: Path, empty: str) -> None:
    for number in range(12):
        (tmp_path / f"s-{number:03}.tar").write_bytes(b"x" * number)
    run("put", f"{empty}/t/", "--template", "s-{003..009..3}.tar")
    assert names(run, empty) == [f"t/s-00{n}.tar" for n in (3, 6, 9)]


def test_upload_goes_on_where_it_ended(run: Run, folder: Path, empty: str) -> None:
    run("put", "data", empty, "-r")
    (folder / "two.bin").write_bytes(b"2wo")
    found = run("put", "data", empty, "-r", "--resume", "--json").json
    assert (found["done"], found["skipped"], found["bytes"]) == (1, 3, 3)
    assert run("cat", f"{empty}/two.bin").out == "2wo"


def test_large_file_goes_in_parts_and_is_checked(run: Run, folder: Path, empty: str, tmp_path: Path) -> None:
    run("put", "data/one.bin", empty, "--chunk-size", "512KiB")
    run("get", f"{empty}/one.bin", "back")
    assert (tmp_path / "back").read_bytes() == (folder / "one.bin").read_bytes()
    assert "chunked         3 524288" in run("show", "object", f"{empty}/one.bin", "--props", "all").out
    run("put", "data/one.bin", f"{empty}/checked", "--checksum", "sha256")
    run("put", "data/one.bin", f"{empty}/both", "--compute-checksum", "--chunk-size", "100KiB", "--num-workers", "3")


def test_large_files_go_over_tls_both_ways(run: Run, start_node: StartNode, folder: Path, tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"]
        + ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    node = start_node("--tls-certificate", str(certificate), "--tls-key", str(key))
    trusted = {"AIS_ENDPOINT": node.endpoint, "AIS_CLIENT_CA": str(certificate)}
    run("create", "secure", **trusted)
    begun = time.monotonic()
    run("put", "data", "secure", "-r", **trusted)
    run("get", "secure", "--all", "back", **trusted)
    assert time.monotonic() - begun < 20
    assert (tmp_path / "back/one.bin").read_bytes() == (folder / "one.bin").read_bytes()
    assert "certificate" in run("ls", AIS_ENDPOINT=node.endpoint, expect=3).err
    run("ls", AIS_ENDPOINT=node.endpoint, AIS_SKIP_VERIFY_CRT="true")


def test_interrupted_upload_goes_on(run: Run, node: Node, empty: str, tmp_path: Path) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for number in range(400):
        (many / f"{number:03}").write_bytes(random.randbytes(20_000))
    environment = {**INHERITED, "AIS_ENDPOINT": node.endpoint, "AIS_AUTHN_TOKEN": node.token}
    process = subprocess.Popen([*SLUICE, "put", str(many), empty, "--verbose"], stdout=subprocess.PIPE, env=environment)
    assert process.stdout is not None and process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 1 and 0 < len(names(run, empty)) < 400
    run("put", many, empty, "--resume")
    assert len(names(run, empty)) == 400


def test_upload_is_made_step_by_step(run: Run, folder: Path, empty: str) -> None:
    steps = ("object", "multipart-upload")
    upload = run(*steps, "create", f"{empty}/x").out.strip()
    run(*steps, "put-part", f"{empty}/x", upload, "2", "data/deep/four.bin")
    run(*steps, "put-part", f"{empty}/x", upload, "1", "data/two.bin")
    run(*steps, "complete", f"{empty}/x", upload, "1,2")
    assert run("cat", f"{empty}/x").out == "twofour"
    upload = run(*steps, "create", f"{empty}/y").out.strip()
    run(*steps, "abort", f"{empty}/y", upload)
    assert names(run, empty) == ["x"]


def test_standard_input_is_stored_and_standard_output_printed(run: Run, empty: str) -> None:
    assert run("put", "-", f"{empty}/in", input=b"hello").out == f'PUT "-" => ais://{empty}/in (5B)\n'
    assert run("cat", f"{empty}/in").out == "hello"
    assert run("get", f"{empty}/in", "-", "--offset", "1", "--length", "3").out == "ell"
    content = random.randbytes(33 * MIB)
    run("put", "-", f"{empty}/large", input=content)
    assert run("ls", f"{empty}/large", "--json").json[0]["size"] == str(33 * MIB)


def test_failures_are_told_one_by_one_and_by_the_exit_code(run: Run, folder: Path, empty: str) -> None:
    done = run("put", "data", empty, "--list", "two.bin,missing,three.txt", "--cont-on-err", expect=1)
    assert done.err.startswith("sluice: data/missing: it cannot be read: No such file or directory")
    assert names(run, empty) == ["three.txt", "two.bin"]
    assert "is no file and no directory" in run("put", "nothing", empty, expect=2).err
    assert "does not exist" in run("put", "data/two.bin", f"{empty}x", expect=1).err


def test_objects_become_files_under_their_own_names(run: Run, bucket: str, tmp_path: Path) -> None:
    assert run("get", f"{bucket}/a/1.txt").out == f'GET ais://{bucket}/a/1.txt => "1.txt" (7B)\n'
    run("get", f"{bucket}/a/1.txt", "deep/er/")
    assert (tmp_path / "deep/er/1.txt").read_bytes() == (tmp_path / "1.txt").read_bytes() == b"a/1.txt"
    assert run("get", f"{bucket}/a/", "out").out == f"GET 2 objects (14B) of ais://{bucket}/a/*\n"
    run("get", bucket, "--list", "top.txt,b/3.txt", "out")
    run("get", f"{bucket}/a/{{2..3}}.txt", "some")
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.txt")) == [
        "1.txt",
        "deep/er/1.txt",
        "out/a/1.txt",
        "out/a/2.txt",
        "out/b/3.txt",
        "out/top.txt",
        "some/a/2.txt",
    ]
    assert run("get", f"{bucket}/top.txt", "/dev/null").out == f"GET and discard ais://{bucket}/top.txt (7B)\n"


def test_name_with_an_at_sign_is_one_object(run: Run, node: Node, empty: str) -> None:
    for key in ("user@1.txt", "user0.txt", "user1.txt"):
        node.client().put_object(Bucket=empty, Key=key, Body=key.encode())
    assert run("cat", f"{empty}/user@1.txt").out == "user@1.txt"
    run("rmo", f"{empty}/user@1.txt")
    assert names(run, empty) == ["user0.txt", "user1.txt"]
    run("rmo", empty, "--template", "user@1.txt", "--wait")
    assert names(run, empty) == []


def test_failed_download_leaves_no_file(run: Run, bucket: str, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    assert "does not exist" in run("get", f"{bucket}/nope", expect=1).err
    assert "No such file" in run("get", f"{bucket}/top.txt", "no/folder/x", expect=1).err
    assert "No space left on device" in run("get", f"{bucket}/top.txt", "/dev/full", expect=1).err
    assert sorted(tmp_path.iterdir()) == before


def test_download_goes_on_where_it_ended(run: Run, folder: Path, empty: str, tmp_path: Path) -> None:
    run("put", "data/one.bin", empty)
    checksum = run("ls", empty, "--props", "checksum", "-H").out.split()[1]
    content = (folder / "one.bin").read_bytes()
    (tmp_path / f".one.bin.{checksum}.part").write_bytes(content[:MIB])
    assert run("get", f"{empty}/one.bin", "--resume", "--json").json["bytes"] == MIB // 2
    assert (tmp_path / "one.bin").read_bytes() == content
    assert "was here already" in run("get", f"{empty}/one.bin", "--resume").out
    assert not list(tmp_path.glob(".one*"))


def test_names_that_lead_out_of_the_folder_are_no_files(run: Run, node: Node, empty: str, tmp_path: Path) -> None:
    node.client().put_object(Bucket=empty, Key="ok", Body=b"")
    node.client().put_object(Bucket=empty, Key="../out", Body=b"")
    run("get", empty, "--all", "below", "--cont-on-err", expect=1)
    assert not (tmp_path / "out").exists() and (tmp_path / "below" / "ok").exists()


def test_progress_is_shown_on_standard_error(run: Run, folder: Path, empty: str) -> None:
    assert "4/4 objects" in run("put", "data", empty, "-r", "--progress").err
    done = run("get", empty, "--all", "out", "--progress", "--json")
    assert "4/4 objects" in done.err and done.json["done"] == 4


def test_members_of_archives_are_written_read_and_unpacked(run: Run, folder: Path, empty: str, tmp_path: Path) -> None:
    run("archive", "put", "data", f"{empty}/a.tar", "-r")
    run("archive", "put", "data/two.bin", f"{empty}/a.tar", "--archpath", "second", "--append")
    assert run("cat", f"{empty}/a.tar", "--archpath", "deep/four.bin").out == "four"
    assert run("get", f"{empty}/a.tar", "unpacked", "--extract").out.count("5 files") == 1
    assert (tmp_path / "unpacked/one.bin").read_bytes() == (folder / "one.bin").read_bytes()
    run("get", f"{empty}/a.tar", "some", "--archregx", "two", "--archmode", "prefix", "-x")
    assert [path.name for path in (tmp_path / "some").iterdir()] == ["two.bin"]
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("inside.txt", "in")
    run("put", "z.zip", empty)
    run("get", f"{empty}/z.zip", "zipped", "-x")
    assert (tmp_path / "zipped/inside.txt").read_text() == "in"
    assert "ends with one of" in run("archive", "put", "data/two.bin", f"{empty}/a.rar", expect=2).err
