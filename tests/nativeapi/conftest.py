"""The native API in this process, over a store on disk: called as the worker calls it, read as it reads."""

from __future__ import annotations

import io
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote

import pytest
import requests
from aistore.sdk.authn import AuthNClient
from aistore.sdk.authn.access_attr import AccessAttr
from flask import Flask

from appliance.environ import complete
from appliance.journal import FileJournal
from appliance.machine import NodeMachine
from appliance.metrics import Shared
from etl.activity import Activities
from etl.catalog import TransformCatalog
from etl.channels.hpush import HPush
from etl.lens import Lenses
from etl.records import Stage, Transform
from etl.runtimes.process import ProcessRuntime
from etl.spec import RuntimeSpec, TransformSpec
from etl.transforms import Transforms
from nativeapi.authn.service import authn
from nativeapi.configuration import Configuration
from nativeapi.native import Native
from nativeapi.nodes import Nodes
from nativeapi.objects import NativeObjects
from nativeapi.routes import blueprint
from nativeapi.statistics import Statistics
from storage.access import Grants, Principal
from storage.jobs import Jobs
from storage.jobs.attendance import Attendance
from storage.jobs.bell import Bell
from storage.layout import claim
from storage.promotion import Promoter, Root
from storage.pace import Pace
from storage.rights import BCK_SET_ACL, CREATE_BUCKET, PATCH
from storage.store import Store
from tests.nativeapi.cluster import Cluster
from tests.node import Node

ROOT = Principal("root", "root", administrator=True, beyond=PATCH | BCK_SET_ACL)
ALICE = Principal("alice", "alice", grants=Grants(CREATE_BUCKET))
ALIAS = "this-cluster"
NUMBERS = count()
Login = Callable[..., tuple[str, AuthNClient]]
TOKENS = {"root-token": ROOT, "alice-token": ALICE}


class Keyring:
    def token(self, token: str, /) -> Principal | None:
        return TOKENS.get(token)


class Body(io.BytesIO):
    """A body as the worker hands it over."""

    def __init__(self, data: bytes, *, announced: bool = True) -> None:
        super().__init__(data)
        self.size = len(data) if announced else None


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        """The message of an error document, wherever it is."""
        document = json.loads(self.body or self.headers["Hdr-Error"])
        assert document["status"] == self.status
        return str(document["message"])


@dataclass(slots=True)
class Api:
    native: Native
    app: Flask
    objects: NativeObjects
    environ: dict[str, Any] = field(default_factory=dict)  # of the last request

    def __call__(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        token: str = "root-token",
        announced: bool = True,
        **headers: str,
    ) -> Answer:
        """Send a request; header names are given with underscores."""
        pairs = [(name.replace("_", "-").title().encode(), value.encode()) for name, value in headers.items()]
        pairs += [(b"Host", b"node:9000"), (b"Content-Length", str(len(body)).encode())]
        if token:
            pairs.append((b"Authorization", f"Bearer {token}".encode()))
        self.environ = {
            "REQUEST_METHOD": method,
            "RAW_URI": target,
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "10.1.2.3",
            "wsgi.url_scheme": "http",
            "wsgi.input": Body(body, announced=announced),
            "sluice.headers": pairs,
        }
        return self._answer()

    def _answer(self) -> Answer:
        told: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: object) -> None:
            told[:] = [int(status.split()[0]), dict(headers)]

        if self.environ["RAW_URI"].startswith("/v1/objects/"):
            pieces: Iterable[bytes] = self.objects(self.environ, start_response)  # type: ignore[arg-type, assignment]
        else:
            complete(self.environ)
            pieces = self.app(self.environ, start_response)  # type: ignore[arg-type]
        body = b"".join(pieces)
        close: Callable[[], None] | None = getattr(pieces, "close", None)
        if close is not None:
            close()
        return Answer(told[0], told[1], body)

    def action(self, method: str, target: str, action: str, value: Any = None, **headers: str) -> Answer:
        body = json.dumps({"action": action, "name": "", "value": value}).encode()
        return self(method, target, body, **headers)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with claim([tmp_path / "data"]) as claimed, Store(claimed.layout) as opened:
        yield opened


@pytest.fixture
def api(store: Store, tmp_path: Path) -> Iterator[Api]:
    with opened(store, tmp_path) as made:
        yield made


@contextmanager
def opened(store: Store, tmp_path: Path) -> Iterator[Api]:
    """The API over the store, with what it needs of a folder."""
    catalog = TransformCatalog(store.catalog)
    activities = Activities(store.catalog, clock=time.monotonic)
    runtime = ProcessRuntime(tmp_path / "etl")
    lenses = Lenses(
        store.objects.open, catalog, activities, channels={"hpush://": HPush()}, node="127.0.0.1:9",
        folder=runtime.folder,
    )
    transforms = Transforms(catalog, activities, runtime, clock=time.time_ns)
    jobs = Jobs(store.partitions.primary.index, Bell(), clock=time.time_ns, random=os.urandom)
    attendance = Attendance(jobs, clock=time.time_ns)
    machine = NodeMachine(Shared(1), FileJournal(tmp_path / "logs"))
    configuration = Configuration(store.catalog, run=machine.run, fixed={}, clock=time.time_ns)
    statistics = Statistics(store.catalog, run=machine.run)
    nodes = Nodes("b7c1")
    logins = authn(store.catalog, nodes, Keyring(), root=ROOT, clock=time.time_ns, random=os.urandom)
    promoter = Promoter(Root(tmp_path / "promote"), store.objects)
    native = Native(
        store, jobs, attendance, transforms, lenses, promoter, logins.tokens, logins, nodes, machine, configuration,
        statistics, Pace(1, clock=time.monotonic_ns),
    )
    app = Flask("node")
    app.register_blueprint(blueprint(lambda: native))
    yield Api(native, app, NativeObjects(native))
    attendance.close()
    lenses.close()


@pytest.fixture
def bucket(api: Api) -> str:
    assert api.action("POST", "/v1/buckets/music", "create-bck").status == 200
    return "music"


class Transformer(BaseHTTPRequestHandler):
    """A transform's server: upper case, with an argument put before it; "break" ends the reply half-way, a number is
    answered as a status."""

    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        arguments = self.path.partition("etl_args=")[2]
        if arguments.isdigit():
            self._reply(int(arguments), b"cannot do that")
        elif arguments == "break":
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            self.wfile.write(data.upper())
            self.close_connection = True
        else:
            self._reply(200, arguments.encode() + data.upper())

    def _reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/x-upper")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Transformer) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def upper(store: Store) -> Iterator[str]:
    """A transform that runs, as the supervisor would have left it."""
    with ExitStack() as stack:
        address = stack.enter_context(serving())
        spec = TransformSpec(name="to-upper", runtime=RuntimeSpec("upper", ("serve",)))
        TransformCatalog(store.catalog).add(
            Transform("to-upper", spec, Stage.RUNNING, "etl-abcdefghi", "secret", time.time_ns(), address)
        )
        yield "to-upper"


@pytest.fixture(scope="session")
def registered(node: Node) -> str:
    """The alias of the shared node in its own AuthN service, where roles name it."""
    AuthNClient(node.endpoint, token=node.token).cluster_manager().register(ALIAS, [node.endpoint])
    return ALIAS


TREE = ["a", "dir/1", "dir/2", "dir/sub/3", "dir-x", "é", "z"]


@pytest.fixture
def tree(api: Api, bucket: str) -> list[str]:
    """The names of the objects in the bucket, as they are listed; their sizes grow in the order of `TREE`."""
    for number, name in enumerate(TREE):
        api("PUT", f"/v1/objects/music/{quote(name)}", b"x" * number)
    return sorted(TREE, key=str.encode)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a certificate; its key is beside it."""
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"]
        + ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(folder / "key.pem")]
        + ["-out", str(folder / "certificate.pem")],
        check=True,
        capture_output=True,
    )
    return folder / "certificate.pem"


@pytest.fixture(scope="session")
def secure(certificate: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    tls = ["--tls-certificate", str(certificate), "--tls-key", str(certificate.with_name("key.pem"))]
    started = Node(tmp_path_factory.mktemp("secure"), ["--workers", "1", *tls]).start()
    yield started
    assert started.stop() == 0, started.log


@pytest.fixture
def admin(node: Node, registered: str) -> AuthNClient:
    """The administrator, whose password is root's token until another is set."""
    client = AuthNClient(node.endpoint)
    client.login("admin", node.token)
    return client


@pytest.fixture
def user(node: Node, admin: AuthNClient) -> Iterator[Login]:
    """Makes users with a role that has the rights: `user(AccessAttr.GET, …)`, logged in."""
    made: list[str] = []

    def login(*rights: AccessAttr, bucket: str | None = None) -> tuple[str, AuthNClient]:
        name = f"user-{next(NUMBERS)}"
        admin.role_manager().create(name, "for a test", ALIAS, list(rights), bucket)
        admin.user_manager().create(name, [name], "secret")
        made.append(name)
        client = AuthNClient(node.endpoint)
        client.login(name, "secret")
        return name, client

    yield login
    for name in made:
        admin.user_manager().delete(name, missing_ok=True)
        admin.role_manager().delete(name, missing_ok=True)


def get(node: Node, path: str, token: str | None) -> requests.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return requests.get(node.endpoint + path, headers=headers, timeout=10)


def status(node: Node, token: str | None, path: str = "/v1/buckets") -> int:
    return get(node, path, token).status_code


@pytest.fixture
def cluster(node: Node) -> Cluster:
    return Cluster(node)
