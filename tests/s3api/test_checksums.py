"""What the headers say about a body's integrity."""

from __future__ import annotations

import base64
import hashlib

import pytest
from botocore.session import get_session

from s3api.checksums import HEADERS, algorithm_named, integrity, multipart_type
from s3api.errors import Code, S3Error, codes
from storage.checksums import ALGORITHMS, digest

BODY = b"hello"
MD5 = base64.b64encode(hashlib.md5(BODY).digest()).decode()
WRONG_MD5 = base64.b64encode(hashlib.md5(b"other").digest()).decode()


def checksum(name: str, data: bytes = BODY) -> str:
    return base64.b64encode(digest(name, data)).decode()


def refusal(headers: dict[str, str]) -> Code:
    with pytest.raises(S3Error) as caught:
        integrity(headers).check({name: digest(name, BODY) for name in ALGORITHMS})
    return caught.value.code


def test_every_algorithm_of_the_model_is_known() -> None:
    model = get_session().get_service_model("s3")
    assert set(model.shape_for("ChecksumAlgorithm").enum) == {name.upper() for name in ALGORITHMS}
    members = model.shape_for("PutObjectRequest").members.values()
    names = {member.serialization.get("name", "").lower() for member in members}
    assert set(HEADERS) <= names


@pytest.mark.parametrize("name", ALGORITHMS)
def test_checksum_that_is_right_is_kept(name: str) -> None:
    given = {f"x-amz-checksum-{name}": checksum(name), "x-amz-sdk-checksum-algorithm": name.upper(), "content-md5": MD5}
    wanted = integrity(given)
    assert wanted.algorithm == name and wanted.supplied
    assert wanted.check({"md5": digest("md5", BODY), name: digest(name, BODY)}) == {name: checksum(name)}


@pytest.mark.parametrize("name", ALGORITHMS)
def test_checksum_that_is_wrong_or_none_is_refused(name: str) -> None:
    for value in (checksum(name, b"other"), "bad", "", "é", checksum(name)[:-4]):
        assert refusal({f"x-amz-checksum-{name}": value}) is codes.BadDigest


def test_crc64nvme_is_computed_when_the_client_supplies_nothing() -> None:
    wanted = integrity({"x-amz-checksum-mode": "ENABLED", "x-amz-checksum-type": "FULL_OBJECT"})
    assert wanted.algorithm == "crc64nvme" and not wanted.supplied
    assert wanted.check({"md5": b"", "crc64nvme": digest("crc64nvme", BODY)}) == {"crc64nvme": checksum("crc64nvme")}


def test_nothing_is_computed_where_nothing_is_wanted() -> None:
    wanted = integrity({}, default=None)
    assert wanted.algorithm is None and wanted.check({"md5": b""}) == {}


@pytest.mark.parametrize("value", ["", "bad", "é", MD5[:-4], MD5 + MD5, "YWJj"])
def test_content_md5_that_is_none_is_refused(value: str) -> None:
    assert refusal({"content-md5": value}) is codes.InvalidDigest


def test_content_md5_that_is_wrong_is_refused() -> None:
    assert refusal({"content-md5": WRONG_MD5}) is codes.BadDigest
    assert refusal({"content-md5": WRONG_MD5, "x-amz-checksum-crc32": checksum("crc32")}) is codes.BadDigest


@pytest.mark.parametrize(
    "headers",
    [
        {"x-amz-checksum-crc32": checksum("crc32"), "x-amz-checksum-sha1": checksum("sha1")},
        {"x-amz-checksum-crc32": checksum("crc32"), "x-amz-trailer": "x-amz-checksum-crc32"},
        {"x-amz-checksum-crc31": "AAAA"},
        {"x-amz-trailer": "x-amz-meta-a"},
        {"x-amz-trailer": "x-amz-checksum-crc32,x-amz-checksum-sha1"},
        {"x-amz-sdk-checksum-algorithm": "CRC32"},
        {"x-amz-sdk-checksum-algorithm": "CRC31"},
        {"x-amz-sdk-checksum-algorithm": "SHA1", "x-amz-checksum-crc32": checksum("crc32")},
    ],
)
def test_contradicting_headers_are_refused(headers: dict[str, str]) -> None:
    assert refusal(headers) is codes.InvalidRequest


def test_multipart_type_depends_on_the_algorithm() -> None:
    assert [multipart_type(name, None) for name in ("crc32", "sha256", "crc64nvme")] == [
        "COMPOSITE", "COMPOSITE", "FULL_OBJECT",
    ]
    assert multipart_type("crc32c", "FULL_OBJECT") == "FULL_OBJECT"
    for name, kind in (("sha1", "FULL_OBJECT"), ("crc64nvme", "COMPOSITE"), ("crc32", "HALF")):
        with pytest.raises(S3Error, match="cannot be used with"):
            multipart_type(name, kind)


def test_algorithm_that_is_unknown_is_refused_with_those_that_are_known() -> None:
    assert algorithm_named("SHA256") == "sha256"
    with pytest.raises(S3Error, match="CRC64NVME"):
        algorithm_named("CRC31")
