"""The roles: listed, seen, added, changed, removed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from nativeapi.authn.documents import RoleDocument, bucket_acls, cluster_acls, nice, read, role_document
from nativeapi.authn.service import Authn
from nativeapi.authn.tokens import Holder
from nativeapi.call import EMPTY, Call, Reply, json_reply
from nativeapi.errors import NativeError
from storage.errors import IdentityExists
from storage.identities.records import ADMIN_ROLE, ROLES, Role

Acl = TypeVar("Acl")


def list_roles(authn: Authn, call: Call, caller: Holder, name: str) -> Reply:
    """All roles."""
    return json_reply([role_document(role) for role in authn.directory.all_roles()])


def get_role(authn: Authn, call: Call, caller: Holder, name: str) -> Reply:
    """The role."""
    return json_reply(role_document(authn.directory.role(name)))


def add_role(authn: Authn, call: Call, caller: Holder, name: str) -> Reply:
    """Add a role."""
    asked = read(call, RoleDocument)
    added = nice(asked.name, "role")
    if added == ADMIN_ROLE:
        raise IdentityExists(ROLES, added)
    ids = uuids(authn)
    role = Role(added, asked.desc, cluster_acls(asked, ids), bucket_acls(asked, ids), asked.admin)
    authn.directory.roles.add(added, role)
    return EMPTY


def update_role(authn: Authn, call: Call, caller: Holder, name: str) -> Reply:
    """New ACLs take the place of those for the same cluster or bucket; others stay. Whoever holds the role has the
    changed rights at once."""
    asked = read(call, RoleDocument)
    refuse_built_in(name)
    ids = uuids(authn)
    clusters, buckets = cluster_acls(asked, ids), bucket_acls(asked, ids)

    def changed(role: Role) -> Role:
        return Role(
            role.name,
            asked.desc or role.description,
            merged(role.clusters, clusters, lambda acl: acl.cluster),
            merged(role.buckets, buckets, lambda acl: (acl.cluster, acl.provider, acl.bucket)),
            role.administrator,
        )

    authn.directory.roles.change(name, changed)
    return EMPTY


def remove_role(authn: Authn, call: Call, caller: Holder, name: str) -> Reply:
    """Remove a role: whoever holds it has its rights no longer."""
    refuse_built_in(name)
    authn.directory.remove_role(name)
    return EMPTY


def refuse_built_in(name: str) -> None:
    if name == ADMIN_ROLE:
        raise NativeError(403, f'role "{name}" is built in')


def uuids(authn: Authn) -> dict[str, str]:
    """The clusters' uuids by their aliases, which may stand for them."""
    return {cluster.alias: cluster.id for cluster in authn.directory.clusters.all().values() if cluster.alias}


def merged(old: Iterable[Acl], new: Iterable[Acl], named: Callable[[Acl], Hashable]) -> tuple[Acl, ...]:
    return tuple({named(acl): acl for acl in (*old, *new)}.values())
