"""The AuthN service as the official SDK, unmodified, speaks to it: the node itself is its address."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from aistore import Client
from aistore.sdk.authn import AuthNClient
from aistore.sdk.authn.access_attr import AccessAttr
from aistore.sdk.authn.errors import (
    AuthNError,
    ErrClusterAlreadyRegistered,
    ErrClusterNotFound,
    ErrRoleAlreadyExists,
    ErrRoleNotFound,
    ErrUserAlreadyExists,
    ErrUserInvalidCredentials,
    ErrUserNotFound,
)
from aistore.sdk.errors import AISError

from tests.conftest import StartNode
from tests.nativeapi.conftest import ALIAS, Login, get, status
from tests.node import Node

PAGE = Path(__file__).parents[2] / "docs" / "authn.md"


# -- users ---------------------------------------------------------------------------------------------------------


def test_users_are_added_listed_and_removed(admin: AuthNClient, user: Login) -> None:
    name, _ = user(AccessAttr.GET)
    users = admin.user_manager()
    assert [role.name for role in users.get(name).roles] == [name]
    assert {"admin", name} <= set(users.list())
    with pytest.raises(ErrUserAlreadyExists):
        users.create(name, [name], "other")
    with pytest.raises(ErrUserAlreadyExists):
        users.create("admin", [], "other")
    users.delete(name)
    with pytest.raises(ErrUserNotFound):
        users.get(name)
    with pytest.raises(ErrUserNotFound):
        users.delete(name)


def test_a_removed_user_is_out_at_once_and_its_tokens_are_not_its_successors(
    node: Node, admin: AuthNClient, user: Login
) -> None:
    name, client = user(AccessAttr.LIST_BUCKETS)
    assert [status(node, client.client.token) for _ in range(8)] == [200] * 8
    admin.user_manager().delete(name)
    assert [status(node, client.client.token) for _ in range(8)] == [401] * 8
    time.sleep(1.1)  # claims count in seconds
    admin.user_manager().create(name, [name], "secret")
    assert status(node, client.client.token) == 401
    assert status(node, AuthNClient(node.endpoint).login(name, "secret")) == 200


def test_users_see_and_change_themselves_alone(node: Node, admin: AuthNClient, user: Login) -> None:
    name, client = user(AccessAttr.GET)
    other, _ = user(AccessAttr.GET)
    own = client.user_manager()
    assert own.get(name).id == name
    own.update(name, password="another")
    with pytest.raises(ErrUserInvalidCredentials):
        AuthNClient(node.endpoint).login(name, "secret")
    assert AuthNClient(node.endpoint).login(name, "another")
    refused: list[Callable[[], object]] = [
        lambda: own.get(other),
        lambda: own.list(),
        lambda: own.update(other, password="x"),
        lambda: own.update(name, roles=["Admin"]),
        lambda: own.delete(name),
        lambda: client.role_manager().delete(name),
        lambda: client.role_manager().update(name, desc="mine"),
        lambda: client.cluster_manager().delete(cluster_alias=ALIAS),
        lambda: client.cluster_manager().update(cluster_id="x", cluster_alias="mine"),
    ]
    for call in refused:
        with pytest.raises(AuthNError, match="not authorized: requires admin") as error:
            call()
        assert error.value.status_code == 401
    assert [role.name for role in client.role_manager().list()] and client.cluster_manager().list()


def test_what_an_update_leaves_out_stays(node: Node, admin: AuthNClient, user: Login) -> None:
    name, _ = user(AccessAttr.GET)
    users = admin.user_manager()
    users.update(name, password="second")
    assert [role.name for role in users.get(name).roles] == [name]
    users.update(name, roles=[f"Guest-{ALIAS}"])
    assert [role.name for role in users.get(name).roles] == [f"Guest-{ALIAS}"]
    assert AuthNClient(node.endpoint).login(name, "second")


def test_the_administrator_stays(node: Node, admin: AuthNClient) -> None:
    with pytest.raises(AuthNError) as refused:
        admin.user_manager().delete("admin")
    assert refused.value.status_code == 403
    with pytest.raises(AuthNError) as refused:
        admin.role_manager().delete("Admin")
    assert refused.value.status_code == 403


def test_the_administrator_gets_a_password_of_its_own_and_the_token_still_opens(start_node: StartNode) -> None:
    node = start_node()
    client = AuthNClient(node.endpoint, token=node.token)
    client.user_manager().update("admin", password="chosen")
    with pytest.raises(ErrUserInvalidCredentials):
        client.login("admin", node.token)
    assert status(node, client.login("admin", "chosen")) == status(node, node.token) == 200


@pytest.mark.parametrize("name", ["no spaces", "no/slash", "ünïcode", "dot.ted", "x" * 129])
def test_names_are_nice(node: Node, name: str) -> None:
    headers = {"Authorization": f"Bearer {node.token}"}
    for path, body in (
        ("users", {"id": name, "pass": "x", "roles": []}),
        ("roles", {"name": name}),
        ("clusters", {"id": name, "alias": "", "urls": []}),
    ):
        reply = requests.post(f"{node.endpoint}/v1/{path}", json=body, headers=headers, timeout=10)
        assert reply.status_code == 400, path


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("POST", "users", b"{", 400),
        ("POST", "users", b'{"id": 7}', 400),
        ("POST", "users", b'{"id": "without-password"}', 400),
        ("POST", "users", b'{"id": "x", "pass": "x", "roles": [{"name": "no-such-role"}]}', 404),
        ("POST", "users/admin", b'{"password": 5}', 400),
        ("POST", "users/admin", b'{"password": "x", "expires_in": 1.5}', 400),
        ("POST", "roles", b'{"name": "x", "clusters": [{"id": "c", "perm": "0x10"}]}', 400),
        ("POST", "roles", b'{"name": "x", "clusters": [{"id": "c", "perm": "-1"}]}', 400),
        ("POST", "roles", b'{"name": "x", "clusters": [{"id": "c", "perm": "18446744073709551616"}]}', 400),
        ("POST", "roles", b'{"name": "x", "buckets": [{"perm": "1"}]}', 400),
        ("PUT", "roles/no-such-role", b"{}", 404),
        ("PUT", "users/no-such-user", b"{}", 404),
        ("PUT", "clusters/no-such-cluster", b"{}", 404),
        ("PATCH", "users", b"", 405),
        ("PUT", "tokens", b"", 405),
        ("GET", "users/a/b", b"", 400),
        ("GET", "users/" + "x" * 5000, b"", 404),
        ("GET", "roles/" + "%C3%A4" * 1000, b"", 404),
        ("DELETE", "clusters/%00", b"", 404),
        ("POST", "users/" + "x" * 5000, b'{"password": "x"}', 401),
        ("POST", "users/admin", b" " * 2**20 + b"{}", 413),
        ("POST", "users/admin", b"[" * 100_000, 400),
        ("DELETE", "tokens", b"[]", 400),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_messages_are_refused(node: Node, method: str, path: str, body: bytes, expected: int) -> None:
    headers = {"Authorization": f"Bearer {node.token}"}
    reply = requests.request(method, f"{node.endpoint}/v1/{path}", data=body, headers=headers, timeout=10)
    assert reply.status_code == expected, reply.text


# -- roles and clusters --------------------------------------------------------------------------------------------


def test_a_registered_cluster_comes_with_roles(node: Node, admin: AuthNClient) -> None:
    clusters = admin.cluster_manager()
    found = clusters.get(cluster_alias=ALIAS)
    assert (found.alias, found.urls) == (ALIAS, [node.endpoint])
    assert clusters.get(cluster_id=found.id) == found == clusters.list().clusters[found.id]
    names = {role.name for role in admin.role_manager().list()}
    assert {"Admin", f"ClusterOwner-{ALIAS}", f"BucketOwner-{ALIAS}", f"Guest-{ALIAS}"} <= names
    with pytest.raises(ErrClusterAlreadyRegistered, match=rf"cluster {found.id}\[again\] already registered"):
        clusters.register("again", [node.endpoint])


def test_clusters_are_changed_and_removed(node: Node, admin: AuthNClient) -> None:
    headers = {"Authorization": f"Bearer {node.token}"}
    body = {"id": "otherUuid", "alias": "other", "urls": ["http://other:1"]}
    assert requests.post(f"{node.endpoint}/v1/clusters", json=body, headers=headers, timeout=10).status_code == 200
    clusters = admin.cluster_manager()
    assert clusters.update("otherUuid", cluster_alias="renamed").urls == ["http://other:1"]
    assert clusters.update("otherUuid", urls=["http://moved:1"]).alias == "renamed"
    with pytest.raises(ErrClusterAlreadyRegistered):
        clusters.update("otherUuid", cluster_alias=ALIAS)
    clusters.delete(cluster_alias="renamed")
    with pytest.raises(ErrClusterNotFound):
        clusters.get(cluster_id="otherUuid")
    with pytest.raises(ErrClusterNotFound):
        clusters.delete(cluster_id="otherUuid")


def test_roles_are_made_changed_and_removed(admin: AuthNClient) -> None:
    roles = admin.role_manager()
    made = roles.create("changing", "first", ALIAS, [AccessAttr.GET])
    assert (made.desc, made.admin, made.buckets) == ("first", False, None)
    assert made.clusters is not None and made.clusters[0].perm == "1"
    with pytest.raises(ErrRoleAlreadyExists):
        roles.create("changing", "again", ALIAS, [AccessAttr.GET])
    roles.update("changing", desc="second")
    roles.update("changing", cluster_alias=ALIAS, perms=[AccessAttr.PUT], bucket_name="one")
    roles.update("changing", cluster_alias=ALIAS, perms=[AccessAttr.GET, AccessAttr.PUT], bucket_name="two")
    roles.update("changing", cluster_alias=ALIAS, perms=[AccessAttr.APPEND], bucket_name="one")
    found = roles.get("changing")
    assert found.desc == "second" and found.clusters == made.clusters and found.buckets is not None
    assert {acl.bck.name: acl.perm for acl in found.buckets} == {"one": "8", "two": "5"}
    roles.delete("changing")
    with pytest.raises(ErrRoleNotFound):
        roles.get("changing")
    with pytest.raises(ErrRoleNotFound):
        roles.delete("changing")


def test_a_changed_role_reaches_its_holders_at_once(node: Node, admin: AuthNClient, user: Login) -> None:
    name, client = user(AccessAttr.GET)
    token = client.client.token
    assert [status(node, token) for _ in range(8)] == [403] * 8
    admin.role_manager().update(name, cluster_alias=ALIAS, perms=[AccessAttr.LIST_BUCKETS])
    assert [status(node, token) for _ in range(8)] == [200] * 8
    admin.role_manager().delete(name)
    assert [status(node, token) for _ in range(8)] == [403] * 8
    admin.role_manager().create(name, "", ALIAS, [AccessAttr.LIST_BUCKETS])
    assert status(node, token) == 403  # a role made anew is nobody's


def test_several_roles_add_up(node: Node, admin: AuthNClient, user: Login) -> None:
    one, client = user(AccessAttr.LIST_BUCKETS)
    two, _ = user(AccessAttr.SHOW_CLUSTER)
    admin.user_manager().update(one, roles=[one, two])
    token = client.client.token
    assert status(node, token) == status(node, token, "/v1/daemon?what=smap") == 200


def test_a_role_may_make_administrators(node: Node, admin: AuthNClient, user: Login) -> None:
    name, client = user(AccessAttr.GET)
    admin.user_manager().update(name, roles=["Admin"])
    assert "admin" in client.user_manager().list()
    assert status(node, client.client.token) == 200


def test_a_token_for_other_clusters_is_refused(node: Node, admin: AuthNClient, user: Login) -> None:
    name, _ = user()
    headers = {"Authorization": f"Bearer {node.token}"}
    role: dict[str, Any] = {"name": "elsewhere", "clusters": [{"id": "elsewhere", "perm": "4096"}]}
    requests.post(f"{node.endpoint}/v1/roles", json=role, headers=headers, timeout=10).raise_for_status()
    admin.user_manager().update(name, roles=["elsewhere"])
    client = AuthNClient(node.endpoint)
    reply = get(node, "/v1/buckets", client.login(name, "secret"))
    assert (reply.status_code, reply.json()["message"]) == (401, "invalid token: it is not for this cluster")
    assert client.user_manager().get(name).id == name
    client.logout()


# -- both doors ----------------------------------------------------------------------------------------------------


def test_a_bucket_acl_decides_before_the_clusters(node: Node, admin: AuthNClient, user: Login) -> None:
    root = Client(node.endpoint, token=node.token)
    name, client = user(AccessAttr.ACCESS_RW)
    admin.role_manager().update(name, cluster_alias=ALIAS, perms=[AccessAttr.ACCESS_RO], bucket_name="authn-narrow")
    mine = Client(node.endpoint, token=client.client.token)
    for bucket in ("authn-narrow", "authn-wide"):
        root.bucket(bucket).create()
        root.bucket(bucket).object("o").get_writer().put_content(b"data")
        assert mine.bucket(bucket).object("o").get_reader().read_all() == b"data"
    mine.bucket("authn-wide").object("o").delete()
    with pytest.raises(AISError, match="insufficient permissions") as refused:
        mine.bucket("authn-narrow").object("o").delete()
    assert refused.value.status_code == 403


def test_an_acl_names_a_bucket_in_its_namespace(node: Node, admin: AuthNClient, user: Login) -> None:
    name, client = user()
    uuid = Client(node.endpoint, token=node.token).cluster().get_uuid()
    bck = {"name": "spaced", "provider": "ais", "namespace": {"uuid": uuid, "name": "ns"}}
    role = {"name": name, "buckets": [{"bck": bck, "perm": str(AccessAttr.BCK_HEAD.value)}]}
    headers = {"Authorization": f"Bearer {node.token}"}
    requests.put(f"{node.endpoint}/v1/roles/{name}", json=role, headers=headers, timeout=10).raise_for_status()
    shown = requests.get(f"{node.endpoint}/v1/roles/{name}", headers=headers, timeout=10).json()
    assert shown["buckets"] == role["buckets"]
    found = []
    for query in ("provider=ais&namespace=@%23ns", "provider=ais"):
        url, create = f"{node.endpoint}/v1/buckets/spaced?{query}", {"action": "create-bck"}
        requests.post(url, json=create, headers=headers, timeout=10).raise_for_status()
        mine = {"Authorization": f"Bearer {client.client.token}"}
        found.append(requests.head(url, headers=mine, timeout=10).status_code)
    assert found == [200, 403]


def test_whoever_makes_a_bucket_owns_it(node: Node, user: Login) -> None:
    _, client = user(AccessAttr.CREATE_BUCKET)
    mine = Client(node.endpoint, token=client.client.token).bucket("authn-owned").create()
    mine.object("o").get_writer().put_content(b"data")
    mine.delete()


def test_authentication_is_switched_off_for_v1_alone(start_node: StartNode) -> None:
    node = start_node("--authentication", "off")
    Client(node.endpoint).bucket("open").create()
    assert status(node, None) == status(node, "nonsense") == 200
    assert status(node, None, "/v1/users") == 401  # users are still an administrator's
    assert requests.get(f"{node.endpoint}/open", timeout=10).status_code == 403
    assert node.client().list_objects_v2(Bucket="open")["KeyCount"] == 0


def test_the_example_of_the_docs_works_as_it_stands_there(start_node: StartNode) -> None:
    node = start_node()
    node.client().create_bucket(Bucket="music")
    node.client().put_object(Bucket="music", Key="song.flac", Body=b"data")
    block = re.search(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert block is not None
    code = block[1].replace("http://127.0.0.1:9000", node.endpoint).replace("root's token", node.token)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_the_service_speaks_tls(secure: Node, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(variable, raising=False)
    admin = AuthNClient(secure.endpoint, ca_cert=str(certificate))
    admin.login("admin", secure.token)
    assert admin.cluster_manager().register("secure", [secure.endpoint]).urls == [secure.endpoint]
    admin.role_manager().create("lister", "", "secure", [AccessAttr.LIST_BUCKETS])
    admin.user_manager().create("alice", ["lister"], "secret")
    alice = AuthNClient(secure.endpoint, ca_cert=str(certificate))
    token = alice.login("alice", "secret")
    assert Client(secure.endpoint, ca_cert=str(certificate), token=token).cluster().list_buckets() is not None
    alice.logout()
    with pytest.raises(AISError, match="token revoked"):
        Client(secure.endpoint, ca_cert=str(certificate), token=token).cluster().list_buckets()
