"""aws-chunked uploads: signed chunks, trailers, and Content-Encoding as it is kept."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from typing import Any
from zlib import crc32

import pytest

from tests.s3compat.raw import CHUNKS_SIGNED, CHUNKS_SIGNED_TRAILER, CHUNKS_UNSIGNED_TRAILER, Raw, plain_chunks

CHUNKS = [b"a" * 65536, b"b" * 8192, b"c" * 17]
BODY = b"".join(CHUNKS)
TRAILER_MODES = [CHUNKS_UNSIGNED_TRAILER, CHUNKS_SIGNED_TRAILER]


def crc(body: bytes) -> str:
    return b64encode(crc32(body).to_bytes(4, "big")).decode()


TRAILER = f"x-amz-checksum-crc32:{crc(BODY)}"


@pytest.mark.parametrize("chunks", [[], [b"one"], CHUNKS, [b"x" * 1_000_000]], ids=["0", "1", "3", "1M"])
def test_signed_chunks(raw: Raw, path: str, chunks: list[bytes]) -> None:
    """Checklist 33: each chunk's signature covers the one before; the object is the decoded body."""
    assert raw.send(raw.streamed(path, chunks)).status == 200
    assert raw("GET", path).body == b"".join(chunks)


@pytest.mark.parametrize("place", ["data", "signature", "order"])
def test_tampered_chunks_change_nothing(raw: Raw, path: str, place: str) -> None:
    """Checklist 33: 403 SignatureDoesNotMatch."""
    raw("PUT", path, body=b"before")
    request = raw.streamed(path, [b"a" * 8192, b"b" * 8192])
    body = request.body
    middle = body.index(b"2000;", 10)
    changed = {
        "data": body.replace(b"aaa", b"aab", 1),
        "signature": body.replace(b"chunk-signature=", b"chunk-signature=0", 1).replace(b"\r\n", b"\r\n", 1),
        "order": body[middle : middle * 2] + body[:middle] + body[middle * 2 :],
    }[place]
    answer = raw.send(replace(request, body=changed[: len(body)] if place == "signature" else changed))
    assert answer.status in (400, 403)
    assert place == "signature" or answer.code == "SignatureDoesNotMatch"
    assert raw("GET", path).body == b"before"


def test_signed_chunks_without_decoded_length(raw: Raw, path: str) -> None:
    """Checklist 33: 411 MissingContentLength."""
    for mode in (CHUNKS_SIGNED, CHUNKS_UNSIGNED_TRAILER):
        request = raw.streamed(path, CHUNKS, mode=mode, decoded_length=False)
        assert raw.send(request).refusal == (411, "MissingContentLength")


@pytest.mark.parametrize("announced", [len(BODY) - 1, len(BODY) + 1, 0])
def test_decoded_length_that_is_wrong(raw: Raw, path: str, announced: int) -> None:
    """Checklist 33: 400 IncompleteBody, nothing stored."""
    headers = {"x-amz-decoded-content-length": str(announced)}
    for mode, trailer in ((CHUNKS_SIGNED, ""), (CHUNKS_UNSIGNED_TRAILER, TRAILER)):
        request = raw.streamed(path, CHUNKS, headers, mode=mode, trailer=trailer, decoded_length=False)
        assert raw.send(request).refusal == (400, "IncompleteBody")
    assert raw("HEAD", path).status == 404


def test_body_that_ends_before_its_last_chunk(raw: Raw, path: str) -> None:
    """Checklist 33, 12: a body cut between two chunks is incomplete, though its length is as announced."""
    for mode in (CHUNKS_SIGNED, CHUNKS_UNSIGNED_TRAILER):
        request = raw.streamed(path, CHUNKS, mode=mode).without("content-length")
        cut = request.body[: request.body.rindex(b"0", 0, request.body.rindex(b"\r\n\r\n"))]
        answer = raw.send(replace(request, body=cut).adding(("Content-Length", str(len(cut)))))
        assert answer.status == 400
    assert raw("HEAD", path).status == 404


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("aws-chunked", None),
        ("gzip, aws-chunked", "gzip"),
        ("aws-chunked, gzip", "gzip"),
        ("aws-chunked,gzip,aws-chunked", "gzip"),
        ("deflate, aws-chunked, gzip", "deflate, gzip"),
    ],
)
@pytest.mark.parametrize("mode", [CHUNKS_SIGNED, CHUNKS_UNSIGNED_TRAILER])
def test_transfer_coding_is_not_kept(raw: Raw, path: str, sent: str, kept: str | None, mode: str) -> None:
    """Checklist 34: aws-chunked goes wherever it stands; nothing left means no header."""
    trailer = TRAILER if mode == CHUNKS_UNSIGNED_TRAILER else ""
    assert raw.send(raw.streamed(path, CHUNKS, {"Content-Encoding": sent}, mode=mode, trailer=trailer)).status == 200
    for method in ("GET", "HEAD"):
        assert raw(method, path).header("Content-Encoding") == kept


def test_other_codings_are_kept(raw: Raw, path: str, s3: Any, bucket: str, key: str) -> None:
    """Checklist 34: `deflate, gzip` is stored as it came."""
    raw("PUT", path, {"Content-Encoding": "deflate, gzip"}, b"x")
    assert raw("HEAD", path).header("Content-Encoding") == "deflate, gzip"
    s3.put_object(Bucket=bucket, Key=key, Body=b"x", ContentEncoding="gzip")
    assert s3.head_object(Bucket=bucket, Key=key)["ContentEncoding"] == "gzip"


@pytest.mark.parametrize("mode", TRAILER_MODES)
def test_checksum_in_the_trailer(raw: Raw, path: str, mode: str) -> None:
    """Checklist 35: checked and kept as if it had come in the head."""
    answer = raw.send(raw.streamed(path, CHUNKS, mode=mode, trailer=TRAILER))
    assert (answer.status, answer.header("x-amz-checksum-crc32")) == (200, crc(BODY))
    told = raw("GET", path, {"x-amz-checksum-mode": "ENABLED"})
    assert (told.body, told.header("x-amz-checksum-crc32")) == (BODY, crc(BODY))


@pytest.mark.parametrize("mode", TRAILER_MODES)
@pytest.mark.parametrize(
    ("trailer", "codes"),
    [
        (f"x-amz-checksum-crc32:{crc(b'other')}", {"BadDigest"}),
        ("x-amz-checksum-crc32:bad", {"BadDigest", "InvalidRequest"}),
        ("x-amz-checksum-crc32:", {"BadDigest", "InvalidRequest"}),
        ("x-amz-checksum-sha1:AAAA", {"MalformedTrailerError"}),
        ("nothing", {"MalformedTrailerError"}),
    ],
)
def test_trailer_that_is_wrong(raw: Raw, path: str, mode: str, trailer: str, codes: set[str]) -> None:
    """Checklist 35: another name than announced, a bad value, no line at all; nothing is stored."""
    headers = {"x-amz-trailer": "x-amz-checksum-crc32"}
    answer = raw.send(raw.streamed(path, CHUNKS, headers, mode=mode, trailer=trailer))
    assert answer.status == 400 and answer.code in codes
    assert raw("HEAD", path).status == 404


@pytest.mark.parametrize("mode", TRAILER_MODES)
def test_missing_trailer(raw: Raw, path: str, mode: str) -> None:
    """Checklist 35: announced, but it does not come."""
    request = raw.streamed(path, CHUNKS, {"x-amz-trailer": "x-amz-checksum-crc32"}, mode=mode)
    assert raw.send(request).refusal == (400, "MalformedTrailerError")
    assert raw("HEAD", path).status == 404


def test_unknown_trailer(raw: Raw, path: str) -> None:
    """Checklist 35: x-amz-trailer must name a checksum."""
    request = raw.streamed(path, CHUNKS, mode=CHUNKS_UNSIGNED_TRAILER, trailer="x-amz-meta-a:b")
    assert raw.send(request).status == 400
    assert raw("HEAD", path).status == 404


def test_trailer_signature_that_is_wrong(raw: Raw, path: str) -> None:
    """Checklist 35: the trailer of signed chunks is signed, too."""
    request = raw.streamed(path, CHUNKS, mode=CHUNKS_SIGNED_TRAILER, trailer=TRAILER)
    start = request.body.index(b"x-amz-trailer-signature:") + 24
    forged = request.body[:start] + b"0" * 64 + request.body[start + 64 :]
    assert raw.send(replace(request, body=forged)).refusal == (403, "SignatureDoesNotMatch")
    absent = request.body[: start - 24] + b"\r\n"
    cut = replace(request.without("content-length"), body=absent).adding(("Content-Length", str(len(absent))))
    assert raw.send(cut).refusal == (403, "SignatureDoesNotMatch")
    assert raw("HEAD", path).status == 404


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n", b"\n", b""])
def test_sloppy_ends_of_trailers(raw: Raw, path: str, end: bytes) -> None:
    """Checklist 35: LF alone, and no last line end, are seen in the wild."""
    request = raw.streamed(path, CHUNKS, mode=CHUNKS_UNSIGNED_TRAILER, trailer=TRAILER).without("content-length")
    body = plain_chunks(CHUNKS).removesuffix(b"\r\n") + TRAILER.encode() + end
    answer = raw.send(replace(request, body=body).adding(("Content-Length", str(len(body)))))
    assert answer.status == 200
    assert raw("GET", path).body == BODY


def test_part_in_signed_chunks(raw: Raw, path: str) -> None:
    """Checklist 33, 35: parts of uploads are streamed in the same ways."""
    upload = raw("POST", f"{path}?uploads").text("UploadId")
    for number, (mode, trailer) in enumerate([(CHUNKS_SIGNED, ""), (CHUNKS_UNSIGNED_TRAILER, TRAILER)], 1):
        request = raw.streamed(f"{path}?partNumber={number}&uploadId={upload}", CHUNKS, mode=mode, trailer=trailer)
        assert raw.send(request).status == 200
    assert raw("GET", f"{path}?uploadId={upload}").texts("Part/Size") == [str(len(BODY))] * 2
    raw("DELETE", f"{path}?uploadId={upload}")
