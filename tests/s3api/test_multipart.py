"""The multipart operations."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.s3api.conftest import MINIMUM_PART, Client, World

PIECES = [bytes([n]) * (MINIMUM_PART + n) for n in range(1, 4)] + [b"tail"]
COMPOSED = hashlib.md5(b"".join(hashlib.md5(piece).digest() for piece in PIECES)).hexdigest() + f"-{len(PIECES)}"


def begin(s3: Any, key: str = "key", **options: Any) -> str:
    return str(s3.create_multipart_upload(Bucket="bucket", Key=key, **options)["UploadId"])


def put_parts(s3: Any, upload: str, key: str = "key", **options: Any) -> list[dict[str, Any]]:
    parts = []
    for number, piece in enumerate(PIECES, 1):
        answer = s3.upload_part(
            Bucket="bucket", Key=key, UploadId=upload, PartNumber=number, Body=piece, **options
        )
        checksums = {name: value for name, value in answer.items() if name.startswith("Checksum")}
        parts.append({"PartNumber": number, "ETag": answer["ETag"], **checksums})
    return parts


def finish(s3: Any, upload: str, parts: list[dict[str, Any]], key: str = "key", **options: Any) -> Any:
    return s3.complete_multipart_upload(
        Bucket="bucket", Key=key, UploadId=upload, MultipartUpload={"Parts": parts}, **options
    )


def completion(*parts: tuple[object, object]) -> bytes:
    listed = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{tag}</ETag></Part>" for n, tag in parts)
    return f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()


def test_upload_becomes_an_object_with_what_was_said_at_its_creation(s3: Any) -> None:
    upload = begin(s3, Metadata={"color": "blue"}, ContentType="text/x", StorageClass="STANDARD_IA", Tagging="a=b")
    parts = put_parts(s3, upload)
    assert "Contents" not in s3.list_objects_v2(Bucket="bucket")

    done = finish(s3, upload, parts)

    assert (done["ETag"], done["Location"]) == (f'"{COMPOSED}"', "http://s3.test:9000/bucket/key")
    got = s3.get_object(Bucket="bucket", Key="key")
    assert got["Body"].read() == b"".join(PIECES)
    assert (got["Metadata"], got["ContentType"], got["StorageClass"], got["TagCount"], got["ETag"]) == (
        {"color": "blue"}, "text/x", "STANDARD_IA", 1, f'"{COMPOSED}"',
    )
    assert finish(s3, upload, parts)["ETag"] == done["ETag"]


def test_parts_and_ranges_of_the_object(s3: Any) -> None:
    upload = begin(s3)
    finish(s3, upload, put_parts(s3, upload))
    whole = b"".join(PIECES)

    start = 0
    for number, piece in enumerate(PIECES, 1):
        got = s3.get_object(Bucket="bucket", Key="key", PartNumber=number)
        assert (got["Body"].read(), got["PartsCount"], got["ETag"]) == (piece, len(PIECES), f'"{COMPOSED}"')
        assert got["ContentRange"] == f"bytes {start}-{start + len(piece) - 1}/{len(whole)}"
        assert s3.head_object(Bucket="bucket", Key="key", PartNumber=number)["ContentLength"] == len(piece)
        start += len(piece)
    ranged = s3.get_object(Bucket="bucket", Key="key", Range=f"bytes=990-{MINIMUM_PART + 1010}")
    assert ranged["Body"].read() == whole[990 : MINIMUM_PART + 1011]


@pytest.mark.parametrize(
    ("algorithm", "kind"),
    [("CRC32", "COMPOSITE"), ("CRC32", "FULL_OBJECT"), ("CRC32C", "COMPOSITE"), ("CRC64NVME", "FULL_OBJECT"),
     ("SHA1", "COMPOSITE"), ("SHA256", "COMPOSITE")],
)
def test_checksums_of_every_type(s3: Any, algorithm: str, kind: str) -> None:
    upload = begin(s3, ChecksumAlgorithm=algorithm, ChecksumType=kind)
    parts = put_parts(s3, upload, ChecksumAlgorithm=algorithm)
    listed = s3.list_parts(Bucket="bucket", Key="key", UploadId=upload)
    name = f"Checksum{algorithm}"
    assert (listed["ChecksumAlgorithm"], listed["ChecksumType"]) == (algorithm, kind)
    assert [part[name] for part in listed["Parts"]] == [part[name] for part in parts]

    with pytest.raises(s3.exceptions.ClientError, match="BadDigest"):
        finish(s3, upload, parts, **{name: parts[0][name]}, ChecksumType=kind)
    again = begin(s3, "again", ChecksumAlgorithm=algorithm, ChecksumType=kind)
    value = finish(s3, again, put_parts(s3, again, "again", ChecksumAlgorithm=algorithm), "again")[name]
    done = finish(s3, upload, parts, **{name: value}, ChecksumType=kind)

    assert done["ChecksumType"] == kind
    assert finish(s3, upload, parts, **{name: value}, ChecksumType=kind)[name] == done[name]
    assert done[name].endswith(f"-{len(PIECES)}") == (kind == "COMPOSITE")
    shown = s3.get_object(Bucket="bucket", Key="key", ChecksumMode="ENABLED")
    assert (shown[name], shown["ChecksumType"]) == (done[name], kind)
    assert shown["Body"].read() == b"".join(PIECES)
    part = s3.get_object(Bucket="bucket", Key="key", PartNumber=2, ChecksumMode="ENABLED")
    assert part[name] == parts[1][name]


@pytest.mark.parametrize(
    "headers",
    [
        {"x-amz-checksum-algorithm": "SHA256", "x-amz-checksum-type": "FULL_OBJECT"},
        {"x-amz-checksum-algorithm": "CRC64NVME", "x-amz-checksum-type": "COMPOSITE"},
        {"x-amz-checksum-algorithm": "CRC7"},
        {"x-amz-checksum-type": "FULL_OBJECT"},
    ],
)
def test_checksum_that_cannot_be_is_refused_at_creation(alice: Client, headers: dict[str, str]) -> None:
    assert alice("POST", "/bucket/key?uploads", headers).code == "InvalidRequest"


def test_part_with_another_checksum_than_the_uploads_is_refused(s3: Any) -> None:
    upload = begin(s3, ChecksumAlgorithm="SHA256")

    with pytest.raises(s3.exceptions.ClientError, match="Checksum Type mismatch"):
        s3.upload_part(Bucket="bucket", Key="key", UploadId=upload, PartNumber=1, Body=b"x", ChecksumAlgorithm="CRC32")


def test_completion_with_other_checksums_than_the_uploads_is_refused(s3: Any, alice: Client) -> None:
    upload = begin(s3, ChecksumAlgorithm="CRC32", ChecksumType="COMPOSITE")
    body = completion(*((part["PartNumber"], part["ETag"]) for part in put_parts(s3, upload)))
    target = f"/bucket/key?uploadId={upload}"

    for headers in ({"x-amz-checksum-type": "FULL_OBJECT"}, {"x-amz-checksum-sha1": "AAAA"}):
        assert alice("POST", target, headers, body).code == "InvalidRequest"
    assert alice("POST", target, body=body).status == 200


@pytest.mark.parametrize("number", ["0", "10001", "x", "-1", ""])
def test_part_number_out_of_range_is_an_invalid_argument(s3: Any, alice: Client, number: str) -> None:
    target = f"/bucket/key?partNumber={number}&uploadId={begin(s3)}"

    assert alice("PUT", target, body=b"x").code == "InvalidArgument"
    assert alice("HEAD", "/bucket/key").status == 404


def test_unknown_upload_is_404_everywhere(s3: Any, alice: Client) -> None:
    upload = begin(s3, "other-key")
    for identity in (upload, "none", ""):
        target = f"/bucket/key?uploadId={identity}"
        assert alice("PUT", f"{target}&partNumber=1", body=b"x").code == "NoSuchUpload"
        assert alice("GET", target).code == "NoSuchUpload"
        assert alice("DELETE", target).code == "NoSuchUpload"
        assert alice("POST", target, body=completion((1, "x"))).code == "NoSuchUpload"


def test_completion_that_names_wrong_parts_is_refused_and_keeps_the_upload(s3: Any, alice: Client) -> None:
    upload = begin(s3)
    parts = [(part["PartNumber"], part["ETag"]) for part in put_parts(s3, upload)]
    target = f"/bucket/key?uploadId={upload}"
    cases = {
        b"": "MalformedXML",
        b"<CompleteMultipartUpload/>": "MalformedXML",
        completion(("x", "y")): "MalformedXML",
        completion(*parts, (9, '"0"')): "InvalidPart",
        completion((1, '"wrong"')): "InvalidPart",
        completion(parts[1], parts[0]): "InvalidPartOrder",
        completion(parts[0], parts[0]): "InvalidPartOrder",
    }
    for body, code in cases.items():
        assert alice("POST", target, body=body).code == code
    wrong = {"x-amz-mp-object-size": "7"}
    assert alice("POST", target, wrong, completion(*parts)).code == "InvalidRequest"
    assert alice("POST", target, {"If-Match": "*"}, completion(*parts)).status == 404
    bare = completion(*((number, tag.strip('"')) for number, tag in parts[:2]))
    assert alice("POST", target, {"If-None-Match": "*", "x-amz-mp-object-size": "2003"}, bare).status == 200
    assert alice("GET", "/bucket/key").body == PIECES[0] + PIECES[1]


def test_part_below_the_minimum_is_refused_with_its_sizes(s3: Any, alice: Client) -> None:
    upload = begin(s3)
    tags = [
        s3.upload_part(Bucket="bucket", Key="key", UploadId=upload, PartNumber=n, Body=b"x")["ETag"] for n in (1, 2)
    ]

    answer = alice("POST", f"/bucket/key?uploadId={upload}", body=completion((1, tags[0]), (2, tags[1])))

    assert (answer.code, answer.text("ProposedSize"), answer.text("MinSizeAllowed")) == (
        "EntityTooSmall", "1", str(MINIMUM_PART),
    )


def test_part_of_no_bytes_makes_an_object_of_none(s3: Any) -> None:
    upload = begin(s3)
    tag = s3.upload_part(Bucket="bucket", Key="key", UploadId=upload, PartNumber=1, Body=b"")["ETag"]

    assert finish(s3, upload, [{"PartNumber": 1, "ETag": tag}])["ETag"].endswith('-1"')
    assert s3.get_object(Bucket="bucket", Key="key")["Body"].read() == b""


def test_aborted_upload_is_gone(s3: Any, alice: Client) -> None:
    upload = begin(s3)
    put_parts(s3, upload)

    assert alice("DELETE", f"/bucket/key?uploadId={upload}").status == 204
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="bucket")


def test_parts_are_listed_in_pages(s3: Any) -> None:
    upload = begin(s3)
    put_parts(s3, upload)

    first = s3.list_parts(Bucket="bucket", Key="key", UploadId=upload, MaxParts=3)
    rest = s3.list_parts(
        Bucket="bucket", Key="key", UploadId=upload, PartNumberMarker=first["NextPartNumberMarker"]
    )

    assert [part["PartNumber"] for part in first["Parts"] + rest["Parts"]] == [1, 2, 3, 4]
    assert (first["IsTruncated"], rest["IsTruncated"], first["MaxParts"]) == (True, False, 3)
    assert [part["Size"] for part in first["Parts"]] == [len(piece) for piece in PIECES[:3]]
    assert first["Owner"] == first["Initiator"] == {"ID": "alice-id", "DisplayName": "Alice"}


def test_uploads_are_listed_by_key_and_initiation(s3: Any) -> None:
    made = [(key, begin(s3, key)) for key in ("b", "a", "dir/1", "a", "dir/2", "c+ %")]
    expected = sorted(made, key=lambda pair: pair[0])

    pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket="bucket", PaginationConfig={"PageSize": 2})
    listed = [(found["Key"], found["UploadId"]) for page in pages for found in page["Uploads"]]
    grouped = s3.list_multipart_uploads(Bucket="bucket", Delimiter="/", Prefix="")

    assert listed == expected
    assert [found["Prefix"] for found in grouped["CommonPrefixes"]] == ["dir/"]
    assert grouped["Uploads"][0]["Initiator"] == {"ID": "alice-id", "DisplayName": "Alice"}


def test_part_is_copied_whole_or_by_range(s3: Any) -> None:
    source = b"".join(PIECES)
    for key in ("src _%25?versionId", "plain"):
        s3.put_object(Bucket="bucket", Key=key, Body=source)
    upload = begin(s3)
    first = s3.upload_part_copy(
        Bucket="bucket", Key="key", UploadId=upload, PartNumber=1,
        CopySource={"Bucket": "bucket", "Key": "src _%25?versionId"},
    )
    second = s3.upload_part_copy(
        Bucket="bucket", Key="key", UploadId=upload, PartNumber=2, CopySource="bucket/plain",
        CopySourceRange="bytes=1-3",
    )
    parts = [{"PartNumber": n, "ETag": copied["CopyPartResult"]["ETag"]} for n, copied in ((1, first), (2, second))]

    finish(s3, upload, parts)

    assert s3.get_object(Bucket="bucket", Key="key")["Body"].read() == source + source[1:4]


@pytest.mark.parametrize(
    "text",
    ["0-2", "bytes=0", "bytes=hello-world", "bytes=0-bar", "bytes=hello-", "bytes=0-2,3-5", "bytes=2-1",
     "bytes=0-99999"],
)
def test_copied_range_must_be_whole_and_within(s3: Any, alice: Client, text: str) -> None:
    s3.put_object(Bucket="bucket", Key="source", Body=b"data")
    headers = {"x-amz-copy-source": "/bucket/source", "x-amz-copy-source-range": text}

    assert alice("PUT", f"/bucket/key?partNumber=1&uploadId={begin(s3)}", headers).code == "InvalidArgument"


def test_part_may_come_through_a_transform(s3: Any, world: World) -> None:
    s3.put_object(Bucket="bucket", Key="source", Body=b"data")
    upload = begin(s3)

    copied = world.alice(
        "PUT", f"/bucket/key?partNumber=1&uploadId={upload}", {"x-amz-copy-source": "/bucket/source?etl_name=upside"}
    )
    finish(s3, upload, [{"PartNumber": 1, "ETag": copied.text("ETag").replace("&quot;", '"')}])

    assert s3.get_object(Bucket="bucket", Key="key")["Body"].read() == b"atad"


def test_boto3_uploads_and_downloads_files_in_parts(s3: Any, tmp_path: Any, world: World) -> None:
    from boto3.s3.transfer import TransferConfig

    data = bytes(range(256)) * 1000
    (tmp_path / "up").write_bytes(data)
    config = TransferConfig(multipart_threshold=1, multipart_chunksize=50_000, use_threads=False)

    s3.upload_file(str(tmp_path / "up"), "bucket", "file", Config=config)
    s3.download_file("bucket", "file", str(tmp_path / "down"), Config=config)

    assert (tmp_path / "down").read_bytes() == data
