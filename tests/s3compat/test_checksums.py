"""Checksums of objects, parts and uploads."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any
from zlib import crc32

import pytest
import xxhash
from awscrt import checksums as crt

from tests.s3compat.raw import CHUNKS_UNSIGNED_TRAILER, Raw

MIB = 1024 * 1024
BODY = b"the quick brown fox"


def _number(function: Callable[[bytes], int], size: int) -> Callable[[bytes], bytes]:
    return lambda body: function(body).to_bytes(size, "big")


DIGESTS: dict[str, Callable[[bytes], bytes]] = {
    "crc32": _number(crc32, 4),
    "crc32c": _number(crt.crc32c, 4),
    "crc64nvme": _number(crt.crc64nvme, 8),
    "sha1": lambda body: hashlib.sha1(body).digest(),
    "sha256": lambda body: hashlib.sha256(body).digest(),
    "sha512": lambda body: hashlib.sha512(body).digest(),
    "md5": lambda body: hashlib.md5(body).digest(),
    "xxhash64": lambda body: xxhash.xxh64(body).digest(),
    "xxhash3": lambda body: xxhash.xxh3_64(body).digest(),
    "xxhash128": lambda body: xxhash.xxh3_128(body).digest(),
}
FULL = ["crc32", "crc32c", "crc64nvme"]  # those whose parts' values can be combined
COMPOSITE = [name for name in DIGESTS if name != "crc64nvme"]
PUBLISHED = {"crc32": "y/Q5Jg==", "crc32c": "4waSgw==", "crc64nvme": "rosUhgp5mIg="}  # of "123456789"
ENABLED = {"x-amz-checksum-mode": "ENABLED"}


def value_of(algorithm: str, body: bytes) -> str:
    return b64encode(DIGESTS[algorithm](body)).decode()


def header_of(algorithm: str) -> str:
    return f"x-amz-checksum-{algorithm}"


@pytest.mark.parametrize("algorithm", PUBLISHED)
def test_values_are_big_endian(raw: Raw, path: str, algorithm: str) -> None:
    """Checklist 150: the published check values, in base64 of big-endian bytes."""
    assert raw("PUT", path, {header_of(algorithm): PUBLISHED[algorithm]}, b"123456789").status == 200


@pytest.mark.parametrize("algorithm", DIGESTS)
def test_checksum_of_an_object(raw: Raw, path: str, algorithm: str) -> None:
    """Checklist 150, 152: echoed by PUT; shown by GET and HEAD only with the mode enabled."""
    name, value = header_of(algorithm), value_of(algorithm, BODY)
    answer = raw("PUT", path, {name: value}, BODY)
    assert (answer.status, answer.header(name)) == (200, value)
    assert answer.header("x-amz-checksum-type") == "FULL_OBJECT"
    for method in ("GET", "HEAD"):
        shown = raw(method, path, ENABLED)
        assert (shown.header(name), shown.header("x-amz-checksum-type")) == (value, "FULL_OBJECT")
        hidden = raw(method, path)
        assert (hidden.header(name), hidden.header("x-amz-checksum-type")) == (None, None)
        assert raw(method, path, {**ENABLED, "Range": "bytes=0-3"}).header(name) is None


@pytest.mark.parametrize("algorithm", DIGESTS)
def test_wrong_checksum_changes_nothing(raw: Raw, path: str, algorithm: str) -> None:
    """Checklist 151: 400 BadDigest, whether it is of another body or not well formed."""
    raw("PUT", path, body=b"before")
    for value in (value_of(algorithm, b"other"), "bad", "", "AAAA", "=" * 8):
        assert raw("PUT", path, {header_of(algorithm): value}, BODY).refusal == (400, "BadDigest")
    assert raw("GET", path).body == b"before"


def test_two_checksums(raw: Raw, path: str) -> None:
    """Checklist 151: 400 InvalidRequest, though both are right."""
    headers = {header_of(name): value_of(name, BODY) for name in ("crc32", "sha256")}
    assert raw("PUT", path, headers, BODY).refusal == (400, "InvalidRequest")
    assert raw("HEAD", path).status == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"x-amz-checksum-crc16": "AAA="},
        {"x-amz-sdk-checksum-algorithm": "CRC32"},
        {"x-amz-sdk-checksum-algorithm": "CRC16"},
        {"x-amz-sdk-checksum-algorithm": "SHA1", "x-amz-checksum-crc32": value_of("crc32", BODY)},
        {"x-amz-trailer": "x-amz-checksum-crc32"},
    ],
    ids=str,
)
def test_checksum_that_nobody_knows(raw: Raw, path: str, headers: dict[str, str]) -> None:
    """Checklist 150, 151: 400 InvalidRequest; an announced checksum that does not come is not ignored."""
    assert raw("PUT", path, headers, BODY).refusal == (400, "InvalidRequest")
    assert raw("HEAD", path).status == 404


def test_checksum_beside_an_md5(raw: Raw, path: str) -> None:
    """Checklist 151: Content-MD5 counts for itself; either may refuse."""
    md5 = value_of("md5", BODY)
    right, wrong = value_of("crc32", BODY), value_of("crc32", b"other")
    assert raw("PUT", path, {"Content-MD5": md5, "x-amz-checksum-crc32": right}, BODY).status == 200
    refused = raw("PUT", path, {"Content-MD5": md5, "x-amz-checksum-crc32": wrong}, BODY)
    assert refused.refusal == (400, "BadDigest")


@pytest.mark.parametrize("size", [19, 100_000])
def test_checksum_by_default(raw: Raw, path: str, size: int) -> None:
    """Checklist 153: without one from the client it is CRC64NVME, as Amazon computes."""
    body = (BODY * 6000)[:size]
    raw("PUT", path, body=body)
    assert raw("HEAD", path, ENABLED).header("x-amz-checksum-crc64nvme") == value_of("crc64nvme", body)


def test_listing_tells_the_algorithm(raw: Raw, bucket: str, key: str, path: str) -> None:
    """Checklist 103, 152: ChecksumAlgorithm and ChecksumType."""
    raw("PUT", path, {header_of("sha1"): value_of("sha1", BODY)}, BODY)
    answer = raw("GET", f"/{bucket}?list-type=2&prefix={key}")
    assert (answer.text("ChecksumAlgorithm"), answer.text("ChecksumType")) == ("SHA1", "FULL_OBJECT")


@pytest.mark.parametrize("algorithm", DIGESTS)
def test_checksum_in_a_trailer(raw: Raw, path: str, algorithm: str) -> None:
    """Checklist 35, 150: every algorithm."""
    trailer = f"{header_of(algorithm)}:{value_of(algorithm, BODY)}"
    request = raw.streamed(path, [BODY], mode=CHUNKS_UNSIGNED_TRAILER, trailer=trailer)
    assert raw.send(request).status == 200
    assert raw("HEAD", path, ENABLED).header(header_of(algorithm)) == value_of(algorithm, BODY)


@pytest.mark.parametrize(
    "arguments",
    [
        {"x-amz-checksum-algorithm": "SHA1", "x-amz-checksum-type": "FULL_OBJECT"},
        {"x-amz-checksum-algorithm": "SHA256", "x-amz-checksum-type": "FULL_OBJECT"},
        {"x-amz-checksum-algorithm": "CRC64NVME", "x-amz-checksum-type": "COMPOSITE"},
        {"x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-type": "HALF"},
        {"x-amz-checksum-algorithm": "CRC16"},
        {"x-amz-checksum-type": "FULL_OBJECT"},
    ],
    ids=str,
)
def test_pairs_that_do_not_go(raw: Raw, path: str, arguments: dict[str, str]) -> None:
    """Checklist 154: 400 InvalidRequest at creation."""
    assert raw("POST", f"{path}?uploads", arguments).refusal == (400, "InvalidRequest")


class Upload:
    """An upload with checksums: two parts by default, the first of the least size."""

    def __init__(self, raw: Raw, path: str, algorithm: str, kind: str = "", parts: list[bytes] | None = None) -> None:
        self.raw, self.path, self.algorithm = raw, path, algorithm
        self.bodies = [b"a" * 5 * MIB, b"b" * 1234] if parts is None else parts
        wanted = {"x-amz-checksum-algorithm": algorithm.upper(), **({"x-amz-checksum-type": kind} if kind else {})}
        self.answer = raw("POST", f"{path}?uploads", wanted)
        self.target = f"{path}?uploadId={self.answer.text('UploadId')}"
        self.name = header_of(algorithm)
        self.element = f"Checksum{algorithm.upper()}"
        self.parts = [self._send(number, body) for number, body in enumerate(self.bodies, 1)]

    def _send(self, number: int, body: bytes) -> tuple[int, str, str]:
        value = value_of(self.algorithm, body)
        answer = self.raw("PUT", f"{self.target}&partNumber={number}", {self.name: value}, body)
        assert (answer.status, answer.header(self.name)) == (200, value)
        return number, answer.header("ETag") or "", value

    @property
    def full(self) -> str:
        return value_of(self.algorithm, b"".join(self.bodies))

    @property
    def composite(self) -> str:
        digests = b"".join(b64decode(value) for _, _, value in self.parts)
        return f"{value_of(self.algorithm, digests)}-{len(self.parts)}"

    def complete(self, headers: dict[str, str] | None = None, *, values: bool = True, wrong: str = "") -> Any:
        """The answer to the completion; its parts carry their checksums, or not, or a `wrong` one."""
        listed = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag>"
            + (f"<{self.element}>{wrong or value}</{self.element}>" if values else "")
            + "</Part>"
            for number, etag, value in self.parts
        )
        document = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()
        return self.raw("POST", self.target, headers or {}, document)


@pytest.mark.parametrize("algorithm", COMPOSITE)
def test_composite_checksum(raw: Raw, path: str, algorithm: str) -> None:
    """Checklist 154-156: the default; the hash of the parts' binary hashes and their number, the same each time."""
    for kind in ("", "COMPOSITE"):
        upload = Upload(raw, path, algorithm, kind, [b"x" * 5 * MIB, b"y"] if kind else [b"only"])
        assert upload.answer.header("x-amz-checksum-algorithm") == algorithm.upper()
        assert upload.answer.header("x-amz-checksum-type") == "COMPOSITE"
        answer = upload.complete()
        assert (answer.text(upload.element), answer.text("ChecksumType")) == (upload.composite, "COMPOSITE")
        head = raw("HEAD", path, ENABLED)
        assert (head.header(upload.name), head.header("x-amz-checksum-type")) == (upload.composite, "COMPOSITE")


@pytest.mark.parametrize("algorithm", FULL)
def test_full_object_checksum(raw: Raw, path: str, algorithm: str) -> None:
    """Checklist 154, 155: the checksum of all bytes, combined from the parts'."""
    upload = Upload(raw, path, algorithm, "FULL_OBJECT")
    assert upload.answer.header("x-amz-checksum-type") == "FULL_OBJECT"
    answer = upload.complete()
    assert (answer.text(upload.element), answer.text("ChecksumType")) == (upload.full, "FULL_OBJECT")
    head = raw("HEAD", path, ENABLED)
    assert (head.header(upload.name), head.header("x-amz-checksum-type")) == (upload.full, "FULL_OBJECT")


def test_type_of_crc64nvme(raw: Raw, path: str) -> None:
    """Checklist 154: FULL_OBJECT alone, so also by default."""
    upload = Upload(raw, path, "crc64nvme", parts=[BODY])
    assert upload.answer.header("x-amz-checksum-type") == "FULL_OBJECT"
    assert upload.complete().text("ChecksumCRC64NVME") == upload.full


@pytest.mark.parametrize(
    ("algorithm", "kind"), [("sha256", "COMPOSITE"), ("crc32", "COMPOSITE"), ("crc32", "FULL_OBJECT")]
)
def test_wrong_whole_is_refused(raw: Raw, path: str, algorithm: str, kind: str) -> None:
    """Checklist 155: 400 BadDigest keeps the upload; the right one may come with or without its number of parts."""
    upload = Upload(raw, path, algorithm, kind)
    right = upload.composite if kind == "COMPOSITE" else upload.full
    wrong = value_of(algorithm, b"other")
    for value in (wrong, f"{wrong}-2"):
        refusal = upload.complete({upload.name: value}).refusal
        assert refusal == (400, "BadDigest") or (kind == "FULL_OBJECT" and "-" in value and refusal[0] == 400)
    assert raw("HEAD", path).status == 404
    assert upload.complete({upload.name: right.partition("-")[0], "x-amz-checksum-type": kind}).status == 200
    assert raw("HEAD", path, ENABLED).header(upload.name) == right


@pytest.mark.parametrize(("algorithm", "kind"), [("sha256", "COMPOSITE"), ("crc64nvme", "FULL_OBJECT")])
def test_completion_sent_again(raw: Raw, path: str, algorithm: str, kind: str) -> None:
    """Checklist 139, 155: with all that an SDK says of the whole object, it is answered the same again."""
    upload = Upload(raw, path, algorithm, kind, [BODY])
    value = upload.composite if kind == "COMPOSITE" else upload.full
    headers = {upload.name: value, "x-amz-checksum-type": kind, "x-amz-mp-object-size": str(len(BODY))}
    first, second = upload.complete(headers), upload.complete(headers)
    assert (first.status, second.status) == (200, 200)
    assert first.text(upload.element) == second.text(upload.element) == value
    assert first.text("ETag") == second.text("ETag")


def test_wrong_type_at_completion(raw: Raw, path: str) -> None:
    """Checklist 155: 400 InvalidRequest."""
    upload = Upload(raw, path, "crc32", "COMPOSITE", [BODY])
    assert upload.complete({"x-amz-checksum-type": "FULL_OBJECT"}).refusal == (400, "InvalidRequest")
    assert upload.complete().status == 200


def test_wrong_checksum_in_the_list_of_parts(raw: Raw, path: str) -> None:
    """Checklist 155: 400 InvalidPart; parts may be listed without."""
    upload = Upload(raw, path, "sha256")
    assert upload.complete(wrong=value_of("sha256", b"other")).refusal == (400, "InvalidPart")
    assert upload.complete(values=False).status == 200


@pytest.mark.parametrize("size", ["1", "-1", "x"])
def test_size_of_the_whole(raw: Raw, path: str, size: str) -> None:
    """Checklist 155: x-amz-mp-object-size unequal to the sum is 400 InvalidRequest."""
    upload = Upload(raw, path, "crc32", parts=[BODY])
    assert upload.complete({"x-amz-mp-object-size": size}).refusal == (400, "InvalidRequest")
    assert upload.complete({"x-amz-mp-object-size": str(len(BODY))}).status == 200


def test_checksums_of_parts(raw: Raw, path: str) -> None:
    """Checklist 152, 155: ListParts shows them, and GET and HEAD of a part number."""
    upload = Upload(raw, path, "sha1")
    values = [value for _, _, value in upload.parts]
    assert raw("GET", upload.target).texts("Part/ChecksumSHA1") == values
    upload.complete()
    for number, value in enumerate(values, 1):
        for method in ("GET", "HEAD"):
            answer = raw(method, f"{path}?partNumber={number}", ENABLED)
            assert (answer.header("x-amz-checksum-sha1"), answer.status) == (value, 206)


def test_part_with_a_wrong_checksum(raw: Raw, path: str) -> None:
    """Checklist 151: 400 BadDigest, no part is stored, an earlier one stays."""
    upload = Upload(raw, path, "crc32c", parts=[BODY])
    wrong = {"x-amz-checksum-crc32c": value_of("crc32c", b"other")}
    assert raw("PUT", f"{upload.target}&partNumber=1", wrong, BODY).refusal == (400, "BadDigest")
    assert raw("PUT", f"{upload.target}&partNumber=2", wrong, BODY).refusal == (400, "BadDigest")
    assert raw("PUT", f"{upload.target}&partNumber=2", {"Content-MD5": "junk"}, BODY).refusal == (400, "InvalidDigest")
    assert raw("GET", upload.target).texts("Part/PartNumber") == ["1"]
    assert upload.complete().status == 200


def test_part_with_another_algorithm(raw: Raw, path: str) -> None:
    """Checklist 155: 400 InvalidRequest; one upload has one algorithm."""
    upload = Upload(raw, path, "crc32", parts=[])
    other = {header_of("sha1"): value_of("sha1", BODY)}
    assert raw("PUT", f"{upload.target}&partNumber=1", other, BODY).refusal == (400, "InvalidRequest")
    raw("DELETE", upload.target)


def test_checksum_of_a_copied_part(raw: Raw, path: str) -> None:
    """Checklist 155: UploadPartCopy computes the upload's algorithm, and the whole is verified with it."""
    raw("PUT", f"{path}-source", body=BODY)
    upload = Upload(raw, path, "sha256", parts=[])
    copied = raw("PUT", f"{upload.target}&partNumber=1", {"x-amz-copy-source": f"{path}-source"})
    assert copied.text("ChecksumSHA256") == value_of("sha256", BODY)
    upload.parts = [(1, copied.text("ETag") or "", value_of("sha256", BODY))]
    assert upload.complete({upload.name: upload.composite}).status == 200


@pytest.mark.parametrize("algorithm", DIGESTS)
def test_checksum_of_a_copy(raw: Raw, path: str, algorithm: str) -> None:
    """Checklist 152: a copy has the source's, or the one asked for."""
    raw("PUT", path, {header_of("sha1"): value_of("sha1", BODY)}, BODY)
    kept = raw("PUT", f"{path}-1", {"x-amz-copy-source": path})
    assert kept.text("ChecksumSHA1") == value_of("sha1", BODY)
    assert raw("HEAD", f"{path}-1", ENABLED).header(header_of("sha1")) == value_of("sha1", BODY)
    wanted = {"x-amz-copy-source": path, "x-amz-checksum-algorithm": algorithm.upper()}
    asked = raw("PUT", f"{path}-2", wanted)
    assert asked.text(f"Checksum{algorithm.upper()}") == value_of(algorithm, BODY)
    assert raw("HEAD", f"{path}-2", ENABLED).header(header_of(algorithm)) == value_of(algorithm, BODY)


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_sdk_sends_and_checks(s3: Any, bucket: str, key: str, algorithm: str) -> None:
    """Checklist 150, 152: boto3 sends trailers and validates what it reads."""
    s3.put_object(Bucket=bucket, Key=key, Body=BODY, ChecksumAlgorithm=algorithm)
    got = s3.get_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    assert got["Body"].read() == BODY
    assert got[f"Checksum{algorithm}"] == value_of(algorithm.lower(), BODY)
