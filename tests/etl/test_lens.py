"""Objects through a transform by hpush, with a real server that behaves as it is told."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from storage.attributes import Attributes
from storage.conditions import ALWAYS, Conditions
from storage.content import Span
from storage.errors import NoSuchKey, NotModified, PreconditionFailed
from storage.payload import BytesPayload
from storage.source import close_content

from etl.catalog import TransformCatalog
from etl.errors import NoSuchTransform, TransformBroken, TransformFailed, TransformTimeout
from etl.lens import Use
from etl.records import ObjectError, Stage, Transform
from etl.result import LONGEST_KEPT
from etl.runtimes.ports import free_port
from tests.etl.farm import Farm, contents, opened, plain, seeing

LARGE = 200 * 1024 * 1024
NAME = "plain-one"


def failure(farm: Farm, arguments: str, key: str = "small") -> TransformFailed:
    with pytest.raises(TransformFailed) as caught:
        farm.read(NAME, key, arguments)
    return caught.value


def test_an_object_is_read_through_a_transform(shared: Farm) -> None:
    with closing(shared.open(NAME, "small", "upper")) as source:
        assert source.size == 5
        assert source.content() == b"HELLO"


@pytest.mark.parametrize("size", [0, 1, 4096, 32 * 1024, 64 * 1024, 64 * 1024 + 1, 1_000_000])
@pytest.mark.parametrize("way", ["echo", "upper", "until_close"])
def test_bytes_come_back_whole_whatever_their_number_and_framing(shared: Farm, size: int, way: str) -> None:
    data = random.Random(size).randbytes(size)
    shared.put("sized", data)
    assert shared.read(NAME, "sized", way) == (data.upper() if way == "upper" else data)


def test_a_large_object_streams_both_ways_at_once_in_constant_memory(shared: Farm) -> None:
    piece = os.urandom(1024 * 1024)
    shared.put("large", piece * (LARGE // len(piece)))
    expected = hashlib.md5(piece * (LARGE // len(piece))).digest()
    digest = hashlib.md5()
    with closing(shared.open(NAME, "large", "echo")) as source:
        assert source.size is None
        tracemalloc.start()
        try:
            for part in pieces(source.content()):
                digest.update(part)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert digest.digest() == expected
    assert peak < 8 * 1024 * 1024


def pieces(content: object) -> Iterator[bytes]:
    assert isinstance(content, Iterator)
    return content


@pytest.mark.parametrize(
    "key", ["a b", "a+b", "100%", "a%20b", "what?", "a#b", "é/ü/漢", "a//b", "/lead", "trail/", "..", "./x/../y",
            "a&b=c;d", "new\nline", "q\"uote'", "tab\t", "\\back"]
)
def test_the_server_sees_the_key_as_it_is(shared: Farm, key: str) -> None:
    shared.put(key, b"x")
    assert shared.read(NAME, key, "path_and_arguments").decode() == f"/bucket/{key}\n"


@pytest.mark.parametrize("arguments", ["a b", "x=1&y=2", '{"from": 1, "é": "+%"}', "#?"])
def test_the_server_sees_the_arguments_as_they_are(shared: Farm, arguments: str) -> None:
    answer = shared.read(NAME, "small", f"path_and_arguments {arguments}").decode()
    assert answer == f"/bucket/small\n{arguments}"


def test_no_arguments_are_no_parameter(shared: Farm) -> None:
    assert shared.read(NAME, "small") == b"HELLO"


def test_a_result_has_no_validators_of_its_source(shared: Farm) -> None:
    attributes = Attributes("owner", content={"content-type": "audio/flac", "content-encoding": "gzip"},
                            metadata={"a": "b"}, tags=(("t", "u"),))
    payload = BytesPayload(b"sound", algorithms=frozenset({"crc32"}))
    shared.store.objects.put(shared.bucket, "song", payload, attributes)
    with closing(shared.open(NAME, "song", "upper")) as source:
        record = source.record
    assert (record.etag, record.checksums, record.parts, record.blobs, record.data) == ("", {}, (), (), b"")
    assert record.content == {"content-type": "text/plain; charset=utf-8"}
    assert (record.metadata, record.tags, record.size) == ({"a": "b"}, (("t", "u"),), 5)


def test_conditions_are_those_of_the_source_object(shared: Farm) -> None:
    record = shared.store.objects.head(shared.bucket, "small")
    through = shared.lenses.open(Use(NAME, "upper"))
    with closing(through(shared.bucket, "small", Conditions(if_match=(record.etag,)))) as source:
        assert contents(source) == b"HELLO"
    with pytest.raises(PreconditionFailed):
        through(shared.bucket, "small", Conditions(if_match=("other",)))
    with pytest.raises(NotModified):
        through(shared.bucket, "small", Conditions(if_none_match=(record.etag,)))


def test_a_missing_object_is_missing_and_noted(shared: Farm) -> None:
    with pytest.raises(NoSuchKey):
        shared.open(NAME, "nowhere")
    noted = shared.transforms.view(NAME).activity.errors[-1]
    assert noted == ObjectError("ais://bucket/nowhere", "object not found", 404)


def test_an_unknown_transform_is_refused_before_the_object_is_looked_for(shared: Farm) -> None:
    with pytest.raises(NoSuchTransform):
        shared.open("unknown-etl", "nowhere")


@pytest.mark.parametrize("status", [400, 404, 416, 500, 503, 599])
def test_the_server_s_status_and_words_are_kept(shared: Farm, status: int) -> None:
    error = failure(shared, f"status {status} it cannot be")
    assert (error.status, error.message) == (status, "ETL error: it cannot be")


@pytest.mark.parametrize("status", [200, 201, 202, 206])
def test_every_success_has_its_body_for_a_result(shared: Farm, status: int) -> None:
    assert shared.read(NAME, "small", f"status {status} done") == b"done"


def test_no_content_is_an_empty_result(shared: Farm) -> None:
    with closing(shared.open(NAME, "small", "empty")) as source:
        assert (source.size, source.content()) == (0, b"")


@pytest.mark.parametrize("way", ["half", "half_sized"])
@pytest.mark.parametrize("size", [5, 1_000_000])
def test_a_result_that_breaks_off_is_an_error_and_nothing_is_stored(shared: Farm, way: str, size: int) -> None:
    shared.put("breaks", b"x" * size)
    with pytest.raises(TransformBroken, match="closed the connection before the end"):
        with closing(shared.open(NAME, "breaks", way)) as source:
            shared.store.objects.copy(source, shared.bucket, "result", Attributes("owner"))
    with pytest.raises(NoSuchKey):
        shared.store.objects.head(shared.bucket, "result")


@pytest.mark.parametrize("size", [5, 1_000_000])
def test_a_copy_through_a_transform_is_an_object_of_its_own(shared: Farm, size: int) -> None:
    shared.put("source", b"x" * size)
    with closing(shared.open(NAME, "source", "upper")) as source:
        shared.store.objects.copy(source, shared.bucket, "copy", Attributes("owner"))
    with shared.store.objects.open(shared.bucket, "copy", ALWAYS) as copy:
        assert copy.record.etag == hashlib.md5(b"X" * size).hexdigest()
        assert copy.size == size


def test_what_is_no_http_is_an_error(shared: Farm) -> None:
    assert failure(shared, "nonsense").message == "ETL error: the transform's server did not answer in HTTP"


def test_an_answer_may_come_before_the_object_was_read(shared: Farm) -> None:
    shared.put("unread", b"x" * 20_000_000)
    assert shared.read(NAME, "unread", "early") == b"enough"
    error = failure(shared, "refused", "unread")
    assert (error.status, error.message) == (413, "ETL error: too much")


def test_a_server_that_takes_too_long_is_given_up(shared: Farm) -> None:
    before = time.monotonic()
    with pytest.raises(TransformTimeout, match="timeout: no complete answer within 2s"):
        shared.read(NAME, "small", "hang 30")
    assert time.monotonic() - before < 4


def test_a_result_that_takes_too_long_is_given_up_half_way(shared: Farm) -> None:
    with closing(shared.open(NAME, "small", "trickle 30")) as source:
        with pytest.raises(TransformTimeout):
            for _ in pieces(source.content()):
                pass


def test_the_time_that_the_reader_takes_is_not_the_server_s(shared: Farm) -> None:
    shared.put("patient", b"x" * 30_000_000)
    with closing(shared.open(NAME, "patient", "echo")) as source:
        content = pieces(source.content())
        next(content)
        time.sleep(2.5)
        assert sum(len(piece) for piece in content) > 20_000_000


def test_connections_are_kept_for_the_next_object(shared: Farm) -> None:
    ports = {shared.read(NAME, "small", "connection_number") for _ in range(5)}
    assert len(ports) == 1


def test_a_reader_that_leaves_takes_its_connection_along(shared: Farm) -> None:
    shared.put("left", b"x" * 30_000_000)
    with closing(shared.open(NAME, "left", "echo")) as source:
        content = source.content()
    next(pieces(content))
    close_content(content)
    assert shared.read(NAME, "small", "upper") == b"HELLO"


@pytest.mark.parametrize("way", ["echo", "upper"])
def test_a_result_outlives_the_source_that_gave_it(shared: Farm, way: str) -> None:
    """As an object's bytes do: who answers a request closes the source before the first byte is sent."""
    data = random.Random(2).randbytes(3_000_000).upper()
    shared.put("outlives", data)
    with closing(shared.open(NAME, "outlives", way)) as source:
        assert (source.size is None) == (way == "echo")
        content = source.content()
    assert b"".join(pieces(content)) == data
    close_content(content)


def test_a_kept_connection_that_the_server_has_closed_is_replaced_at_once(shared: Farm) -> None:
    before = time.monotonic()
    assert shared.read(NAME, "small", "early") == b"enough"
    assert shared.read(NAME, "small", "upper") == b"HELLO"
    assert time.monotonic() - before < 0.9


def test_a_lost_connection_is_worth_another_attempt(shared: Farm) -> None:
    assert shared.read(NAME, "small", "once") == b"at last"


def test_a_server_may_send_the_object_on_to_another_path(shared: Farm) -> None:
    assert shared.read(NAME, "small", "redirect") == b"HELLO"


@pytest.mark.parametrize("size", [10, 3_000_000])
def test_a_lens_may_look_through_another(shared: Farm, size: int) -> None:
    """The source's size is not known then, so it goes out in chunks."""
    shared.put("twice", b"x" * size)
    catalog = TransformCatalog(shared.store.catalog)
    outer = seeing(shared.lenses.open(Use(NAME, "echo")), catalog, shared.activities, shared.runtime)
    with closing(outer.open(Use(NAME, "echo"))(shared.bucket, "twice", ALWAYS)) as source:
        assert contents(source) == b"x" * size


@pytest.mark.parametrize("span", [Span(0, 3), Span(1, 4), Span(60_000, 200_000), Span(2_999_999, 3_000_000)])
def test_a_span_of_a_result_can_be_read(shared: Farm, span: Span) -> None:
    data = random.Random(1).randbytes(3_000_000)
    shared.put("spanned", data)
    with closing(shared.open(NAME, "spanned", "echo")) as source:
        assert b"".join(pieces(source.content(span))) == data[span.start:span.stop]


def test_objects_bytes_and_errors_are_counted(farm: Farm) -> None:
    farm.transforms.init(plain("counted"))
    farm.put("small", b"hello")
    for _ in range(3):
        farm.read("counted", "small", "status 200 ok")
    for number in range(130):
        with pytest.raises(TransformFailed):
            farm.read("counted", "small", f"status 500 {number}")
    (view,) = farm.transforms.list()
    assert (view.activity.objects, view.activity.in_bytes, view.activity.out_bytes) == (3, 15, 6)
    assert len(view.activity.errors) == 128
    assert view.activity.errors[-1] == ObjectError("ais://bucket/small", "ETL error: 129", 500)
    with pytest.raises(TransformFailed, match="x{4000}"):
        farm.read("counted", "small", "status 500 " + "x" * 4000)
    assert len(farm.transforms.view("counted").activity.errors[-1].message) == LONGEST_KEPT
    farm.transforms.stop("counted")
    assert len(farm.transforms.view("counted").activity.errors) == 128


def test_a_stopped_transform_takes_no_more_objects(farm: Farm) -> None:
    farm.transforms.init(plain("stopped"))
    farm.put("small", b"hello")
    farm.transforms.stop("stopped")
    with pytest.raises(NoSuchTransform):
        farm.open("stopped", "small")
    assert farm.transforms.view("stopped").transform.stage is Stage.ABORTED


def test_a_server_that_dies_over_an_object_ends_the_attempts_on_it(farm: Farm) -> None:
    farm.transforms.init(plain("mortal"))
    farm.put("small", b"hello")
    before = time.monotonic()
    with pytest.raises(TransformBroken, match="without an answer, and the transform does not run any more") as caught:
        farm.open("mortal", "small", "die")
    assert time.monotonic() - before < 5
    assert farm.transforms.view("mortal").activity.errors == (
        ObjectError("ais://bucket/small", caught.value.message, 502),
    )


@pytest.mark.parametrize(
    ("obj_timeout", "waits"), [("45s", [1, 1.5, 2, 2.5, 3, 3.5]), ("4s", [1, 1.5]), ("500ms", [])]
)
def test_a_server_that_cannot_be_reached_is_tried_again_at_growing_distances(
    tmp_path: Path, obj_timeout: str, waits: list[float]
) -> None:
    """For 15 seconds or obj_timeout, whichever is less."""
    with opened(tmp_path) as farm:
        spec = plain("vanished", obj_timeout=obj_timeout)
        nobody = f"127.0.0.1:{free_port()}"
        running = Transform("vanished", spec, Stage.RUNNING, "etl-vanished0", "secret", 0, nobody, held=True)
        catalog = TransformCatalog(farm.store.catalog)
        catalog.add(running)
        farm.put("small", b"hello")
        pauses: list[float] = []
        lenses = seeing(
            farm.store.objects.open, catalog, farm.activities, farm.runtime, monotonic=lambda: sum(pauses),
            pause=pauses.append,
        )
        with pytest.raises(TransformBroken, match="ETL error: cannot connect") as caught:
            lenses.open(Use("vanished"))(farm.bucket, "small", ALWAYS)
        assert caught.value.status == 502
        assert pauses == waits


def test_the_same_holds_in_a_process_of_gevent_s(shared: Farm) -> None:
    """Forty readers at once, large objects among them, on one hub."""
    shared.put("mixed-0", b"x" * 4096)
    shared.put("mixed-1", b"y" * 3_000_000)
    script = Path(__file__).with_name("gevent_readers.py")
    (place,) = shared.layout.places
    environment = {**os.environ, "PYTHONPATH": str(script.parents[2])}
    command = [sys.executable, str(script), shared.layout.node, place.id, str(place.path), NAME]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "40 read\n"), done.stderr
