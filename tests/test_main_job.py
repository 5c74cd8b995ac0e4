"""The main job: audio read and copied through a transform, by clients as they are, from a spec to an empty node."""

from __future__ import annotations

import hashlib
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import boto3
import psutil
import pytest
from aistore import Client
from aistore.sdk.errors import AISError
from aistore.sdk.etl import ETLConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.node import Node

PROGRAMS = Path(sys.executable).parent
EXAMPLE = Path(__file__).parents[1] / "examples" / "flac_to_wav"
FAILING = Path(__file__).parent / "etl" / "servers" / "plain.py"
NAME = "flac-to-wav"
SOURCES, RESULTS = "recordings", "results"
CHECKED = "x-amz-content-sha256: UNSIGNED-PAYLOAD"  # S3 wants the header, and curl 7.88 leaves it to its user

SOUNDS = {
    "tone.flac": ("-i", "sine=frequency=440:sample_rate=44100:duration=2"),
    "noise/white noise.flac": ("-i", "anoisesrc=duration=3:color=white:sample_rate=48000:seed=1", "-ac", "2"),
    "é/50% & more.flac": ("-i", "sine=frequency=1000:sample_rate=96000:duration=1", "-sample_fmt", "s32"),
}
WAV = ("-map_metadata", "-1", "-fflags", "+bitexact", "-flags", "+bitexact", "-c:a", "pcm_s16le", "-f", "wav")


def ffmpeg(*arguments: str | Path) -> bytes:
    command = ["ffmpeg", "-nostdin", "-loglevel", "error", "-y", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True).stdout


@dataclass(frozen=True, slots=True)
class Studio:
    """A node with recordings in a bucket, a transform for them, and everything that clients need to reach both."""

    node: Node
    recordings: Path
    home: Path

    def run(self, *command: str, input: str = "", expect: int = 0) -> bytes:
        """Standard output of a program whose environment holds the node's settings, and nothing else."""
        environment = {
            "PATH": f"{PROGRAMS}{os.pathsep}/usr/bin{os.pathsep}/bin",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "AWS_ACCESS_KEY_ID": self.node.access_key,
            "AWS_SECRET_ACCESS_KEY": self.node.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.node.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AIS_ENDPOINT": self.node.endpoint,
            "AIS_AUTHN_TOKEN": self.node.token,
        }
        done = subprocess.run(command, env=environment, input=input.encode(), capture_output=True)
        assert done.returncode == expect, (command, done.stdout, done.stderr)
        return done.stdout

    def s3(self, **options: Any) -> Any:
        """A boto3 client with its defaults, one attempt."""
        return boto3.client(
            "s3",
            endpoint_url=self.node.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.node.access_key,
            aws_secret_access_key=self.node.secret_key,
            config=Config(retries={"total_max_attempts": 1}, **options),
        )

    def sdk(self, bucket: str, key: str) -> Any:
        return Client(self.node.endpoint, token=self.node.token).bucket(bucket).object(key)

    def by_hand(self, key: str, arguments: str) -> bytes:
        rate = ("-ar", arguments) if arguments else ()
        return ffmpeg("-i", self.recordings / key, *rate, *WAV, "pipe:1")

    def result(self, key: str) -> Any:
        """The object that a copy has made, as S3 gives it."""
        return self.s3().get_object(Bucket=RESULTS, Key=key)

    def show(self) -> dict[str, Any]:
        found = json.loads(self.run("sluice", "etl", "show", "--json"))
        return {row["id"]: row for row in found}


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("studio")
    started = Studio(Node(folder, ["--workers", "2"]).start(), folder / "recordings", folder)
    started.s3().create_bucket(Bucket=SOURCES)
    started.s3().create_bucket(Bucket=RESULTS)
    for key, options in SOUNDS.items():
        path = started.recordings / key
        path.parent.mkdir(parents=True, exist_ok=True)
        ffmpeg("-f", "lavfi", *options, path)
        started.s3().upload_file(str(path), SOURCES, key)
    assert b"flac-to-wav is running" in started.run("sluice", "etl", "init", "-f", str(EXAMPLE / "spec.yaml"))
    yield started
    assert started.node.stop() == 0, started.node.log


def parameters(arguments: str) -> str:
    """In the order of their names, as they are signed: curl 7.88 does not sort them."""
    return urlencode(([("etl_args", arguments)] if arguments else []) + [("etl_name", NAME)])


def with_parameters(s3: Any, arguments: str) -> Any:
    """The client, which reads through the transform from now on."""

    def through(request: Any, **_: object) -> None:
        request.url += ("&" if "?" in request.url else "?") + parameters(arguments)

    s3.meta.events.register("before-sign.s3.GetObject", through)
    return s3


def read_by_boto3(studio: Studio, key: str, arguments: str) -> bytes:
    answer = with_parameters(studio.s3(), arguments).get_object(Bucket=SOURCES, Key=key)
    assert (answer["ContentType"], answer.get("ETag")) == ("audio/wav", None)
    data: bytes = answer["Body"].read()
    return data


def read_by_presigned_url(studio: Studio, key: str, arguments: str) -> bytes:
    s3 = with_parameters(studio.s3(signature_version="s3v4"), arguments)
    url = s3.generate_presigned_url("get_object", Params={"Bucket": SOURCES, "Key": key})
    return studio.run("curl", "-sS", "--fail", url)


def signing_curl(studio: Studio) -> list[str]:
    keys = f"{studio.node.access_key}:{studio.node.secret_key}"
    return ["curl", "-sS", "--fail", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user", keys, "-H", CHECKED]


def read_by_curl_that_signs(studio: Studio, key: str, arguments: str) -> bytes:
    return studio.run(*signing_curl(studio), f"{studio.node.endpoint}/{SOURCES}/{quote(key)}?{parameters(arguments)}")


def read_by_curl_with_token(studio: Studio, key: str, arguments: str) -> bytes:
    url = f"{studio.node.endpoint}/v1/objects/{SOURCES}/{quote(key)}?{parameters(arguments)}"
    return studio.run("curl", "-sS", "--fail", "-H", f"Authorization: Bearer {studio.node.token}", url)


def read_by_sdk(studio: Studio, key: str, arguments: str) -> bytes:
    data: bytes = studio.sdk(SOURCES, key).get_reader(etl=ETLConfig(NAME, args=arguments)).read_all()
    return data


def read_by_our_command(studio: Studio, key: str, arguments: str) -> bytes:
    options = ("--args", arguments) if arguments else ()
    return studio.run("sluice", "etl", "object", NAME, f"{SOURCES}/{key}", "-", *options)


READERS = [
    read_by_boto3, read_by_presigned_url, read_by_curl_that_signs, read_by_curl_with_token, read_by_sdk,
    read_by_our_command,
]


@pytest.mark.parametrize("arguments", ["", "16000"])
@pytest.mark.parametrize("key", SOUNDS)
@pytest.mark.parametrize("read", READERS)
def test_what_is_read_is_what_ffmpeg_makes_by_hand(
    studio: Studio, read: Callable[[Studio, str, str], bytes], key: str, arguments: str
) -> None:
    assert read(studio, key, arguments) == studio.by_hand(key, arguments)


def copy_by_aws(studio: Studio, key: str, arguments: str, to: str) -> None:
    source = f"{SOURCES}/{key}?{parameters(arguments)}"  # which it encodes, as boto3 does
    studio.run("aws", "s3api", "copy-object", "--copy-source", source, "--bucket", RESULTS, "--key", to)


def copy_by_boto3(studio: Studio, key: str, arguments: str, to: str) -> None:
    source = f"{SOURCES}/{key}?{parameters(arguments)}"
    studio.s3().copy_object(CopySource=source, Bucket=RESULTS, Key=to)


def copy_by_boto3_from_names(studio: Studio, key: str, arguments: str, to: str) -> None:
    tail = f"&etl_args={arguments}" if arguments else ""
    source = {"Bucket": SOURCES, "Key": f"{key}?etl_name={NAME}{tail}"}
    studio.s3().copy_object(CopySource=source, Bucket=RESULTS, Key=to)


def copy_by_curl_that_signs(studio: Studio, key: str, arguments: str, to: str) -> None:
    source = f"x-amz-copy-source: /{SOURCES}/{quote(key)}?{parameters(arguments)}"
    url = f"{studio.node.endpoint}/{RESULTS}/{quote(to)}"
    assert b"<CopyObjectResult" in studio.run(*signing_curl(studio), "-X", "PUT", "-H", source, url)


def copy_by_curl_with_token(studio: Studio, key: str, arguments: str, to: str) -> None:
    target = f"&object_to={quote(f'ais/@#/{RESULTS}/{to}')}"
    url = f"{studio.node.endpoint}/v1/objects/{SOURCES}/{quote(key)}?{parameters(arguments)}{target}"
    studio.run("curl", "-sS", "--fail", "-X", "PUT", "-H", f"Authorization: Bearer {studio.node.token}", url)


def copy_by_s3cmd(studio: Studio, key: str, arguments: str, to: str) -> None:
    host = studio.node.endpoint.removeprefix("http://")
    settings = ("-c", "/dev/null", "--no-ssl", f"--host={host}", f"--host-bucket={host}")
    headers = [f"--add-header=x-amz-etl-name:{NAME}"]
    if arguments:
        headers.append(f"--add-header=x-amz-etl-args:{arguments}")
    places = (f"s3://{SOURCES}/{key}", f"s3://{RESULTS}/{to}")
    studio.run("s3cmd", *settings, "cp", *headers, "--mime-type=audio/wav", *places)


def copy_by_sdk(studio: Studio, key: str, arguments: str, to: str) -> None:
    copied = studio.sdk(SOURCES, key).copy(studio.sdk(RESULTS, to), etl=ETLConfig(NAME, args=arguments))
    assert copied.status_code == 200


def copy_by_our_command(studio: Studio, key: str, arguments: str, to: str) -> None:
    options = ("--args", arguments) if arguments else ()
    studio.run("sluice", "etl", "object", NAME, "cp", f"{SOURCES}/{key}", f"{RESULTS}/{to}", *options)


COPIERS = [
    copy_by_aws, copy_by_boto3, copy_by_boto3_from_names, copy_by_curl_that_signs, copy_by_curl_with_token,
    copy_by_s3cmd, copy_by_sdk, copy_by_our_command,
]


@pytest.mark.parametrize("arguments", ["", "16000"])
@pytest.mark.parametrize("key", SOUNDS)
@pytest.mark.parametrize("copy", COPIERS)
def test_what_is_copied_is_what_ffmpeg_makes_by_hand(
    studio: Studio, copy: Callable[[Studio, str, str, str], None], key: str, arguments: str
) -> None:
    to = f"{copy.__name__}/{key}{arguments}.wav"
    copy(studio, key, arguments, to)
    expected = studio.by_hand(key, arguments)
    made = studio.result(to)
    assert made["Body"].read() == expected
    assert made["ContentType"] == "audio/wav"
    assert made["ETag"] == f'"{hashlib.md5(expected).hexdigest()}"'


@pytest.fixture
def breaking(studio: Studio) -> Iterator[str]:
    """A transform that does what `etl_args` says; half_sized sends half of its result."""
    name = f"breaking-{random.randrange(16**6):06x}"
    command = [sys.executable, str(FAILING), "--port", "8000"]
    spec = json.dumps({"name": name, "runtime": {"image": "plain", "command": command}})
    studio.run("sluice", "etl", "init", "-f", "-", input=spec)
    yield name
    studio.run("sluice", "etl", "rm", name)


def kept(studio: Studio) -> dict[str, str]:
    listed = studio.s3().list_objects_v2(Bucket=RESULTS).get("Contents", [])
    return {entry["Key"]: entry["ETag"] for entry in listed}


@pytest.mark.parametrize("to", ["never there", "there before"])
def test_nothing_is_stored_when_a_transform_fails_half_way(studio: Studio, breaking: str, to: str) -> None:
    studio.s3().put_object(Bucket=RESULTS, Key="there before", Body=b"as it was")
    before = kept(studio)
    source = f"{SOURCES}/tone.flac?etl_name={breaking}&etl_args=half_sized"
    with pytest.raises(ClientError, match="before the end of its answer") as caught:
        studio.s3().copy_object(CopySource=source, Bucket=RESULTS, Key=to)
    assert caught.value.response["Error"]["Code"] == "TransformFailed"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500

    started = time.monotonic()
    with pytest.raises(AISError, match="before the end of its answer"):
        studio.sdk(SOURCES, "tone.flac").copy(studio.sdk(RESULTS, to), etl=ETLConfig(breaking, args="half_sized"))
    assert time.monotonic() - started < 5, "the SDK tried again"
    assert kept(studio) == before


def test_a_result_that_breaks_off_cuts_the_reader_off(studio: Studio, breaking: str) -> None:
    """Where the head has gone out by then; of a small result nothing has, and it is an error."""
    place, parameters = f"{studio.node.endpoint}/v1/objects/{SOURCES}", f"etl_name={breaking}&etl_args=half_sized"
    curl = ("curl", "-sS", "-w", "%{http_code}", "-H", f"Authorization: Bearer {studio.node.token}")
    assert studio.run(*curl, f"{place}/noise/white%20noise.flac?{parameters}", expect=18).endswith(b"200")
    assert studio.run(*curl, f"{place}/tone.flac?{parameters}").endswith(b"400")


def test_what_is_no_audio_is_an_error_with_ffmpeg_s_words(studio: Studio) -> None:
    studio.s3().put_object(Bucket=SOURCES, Key="text", Body=b"no audio at all")
    with pytest.raises(ClientError, match="Invalid data found when processing input") as caught:
        studio.s3().copy_object(CopySource=f"{SOURCES}/text?etl_name={NAME}", Bucket=RESULTS, Key="from text")
    assert caught.value.response["Error"]["TransformStatus"] == "500"
    assert "from text" not in kept(studio)
    time.sleep(1.1)  # by then all processes know of it
    errors = studio.run("sluice", "etl", "show", "errors", NAME).decode()
    assert f"ais://{SOURCES}/text" in errors
    assert "Invalid data found when processing input" in errors


def processes(studio: Studio) -> set[int]:
    """The node's own and whatever it has started, wherever that is in the tree by now."""
    place = f"={studio.node.folder}"
    found = {child.pid for child in psutil.Process(studio.node.pid).children(recursive=True)}
    for process in psutil.process_iter():
        try:
            if any(place in f"={value}" for value in process.environ().values()) or process.cwd() == str(EXAMPLE):
                found.add(process.pid)
        except psutil.Error:
            continue
    return found


def test_a_transform_is_shown_stopped_started_and_removed_and_leaves_nothing(studio: Studio) -> None:
    spec, name = str(EXAMPLE / "spec.yaml"), "flac-to-wav-again"
    before = processes(studio)
    studio.run("sluice", "etl", "init", "-f", spec, "--name", name)
    assert len(processes(studio)) >= len(before) + 2, "a server and its guard"
    shown = studio.show()[name]
    assert shown["stage"] == "Running"
    url = f"{studio.node.endpoint}/v1/objects/{SOURCES}/tone.flac?etl_name={name}"
    read = ("curl", "-sS", "--fail", "-H", f"Authorization: Bearer {studio.node.token}", url)
    assert studio.run(*read) == studio.by_hand("tone.flac", "")

    studio.run("sluice", "etl", "stop", name)
    assert processes(studio) == before
    assert studio.show()[name]["stage"] == "Aborted"
    studio.run(*read, expect=22)
    assert not list((studio.node.folder / "data").glob(f"transforms/{shown['xaction_id']}/scratch"))

    studio.run("sluice", "etl", "start", name)
    assert studio.run(*read) == studio.by_hand("tone.flac", "")
    studio.run("sluice", "etl", "rm", name)
    assert processes(studio) == before
    assert name not in studio.show()
    assert not (EXAMPLE / "__pycache__").exists()


def served_ms(studio: Studio, operation: str) -> list[float]:
    """What the node itself took for each request of this kind, by its access log."""
    log = studio.node.folder / "access.log"
    return [row["ms"] for row in map(json.loads, log.read_text().splitlines()) if row["operation"] == operation]


@pytest.mark.parametrize("door", ["S3", "native"])
def test_a_copy_takes_the_same_time_whatever_the_size(studio: Studio, door: str, tmp_path: Path) -> None:
    """The best of eleven each, taken in turn: what else the disk has to sync only adds to them."""
    sizes = {"KiB": 1024, "GiB": 1024**3}
    for name, size in sizes.items():
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
        with (tmp_path / name).open("rb") as file:
            studio.s3().put_object(Bucket=SOURCES, Key=name, Body=file)

    def copy(name: str, number: int) -> None:
        to = f"{door}-{name}-{number}"
        if door == "native":
            studio.sdk(SOURCES, name).copy(studio.sdk(RESULTS, to))
        else:
            studio.s3().copy_object(CopySource={"Bucket": SOURCES, "Key": name}, Bucket=RESULTS, Key=to)

    operation = {"S3": "CopyObject", "native": "native.CopyObject"}[door]
    time.sleep(0.5)  # the log is written a moment after the answer
    before = len(served_ms(studio, operation))
    for number in range(11):
        for name in sizes:
            copy(name, number)
    time.sleep(0.5)
    took = served_ms(studio, operation)[before:]
    small, large = took[0::2], took[1::2]
    print(f"{door}, medians: 1 KiB {statistics.median(small):.2f} ms, 1 GiB {statistics.median(large):.2f} ms")
    assert len(small) == len(large) == 11
    assert min(large) <= max(5.0, 3 * min(small)), (small, large)
    assert studio.s3().head_object(Bucket=RESULTS, Key=f"{door}-GiB-10")["ContentLength"] == 1024**3
