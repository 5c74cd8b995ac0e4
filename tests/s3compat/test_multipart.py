"""Multipart uploads, without their checksums."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import md5
from typing import Any

import pytest

from tests.s3compat.conftest import MakeBucket
from tests.s3compat.outcomes import outcome
from tests.s3compat.raw import Raw, completion

MIB = 1024 * 1024
MINIMUM = 5 * MIB
NO_UPLOAD = (404, "NoSuchUpload")


def begin(raw: Raw, path: str, headers: dict[str, str] | None = None) -> str:
    upload = raw("POST", f"{path}?uploads", headers or {}).text("UploadId")
    assert upload
    return upload


def send(raw: Raw, path: str, upload: str, number: int, body: bytes) -> tuple[int, str]:
    """The part as the completion names it."""
    answer = raw("PUT", f"{path}?partNumber={number}&uploadId={upload}", body=body)
    etag = answer.header("ETag")
    assert answer.status == 200 and etag == f'"{md5(body).hexdigest()}"'
    return number, etag


def whole_etag(bodies: Sequence[bytes]) -> str:
    return f'"{md5(b"".join(md5(body).digest() for body in bodies)).hexdigest()}-{len(bodies)}"'


def test_creation(raw: Raw, bucket: str, key: str, path: str) -> None:
    """Checklist 137: Bucket, Key and UploadId."""
    answer = raw("POST", f"{path}?uploads")
    assert answer.root.tag == "{http://s3.amazonaws.com/doc/2006-03-01/}InitiateMultipartUploadResult"
    assert (answer.text("Bucket"), answer.text("Key")) == (bucket, key)
    assert answer.text("UploadId")
    raw("DELETE", f"{path}?uploadId={answer.text('UploadId')}")


def test_attributes_are_those_of_the_creation(raw: Raw, path: str) -> None:
    """Checklist 137, 143: metadata, content headers, class and tags, and nothing that later requests say."""
    said = {"Content-Type": "text/x", "Content-Encoding": "gzip", "x-amz-meta-colour": "blue", "Expires": "soon",
            "x-amz-storage-class": "STANDARD_IA"}
    upload = begin(raw, path, {**said, "x-amz-tagging": "a=1&b=2"})
    headers = {"Content-Type": "ignored/ignored", "x-amz-meta-colour": "red"}
    etag = raw("PUT", f"{path}?partNumber=1&uploadId={upload}", headers, b"x").header("ETag")
    assert raw("POST", f"{path}?uploadId={upload}", headers, completion((1, etag))).status == 200
    answer = raw("HEAD", path)
    assert {name: answer.header(name) for name in said} == said
    assert answer.header("x-amz-tagging-count") == "2"


@pytest.mark.parametrize("header", [("x-amz-server-side-encryption", "AES256"), ("x-amz-acl", "public-read")])
def test_wishes_at_creation_are_granted_or_refused(raw: Raw, path: str, header: tuple[str, str]) -> None:
    """Checklist 137, 200: what cannot be done is 501."""
    assert raw("POST", f"{path}?uploads", [header]).refusal == (501, "NotImplemented")


def test_refused_creation(raw: Raw, path: str) -> None:
    """Checklist 137: what PutObject refuses."""
    assert raw("POST", f"{path}?uploads", {"x-amz-storage-class": "SHINY"}).refusal == (400, "InvalidStorageClass")
    assert raw("POST", f"{path}?uploads", {"x-amz-meta-a": "v" * 2049}).refusal == (400, "MetadataTooLarge")
    assert raw("POST", f"{path}?uploads", {"x-amz-tagging": "a=1&a=2"}).refusal == (400, "InvalidTag")


@pytest.mark.parametrize("number", ["0", "10001", "-1", "x", "", "1.0"])
def test_part_number_that_is_none(raw: Raw, path: str, number: str) -> None:
    """Checklist 138: 1 to 10,000, else 400 InvalidArgument."""
    upload = begin(raw, path)
    target = f"{path}?partNumber={number}&uploadId={upload}"
    assert raw("PUT", target, body=b"x").refusal == (400, "InvalidArgument")
    raw("PUT", f"{path}-source", body=b"x")
    assert raw("PUT", target, {"x-amz-copy-source": f"{path}-source"}).refusal == (400, "InvalidArgument")
    raw("DELETE", f"{path}?uploadId={upload}")


def test_first_and_last_numbers(raw: Raw, path: str) -> None:
    """Checklist 138, 140: any ascending numbers; gaps do not matter."""
    upload = begin(raw, path)
    bodies = [b"1" * MINIMUM, b"2"]
    parts = [send(raw, path, upload, number, body) for number, body in zip((1, 10000), bodies)]
    answer = raw("POST", f"{path}?uploadId={upload}", body=completion(*parts))
    assert (answer.status, answer.text("ETag")) == (200, whole_etag(bodies))
    assert raw("GET", path).body == b"".join(bodies)


def test_part_sent_again(raw: Raw, path: str) -> None:
    """Checklist 138: replaces the earlier one; the earlier ETag no longer completes."""
    upload = begin(raw, path)
    first = send(raw, path, upload, 1, b"first" * 20_000)
    second = send(raw, path, upload, 1, b"second")
    assert raw("GET", f"{path}?uploadId={upload}").texts("Part/ETag") == [second[1]]
    assert raw("POST", f"{path}?uploadId={upload}", body=completion(first)).refusal == (400, "InvalidPart")
    assert raw("POST", f"{path}?uploadId={upload}", body=completion(second)).status == 200
    assert raw("GET", path).body == b"second"


def test_last_part_to_finish_stays(raw: Raw, path: str) -> None:
    """Checklist 138: an older, slower upload of a part that ends later."""
    upload = begin(raw, path)
    slow = raw.prepared("PUT", f"{path}?partNumber=1&uploadId={upload}", body=b"slow" * 20_000)
    with raw.connect() as connection:
        connection.send(slow.wire[:-1])
        send(raw, path, upload, 1, b"quick")
        part = (1, connection.send(slow.wire[-1:]).answer("PUT").header("ETag"))
    assert raw("POST", f"{path}?uploadId={upload}", body=completion(part)).status == 200
    assert raw("GET", path).body == b"slow" * 20_000


def calls_on(raw: Raw, path: str, upload: str) -> list[tuple[int, str | None]]:
    """How part, copied part, list, completion and abort are refused."""
    part = f"{path}?partNumber=1&uploadId={upload}"
    return [
        raw("PUT", part, body=b"x").refusal,
        raw("PUT", part, {"x-amz-copy-source": f"{path}-source"}).refusal,
        raw("GET", f"{path}?uploadId={upload}").refusal,
        raw("POST", f"{path}?uploadId={upload}", body=completion((1, '"0"'))).refusal,
        raw("DELETE", f"{path}?uploadId={upload}").refusal,
    ]


def test_upload_that_is_not_there(raw: Raw, path: str) -> None:
    """Checklist 139: unknown, of another key, aborted, completed: 404 NoSuchUpload."""
    raw("PUT", f"{path}-source", body=b"x")
    upload = begin(raw, path)
    for target, name in ((path, "unknown"), (path, "0" * 32), (path, upload[:-1]), (f"{path}x", upload), (path, "")):
        assert set(calls_on(raw, target, name)) <= {NO_UPLOAD}, name
    raw("DELETE", f"{path}?uploadId={upload}")
    assert calls_on(raw, path, upload) == [NO_UPLOAD] * 5
    upload = begin(raw, path)
    part = send(raw, path, upload, 1, b"x")
    raw("POST", f"{path}?uploadId={upload}", body=completion(part))
    assert calls_on(raw, path, upload) == [NO_UPLOAD] * 5


def test_completion_sent_again(raw: Raw, path: str) -> None:
    """Checklist 139: an SDK that missed the answer gets the same one."""
    upload = begin(raw, path)
    body = completion(send(raw, path, upload, 1, b"x" * 50_000))
    first, second = (raw("POST", f"{path}?uploadId={upload}", body=body) for _ in range(2))
    assert (first.status, second.status) == (200, 200)
    assert first.text("ETag") == second.text("ETag")
    assert raw("GET", path).body == b"x" * 50_000


@pytest.mark.parametrize("round", range(3))
def test_completions_at_the_same_time(raw: Raw, path: str, round: int) -> None:
    """Checklist 139: a retry that overtakes its first attempt gets the same answer."""
    upload = begin(raw, path)
    body = completion(send(raw, path, upload, 1, b"x" * 50_000))
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: raw("POST", f"{path}?uploadId={upload}", body=body), range(6)))
    assert {(answer.status, answer.text("ETag")) for answer in answers} == {(200, whole_etag([b"x" * 50_000]))}
    assert raw("GET", path).body == b"x" * 50_000


def test_abort_against_completion(raw: Raw, path: str) -> None:
    """Checklist 139, 144: exactly one of the two happens."""
    for _ in range(10):
        upload = begin(raw, path)
        body = completion(send(raw, path, upload, 1, upload.encode() * 2000))
        target = f"{path}?uploadId={upload}"
        calls = [lambda: raw("POST", target, body=body), lambda: raw("DELETE", target)]
        with ThreadPoolExecutor(2) as pool:
            completed, aborted = (future.result() for future in [pool.submit(call) for call in calls])
        assert {completed.refusal, aborted.refusal} in ({(200, None), NO_UPLOAD}, {(204, None), NO_UPLOAD})
        got = raw("GET", path)
        assert (got.status, got.body) == ((200, upload.encode() * 2000) if completed.status == 200 else (404, got.body))
        raw("DELETE", path)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"junk", b"<CompleteMultipartUpload/>", b"<CompleteMultipartUpload><Part/></CompleteMultipartUpload>",
        b"<Other/>", b"<CompleteMultipartUpload><Part><PartNumber>x</PartNumber></Part></CompleteMultipartUpload>",
        b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>",
    ],
)
def test_completion_without_parts(raw: Raw, path: str, body: bytes) -> None:
    """Checklist 140, 149: 400 MalformedXML, and the upload stays."""
    upload = begin(raw, path)
    part = send(raw, path, upload, 1, b"x")
    assert raw("POST", f"{path}?uploadId={upload}", body=body).refusal == (400, "MalformedXML")
    assert raw("POST", f"{path}?uploadId={upload}", body=completion(part)).status == 200


def test_completion_of_no_parts_at_all(raw: Raw, path: str) -> None:
    """Checklist 149: an upload without any part cannot be completed."""
    upload = begin(raw, path)
    assert raw("POST", f"{path}?uploadId={upload}", body=completion()).refusal == (400, "MalformedXML")
    assert raw("HEAD", path).status == 404
    raw("DELETE", f"{path}?uploadId={upload}")


def test_completion_of_other_parts(raw: Raw, path: str) -> None:
    """Checklist 140: InvalidPart, InvalidPartOrder, EntityTooSmall; each leaves object and upload."""
    raw("PUT", path, body=b"before")
    upload = begin(raw, path)
    small, last = send(raw, path, upload, 1, b"small"), send(raw, path, upload, 2, b"last")
    target = f"{path}?uploadId={upload}"
    absent, wrong = (3, small[1]), (1, '"ffffffffffffffffffffffffffffffff"')
    assert raw("POST", target, body=completion(absent)).refusal == (400, "InvalidPart")
    assert raw("POST", target, body=completion(wrong)).refusal == (400, "InvalidPart")
    assert raw("POST", target, body=completion(last, small)).refusal == (400, "InvalidPartOrder")
    assert raw("POST", target, body=completion(last, last)).refusal == (400, "InvalidPartOrder")
    answer = raw("POST", target, body=completion(small, last))
    assert answer.refusal == (400, "EntityTooSmall")
    assert (answer.text("ProposedSize"), answer.text("MinSizeAllowed")) == ("5", str(MINIMUM))
    assert (answer.text("PartNumber"), (answer.text("ETag") or "").strip('"')) == ("1", small[1].strip('"'))
    assert raw("GET", path).body == b"before"
    assert raw("POST", target, body=completion(last)).status == 200
    assert raw("GET", path).body == b"last"


def test_longest_list_of_parts(raw: Raw, path: str) -> None:
    """Checklist 138, 140: 10,000 parts with their checksums are read before any is found missing."""
    upload = begin(raw, path)
    listed = "".join(
        f"<Part>\n  <ETag>&quot;{number:032}&quot;</ETag>\n  <ChecksumSHA512>{number:088}</ChecksumSHA512>\n"
        f"  <PartNumber>{number}</PartNumber>\n</Part>"
        for number in range(1, 10_001)
    )
    body = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()
    assert raw("POST", f"{path}?uploadId={upload}", body=body).refusal == (400, "InvalidPart")
    raw("DELETE", f"{path}?uploadId={upload}")


@pytest.mark.parametrize("quotes", ['"{}"', "{}", "&quot;{}&quot;", ' "{}" '])
def test_quotes_of_an_etag(raw: Raw, path: str, quotes: str) -> None:
    """Checklist 140, 61: with or without."""
    upload = begin(raw, path)
    number, etag = send(raw, path, upload, 1, b"x")
    body = completion((number, quotes.format(etag.strip('"'))))
    assert raw("POST", f"{path}?uploadId={upload}", body=body).status == 200


def test_parts_left_out_are_dropped(raw: Raw, path: str) -> None:
    """Checklist 140: legal; they are no part of the object, and gone with the upload."""
    upload = begin(raw, path)
    parts = [send(raw, path, upload, number, bytes([64 + number]) * 70_000) for number in (1, 2, 3)]
    assert raw("POST", f"{path}?uploadId={upload}", body=completion(parts[1])).status == 200
    assert raw("GET", path).body == b"B" * 70_000


def test_completed_object(s3: Any, raw: Raw, bucket: str, key: str, path: str) -> None:
    """Checklist 141-143: the ETag of ETags, the answer, the size in listings, bytes across parts."""
    upload = begin(raw, path)
    bodies = [b"a" * MINIMUM, b"b" * (MINIMUM + 12345), b"c" * 777]
    parts = [send(raw, path, upload, number, body) for number, body in enumerate(bodies, 1)]
    answer = raw("POST", f"{path}?uploadId={upload}", body=completion(*parts))
    assert answer.root.tag == "{http://s3.amazonaws.com/doc/2006-03-01/}CompleteMultipartUploadResult"
    assert (answer.text("Bucket"), answer.text("Key")) == (bucket, key)
    assert (answer.text("Location") or "").endswith(path)
    assert answer.text("ETag") == whole_etag(bodies)
    whole = b"".join(bodies)
    got = raw("GET", path)
    assert (got.body == whole, got.header("ETag")) == (True, whole_etag(bodies))
    (entry,) = s3.list_objects_v2(Bucket=bucket, Prefix=key)["Contents"]
    assert (entry["Size"], entry["ETag"]) == (len(whole), whole_etag(bodies))
    again = begin(raw, path)
    parts = [send(raw, path, again, number, body) for number, body in enumerate(bodies, 1)]
    assert raw("POST", f"{path}?uploadId={again}", body=completion(*parts)).text("ETag") == whole_etag(bodies)


def test_one_empty_part(raw: Raw, path: str) -> None:
    """Checklist 149: an object of no bytes, whose ETag ends in -1."""
    upload = begin(raw, path)
    part = send(raw, path, upload, 1, b"")
    assert raw("POST", f"{path}?uploadId={upload}", body=completion(part)).text("ETag") == whole_etag([b""])
    answer = raw("GET", path)
    assert (answer.status, answer.body, answer.header("Content-Length")) == (200, b"", "0")


def test_nothing_is_seen_before_the_end(raw: Raw, s3: Any, bucket: str, key: str, path: str) -> None:
    """Checklist 144: the old object stays readable; an abort leaves nothing."""
    raw("PUT", path, body=b"before")
    upload = begin(raw, path)
    send(raw, path, upload, 1, b"part" * 20_000)
    assert raw("GET", path).body == b"before"
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket, Prefix=key)["Contents"]] == [key]
    assert raw("DELETE", f"{path}?uploadId={upload}").status == 204
    assert raw("GET", path).body == b"before"
    assert upload not in raw("GET", f"/{bucket}?uploads&prefix={key}").texts("Upload/UploadId")


def test_two_uploads_of_one_key(raw: Raw, path: str) -> None:
    """Checklist 144: neither knows of the other; the last to complete is the object."""
    uploads = [begin(raw, path), begin(raw, path)]
    parts = [send(raw, path, upload, 1, upload.encode()) for upload in uploads]
    for upload, part in zip(reversed(uploads), reversed(parts)):
        assert raw("POST", f"{path}?uploadId={upload}", body=completion(part)).status == 200
    assert raw("GET", path).body == uploads[0].encode()


def test_list_of_uploads(s3: Any, make_bucket: MakeBucket, main_owner: Any) -> None:
    """Checklist 145: by key, then by age; who owns and who began them; pages; prefixes."""
    made = make_bucket()
    names = ["a/1", "a/2", "b", "b", "c d"]
    begun = [(name, s3.create_multipart_upload(Bucket=made, Key=name)["UploadId"]) for name in names]
    told = s3.list_multipart_uploads(Bucket=made)
    assert [(each["Key"], each["UploadId"]) for each in told["Uploads"]] == begun
    who = {"ID": main_owner.id, "DisplayName": main_owner.name}
    assert all(each["Owner"] == who == each["Initiator"] for each in told["Uploads"])
    assert all(each["StorageClass"] == "STANDARD" and each["Initiated"] for each in told["Uploads"])
    pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket=made, PaginationConfig={"PageSize": 2})
    assert [(each["Key"], each["UploadId"]) for page in pages for each in page["Uploads"]] == begun
    cut = s3.list_multipart_uploads(Bucket=made, MaxUploads=3)
    assert (cut["IsTruncated"], cut["NextKeyMarker"], cut["NextUploadIdMarker"]) == (True, *begun[2])
    after = s3.list_multipart_uploads(Bucket=made, KeyMarker="a/2")
    assert [each["Key"] for each in after["Uploads"]] == ["b", "b", "c d"]
    below = s3.list_multipart_uploads(Bucket=made, Delimiter="/")
    assert [each["Prefix"] for each in below["CommonPrefixes"]] == ["a/"]
    assert [each["Key"] for each in below["Uploads"]] == ["b", "b", "c d"]
    assert len(s3.list_multipart_uploads(Bucket=made, Prefix="a/")["Uploads"]) == 2


def test_encoded_list_of_uploads(raw: Raw, make_bucket: MakeBucket) -> None:
    """Checklist 145, 102: encoding-type=url."""
    made = make_bucket()
    raw("POST", f"/{made}/c%20d%2B?uploads")
    assert raw("GET", f"/{made}?uploads&encoding-type=url").texts("Upload/Key") == ["c%20d%2B"]
    assert raw("GET", f"/{made}?uploads").texts("Upload/Key") == ["c d+"]
    assert raw("GET", f"/{made}?uploads&max-uploads=x").refusal == (400, "InvalidArgument")


def test_list_of_parts(s3: Any, raw: Raw, bucket: str, key: str, path: str, main_owner: Any) -> None:
    """Checklist 146: numbers, sizes, ETags, pages, owner, class."""
    upload = begin(raw, path, {"x-amz-storage-class": "STANDARD_IA"})
    parts = [send(raw, path, upload, number, b"x" * number) for number in (9, 2, 5)]
    named = {"Bucket": bucket, "Key": key, "UploadId": upload}
    told = s3.list_parts(**named)
    assert [(part["PartNumber"], part["Size"]) for part in told["Parts"]] == [(2, 2), (5, 5), (9, 9)]
    assert {part["ETag"] for part in told["Parts"]} == {etag for _, etag in parts}
    assert all(part["LastModified"] for part in told["Parts"])
    who = {"ID": main_owner.id, "DisplayName": main_owner.name}
    assert (told["Owner"], told["Initiator"], told["StorageClass"]) == (who, who, "STANDARD_IA")
    assert (told["MaxParts"], told["IsTruncated"]) == (1000, False)
    cut = s3.list_parts(**named, MaxParts=2)
    assert (cut["IsTruncated"], cut["NextPartNumberMarker"], len(cut["Parts"])) == (True, 5, 2)
    rest = s3.list_parts(**named, MaxParts=2, PartNumberMarker=5)
    assert ([part["PartNumber"] for part in rest["Parts"]], rest["IsTruncated"]) == ([9], False)
    s3.abort_multipart_upload(**named)


def test_uploads_of_another_account(s3: Any, alt_s3: Any, bucket: str, key: str) -> None:
    """Checklist 148: 403 for every step."""
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    named = {"Bucket": bucket, "Key": key, "UploadId": upload}
    denied = (403, "AccessDenied")
    assert outcome(alt_s3.upload_part, **named, PartNumber=1, Body=b"x") == denied
    assert outcome(alt_s3.list_parts, **named) == denied
    assert outcome(alt_s3.abort_multipart_upload, **named) == denied
    whole = {"Parts": [{"PartNumber": 1, "ETag": "x"}]}
    assert outcome(alt_s3.complete_multipart_upload, **named, MultipartUpload=whole) == denied
    assert "Parts" not in s3.list_parts(**named)
    s3.abort_multipart_upload(**named)
