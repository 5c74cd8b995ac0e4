"""The official server frameworks, unchanged, as published commands start them."""

from __future__ import annotations

import hashlib
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from etl.errors import TransformFailed
from etl.spec import from_message, messages
from tests.etl.farm import PYTHON, Farm, contents, official, opened, supervised

UVICORN = ("--host", "0.0.0.0", "--port", "8000", "--no-access-log")
COMMANDS = {
    "fastapi": ("uvicorn", "official:fastapi", "--factory", *UVICORN, "--workers", "2"),
    "flask-one": ("gunicorn", "official:flask()", "--bind", "0.0.0.0:8000", "--workers", "2", "--log-level", "debug"),
    "threaded": (PYTHON, "official.py"),
    "streamed": ("uvicorn", "official:streamed", "--factory", *UVICORN),
}
BUFFERED = ["fastapi", "flask-one", "threaded"]
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    with opened(tmp_path_factory.mktemp("official")) as farm, supervised(farm):
        starting = [
            threading.Thread(target=farm.transforms.init, args=(official(name, *command),))
            for name, command in COMMANDS.items()
        ]
        for thread in starting:
            thread.start()
        for thread in starting:
            thread.join()
        farm.put("dir/a b", b"hello")
        farm.put("complain", b"complain")
        yield farm


@pytest.mark.parametrize("name", BUFFERED)
def test_an_object_goes_through(servers: Farm, name: str) -> None:
    with closing(servers.open(name, "dir/a b", "x y")) as source:
        digest, path = contents(source).decode().split(" ", 1)
        assert source.record.content["content-type"].startswith("text/x-md5")
    assert digest == hashlib.md5(b"hello").hexdigest()
    assert path.lstrip("/").replace("%20", " ") == "bucket/dir/a b x y"  # the threaded server shows the path undecoded


@pytest.mark.parametrize("name", BUFFERED)
def test_a_large_object_goes_through(servers: Farm, name: str) -> None:
    data = b"0123456789abcdef" * (2 * 1024 * 1024)
    servers.put("large", data)
    assert servers.read(name, "large").startswith(hashlib.md5(data).hexdigest().encode())


@pytest.mark.parametrize("name", BUFFERED)
def test_many_objects_go_through_at_once(servers: Farm, name: str) -> None:
    results: list[bytes] = []
    readers = [threading.Thread(target=lambda: results.append(servers.read(name, "dir/a b"))) for _ in range(16)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert len(results) == 16


@pytest.mark.parametrize(
    ("name", "words"),
    [("fastapi", '{"detail":"Processing error: as told"}'), ("flask-one", "as told"),
     ("threaded", "Internal error during transformation")],
)
def test_an_exception_is_an_error_with_the_server_s_words(servers: Farm, name: str, words: str) -> None:
    with pytest.raises(TransformFailed) as caught:
        servers.open(name, "complain")
    assert caught.value.status == 500
    assert caught.value.message.startswith("ETL error: ")
    assert words in caught.value.message


@pytest.mark.parametrize("key", ["a//b", "/lead", "what?", "100%", "é ü", "trail/"])
def test_the_slashes_of_a_key_may_be_merged_by_flask_but_the_object_goes_through(servers: Farm, key: str) -> None:
    servers.put(key, b"hello")
    assert servers.read("flask-one", key).startswith(hashlib.md5(b"hello").hexdigest().encode())


def test_a_streamed_result_is_read_as_it_comes(servers: Farm) -> None:
    data = b"abcdefgh" * (4 * 1024 * 1024)
    servers.put("streamed", data)
    with closing(servers.open("streamed", "streamed")) as source:
        assert source.size is None
        assert contents(source) == data.upper()


def test_a_streamed_result_that_fails_half_way_breaks_off(servers: Farm) -> None:
    servers.put("fails", b"x" * 3_000_000 + b"complain")
    with pytest.raises(TransformFailed):
        servers.read("streamed", "fails")


@pytest.mark.parametrize("name", list(COMMANDS))
def test_what_the_server_prints_is_its_log(servers: Farm, name: str) -> None:
    assert servers.transforms.logs(name)


@pytest.fixture(scope="module")
def flac(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of noise over a tone."""
    path = tmp_path_factory.mktemp("audio") / "sound.flac"
    sound = "sine=frequency=440:sample_rate=44100:duration=2,volume=0.5"
    ffmpeg("-f", "lavfi", "-i", sound, "-ac", "2", str(path))
    return path


def ffmpeg(*arguments: str) -> bytes:
    command = ["ffmpeg", "-nostdin", "-loglevel", "error", "-y", *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout


def test_the_flac_example_gives_what_ffmpeg_gives_by_hand(farm: Farm, flac: Path) -> None:
    folder = EXAMPLES / "flac_to_wav"
    (message,) = messages((folder / "spec.yaml").read_text(), directory=folder)
    farm.transforms.init(from_message(message))
    farm.put("sound.flac", flac.read_bytes())
    options = ("-map_metadata", "-1", "-fflags", "+bitexact", "-flags", "+bitexact", "-c:a", "pcm_s16le", "-f", "wav")
    assert farm.read("flac-to-wav", "sound.flac") == ffmpeg("-i", str(flac), *options, "pipe:1")
    by_hand = ffmpeg("-i", str(flac), "-ar", "16000", *options, "pipe:1")
    with closing(farm.open("flac-to-wav", "sound.flac", "16000")) as source:
        assert source.record.content == {"content-type": "audio/wav"}
        assert contents(source) == by_hand
    farm.put("text.flac", b"no audio at all")
    with pytest.raises(TransformFailed, match="Processing error"):
        farm.open("flac-to-wav", "text.flac")
    assert not (folder / "__pycache__").exists()
