"""The users: listed, seen, added, changed, removed."""

from __future__ import annotations

import msgspec

from nativeapi.authn.documents import RoleDocument, UserDocument, nice, read, user_document
from nativeapi.authn.service import Authn
from nativeapi.authn.tokens import Holder
from nativeapi.call import EMPTY, Call, Reply, json_reply
from nativeapi.errors import NativeError
from storage.errors import IdentityExists, NoSuchIdentity
from storage.identities.directory import BUILT_IN_USER
from storage.identities.records import ADMIN, USERS, User


def list_users(authn: Authn, call: Call, caller: Holder, name: str) -> Reply:
    """The users with their roles, by name."""
    directory = authn.directory
    found = directory.all_users()
    return json_reply({user.name: user_document(user, directory.roles_of(user)) for user in found.values()})


def get_user(authn: Authn, call: Call, caller: Holder, name: str) -> Reply:
    """The user with its roles."""
    user = authn.directory.user(name)
    if user is None:
        raise NoSuchIdentity(USERS, name)
    return json_reply(user_document(user, authn.directory.roles_of(user)))


def add_user(authn: Authn, call: Call, caller: Holder, name: str) -> Reply:
    """Add a user, with a password and roles that there are."""
    asked = read(call, UserDocument)
    added = nice(asked.id, "user")
    if added in (ADMIN, authn.tokens.root.id):
        raise IdentityExists(USERS, added)
    roles = held(authn, asked.roles)
    password = authn.passwords.hash(given(asked.password or ""))
    authn.directory.users.add(added, User(added, password, roles, authn.clock()))
    return EMPTY


def update_user(authn: Authn, call: Call, caller: Holder, name: str) -> Reply:
    """A new password, new roles, or both; what is left out stays."""
    asked = read(call, UserDocument)
    if asked.roles and not caller.principal.administrator:
        raise NativeError(401, "not authorized: requires admin")
    if asked.roles and name == ADMIN:
        raise NativeError(403, f'the roles of user "{ADMIN}" cannot be changed')
    password = authn.passwords.hash(given(asked.password)) if asked.password else ""
    roles = held(authn, asked.roles)

    def changed(user: User) -> User:
        return msgspec.structs.replace(user, password=password or user.password, roles=roles or user.roles)

    authn.directory.users.change(name, changed, absent=BUILT_IN_USER if name == ADMIN else None)
    return EMPTY


def remove_user(authn: Authn, call: Call, caller: Holder, name: str) -> Reply:
    """Remove a user: its tokens are refused from now on."""
    if name == ADMIN:
        raise NativeError(403, f'user "{ADMIN}" cannot be removed')
    authn.directory.users.remove(name)
    return EMPTY


def given(password: str) -> str:
    if not password.strip():
        raise NativeError(400, "password is empty")
    return password


def held(authn: Authn, roles: list[RoleDocument] | None) -> tuple[str, ...]:
    """The names of the roles, each of which there is."""
    return tuple(dict.fromkeys(authn.directory.role(role.name).name for role in roles or ()))
