"""PutObject, GetObject, HeadObject, DeleteObject: bytes, metadata, overwrites, snapshots."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from hashlib import md5
from typing import Any

import pytest

from tests.s3compat.conftest import fresh_name
from tests.s3compat.outcomes import outcome
from tests.s3compat.raw import UNSIGNED, Raw

MIB = 1024 * 1024
CONTENT = {
    "Cache-Control": "public, max-age=14400",
    "Content-Disposition": 'attachment; filename="a b.txt"',
    "Content-Encoding": "gzip",
    "Content-Language": "da, en-GB",
    "Content-Type": "text/plain;  charset=utf-8",
    "Expires": "whenever it suits",
}


@pytest.mark.parametrize("size", [0, 1, 32767, 32768, 32769, 300_000])
def test_round_trip(s3: Any, bucket: str, key: str, size: int) -> None:
    """Checklist 61, 62: the ETag is the quoted MD5 everywhere; zero bytes are an object."""
    body = bytes(number % 251 for number in range(size))
    etag = f'"{md5(body).hexdigest()}"'
    assert s3.put_object(Bucket=bucket, Key=key, Body=body)["ETag"] == etag
    got = s3.get_object(Bucket=bucket, Key=key)
    assert (got["Body"].read(), got["ETag"], got["ContentLength"]) == (body, etag, size)
    head = s3.head_object(Bucket=bucket, Key=key)
    assert (head["ETag"], head["ContentLength"]) == (etag, size)
    (entry,) = s3.list_objects_v2(Bucket=bucket, Prefix=key)["Contents"]
    assert (entry["ETag"], entry["Size"]) == (etag, size)


def test_empty_object_has_a_length(raw: Raw, path: str) -> None:
    """Checklist 62: Content-Length: 0 on HEAD and GET."""
    raw("PUT", path)
    for method in ("HEAD", "GET"):
        answer = raw(method, path)
        assert (answer.status, answer.header("Content-Length"), answer.body) == (200, "0", b"")


def test_overwrite_inherits_nothing(raw: Raw, path: str) -> None:
    """Checklist 63: metadata, tags, class and content headers go with the old object."""
    headers = {**CONTENT, "x-amz-meta-a": "1", "x-amz-storage-class": "STANDARD_IA", "x-amz-tagging": "a=b",
               "x-amz-website-redirect-location": "/elsewhere"}
    raw("PUT", path, headers, b"first")
    raw("PUT", path, {"x-amz-meta-b": "2"}, b"second")
    answer = raw("GET", path)
    names = {name.lower() for name, _ in answer.headers}
    assert answer.body == b"second"
    assert names.isdisjoint({name.lower() for name in headers} - {"content-type"} | {"x-amz-tagging-count"})
    assert (answer.header("x-amz-meta-b"), answer.header("Content-Type")) == ("2", "binary/octet-stream")


def test_content_headers_are_kept_as_sent(raw: Raw, path: str) -> None:
    """Checklist 64: verbatim, Expires too, on GET and HEAD."""
    raw("PUT", path, CONTENT, b"x")
    for method in ("GET", "HEAD"):
        answer = raw(method, path)
        assert {name: answer.header(name) for name in CONTENT} == CONTENT


def test_bytes_of_content_headers_are_kept(raw: Raw, path: str) -> None:
    """Checklist 19, 64: UTF-8 and latin-1 alike come back as they were sent."""
    for value in ("inline; filename=é", "inline; filename=\udce9"):
        sent = value.encode("utf-8", "surrogateescape")
        raw.send(raw.prepared("PUT", path, body=b"x").adding(("Content-Disposition", value)))
        assert (raw("HEAD", path).header("Content-Disposition") or "").encode("latin-1") == sent


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_overrides(raw: Raw, path: str, method: str) -> None:
    """Checklist 65: response-* replaces what is stored, on HEAD too."""
    raw("PUT", path, CONTENT, b"x")
    values = {
        "cache-control": "no-cache", "content-disposition": "bla", "content-encoding": "aaa",
        "content-language": "esperanto", "content-type": "foo/bar", "expires": "123",
    }
    query = "&".join(f"response-{name}={value.replace('/', '%2F')}" for name, value in values.items())
    answer = raw(method, f"{path}?{query}")
    assert answer.status == 200
    assert {name: answer.header(name) for name in values} == values


def test_overrides_need_a_signature(nobody: Raw, path: str) -> None:
    """Checklist 65: not for the anonymous."""
    assert nobody("GET", f"{path}?response-content-type=text%2Fhtml").status in (400, 403)


@pytest.mark.parametrize("value", ["a%0D%0AX-Injected%3A%20yes", "a%0Ab", "%00", "a%0D"])
def test_override_is_one_line(raw: Raw, path: str, value: str) -> None:
    """Checklist 65: no header can be smuggled in by a parameter."""
    raw("PUT", path, body=b"x")
    answer = raw("GET", f"{path}?response-content-type={value}")
    assert answer.status == 400 and answer.header("X-Injected") is None


def test_missing_key(s3: Any, alt_s3: Any, anonymous_s3: Any, bucket: str) -> None:
    """Checklist 66: 404 NoSuchKey for who may list, else 403."""
    named = {"Bucket": bucket, "Key": "absent"}
    assert outcome(s3.get_object, **named) == (404, "NoSuchKey")
    assert outcome(s3.head_object, **named) == (404, "404")
    assert outcome(alt_s3.get_object, **named) == (403, "AccessDenied")
    assert outcome(anonymous_s3.get_object, **named) == (403, "AccessDenied")
    assert outcome(anonymous_s3.head_object, **named) == (403, "403")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_missing_bucket(raw: Raw, alt_raw: Raw, nobody: Raw, method: str) -> None:
    """Checklist 67: 404 NoSuchBucket for anyone."""
    for sender in (raw, alt_raw, nobody):
        assert sender(method, "/no-such-bucket-at-all/key").refusal == (404, "NoSuchBucket")


def test_deleting_what_is_not_there(raw: Raw, path: str) -> None:
    """Checklist 5: 204, again and again."""
    raw("PUT", path, body=b"x")
    for _ in range(3):
        assert raw("DELETE", path).status == 204
    assert raw("GET", path).refusal == (404, "NoSuchKey")


def test_metadata(raw: Raw, path: str) -> None:
    """Checklist 18, 20: empty values stay, repeated names are joined, underscores and hyphens are two names."""
    pairs = [("x-amz-meta-a_b", "1"), ("x-amz-meta-a-b", "2"), ("x-amz-meta-empty", ""), ("X-Amz-Meta-Twice", "one"),
             ("x-amz-meta-twice", "two"), ("x-amz-meta-odd", 'q"uo,te; =?%')]
    assert raw("PUT", path, pairs, b"x").status == 200
    for method in ("GET", "HEAD"):
        told = {name: value for name, value in raw(method, path).headers if name.startswith("x-amz-meta-")}
        told["x-amz-meta-twice"] = told["x-amz-meta-twice"].replace(", ", ",")
        assert told == {
            "x-amz-meta-a_b": "1", "x-amz-meta-a-b": "2", "x-amz-meta-empty": "", "x-amz-meta-twice": "one,two",
            "x-amz-meta-odd": 'q"uo,te; =?%',
        }


@pytest.mark.parametrize("value", ["Grüße, 世界", "=?UTF-8?Q?Gr=C3=BC=C3=9Fe?="])
def test_metadata_beyond_ascii(raw: Raw, path: str, value: str) -> None:
    """Checklist 19: UTF-8 and RFC 2047 words come back as they were sent."""
    assert raw("PUT", path, {"x-amz-meta-greeting": value}, b"x").status == 200
    assert (raw("HEAD", path).header("x-amz-meta-greeting") or "").encode("latin-1").decode() == value


def test_metadata_of_two_kilobytes_at_most(raw: Raw, path: str) -> None:
    """Checklist 19: 400 MetadataTooLarge beyond."""
    fits = {"x-amz-meta-a": "v" * 1023, "x-amz-meta-b": "v" * 1023}
    assert raw("PUT", path, fits, b"x").status == 200
    assert raw("PUT", path, {**fits, "x-amz-meta-c": ""}, b"y").refusal == (400, "MetadataTooLarge")
    assert raw("GET", path).body == b"x"


def test_storage_classes(s3: Any, raw: Raw, path: str, bucket: str, key: str) -> None:
    """Checklist 76: unknown is InvalidStorageClass; HEAD omits STANDARD, the listing never does."""
    assert raw("PUT", path, {"x-amz-storage-class": "SHINY"}, b"x").refusal == (400, "InvalidStorageClass")
    for name, shown in (("STANDARD", None), ("STANDARD_IA", "STANDARD_IA"), ("GLACIER_IR", "GLACIER_IR")):
        raw("PUT", path, {"x-amz-storage-class": name}, b"x")
        assert raw("HEAD", path).header("x-amz-storage-class") == shown
        assert raw("GET", path).header("x-amz-storage-class") == shown
        (entry,) = s3.list_objects_v2(Bucket=bucket, Prefix=key)["Contents"]
        assert entry["StorageClass"] == name


def test_website_redirect(raw: Raw, path: str) -> None:
    """Checklist 77: stored and returned."""
    raw("PUT", path, {"x-amz-website-redirect-location": "https://example.com/a"}, b"x")
    for method in ("GET", "HEAD"):
        assert raw(method, path).header("x-amz-website-redirect-location") == "https://example.com/a"


def test_tags_at_upload(raw: Raw, path: str) -> None:
    """Checklist 78: a query string; the answer counts them, and says nothing when there are none."""
    assert raw("PUT", path, {"x-amz-tagging": "a=1&b=two%20words&c"}, b"x").status == 200
    for method in ("GET", "HEAD"):
        assert raw(method, path).header("x-amz-tagging-count") == "3"
    raw("PUT", path, body=b"x")
    assert raw("HEAD", path).header("x-amz-tagging-count") is None


@pytest.mark.parametrize("tags", ["a=1&a=2", "aws:a=1", f"{'k' * 129}=1", f"a={'v' * 257}", "=1"])
def test_tags_that_are_wrong(raw: Raw, path: str, tags: str) -> None:
    """Checklist 78: 400 InvalidTag, nothing stored."""
    assert raw("PUT", path, {"x-amz-tagging": tags}, b"x").refusal == (400, "InvalidTag")
    assert raw("HEAD", path).status == 404


def test_upload_that_is_too_large(raw: Raw, path: str) -> None:
    """Checklist 81: 400 EntityTooLarge above 5 GiB, said before the body."""
    size = 5 * 1024**3 + 1
    headers = {"Content-Length": str(size), "Expect": "100-continue"}
    with raw.connect() as connection:
        answer = connection.send(raw.prepared("PUT", path, headers, content=UNSIGNED).head).answer("PUT")
    assert answer.refusal == (400, "EntityTooLarge")
    assert (answer.text("ProposedSize"), answer.text("MaxSizeAllowed")) == (str(size), str(size - 1))


def test_key_with_a_slash_at_its_end(s3: Any, bucket: str, key: str) -> None:
    """Checklist 82: an ordinary object, with a body or without, beside its namesake and what is below it."""
    for name, body in ((key, b"1"), (f"{key}/", b"22"), (f"{key}/a", b"333"), (f"{key}//", b"")):
        s3.put_object(Bucket=bucket, Key=name, Body=body)
    sizes = [entry["Size"] for entry in s3.list_objects_v2(Bucket=bucket, Prefix=key)["Contents"]]
    assert sizes == [1, 2, 0, 3]
    s3.delete_object(Bucket=bucket, Key=f"{key}/")
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"1"
    assert s3.get_object(Bucket=bucket, Key=f"{key}/a")["Body"].read() == b"333"


def test_append_is_refused(raw: Raw, path: str) -> None:
    """Checklist 83: 501 NotImplemented, never a plain overwrite."""
    raw("PUT", path, body=b"before")
    answer = raw("PUT", path, {"x-amz-write-offset-bytes": "6"}, b"after")
    assert answer.refusal == (501, "NotImplemented")
    assert raw("GET", path).body == b"before"


@pytest.mark.parametrize("size", [1 * MIB, 8 * MIB])
def test_read_in_flight_keeps_its_snapshot(raw: Raw, path: str, size: int) -> None:
    """Checklist 73: neither an overwrite nor a delete changes the bytes that are on their way."""
    for method, body in (("PUT", b"B" * size), ("DELETE", b"")):
        raw("PUT", path, body=b"A" * size)
        with raw.connect() as connection:
            connection.send(raw.prepared("GET", path).wire)
            connection.says_nothing(1)  # the first bytes are here
            raw(method, path, body=body)
            answer = connection.answer()
        assert answer.body == b"A" * size
        assert answer.header("ETag") == f'"{md5(b"A" * size).hexdigest()}"'


def test_write_in_flight_is_not_visible(raw: Raw, path: str) -> None:
    """Checklist 74: the old object is read until the new one is complete; the last to complete wins."""
    raw("PUT", path, body=b"before")
    slow = raw.prepared("PUT", path, body=b"C" * MIB)
    with raw.connect() as connection:
        connection.send(slow.wire[:-10])
        assert raw("GET", path).body == b"before"
        assert raw("PUT", path, body=b"between").status == 200
        assert raw("GET", path).body == b"between"
        assert connection.send(slow.wire[-10:]).answer("PUT").status == 200
    assert raw("GET", path).body == b"C" * MIB


def test_overlapping_writes_leave_one_whole_body(raw: Raw, path: str) -> None:
    """Checklist 74: never a mixture."""
    bodies = [bytes([letter]) * MIB for letter in b"ABCDEF"]
    with ThreadPoolExecutor(len(bodies)) as pool:
        answers = list(pool.map(lambda body: raw("PUT", path, body=body), bodies))
    assert [answer.status for answer in answers] == [200] * 6
    got = raw("GET", path)
    assert got.body in bodies and got.header("ETag") == f'"{md5(got.body).hexdigest()}"'


@pytest.mark.parametrize("size", [1000, 70_000])
def test_reads_among_overwrites(raw: Raw, path: str, size: int) -> None:
    """Checklist 73, 74: every read, copy and HEAD finds one whole version, never none and never two."""
    bodies = [bytes([letter]) * (size + letter) for letter in b"ABCD"]
    raw("PUT", path, body=bodies[0])

    def write(body: bytes) -> set[int]:
        return {raw("PUT", path, body=body).status for _ in range(40)}

    def read(_: int) -> set[tuple[int, bool, bool]]:
        answers = [raw("GET", path) for _ in range(60)]
        return {
            (answer.status, answer.body in bodies, answer.header("ETag") == f'"{md5(answer.body).hexdigest()}"')
            for answer in answers
        }

    def copy(number: int) -> set[tuple[int, bool]]:
        target = f"{path}-copy-{number}"
        told = {raw("PUT", target, {"x-amz-copy-source": path}).status for _ in range(30)}
        return {(status, raw("GET", target).body in bodies) for status in told}

    with ThreadPoolExecutor(9) as pool:
        writers, readers, copiers = pool.map(write, bodies), pool.map(read, range(3)), pool.map(copy, range(2))
        assert set().union(*writers) == {200}
        assert set().union(*readers) == {(200, True, True)}
        assert set().union(*copiers) == {(200, True)}


def test_upload_into_a_bucket_that_goes(raw: Raw) -> None:
    """Checklist 75: 404 NoSuchBucket at the end."""
    name = fresh_name()
    raw("PUT", f"/{name}")
    slow = raw.prepared("PUT", f"/{name}/key", body=b"x" * 100_000)
    with raw.connect() as connection:
        connection.send(slow.wire[:-10])
        connection.says_nothing(0.2)
        assert raw("DELETE", f"/{name}").status == 204
        assert connection.send(slow.wire[-10:]).answer("PUT").refusal == (404, "NoSuchBucket")


@pytest.mark.parametrize(
    "header",
    [
        ("x-amz-server-side-encryption", "AES256"), ("x-amz-acl", "public-read"), ("x-amz-grant-read", 'id="x"'),
        ("x-amz-object-lock-mode", "GOVERNANCE"), ("x-amz-object-lock-legal-hold", "ON"),
        ("x-amz-server-side-encryption-customer-algorithm", "AES256"),
    ],
)
def test_wishes_are_granted_or_refused(raw: Raw, path: str, header: tuple[str, str]) -> None:
    """Checklist 200: what cannot be done is 501, and nothing is stored without its protection."""
    raw("PUT", path, body=b"before")
    assert raw("PUT", path, [header], b"after").refusal == (501, "NotImplemented")
    assert raw("GET", path).body == b"before"


def test_answers_name_nothing_that_the_bucket_has_not(raw: Raw, path: str) -> None:
    """Checklist 79, 80: no version, no expiry, no encryption where none was set."""
    answers = [raw("PUT", path, body=b"x"), raw("GET", path), raw("HEAD", path), raw("DELETE", path)]
    named = {name.lower() for answer in answers for name, _ in answer.headers}
    assert named.isdisjoint({
        "x-amz-version-id", "x-amz-delete-marker", "x-amz-expiration", "x-amz-server-side-encryption", "x-amz-restore",
    })


def test_sdk_notes_are_ignored(raw: Raw, path: str) -> None:
    """Checklist 196: x-id in the query and the SDKs' own headers select nothing."""
    notes = {"amz-sdk-invocation-id": "1", "amz-sdk-request": "attempt=1"}
    assert raw("PUT", f"{path}?x-id=PutObject", notes, b"x").status == 200
    assert raw("GET", f"{path}?x-id=GetObject").body == b"x"
