"""Bodies: Amazon's published chunks, every way to send one, and every refusal with its code."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from s3api.auth import Authenticated, PayloadMode
from s3api.body import payload, read_whole
from s3api.body.aws_chunked import LONGEST_TRAILERS
from s3api.checksums import integrity
from s3api.errors import S3Error, codes
from storage.checksums import digest, hasher
from storage.payload import Payload
from tests.s3api.signing import (
    PUBLISHED,
    SIGNED,
    Body,
    authenticator,
    authorization,
    signed_chunks,
    unsigned_chunks,
)

TRAILER_SIGNED = msgspec.structs.replace(SIGNED, payload_mode=PayloadMode.CHUNKS_SIGNED_TRAILER)
UNSIGNED_TRAILER = PayloadMode.CHUNKS_UNSIGNED_TRAILER.value
DATA = bytes(range(256)) * 300
CHUNKS = [DATA[:40000], DATA[40000:70000], DATA[70000:]]


@dataclass(frozen=True, slots=True)
class Received:
    data: bytes
    checksums: dict[str, str]


def received(taken: Payload, *, buffer_size: int = 65536) -> Received:
    """What storage does: read to the end, hashing, then verify."""
    hashers = {name: hasher(name) for name in taken.algorithms | {"md5"}}
    buffer = memoryview(bytearray(buffer_size))
    data = b""
    while got := taken.readinto(buffer):
        for each in hashers.values():
            each.update(buffer[:got])
        data += buffer[:got]
    return Received(data, dict(taken.verify({name: each.digest() for name, each in hashers.items()})))


def opened(
    body: bytes, *, signed: Authenticated | None = SIGNED, length: object = len(DATA), step: int = 1 << 20, **more: str
) -> Payload:
    headers = {"x-amz-decoded-content-length": str(length)} if length is not None else {}
    headers |= {name.replace("_", "-"): value for name, value in more.items()}
    return payload(Body(body, step=step), headers=headers, signed=signed, integrity=integrity(headers))


def refusal(body: bytes, *, buffer_size: int = 65536, **how: Any) -> str:
    with pytest.raises(S3Error) as caught:
        received(opened(body, **how), buffer_size=buffer_size)
    return caught.value.code.name


def checksum(name: str, data: bytes = DATA) -> str:
    return base64.b64encode(digest(name, data)).decode()


EXAMPLE = bytes([97]) * 66560
CHUNK_SIGNATURES = (
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
)
TRAILER_CHUNK_SIGNATURES = (
    "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
    "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
    "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
)


def published_body(signatures: tuple[str, ...]) -> bytes:
    sizes = (65536, 1024, 0)
    return b"".join(
        b"%x;chunk-signature=%b\r\n%b%b" % (size, signature.encode(), b"a" * size, b"\r\n" if size else b"")
        for size, signature in zip(sizes, signatures, strict=True)
    )


def open_published(headers: dict[str, str], signature: str, body: bytes) -> Payload:
    names = ";".join(sorted(headers))
    given = headers | {"authorization": authorization(names, signature)}
    signed = authenticator().authenticate("PUT", "/examplebucket/chunkObject.txt", "", given, now=PUBLISHED)
    return payload(Body(body), headers=given, signed=signed, integrity=integrity(given))


PUBLISHED_HEADERS = {
    "host": "s3.amazonaws.com",
    "x-amz-date": "20130524T000000Z",
    "x-amz-storage-class": "REDUCED_REDUNDANCY",
    "content-encoding": "aws-chunked",
    "x-amz-decoded-content-length": "66560",
}


def test_published_chunks_are_accepted() -> None:
    mode = PayloadMode.CHUNKS_SIGNED.value
    headers = PUBLISHED_HEADERS | {"x-amz-content-sha256": mode, "content-length": "66824"}
    body = published_body(CHUNK_SIGNATURES) + b"\r\n"
    assert len(body) == 66824
    seed = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
    assert received(open_published(headers, seed, body)).data == EXAMPLE


def test_published_chunks_with_trailer_are_accepted() -> None:
    mode = PayloadMode.CHUNKS_SIGNED_TRAILER.value
    headers = PUBLISHED_HEADERS | {"x-amz-content-sha256": mode, "x-amz-trailer": "x-amz-checksum-crc32c"}
    signature = "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"
    body = published_body(TRAILER_CHUNK_SIGNATURES) + (
        f"x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:{signature}\r\n\r\n".encode()
    )
    seed = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
    assert received(open_published(headers, seed, body)) == Received(EXAMPLE, {"crc32c": "sOO8/Q=="})


def plain(data: bytes, **headers: str) -> Payload:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return payload(Body(data), headers=given, signed=None, integrity=integrity(given))


def test_plain_body_is_handed_on_and_its_crc64nvme_kept() -> None:
    taken = plain(DATA)
    assert (taken.size, taken.algorithms) == (len(DATA), frozenset({"crc64nvme"}))
    assert received(taken) == Received(DATA, {"crc64nvme": checksum("crc64nvme")})


def test_plain_body_must_have_the_hash_that_was_signed() -> None:
    right = hashlib.sha256(DATA).hexdigest()
    for value in (right, right.upper()):
        assert received(plain(DATA, x_amz_content_sha256=value)).data == DATA
    with pytest.raises(S3Error) as caught:
        received(plain(DATA, x_amz_content_sha256="0" * 64))
    assert caught.value.code is codes.XAmzContentSHA256Mismatch
    assert caught.value.details["S3ComputedContentSHA256"] == right


def test_v2_body_is_plain_and_its_stated_hash_is_checked() -> None:
    v2 = msgspec.structs.replace(SIGNED, signing_key=b"", timestamp="", scope="", payload_mode=PayloadMode.UNSIGNED)
    assert received(opened(DATA, signed=v2, length=None)).data == DATA


@pytest.mark.parametrize("ends", ["CRLF", "LF"])
@pytest.mark.parametrize(("step", "buffer_size"), [(1 << 20, 1 << 20), (1, 70000), (1000, 100), (65536, 40000)])
def test_chunks_are_decoded_however_they_arrive(step: int, buffer_size: int, ends: str) -> None:
    line = f"x-amz-checksum-sha1:{checksum('sha1')}"
    bodies = {
        SIGNED: (signed_chunks(CHUNKS), {}),
        TRAILER_SIGNED: (signed_chunks(CHUNKS, trailer=line), {"x_amz_trailer": "x-amz-checksum-sha1"}),
        None: (
            unsigned_chunks(CHUNKS, trailer=line),
            {"x_amz_trailer": "X-Amz-Checksum-SHA1", "x_amz_content_sha256": UNSIGNED_TRAILER},
        ),
    }
    for signed, (body, more) in bodies.items():
        if ends == "LF":
            head, last = body[:-400], body[-400:]
            body = head + last.replace(b"\r\n", b"\n").removesuffix(b"\n")
        taken = opened(body, signed=signed, step=step, **more)
        assert taken.size == len(DATA)
        assert received(taken, buffer_size=buffer_size).data == DATA


def test_verify_reads_the_end_that_nobody_asked_for() -> None:
    """Storage may stop after `size` bytes; what follows is checked all the same."""
    taken = opened(signed_chunks([b"abc"]).replace(b"0;chunk-signature=", b"0;chunk-signature=f", 1), length=3)
    assert taken.readinto(memoryview(bytearray(3))) == 3
    with pytest.raises(S3Error):
        taken.verify({"md5": b"", "crc64nvme": b""})


def test_empty_body_is_decoded() -> None:
    assert received(opened(signed_chunks([]), length=0)).data == b""
    assert received(opened(unsigned_chunks([]), signed=None, length=0, content_encoding="aws-chunked")).data == b""


def test_anonymous_trailer_is_known_by_the_content_encoding() -> None:
    line = f"x-amz-checksum-crc32:{checksum('crc32')}"
    how: dict[str, Any] = {"content_encoding": "gzip,aws-chunked", "x_amz_trailer": "x-amz-checksum-crc32"}
    taken = opened(unsigned_chunks(CHUNKS, trailer=line), signed=None, **how)
    assert received(taken) == Received(DATA, {"crc32": checksum("crc32")})


def test_every_byte_of_signed_chunks_is_under_a_signature() -> None:
    data = b"some bytes"
    line = f"x-amz-checksum-crc32:{checksum('crc32', data)}"
    body = signed_chunks([data], trailer=line, signed=TRAILER_SIGNED)
    for at, sent in enumerate(body.removesuffix(b"\r\n\r\n")):
        if sent in b"\r\n":
            continue
        tampered = body[:at] + bytes([sent ^ 1]) + body[at + 1 :]
        assert refusal(tampered, signed=TRAILER_SIGNED, length=10, x_amz_trailer="x-amz-checksum-crc32")


@pytest.mark.parametrize(
    ("body", "length", "code"),
    [
        (signed_chunks(CHUNKS).replace(b"\x00\x01", b"\x00\x00", 1), len(DATA), "SignatureDoesNotMatch"),
        (signed_chunks(CHUNKS), len(DATA) + 1, "IncompleteBody"),
        (signed_chunks(CHUNKS), len(DATA) - 1, "IncompleteBody"),
        (signed_chunks(CHUNKS)[:-100], len(DATA), "IncompleteBody"),
        (signed_chunks(CHUNKS)[:1000], len(DATA), "IncompleteBody"),
        (b"", len(DATA), "IncompleteBody"),
        (unsigned_chunks(CHUNKS), len(DATA), "InvalidRequest"),
        (DATA, len(DATA), "InvalidRequest"),
        (b"-1;chunk-signature=" + b"0" * 64 + b"\r\n", len(DATA), "InvalidRequest"),
        (b"f" * 40 + b"\r\n", len(DATA), "InvalidRequest"),
        (b"f" * 5000, len(DATA), "InvalidRequest"),
        (b"ffffffffffffffff;chunk-signature=" + b"0" * 64 + b"\r\n", len(DATA), "IncompleteBody"),
        (signed_chunks(CHUNKS).replace(b"\r\n7530;", b"7530;"), len(DATA), "InvalidRequest"),
        (signed_chunks([DATA[:8191], DATA[8191:]]), len(DATA), "InvalidChunkSizeError"),
        (signed_chunks(CHUNKS), None, "MissingContentLength"),
        (signed_chunks(CHUNKS), "many", "InvalidArgument"),
        (signed_chunks(CHUNKS), "-1", "InvalidArgument"),
        (signed_chunks(CHUNKS) + b"x-amz-checksum-crc32:AAAAAA==\r\n", len(DATA), "MalformedTrailerError"),
    ],
)
def test_chunks_that_are_wrong_are_refused(body: bytes, length: object, code: str) -> None:
    assert refusal(body, length=length) == code


@pytest.mark.parametrize(
    ("trailer", "code"),
    [
        ("x-amz-checksum-crc32:" + checksum("crc32", b"other"), "BadDigest"),
        ("x-amz-checksum-crc32:bad", "BadDigest"),
        ("x-amz-checksum-crc32c:" + checksum("crc32c"), "MalformedTrailerError"),
        ("x-amz-meta-a:b\r\nx-amz-checksum-crc32:" + checksum("crc32"), "MalformedTrailerError"),
        ("x-amz-checksum-crc32:AAAAAA==\r\nx-amz-checksum-crc32:AAAAAA==", "MalformedTrailerError"),
        ("x-amz-checksum-crc32", "MalformedTrailerError"),
        (":", "MalformedTrailerError"),
        ("", "MalformedTrailerError"),
        ("x" * 2 * LONGEST_TRAILERS, "MalformedTrailerError"),
    ],
)
def test_trailer_that_is_wrong_is_refused(trailer: str, code: str) -> None:
    how: dict[str, Any] = {"x_amz_trailer": "x-amz-checksum-crc32", "x_amz_content_sha256": UNSIGNED_TRAILER}
    assert refusal(unsigned_chunks(CHUNKS, trailer=trailer), signed=None, **how) == code


def test_trailer_must_be_signed_where_the_chunks_are() -> None:
    line = f"x-amz-checksum-crc32:{checksum('crc32')}"
    body = signed_chunks(CHUNKS)[:-2] + f"{line}\r\n\r\n".encode()
    how: dict[str, Any] = {"x_amz_trailer": "x-amz-checksum-crc32"}
    assert refusal(body, signed=TRAILER_SIGNED, **how) == "SignatureDoesNotMatch"


def test_contradictions_are_refused_before_anything_is_read() -> None:
    chunked = PayloadMode.CHUNKS_SIGNED.value
    with pytest.raises(S3Error, match="needs a request signed"):
        opened(b"", signed=None, x_amz_content_sha256=chunked)
    with pytest.raises(S3Error, match="not possible with"):
        opened(b"", x_amz_trailer="x-amz-checksum-crc32")
    with pytest.raises(S3Error, match="streaming payload"):
        opened(b"", signed=None, x_amz_trailer="x-amz-checksum-crc32")


def of_unknown_size(data: bytes) -> Payload:
    body = Body(data)
    body.size = None
    return payload(body, headers={}, signed=None, integrity=integrity({}))


def test_document_is_read_whole_up_to_its_limit() -> None:
    assert read_whole(plain(b"<a/>"), limit=4) == b"<a/>"
    assert read_whole(of_unknown_size(b"<a/>"), limit=4) == b"<a/>"
    for taken in (plain(b"<ab/>"), of_unknown_size(b"<ab/>")):
        with pytest.raises(S3Error) as caught:
            read_whole(taken, limit=4)
        assert caught.value.code is codes.MaxMessageLengthExceeded


def test_document_whose_digest_is_wrong_is_refused() -> None:
    with pytest.raises(S3Error) as caught:
        read_whole(plain(b"<a/>", content_md5=base64.b64encode(bytes(16)).decode()), limit=4)
    assert caught.value.code is codes.BadDigest


PIECES = st.one_of(
    st.binary(max_size=20),
    st.sampled_from([b"\r\n", b"\n", b"0", b"a", b"5\r\nhello\r\n", b"0\r\n", b";chunk-signature=" + b"0" * 64, b":"]),
)


@given(st.lists(PIECES, max_size=12).map(b"".join), st.integers(1, 64), st.sampled_from([SIGNED, TRAILER_SIGNED, None]))
@example(b"0\r\n", 1, None)
def test_nothing_but_a_refusal_comes_of_garbage(body: bytes, step: int, signed: Authenticated | None) -> None:
    mode = signed.payload_mode.value if signed else UNSIGNED_TRAILER
    try:
        received(opened(body, signed=signed, step=step, length=5, x_amz_content_sha256=mode), buffer_size=7)
    except S3Error:
        pass


@given(
    st.lists(st.integers(8192, 20000), max_size=4),
    st.integers(1, 9000),
    st.integers(1, 30000),
    st.integers(1, 30000),
)
def test_any_chunks_in_any_pieces_give_the_same_bytes(sizes: list[int], last: int, step: int, buffer_size: int) -> None:
    data = (DATA * 2)[: sum(sizes) + last]
    chunks = []
    at = 0
    for size in [*sizes, last]:
        chunks.append(data[at : at + size])
        at += size
    taken = opened(signed_chunks(chunks), length=len(data), step=step)
    assert received(taken, buffer_size=buffer_size).data == data
