"""Who may do what, the same through both doors: ownership, roles, a bucket's `access`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aistore import Client
from aistore.sdk.authn import AuthNClient
from aistore.sdk.authn.access_attr import AccessAttr as A
from aistore.sdk.errors import AISError
from botocore.exceptions import ClientError

from storage.access import Grants, Principal, decide, decide_on_cluster
from storage.identities.directory import grants
from storage.identities.records import BucketAcl, Role
from storage.properties import ACCESS
from storage.records import Bucket
from storage.rights import ADMIN, BCK_SET_ACL, EVERYTHING, GET, LIST_BUCKETS, OBJ_DELETE, PATCH, PUT, RO, RW, SU
from tests.conftest import StartNode
from tests.node import Node

ALICES = Bucket(1, "alices", "alice", 0)
CLOSED = Bucket(2, "closed", "alice", 0, properties={ACCESS: EVERYTHING & ~(PUT | PATCH)})
ALICE = Principal("alice", "alice")
ROOT = Principal("root", "root", administrator=True, beyond=PATCH | BCK_SET_ACL)


def test_an_owner_may_do_everything_and_a_stranger_nothing() -> None:
    assert decide(ALICE, SU, ALICES)
    assert not decide(Principal("bob", "bob"), GET, ALICES)
    assert not decide(None, GET, ALICES)
    assert not decide_on_cluster(ALICE, LIST_BUCKETS)


def test_of_several_rights_all_are_needed() -> None:
    bob = Principal("bob", "bob", grants=Grants(RW & ~PUT))
    assert decide(bob, GET | OBJ_DELETE, ALICES) and not decide(bob, GET | PUT, ALICES)


def test_where_a_role_names_a_bucket_it_decides_but_for_rights_over_the_cluster() -> None:
    bob = Principal("bob", "bob", grants=Grants(RW | ADMIN, {"alices": RO}))
    assert decide(bob, RO | ADMIN, ALICES) and not decide(bob, PUT, ALICES)
    assert decide(bob, PUT, Bucket(3, "others", "alice", 0))


def test_a_role_names_a_bucket_in_its_namespace() -> None:
    role = Role("guest", buckets=(BucketAcl("c1", "ais", "#ns/alices", RO), BucketAcl("c2", "ais", "alices", RW)))
    bob = Principal("bob", "bob", grants=grants([role], "c1"))
    assert decide(bob, RO, Bucket(4, "#ns/alices", "alice", 0)) and not decide(bob, RO, ALICES)


def test_what_access_closes_is_closed_to_owners_and_administrators_who_can_open_it_again() -> None:
    for principal in (ALICE, ROOT):
        assert decide(principal, GET, CLOSED) and not decide(principal, PUT, CLOSED)
        assert not decide(principal, PUT | PATCH, CLOSED)
    assert decide(ROOT, PATCH | BCK_SET_ACL, CLOSED) and not decide(ALICE, PATCH, CLOSED)


ACCOUNTS = """
[[account]]
id = "alice"
keys = [{access = "ALICEKEY", secret = "alice-secret"}]
"""


@pytest.fixture
def shared(tmp_path: Path, start_node: StartNode) -> Node:
    """A node with the account alice, whose AuthN user has the role `readers`, and root's bucket with an object."""
    accounts = tmp_path / "accounts.toml"
    accounts.write_text(ACCOUNTS)
    accounts.chmod(0o600)
    node = start_node("--workers", "2", "--identities", str(accounts))
    root = node.client()
    root.create_bucket(Bucket="shared")
    root.put_object(Bucket="shared", Key="o", Body=b"data")
    return node


def refused(call: Callable[[], Any]) -> bool:
    try:
        call()
    except ClientError as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        return True
    except AISError as error:
        assert error.status_code == 403
        return True
    return False


def test_a_users_roles_open_the_buckets_of_others_through_both_doors_at_once(shared: Node) -> None:
    alice = shared.client(access_key="ALICEKEY", secret_key="alice-secret")
    authn = AuthNClient(shared.endpoint, token=shared.token)
    authn.cluster_manager().register("here", [shared.endpoint])
    for _ in range(8):
        assert refused(lambda: alice.get_object(Bucket="shared", Key="o"))
    authn.role_manager().create("readers", "", "here", [A.GET, A.OBJ_LIST], bucket_name="shared")
    authn.user_manager().create("alice", ["readers"], "secret")
    token = AuthNClient(shared.endpoint).login("alice", "secret")
    native = Client(shared.endpoint, token=token).bucket("shared")
    for _ in range(8):
        assert alice.get_object(Bucket="shared", Key="o")["Body"].read() == b"data"
        assert native.object("o").get_reader().read_all() == b"data"
        assert [row["Key"] for row in alice.list_objects_v2(Bucket="shared")["Contents"]] == ["o"]
        assert refused(lambda: alice.put_object(Bucket="shared", Key="o", Body=b""))
        assert refused(lambda: alice.head_object(Bucket="shared", Key="o"))
        assert refused(lambda: native.object("o").get_writer().put_content(b""))
        assert refused(lambda: native.object("o").head())
    alice.create_bucket(Bucket="alices")
    alice.copy_object(Bucket="alices", Key="copy", CopySource="shared/o")
    Client(shared.endpoint, token=token).bucket("alices").object("copy").delete()
    authn.user_manager().delete("alice")
    for _ in range(8):
        assert refused(lambda: alice.get_object(Bucket="shared", Key="o"))
    alice.list_objects_v2(Bucket="alices")


def test_a_buckets_access_closes_both_doors(shared: Node) -> None:
    root, native = shared.client(), Client(shared.endpoint, token=shared.token).bucket("shared")
    client = Client(shared.endpoint, token=shared.token)
    for access, read, write in ((EVERYTHING & ~PUT, True, False), (EVERYTHING & ~GET, False, True)):
        message = {"action": "set-bprops", "name": "", "value": {"access": str(access)}}
        client._request_client.request("PATCH", path="buckets/shared", json=message)
        for _ in range(4):
            assert refused(lambda: root.get_object(Bucket="shared", Key="o")) is not read
            assert refused(lambda: native.object("o").get_reader().read_all()) is not read
            assert refused(lambda: root.put_object(Bucket="shared", Key="o", Body=b"x")) is not write
            assert refused(lambda: native.object("o").get_writer().put_content(b"x")) is not write
