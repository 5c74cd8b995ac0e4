"""The AuthN service's paths under /v1: users, roles, clusters, tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import msgspec

from nativeapi.authn import clusters, roles, sessions, users
from nativeapi.authn.documents import ClusterDocument, LoginDocument, RoleDocument, TokenDocument, UserDocument
from nativeapi.authn.service import Authn
from nativeapi.authn.tokens import Holder, bearer
from nativeapi.call import Call, Reply
from nativeapi.errors import NativeError
from nativeapi.native import Native, method_not_allowed
from storage.access import Principal

Handler = Callable[[Authn, Call, Holder, str], Reply]

NOBODY = Holder("", Principal("", ""))


class Who(Enum):
    """Who may make a call."""

    ANYBODY = "without a token: what is in the body must do"
    USER = "whoever has a token"
    SELF = "the user whom the path names, and administrators"
    ADMINISTRATOR = "administrators"


@dataclass(frozen=True, slots=True)
class AuthnRoute:
    """A row: a method and the path after /v1, where `*` stands for a name."""

    method: str
    path: tuple[str, ...]
    operation: str
    who: Who
    handler: Handler
    message: type[msgspec.Struct] | None = None  # what the body is


ROUTES = (
    AuthnRoute("POST", ("users", "*"), "Login", Who.ANYBODY, sessions.login, LoginDocument),
    AuthnRoute("DELETE", ("tokens",), "RevokeToken", Who.ANYBODY, sessions.revoke, TokenDocument),
    AuthnRoute("GET", ("users",), "ListUsers", Who.ADMINISTRATOR, users.list_users),
    AuthnRoute("GET", ("users", "*"), "GetUser", Who.SELF, users.get_user),
    AuthnRoute("POST", ("users",), "AddUser", Who.ADMINISTRATOR, users.add_user, UserDocument),
    AuthnRoute("PUT", ("users", "*"), "UpdateUser", Who.SELF, users.update_user, UserDocument),
    AuthnRoute("DELETE", ("users", "*"), "RemoveUser", Who.ADMINISTRATOR, users.remove_user),
    AuthnRoute("GET", ("roles",), "ListRoles", Who.USER, roles.list_roles),
    AuthnRoute("GET", ("roles", "*"), "GetRole", Who.USER, roles.get_role),
    AuthnRoute("POST", ("roles",), "AddRole", Who.ADMINISTRATOR, roles.add_role, RoleDocument),
    AuthnRoute("PUT", ("roles", "*"), "UpdateRole", Who.ADMINISTRATOR, roles.update_role, RoleDocument),
    AuthnRoute("DELETE", ("roles", "*"), "RemoveRole", Who.ADMINISTRATOR, roles.remove_role),
    AuthnRoute("GET", ("clusters",), "ListClusters", Who.USER, clusters.list_clusters),
    AuthnRoute("GET", ("clusters", "*"), "GetCluster", Who.USER, clusters.get_cluster),
    AuthnRoute("POST", ("clusters",), "RegisterCluster", Who.ADMINISTRATOR, clusters.register, ClusterDocument),
    AuthnRoute("PUT", ("clusters", "*"), "UpdateCluster", Who.ADMINISTRATOR, clusters.update_cluster, ClusterDocument),
    AuthnRoute("DELETE", ("clusters", "*"), "RemoveCluster", Who.ADMINISTRATOR, clusters.remove_cluster),
)
PATHS = {row.path for row in ROUTES}
BY_PATH = {(path[0], len(path)): {row.method: row for row in ROUTES if row.path == path} for path in PATHS}


def answer(native: Native, call: Call) -> Reply:
    call.log("authn.Unknown")
    items = call.items()
    found = BY_PATH.get((items[0], len(items)))
    if found is None:
        raise NativeError(400, f"invalid request URI: '{call.method} {call.path}'")
    row = found.get(call.method)
    if row is None:
        return method_not_allowed(list(found))
    name = items[1] if len(items) > 1 else ""
    call.log(f"authn.{row.operation}", key=name)
    return row.handler(native.authn, call, admit(native.authn, call, row.who, name), name)


def admit(authn: Authn, call: Call, who: Who, name: str) -> Holder:
    """The caller; 401 unless it is one who may."""
    if who is Who.ANYBODY:
        return NOBODY
    caller = authn.tokens.holder(bearer(call.header(b"authorization")))
    call.environ["sluice.account"] = caller.principal.id
    himself = who is Who.SELF and caller.user == name
    if who is not Who.USER and not himself and not caller.principal.administrator:
        raise NativeError(401, "not authorized: requires admin")
    return caller
