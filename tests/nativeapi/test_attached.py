"""Buckets of an attached cluster, through the node that it is attached to."""

from __future__ import annotations

import random
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import requests
from aistore import Client
from aistore.sdk import Bucket
from aistore.sdk.errors import AISError, ErrBckNotFound, ErrObjNotFound
from aistore.sdk.namespace import Namespace

from tests.node import Node

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def far(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """Another node, attached to the shared one as `far`."""
    other = Node(tmp_path_factory.mktemp("far"), ["--workers", "1"], token="far-token").start()
    headers = {"Authorization": f"Bearer {node.token}", "Ais-Remote-Ais-Alias": "far"}
    url = other.endpoint.replace("://", "://:far-token@")
    for path, more in (("attach", {"Ais-Remote-Ais-Url": url}), ("detach", {})):
        reply = requests.put(f"{node.endpoint}/v1/cluster/{path}?what=remote", headers={**headers, **more}, timeout=5)
        assert reply.status_code == 200, reply.text
        if path == "attach":
            yield other
    assert other.stop() == 0, other.log


@pytest.fixture
def there(far: Node) -> Client:
    """The other node's own client."""
    return Client(far.endpoint, token="far-token")


@pytest.fixture
def bucket(node: Node, far: Node) -> Iterator[Bucket]:
    """A bucket of the other node, through this one."""
    name = f"Far_{random.randrange(16**8):08x}"
    made = Client(node.endpoint, token=node.token).bucket(name, namespace=Namespace(uuid="far")).create()
    yield made
    made.delete(missing_ok=True)


def test_bucket_is_made_listed_and_destroyed_there(bucket: Bucket, there: Client, node: Node) -> None:
    assert there.bucket(bucket.name).head()["Ais-Bucket-Props"]
    headers = {"Authorization": f"Bearer {node.token}"}
    uuid = there.cluster().get_uuid()
    for namespace in ("@", "@far", f"@{uuid}", "@far%23"):
        url = f"{node.endpoint}/v1/buckets?provider=ais&namespace={namespace}"
        listed = requests.get(url, headers=headers, timeout=5).json()
        assert {"name": bucket.name, "provider": "ais", "namespace": {"uuid": uuid, "name": ""}} in listed
    assert bucket.name not in [one.name for one in Client(node.endpoint, token=node.token).cluster().list_buckets()]
    assert bucket.head()["Ais-Bucket-Props"]
    bucket.delete()
    with pytest.raises(ErrBckNotFound):
        there.bucket(bucket.name).delete()


def test_objects_are_written_and_read_there(bucket: Bucket, there: Client) -> None:
    mine, theirs = bucket.object("dir/a b#ü"), there.bucket(bucket.name).object("dir/a b#ü")
    large = random.Random(1).randbytes(3 * MIB)
    mine.get_writer().put_content(large)
    assert theirs.get_reader().read_all() == large
    theirs.get_writer().put_content(b"hello world")
    reader = mine.get_reader()
    assert reader.read_all() == b"hello world"
    assert reader.attributes.checksum_value == "45ab6734b21e6968"
    assert mine.get_reader(byte_range="bytes=6-").read_all() == b"world"
    assert mine.head(props="size").size == 11
    mine.get_writer().set_custom_props({"colour": "blue"})
    assert theirs.props.custom_metadata == {"colour": "blue"}
    assert [entry.name for entry in bucket.list_all_objects()] == ["dir/a b#ü"]
    mine.delete()
    with pytest.raises(ErrObjNotFound):
        mine.get_reader().read_all()


def test_body_of_unknown_length_is_sent_on(bucket: Bucket, there: Client, node: Node) -> None:
    url = f"{node.endpoint}/v1/objects/{bucket.name}/chunks?provider=ais&namespace=@far%23"
    headers = {"Authorization": f"Bearer {node.token}"}
    assert requests.put(url, data=iter([b"x" * MIB, b"y"]), headers=headers, timeout=20).status_code == 200
    assert there.bucket(bucket.name).object("chunks").get_reader().read_all() == b"x" * MIB + b"y"
    empty = requests.put(url, data=b"", headers=headers, timeout=20)
    assert (empty.status_code, requests.get(url, headers=headers, timeout=20).content) == (200, b"")


def test_appends_and_uploads_go_there(bucket: Bucket, there: Client) -> None:
    with bucket.object("appended").get_writer().as_file() as file:
        file.write(b"one ")
        file.write(b"two")
    assert there.bucket(bucket.name).object("appended").get_reader().read_all() == b"one two"
    upload = bucket.object("parts").multipart_upload().create()
    upload.add_part(1).put_content(b"p" * 1000)
    upload.complete()
    assert there.bucket(bucket.name).object("parts").get_reader().read_all() == b"p" * 1000


def test_what_names_a_second_bucket_is_refused(bucket: Bucket, node: Node) -> None:
    bucket.object("a").get_writer().put_content(b"x")
    here = Client(node.endpoint, token=node.token).bucket("near-far").create(exist_ok=True)
    for refused in (lambda: bucket.object("a").copy(here.object("a")), lambda: bucket.copy(here)):
        with pytest.raises(AISError) as failure:
            refused()
        assert failure.value.status_code == 501
    here.delete()


class Proxy(BaseHTTPRequestHandler):
    """A proxy of AIStore's that answers for the far node: it shows the map, and sends clients of objects on."""

    protocol_version = "HTTP/1.1"
    far: Node

    def do_GET(self) -> None:
        if self.path.startswith("/v1/objects/"):
            self.send_response(301 if self.command == "GET" else 307)
            self.send_header("Location", f"{self.far.endpoint}{self.path}&pid=p12345678&utm=1")
            self.send_header("Content-Length", "0")
            self.send_header("Connection", "close")
            self.end_headers()
            return
        headers = {"Authorization": self.headers["Authorization"]}
        reply = requests.get(f"{self.far.endpoint}{self.path}", headers=headers, timeout=5)
        self.send_response(reply.status_code)
        self.send_header("Content-Length", str(len(reply.content)))
        self.end_headers()
        self.wfile.write(reply.content)

    do_PUT = do_HEAD = do_DELETE = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_redirects_to_the_nodes_of_a_cluster_are_followed_but_for_uploads(
    far: Node, there: Client, bucket: Bucket, node: Node
) -> None:
    there.bucket(bucket.name).object("a").get_writer().put_content(b"hello world")
    Proxy.far = far
    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        headers = {"Authorization": f"Bearer {node.token}", "Ais-Remote-Ais-Alias": "spread"}
        url = {"Ais-Remote-Ais-Url": f"http://:far-token@127.0.0.1:{server.server_port}"}
        attached = requests.put(f"{node.endpoint}/v1/cluster/attach?what=remote", headers={**headers, **url}, timeout=5)
        assert attached.status_code == 200, attached.text
        path = f"{node.endpoint}/v1/objects/{bucket.name}/a?provider=ais&namespace=@spread"
        assert requests.get(path, headers=headers, timeout=5).content == b"hello world"
        assert requests.head(path, headers=headers, timeout=5).headers["Content-Length"] == "11"
        refused = requests.put(path, data=b"new", headers=headers, timeout=5)
        assert refused.status_code == 501 and "apart from its proxy" in refused.json()["message"]
        assert requests.delete(path, headers=headers, timeout=5).status_code == 200
        detached = requests.put(f"{node.endpoint}/v1/cluster/detach?what=remote", headers=headers, timeout=5)
        assert detached.status_code == 200
        server.shutdown()


def test_cluster_that_does_not_answer_is_named(far: Node, bucket: Bucket) -> None:
    bucket.object("a").get_writer().put_content(b"x")
    assert far.stop() == 0
    try:
        with pytest.raises(AISError, match="remote ais cluster @far .* does not answer") as failure:
            bucket.object("a").get_reader().read_all()
        assert failure.value.status_code == 400
    finally:
        far.start()
    assert bucket.object("a").get_reader().read_all() == b"x"
