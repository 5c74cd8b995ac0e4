"""The official SDK's objects, readers and writers, unmodified, over HTTP and over TLS.

Over TLS it sends an upload's head first and the body to wherever that is redirected.
"""

from __future__ import annotations

import io
import random
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
import xxhash
from aistore import Client
from aistore.sdk import Bucket
from aistore.sdk.blob_download_config import BlobDownloadConfig
from aistore.sdk.errors import AISError, ErrBckNotFound, ErrObjNotFound
from aistore.sdk.list_object_flag import ListObjectFlag
from aistore.sdk.obj.object import Object

from tests.conftest import StartNode
from tests.node import Node

MIB = 1024 * 1024
LARGE = random.Random(1).randbytes(9 * MIB)


@pytest.fixture(params=["http", "https"])
def client(request: pytest.FixtureRequest, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(variable, raising=False)
    node = request.getfixturevalue("node" if request.param == "http" else "secure")
    return Client(node.endpoint, token=node.token, ca_cert=str(certificate))


@pytest.fixture
def bucket(client: Client) -> Iterator[Bucket]:
    made = client.bucket(f"Objects_{random.randrange(16**8):08x}").create()
    yield made
    made.delete(missing_ok=True)


@pytest.fixture
def song(bucket: Bucket) -> Object:
    made = bucket.object("dir/song")
    made.get_writer().put_content(b"hello world")
    return made


@pytest.fixture
def large(bucket: Bucket, tmp_path: Path) -> Object:
    path = tmp_path / "large"
    path.write_bytes(LARGE)
    made = bucket.object("large")
    made.get_writer().put_file(path)
    return made


def test_every_way_to_put_arrives_whole(bucket: Bucket, large: Object, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    bucket.object("empty").get_writer().put_file(empty)
    assert bucket.object("empty").get_reader().read_all() == b""
    for data in (b"", b"x", LARGE):
        reply = bucket.object("content").get_writer().put_content(data)
        assert reply.headers["Ais-Checksum-Value"] == xxhash.xxh64_hexdigest(data)
        assert bucket.object("content").get_reader().read_all() == data
    bucket.object("stream").get_writer()._put_data(iter([LARGE, b"", b"end"]))
    assert bucket.object("stream").get_reader().read_all() == LARGE + b"end"
    assert large.get_reader().read_all() == LARGE


def test_every_way_to_read_reads_the_same(large: Object, tmp_path: Path) -> None:
    assert b"".join(large.get_reader(chunk_size=1_000_000)) == LARGE
    assert large.get_reader().raw().read() == LARGE
    assert large.get_reader(latest=True).read_all() == LARGE
    assert large.get_reader(direct=True).read_all() == LARGE
    assert b"".join(large.get_reader(direct=True)) == LARGE
    for chunk_size in (None, MIB, 1_234_567):
        with large.get_reader(num_workers=4, chunk_size=chunk_size).read_all() as parallel:
            assert parallel.tobytes() == LARGE
        assert b"".join(large.get_reader(num_workers=2, chunk_size=chunk_size)) == LARGE
    with (tmp_path / "written").open("wb") as file:
        large.get_reader(writer=file)
    assert (tmp_path / "written").read_bytes() == LARGE


@pytest.mark.parametrize(
    ("asked", "span"),
    [("bytes=0-0", (0, 1)), ("bytes=5-", (5, None)), ("bytes=-7", (-7, None)), ("bytes=9-99999999", (9, None))],
)
def test_ranges_are_read(large: Object, asked: str, span: tuple[int, int | None]) -> None:
    assert large.get_reader(byte_range=asked).read_all() == LARGE[slice(*span)]


def test_file_reader_reads_as_files_do(large: Object) -> None:
    with large.get_reader().as_file() as file:
        assert file.readable()
        assert file.read(10) == LARGE[:10]
        assert file.read(0) == b""
        assert file.read(3 * MIB) == LARGE[10 : 10 + 3 * MIB]
        assert file.read() == LARGE[10 + 3 * MIB :]
        assert file.read() == b""
    with pytest.raises(ValueError, match="closed"):
        file.read()
    with large.get_reader(byte_range="bytes=100-300").as_file() as file:
        assert file.read() == LARGE[100:301]


def test_file_writer_shows_what_was_flushed(bucket: Bucket) -> None:
    made = bucket.object("log")
    with made.get_writer().as_file(mode="w") as file:
        assert file.write(b"one ") == 4
        assert made.get_reader().read_all() == b""
        file.write(LARGE)
        file.flush()
        assert made.get_reader().read_all() == b"one " + LARGE
        file.write(b" two")
    assert made.get_reader().read_all() == b"one " + LARGE + b" two"
    with made.get_writer().as_file(mode="a") as file:
        file.write(b" three")
    assert made.get_reader().read_all() == b"one " + LARGE + b" two three"
    with made.get_writer().as_file(mode="w") as file:
        file.write(b"anew")
    assert made.get_reader().read_all() == b"anew"
    assert made.head("checksum").checksum_value == xxhash.xxh64_hexdigest(b"anew")


def test_appended_content_is_what_was_appended(song: Object) -> None:
    writer = song.get_writer()
    handle = writer.append_content(b", and")
    handle = writer.append_content(b" goodbye", handle=handle)
    assert song.get_reader().read_all() == b"hello world"
    assert writer.append_content(b"", handle=handle, flush=True) == ""
    assert song.get_reader().read_all() == b"hello world, and goodbye"
    with pytest.raises(AISError) as raised:
        writer.append_content(b"", handle="nonsense", flush=True)
    assert raised.value.status_code == 400


def test_custom_metadata_is_merged_or_replaced(song: Object) -> None:
    song.get_writer().set_custom_props({"artist": "Bach", "year": "1721"})
    song.get_writer().set_custom_props({"year": "1722"})
    assert song.head("custom").custom_metadata == {"artist": "Bach", "year": "1722"}
    song.get_writer().put_content(b"again")
    assert song.get_reader().attributes.custom_metadata == {"artist": "Bach", "year": "1722"}
    song.get_writer().set_custom_props({"key": "G"}, replace_existing=True)
    assert song.props.custom_metadata == {"key": "G"}
    assert song.get_reader().read_all() == b"again"
    with pytest.raises(AISError) as raised:
        song.get_writer().set_custom_props({"key": "x" * 2046})
    assert "custom metadata: total size 2049 exceeds max 2048 bytes" in raised.value.message


def test_metadata_set_at_the_same_time_all_stays(song: Object) -> None:
    wanted = {f"key{number}": str(number) for number in range(24)}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda pair: song.get_writer().set_custom_props(dict([pair])), wanted.items()))
    assert song.head("custom").custom_metadata == wanted


def test_attributes_are_told_however_they_are_asked_for(bucket: Bucket, song: Object) -> None:
    every = song.head("name,size,version,checksum,atime,copies,ec,custom,location,chunked,last-modified,etag")
    assert (every.size, every.present) == (11, True)
    assert (every.checksum_type, every.checksum_value) == ("xxhash2", "45ab6734b21e6968")
    assert int(every.access_time) > 1_700_000_000 * 10**9
    assert (every.mirror_copies, len(every.mirror_paths), every.ec, every.chunks) == (1, 1, None, None)
    assert every.location.startswith("t[")
    assert (every.last_modified.endswith(" GMT"), bool(every.etag)) == (True, True)
    assert (song.head().size, song.props_cached.size, song.props.name) == (11, 11, "dir/song")
    read = song.get_reader()
    assert read.head().checksum_value == read.attributes.checksum_value == "45ab6734b21e6968"
    read.raw().read()
    assert read.attributes.checksum_value == "45ab6734b21e6968"
    assert song.uname == f"ais/@#/{bucket.name}/dir/song"
    assert song.get_semantic_url() == f"ais://{bucket.name}/dir/song"


def test_url_is_for_any_client(bucket: Bucket, song: Object, certificate: Path) -> None:
    bearer = {"Authorization": f"Bearer {bucket.client.token}"}
    reply = requests.get(song.get_url(), headers=bearer, verify=str(certificate), timeout=10)
    assert reply.content == b"hello world"


def test_parts_are_uploaded_side_by_side(bucket: Bucket) -> None:
    made = bucket.object("parts")
    upload = made.multipart_upload().create()
    pieces = [LARGE[:MIB], LARGE[MIB : 4 * MIB], b"end"]
    writers = [upload.add_part(number) for number in (1, 2, 3)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda pair: pair[0].put_content(pair[1]), zip(writers, pieces)))
    with pytest.raises(AISError):
        made.head()
    upload.complete()
    whole = b"".join(pieces)
    assert made.get_reader().read_all() == whole
    chunks = made.head("chunked").chunks
    assert (chunks.chunk_count, chunks.max_chunk_size) == (3, 3 * MIB)
    assert made.head("checksum").checksum_value == xxhash.xxh64_hexdigest(whole)
    with made.get_reader(num_workers=3).read_all() as parallel:
        assert parallel.tobytes() == whole
    with pytest.raises(AISError) as raised:
        upload.complete()
    assert raised.value.status_code == 404


def test_aborted_upload_is_gone(bucket: Bucket, song: Object) -> None:
    upload = song.multipart_upload().create()
    upload.add_part(1).put_content(b"new")
    assert upload.abort().status_code == 200
    for again in (upload.abort, upload.complete, lambda: upload.add_part(2).put_content(b"x")):
        with pytest.raises(AISError) as raised:
            again()
        assert raised.value.status_code == 404
    with pytest.raises(ErrObjNotFound):
        upload.abort()
    assert song.get_reader().read_all() == b"hello world"


def test_copies_are_made_and_objects_deleted(client: Client, bucket: Bucket, song: Object) -> None:
    other = bucket.object("copy")
    assert song.copy(other, latest=True, sync=False).status_code == 200
    assert song.delete().status_code == 200
    assert other.get_reader().read_all() == b"hello world"
    for failing in (song.delete, lambda: song.get_reader().read_all(), lambda: song.copy(other)):
        with pytest.raises(ErrObjNotFound):
            failing()
    with pytest.raises(AISError, match="does not exist"):
        other.copy(client.bucket("nowhere-at-all").object("x"))
    with pytest.raises(ErrBckNotFound):
        client.bucket("nowhere-at-all").object("x").get_writer().put_content(b"x")


def test_blobs_are_downloaded_from_backends_only(song: Object) -> None:
    with pytest.raises(AISError, match="blob-downloader is not supported for local buckets: ais://"):
        song.get_reader(blob_download_config=BlobDownloadConfig(chunk_size="1mb", num_workers="2")).read_all()
    with pytest.raises(AISError) as raised:
        song.blob_download()
    assert raised.value.status_code == 400


@pytest.mark.parametrize("flag", ListObjectFlag, ids=lambda flag: flag.name)
def test_every_flag_lists_or_is_refused(bucket: Bucket, song: Object, flag: ListObjectFlag) -> None:
    remote = {ListObjectFlag.NOT_CACHED, ListObjectFlag.DIFF, ListObjectFlag.NBI}
    if flag in remote:
        with pytest.raises(AISError) as raised:
            bucket.list_objects(flags=[flag])
        assert raised.value.status_code == 400
    else:
        names = [entry.name for entry in bucket.list_all_objects(flags=[flag])]
        assert names == ["dir/" if flag is ListObjectFlag.NO_RECURSION else "dir/song"]


def test_members_of_an_archive_are_listed(bucket: Bucket) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name in ("one", "two"):
            info = tarfile.TarInfo(name)
            info.size = 5
            archive.addfile(info, io.BytesIO(name.ljust(5).encode()))
    bucket.object("shard.tar").get_writer().put_content(file.getvalue())
    assert [(entry.name, entry.size) for entry in bucket.list_archive("shard.tar", props="name,size")] == [
        ("shard.tar/one", 5), ("shard.tar/two", 5)
    ]


def test_reading_goes_on_after_the_node_was_killed(start_node: StartNode) -> None:
    node = start_node()
    made = Client(node.endpoint, token=node.token).bucket("resumed").create().object("large")
    made.get_writer().put_content(LARGE)
    with made.get_reader(chunk_size=MIB).as_file(max_resume=5) as file:
        before = file.read(MIB)
        node.kill()
        node.start()
        assert before + file.read() == LARGE


def test_certificate_is_shown_and_its_end_announced(secure: Node, certificate: Path) -> None:
    def ask(path: str, what: str) -> Any:
        headers = {"Authorization": f"Bearer {secure.token}"}
        url = f"{secure.endpoint}/v1/{path}?what={what}"
        return requests.get(url, headers=headers, verify=str(certificate), timeout=5).json()

    assert ask("daemon", "node_stats")["tracker"]["state.flags"] & 1 << 16  # it expires within three days
    shown = ask("daemon", "tls_certificate")
    assert (shown["issued_by"], shown["issued_to"]) == ("CN=127.0.0.1", "CN=127.0.0.1")
    assert shown["not_after"] - shown["not_before"] == 24 * 3600
    assert ask("cluster", "cluster_config")["net"]["http"]["use_https"] is True
