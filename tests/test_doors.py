"""Who gets in through the two doors of a whole node, S3 and /v1, and what lies about for those who do not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import stat
import time
from collections.abc import Iterator
from urllib.parse import quote
from urllib.request import urlopen

import pytest

import s3api.operations  # noqa: F401  declares the operations
from s3api.declare import DECLARED, Declared, Subject
from s3api.model import Level
from tests.node import Node
from tests.s3compat.raw import Prepared, Raw
from tests.s3compat.wire import Account, Answer, Target

ALICE = Account("ALICEACCESSKEY000000", "alice-secret")
IDENTITIES = f"""
[[account]]
id = "alice"
keys = [{{access = "{ALICE.access_key}", secret = "{ALICE.secret_key}"}}]
"""
ON_BUCKETS = [declared for declared in DECLARED.values() if declared.subject is Subject.BUCKET]
ENORMOUS = 999_999_999_999_999_999  # bytes; ten of it do not fit into 64 bits


class Doors:
    """The node, seen by its root account, by another account and by nobody."""

    def __init__(self, node: Node) -> None:
        root = Account(node.access_key, node.secret_key)
        target = Target(node.endpoint, "us-east-1", root, ALICE)
        self.node = node
        self.root, self.alice, self.nobody = Raw(target, root), Raw(target, ALICE), Raw(target, None)

    def native(self, method: str, path: str, body: bytes = b"", *, token: str = "") -> Answer:
        pairs = [("Host", self.root.endpoint.host), ("Authorization", f"Bearer {token or self.node.token}")]
        return self.nobody.send(Prepared(method, path, [*pairs, ("Content-Length", str(len(body)))], body))

    def address(self, method: str, path: str, **headers: str) -> str:
        """A target that root has signed with Signature V2, the headers under the signature."""
        expires = str(int(time.time()) + 60)
        standard = f"{headers.get('content-md5', '')}\n{headers.get('content-type', '')}"
        amz = "".join(f"{name}:{value}\n" for name, value in sorted(headers.items()) if name.startswith("x-amz-"))
        text = f"{method}\n{standard}\n{expires}\n{amz}{path}"
        signature = base64.b64encode(hmac.digest(self.node.secret_key.encode(), text.encode(), hashlib.sha1)).decode()
        query = f"AWSAccessKeyId={self.node.access_key}&Expires={expires}&Signature={quote(signature, safe='')}"
        return f"{path}?{query}"


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    folder = tmp_path_factory.mktemp("doors")
    identities = folder / "identities.toml"
    identities.touch(0o600)
    identities.write_text(IDENTITIES)
    node = Node(folder, ["--workers", "1", "--identities", str(identities)]).start()
    made = Doors(node)
    assert made.root("PUT", "/roots").status == made.alice("PUT", "/alices").status == 200
    for key in ("open", "secret"):
        assert made.root("PUT", f"/roots/{key}", body=key.encode()).status == 200
    yield made
    assert node.stop() == 0, node.log


@pytest.mark.parametrize("declared", ON_BUCKETS, ids=[declared.operation.name for declared in ON_BUCKETS])
def test_no_operation_lets_others_into_a_bucket(doors: Doors, declared: Declared) -> None:
    operation = declared.operation
    required = {name: "1" for name in operation.required_query} | {name: value or "" for name, value in operation.query}
    query = "&".join(f"{name}={value}" for name, value in required.items())
    target = ("/roots/open" if operation.level is Level.OBJECT else "/roots") + (f"?{query}" if query else "")
    headers = {name: "/alices/key" for name in operation.required_headers}

    for door in (doors.alice, doors.nobody):
        assert door(operation.method, target, headers).status == 403


def test_nothing_is_copied_out_of_the_bucket_of_another(doors: Doors) -> None:
    upload = doors.alice("POST", "/alices/parts?uploads=").text("UploadId")
    for source in ("/roots/secret", "roots/secret", "/roots/secret?versionId=null", "/roots/secret?etl_name=any-one",
                   "/roots/missing", "%2Froots%2Fsecret"):
        for target in ("/alices/copy", f"/alices/parts?partNumber=1&uploadId={upload}"):
            assert doors.alice("PUT", target, {"x-amz-copy-source": source}).refusal == (403, "AccessDenied")


def test_a_transform_lets_nobody_in(doors: Doors) -> None:
    assert doors.alice("GET", "/roots/secret?etl_name=any-one").refusal == (403, "AccessDenied")
    assert doors.nobody("GET", "/roots/secret?etl_name=any-one").refusal == (403, "AccessDenied")


@pytest.mark.parametrize("path", ["buckets", "buckets/roots", "objects/roots/secret", "etl", "etl/any-one/logs",
                                  "cluster?what=smap", "daemon?what=smap", "reverse/daemon?what=snode", "health?cii=1",
                                  "objects/roots/secret?etl_name=any-one"])
def test_the_native_door_opens_to_its_token_alone(doors: Doors, path: str) -> None:
    for token in (ALICE.secret_key, doors.node.secret_key, doors.node.token[:-1], f"{doors.node.token}x", "é"):
        assert doors.native("GET", f"/v1/{path}", token=token).status == 401
    assert doors.nobody("GET", f"/v1/{path}").status == 401
    assert doors.root("GET", f"/v1/{path}").status == 401


@pytest.mark.parametrize("extra", ["", "&X-Amz-Signature=0"])
def test_address_of_a_copy_copies_nothing_else(doors: Doors, extra: str) -> None:
    address = doors.address("PUT", "/roots/copy", **{"x-amz-copy-source": "/roots/open"})
    extra += "&x-amz-copy-source=/roots/open"

    assert doors.nobody("PUT", address + extra, {"x-amz-copy-source": "/roots/secret"}).status == 403
    assert doors.nobody("PUT", address + extra.replace("open", "secret")).status == 403
    assert doors.nobody("PUT", address, {"x-amz-copy-source": "/roots/open"}).status == 200


def test_address_of_an_upload_uploads_nothing_else(doors: Doors) -> None:
    signed = {"content-md5": base64.b64encode(hashlib.md5(b"right").digest()).decode(), "content-type": "image/png"}
    address = doors.address("PUT", "/roots/upload", **signed)
    moved = "".join(f"&{name}={quote(value, safe='')}" for name, value in signed.items())

    assert doors.nobody("PUT", address + moved, {"content-type": "text/html"}, b"wrong").status == 403
    assert doors.nobody("PUT", address + moved, body=b"wrong").refusal == (400, "BadDigest")
    plain = doors.address("PUT", "/roots/upload")
    assert doors.nobody("PUT", f"{plain}&x-amz-copy-source=/roots/secret&X-Amz-Signature=0").status == 403
    assert doors.root("HEAD", "/roots/upload").status == 404
    assert doors.nobody("PUT", address + moved, body=b"right").status == 200
    assert doors.root("HEAD", "/roots/upload").header("content-type") == "image/png"


def test_address_of_an_object_is_of_no_other_operation(doors: Doors) -> None:
    address = doors.address("GET", "/roots/open")
    assert doors.nobody("GET", address).body == b"open"
    for added in ("etl_name=any-one", "%65tl_name=any-one", "version%49d=null", "uploadId=1", "%75ploadId=1"):
        assert doors.nobody("GET", f"{address}&{added}").refusal == (403, "SignatureDoesNotMatch")


def test_metadata_of_the_native_door_breaks_no_answer_of_the_other(doors: Doors) -> None:
    assert doors.native("PUT", "/v1/objects/roots/native", b"x").status == 200
    names = {"plain": "1", "two words": "2", "colon:": "3", "é": "4"}
    message = json.dumps({"action": "", "value": names}).encode()
    assert doors.native("PATCH", "/v1/objects/roots/native", message).status == 200

    shown = doors.root("HEAD", "/roots/native").headers
    assert [pair for pair in shown if pair[0].startswith("x-amz-m")] == [
        ("x-amz-meta-plain", "1"), ("x-amz-missing-meta", "3")
    ]


def test_strangers_announcing_enormous_bodies_do_not_disturb_the_books(doors: Doors) -> None:
    for _ in range(12):
        pairs = [("Host", "a"), ("Content-Length", str(ENORMOUS)), ("Expect", "100-continue")]
        assert doors.nobody.send(Prepared("GET", "/roots/open", pairs)).status == 403
    with urlopen(f"{doors.node.endpoint}/metrics", timeout=10) as reply:
        lines = reply.read().decode().splitlines()
    counted = [float(line.split(" ")[1]) for line in lines if line.startswith("sluice_received_bytes_total")]
    assert counted and sum(counted) < 10**9


def test_nothing_of_the_data_is_for_other_users_of_the_machine(doors: Doors) -> None:
    """Not even where the data directory is a mount point that others may enter."""
    for place in [doors.node.folder / "data", *(doors.node.folder / "data").iterdir()]:
        if place.is_dir():
            assert not stat.S_IMODE(place.stat().st_mode) & 0o077, place
