"""Each call of the native API takes exactly the rights that AIStore names for it: all rights against all calls."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from aistore import Client
from aistore.sdk.authn import AuthNClient
from aistore.sdk.authn.access_attr import AccessAttr as A
from aistore.sdk.errors import AISError

from nativeapi.openapi.sources import entries
from storage.rights import NAMES, SU, describe
from tests.node import Node

REFUSED = 403


@dataclass(frozen=True, slots=True)
class Sent:
    """A call: `{b}` in its path is a bucket of its own, which holds the object `o`, and `{b}-to` one that is empty."""

    rights: A
    method: str
    path: str
    action: str = ""
    value: Any = None
    name: str = ""
    document: Any = None  # instead of an action

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.action}".strip()

    def send(self, node: Node, session: requests.Session, bucket: str) -> int:
        message = {"action": self.action, "name": self.name, "value": self.value} if self.action else self.document
        body = None if message is None else json.dumps(message).replace("{b}", bucket)
        url = f"{node.endpoint}/v1/{self.path.replace('{b}', bucket)}"
        return session.request(self.method, url, data=body, timeout=20).status_code


LIST = {"objnames": ["o"]}
TO = {"name": "{b}-to", "provider": "ais"}
SENT = (
    Sent(A.GET, "GET", "objects/{b}/o?provider=ais"),
    Sent(A.GET, "GET", "objects/{b}/o?archpath=x"),
    Sent(A.GET, "GET", "ml/moss", document={"in": [{"objname": "o", "bucket": "{b}"}], "mime": ".tar"}),
    Sent(A.OBJ_HEAD, "HEAD", "objects/{b}/o?provider=ais"),
    Sent(A.PUT, "PUT", "objects/{b}/new?provider=ais"),
    Sent(A.PUT, "PUT", "objects/{b}/new?uploadId=x&partNumber=1"),
    Sent(A.PUT, "PUT", "objects/{b}/new.tar?archpath=x"),
    Sent(A.APPEND, "PUT", "objects/{b}/new?append_type=append&append_handle="),
    Sent(A.OBJ_DELETE, "DELETE", "objects/{b}/o?provider=ais"),
    Sent(A.OBJ_DELETE, "DELETE", "buckets/{b}", "delete-listrange", LIST),
    Sent(A.OBJ_DELETE, "DELETE", "buckets/{b}", "evict-listrange", LIST),
    Sent(A.OBJ_UPDATE, "PATCH", "objects/{b}/o?provider=ais", "custom", {"a": "b"}),
    Sent(A.OBJ_MOVE, "POST", "objects/{b}/o?provider=ais", "rename-obj", None, "moved"),
    Sent(A.PROMOTE, "POST", "objects/{b}", "promote", {"src": "/var/lib/ais/promote/none", "obj": "x"}, "/none"),
    Sent(A.ACCESS_RW, "POST", "objects/{b}/o", "mpt-upload"),
    Sent(A.ACCESS_RW, "POST", "objects/{b}/o?uploadId=x", "mpt-complete", []),
    Sent(A.ACCESS_RW, "DELETE", "objects/{b}/o?uploadId=x", "mpt-abort"),
    Sent(A.ACCESS_RW, "POST", "objects/{b}", "blob-download", {}, "o"),
    Sent(A.ACCESS_RW, "POST", "buckets/{b}", "prefetch-listrange", LIST),
    Sent(A.ACCESS_RW, "PUT", "buckets/{b}", "archive", {"archname": "a.tar", **LIST}),
    Sent(A.ACCESS_RO, "POST", "objects/{b}/o", "check-lock"),
    Sent(A.BCK_HEAD, "HEAD", "buckets/{b}?provider=ais"),
    Sent(A.BCK_HEAD, "GET", "buckets/{b}?provider=ais", "show-inventory"),
    Sent(A.OBJ_LIST, "GET", "buckets/{b}?provider=ais", "list", {}),
    Sent(A.OBJ_LIST | A.BCK_HEAD, "GET", "buckets/{b}?provider=ais", "summary-bck", {}),
    Sent(A.PATCH, "PATCH", "buckets/{b}?provider=ais", "set-bprops", {"lru": {"enabled": True}}),
    Sent(A.PATCH | A.BCK_SET_ACL, "PATCH", "buckets/{b}?provider=ais", "set-bprops", {"access": str(2**64 - 1)}),
    Sent(A.PATCH, "PATCH", "buckets/{b}?provider=ais", "reset-bprops"),
    Sent(A.CREATE_BUCKET, "POST", "buckets/{b}-new?provider=ais", "create-bck"),
    Sent(A.DESTROY_BUCKET, "DELETE", "buckets/{b}?provider=ais", "destroy-bck"),
    Sent(A.DESTROY_BUCKET, "DELETE", "buckets/{b}?provider=ais", "evict-remote-bck"),
    Sent(A.DESTROY_BUCKET | A.ADMIN, "DELETE", "buckets/{b}?provider=ais", "destroy-inventory"),
    Sent(A.MOVE_BUCKET, "POST", "buckets/{b}?provider=ais&bck_to=ais/@%23/{b}-moved/", "move-bck"),
    Sent(A.ACCESS_RW, "POST", "buckets/{b}?bck_to=ais/@%23/{b}-to/", "copy-bck", {}),
    Sent(A.ACCESS_RW | A.CREATE_BUCKET, "POST", "buckets/{b}?bck_to=ais/@%23/{b}-made/", "copy-bck", {}),
    Sent(A.ACCESS_RW, "POST", "buckets/{b}", "copy-listrange", {"tobck": TO, **LIST}),
    Sent(A.LIST_BUCKETS, "GET", "buckets"),
    Sent(A.SHOW_CLUSTER, "GET", "daemon?what=smap"),
    Sent(A.SHOW_CLUSTER, "GET", "cluster?what=smap"),
    Sent(A.SHOW_CLUSTER, "GET", "cluster?what=running_all"),
    Sent(A.ADMIN, "PUT", "cluster", "stop", {"ID": "none", "Kind": "lru"}),
    Sent(A.ADMIN, "PUT", "cluster", "start", {"Kind": "lru"}),
    Sent(A.ADMIN, "PUT", "cluster/set-config?no.such.name=1"),
    Sent(A.ADMIN, "GET", "etl"),
    Sent(A.ADMIN, "POST", "buckets/{b}", "create-inventory"),
)


class Users:
    """Users with any set of rights, made as they are needed; no password is looked at but in their login."""

    def __init__(self, node: Node, cluster: str) -> None:
        self._node = node
        self._cluster = cluster
        self._authn = AuthNClient(node.endpoint, token=node.token)
        self._made: dict[int, requests.Session] = {}

    def having(self, rights: int) -> requests.Session:
        """The session of one who has these rights on the whole cluster."""
        if rights not in self._made:
            name = f"rights-{rights}"
            self._authn.role_manager().create(name, describe(rights), self._cluster, [A(rights)])
            self._authn.user_manager().create(name, [name], "secret")
            token = AuthNClient(self._node.endpoint).login(name, "secret")
            self._made[rights] = session = requests.Session()
            session.headers["Authorization"] = f"Bearer {token}"
        return self._made[rights]

    def client(self, rights: int) -> Client:
        """The SDK's, of the same user."""
        token = str(self.having(rights).headers["Authorization"]).removeprefix("Bearer ")
        return Client(self._node.endpoint, token=token)


@pytest.fixture(scope="module")
def users(node: Node, registered: str) -> Users:
    return Users(node, registered)


def bucket_for(node: Node, number: int) -> str:
    """A bucket with an object, and an empty one, for a call of the table."""
    name, s3 = f"rights-{number}", node.client()
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="o", Body=b"data")
    s3.create_bucket(Bucket=f"{name}-to")
    return name


@pytest.mark.parametrize(("number", "sent"), list(enumerate(SENT)), ids=map(str, SENT))
def test_a_call_takes_exactly_its_rights(node: Node, users: Users, number: int, sent: Sent) -> None:
    bucket, needed = bucket_for(node, number), int(sent.rights)
    alone = [right for right in NAMES if right & needed != needed]
    all_but_one = [SU & ~right for right in NAMES if right & needed]
    for rights in alone + all_but_one:
        assert sent.send(node, users.having(rights), bucket) == REFUSED, describe(rights)
    assert sent.send(node, users.having(needed), bucket) not in (401, REFUSED, 405, 500)


@dataclass(frozen=True, slots=True)
class Called:
    """A call as the SDK makes it, on a bucket of its own with the object `o`."""

    rights: A
    call: Callable[[Client, str], object]


CALLED = {
    "read": Called(A.GET, lambda client, name: client.bucket(name).object("o").get_reader().read_all()),
    "head": Called(A.OBJ_HEAD, lambda client, name: client.bucket(name).object("o").head()),
    "write": Called(A.PUT, lambda client, name: client.bucket(name).object("o").get_writer().put_content(b"new")),
    "append": Called(A.APPEND, lambda client, name: client.bucket(name).object("o").get_writer().append_content(b"x")),
    "delete": Called(A.OBJ_DELETE, lambda client, name: client.bucket(name).object("o").delete()),
    "list": Called(A.OBJ_LIST, lambda client, name: client.bucket(name).list_all_objects()),
    "head bucket": Called(A.BCK_HEAD, lambda client, name: client.bucket(name).head()),
    "summary": Called(A.OBJ_LIST | A.BCK_HEAD, lambda client, name: client.bucket(name).summary()),
    "create": Called(A.CREATE_BUCKET, lambda client, name: client.bucket(f"{name}-new").create()),
    "destroy": Called(A.DESTROY_BUCKET, lambda client, name: client.bucket(name).delete()),
    "buckets": Called(A.LIST_BUCKETS, lambda client, name: client.cluster().list_buckets()),
    "cluster": Called(A.SHOW_CLUSTER, lambda client, name: client.cluster().get_info()),
    "transforms": Called(A.ADMIN, lambda client, name: client.cluster().list_etls()),
}


@pytest.mark.parametrize(("number", "called"), list(enumerate(CALLED.values(), 100)), ids=list(CALLED))
def test_the_sdk_needs_no_other_right(node: Node, users: Users, number: int, called: Called) -> None:
    bucket = bucket_for(node, number)
    with pytest.raises(AISError) as refused:
        called.call(users.client(SU & ~called.rights), bucket)
    assert refused.value.status_code == REFUSED
    called.call(users.client(called.rights), bucket)


AUTHN = ("/v1/users", "/v1/roles", "/v1/clusters", "/v1/tokens")  # whose refusals are 401, see test_authn
OF_ITS_ENTRIES = "/v1/ml/moss"  # takes GET of the buckets that its entries name


def test_every_declared_right_is_asked_for(node: Node, users: Users) -> None:
    """Whatever the description of the API says: with all rights but one of those that a call takes it is refused."""
    bucket = bucket_for(node, 200)
    apart = [entry for entry in entries() if entry.path.startswith(AUTHN) or entry.path == OF_ITS_ENTRIES]
    declared = [entry for entry in entries() if entry.right and entry not in apart]
    assert len(declared) > 100
    member = {"Ais-Node-Id": next(iter(Client(node.endpoint, token=node.token).cluster().get_info().tmap))}
    for entry in declared:
        path = re.sub(r"\{\w+\}", "x", entry.path.replace("{bucket}", bucket).replace("{object}", "o"))
        selector = next((name for name in entry.query if name not in ("provider", "namespace")), "none")
        query = f"what={entry.what}" if entry.what else f"{selector}=x"
        body = {"action": entry.action, "name": "o", "value": {}} if entry.action else None
        for right in (right for right in NAMES if right & entry.right):
            session = users.having(SU & ~right)
            url = f"{node.endpoint}{path}?{query}"
            reply = session.request(entry.method, url, json=body, headers=member, timeout=20)
            assert reply.status_code == REFUSED, (entry, describe(right), reply.text)
