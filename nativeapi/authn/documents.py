"""Users, roles and clusters as AuthN's clients write and read them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from nativeapi.bucket_name import BucketName
from nativeapi.call import UNREADABLE, Call
from nativeapi.errors import NativeError
from nativeapi.names import OWN
from storage.identities.records import BucketAcl, Cluster, ClusterAcl, Role, User

NICE = re.compile(r"[A-Za-z0-9_-]{1,128}")
RIGHTS_LIMIT = 2**64
LARGEST = 1024 * 1024  # bytes of a message, which strangers may send, too


class Namespace(msgspec.Struct):
    uuid: str = ""
    name: str = ""


class BucketReference(msgspec.Struct):
    name: str
    provider: str = ""
    namespace: Namespace | None = None


class BucketPermission(msgspec.Struct):
    bck: BucketReference
    perm: int | str = 0


class ClusterPermission(msgspec.Struct):
    id: str
    perm: int | str = 0


class RoleDocument(msgspec.Struct):
    name: str = ""
    desc: str = ""
    clusters: list[ClusterPermission] | None = None
    buckets: list[BucketPermission] | None = None
    admin: bool = False


class UserDocument(msgspec.Struct):
    id: str = ""
    password: str | None = msgspec.field(default=None, name="pass")
    roles: list[RoleDocument] | None = None


class ClusterDocument(msgspec.Struct):
    id: str = ""
    alias: str | None = None
    urls: list[str] | None = None


class LoginDocument(msgspec.Struct):
    password: str = ""
    expires_in: int | None = None  # ns


class TokenDocument(msgspec.Struct):
    token: str = ""
    tokens: list[str] = []


Document = TypeVar("Document", bound=msgspec.Struct)


def read(call: Call, kind: type[Document]) -> Document:
    """The request's body; 400 when it is no such document."""
    try:
        return msgspec.json.decode(call.body(LARGEST) or b"{}", type=kind)
    except UNREADABLE as error:
        raise NativeError(400, f"failed to unmarshal the message: {error}") from error


def nice(name: str, what: str) -> str:
    """The name; 400 unless it is of letters, digits, dashes and underscores."""
    if not NICE.fullmatch(name):
        raise NativeError(
            400, f'{what} name "{name}" is invalid: may only contain letters, numbers, dashes (-), and underscores (_)'
        )
    return name


def rights_of(perm: int | str) -> int:
    """Rights from their decimal number; 400."""
    text = str(perm)
    if not (text.isascii() and text.isdigit() and len(text) <= 20 and int(text) < RIGHTS_LIMIT):
        raise NativeError(400, f'invalid permissions "{text[:40]}": expecting a decimal number of 64 bits')
    return int(text)


def cluster_acls(document: RoleDocument, ids: Mapping[str, str]) -> tuple[ClusterAcl, ...]:
    """`ids` are the uuids of clusters by their aliases."""
    return tuple(ClusterAcl(ids.get(acl.id, acl.id), rights_of(acl.perm)) for acl in document.clusters or ())


def bucket_acls(document: RoleDocument, ids: Mapping[str, str]) -> tuple[BucketAcl, ...]:
    return tuple(bucket_acl(acl, ids) for acl in document.buckets or ())


def bucket_acl(acl: BucketPermission, ids: Mapping[str, str]) -> BucketAcl:
    where = acl.bck.namespace or Namespace()
    cluster = ids.get(where.uuid, where.uuid)
    bucket = BucketName(acl.bck.name, where.name).stored
    return BucketAcl(cluster, acl.bck.provider or OWN, bucket, rights_of(acl.perm))


def bucket_permission(acl: BucketAcl) -> dict[str, Any]:
    bucket = BucketName.of(acl.bucket)
    namespace = {"uuid": acl.cluster, "name": bucket.namespace}
    return {
        "bck": {"name": bucket.name, "provider": acl.provider, "namespace": namespace},
        "perm": str(acl.rights),
    }


def role_document(role: Role) -> dict[str, Any]:
    return {
        "name": role.name,
        "desc": role.description,
        "clusters": [{"id": acl.cluster, "perm": str(acl.rights)} for acl in role.clusters] or None,
        "buckets": [bucket_permission(acl) for acl in role.buckets] or None,
        "admin": role.administrator,
    }


def user_document(user: User, roles: list[Role]) -> dict[str, Any]:
    return {"id": user.name, "roles": [role_document(role) for role in roles]}


def cluster_document(cluster: Cluster) -> dict[str, Any]:
    return {"id": cluster.id, "alias": cluster.alias, "urls": cluster.urls}
