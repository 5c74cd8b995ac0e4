"""Users, the roles they hold, the clusters that roles name, and the tokens that were revoked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

import msgspec

from storage.access import Grants
from storage.catalog import Catalog
from storage.errors import NoSuchIdentity
from storage.identities.entries import Entries
from storage.identities.records import (
    ADMIN,
    ADMIN_ROLE,
    CLUSTER,
    CLUSTERS,
    REVOKED,
    ROLE,
    ROLES,
    USER,
    USERS,
    Role,
    User,
)

BUILT_IN_USER = User(ADMIN, "", (ADMIN_ROLE,))
BUILT_IN_ROLE = Role(ADMIN_ROLE, "AuthN administrator", administrator=True)
OWN_PROVIDER = "ais"
TIDIED = 4  # expired revocations that each new one takes away, so that they do not pile up


class Directory:
    """Read and changed by all processes; every change is durable and seen by all of them when a call returns."""

    def __init__(self, catalog: Catalog, *, clock: Callable[[], int]) -> None:
        self._catalog = catalog
        self._clock = clock
        self.users = Entries(catalog, USERS, USER)
        self.roles = Entries(catalog, ROLES, ROLE)
        self.clusters = Entries(catalog, CLUSTERS, CLUSTER)

    def version(self) -> int:
        """Changes whenever anything here does: what was derived from here holds as long as this is the same."""
        return self._catalog.version()

    def user(self, name: str) -> User | None:
        return self.users.find(name) or (BUILT_IN_USER if name == ADMIN else None)

    def all_users(self) -> dict[str, User]:
        return {ADMIN: BUILT_IN_USER, **self.users.all()}

    def role(self, name: str) -> Role:
        """`NoSuchIdentity`."""
        return BUILT_IN_ROLE if name == ADMIN_ROLE else self.roles.get(name)

    def all_roles(self) -> list[Role]:
        return [BUILT_IN_ROLE, *self.roles.all().values()]

    def roles_of(self, user: User) -> list[Role]:
        """Those of the user's roles that there are."""
        found = (BUILT_IN_ROLE if name == ADMIN_ROLE else self.roles.find(name) for name in user.roles)
        return [role for role in found if role is not None]

    def remove_role(self, name: str) -> None:
        """Take the role away, from its holders first, so that one made later under its name is not theirs;
        `NoSuchIdentity`."""
        self.roles.get(name)
        for holder in [user for user in self.users.all().values() if name in user.roles]:
            try:
                self.users.change(holder.name, lambda user: without(user, name))
            except NoSuchIdentity:
                continue
        self.roles.remove(name)

    def revoke(self, token: str, *, until: int) -> None:
        """From now on `revoked` says so of the token's id, which sorts by the time `until` (ns) which it is good."""
        now = self._clock()
        for old, raw in list(islice(self._catalog.all(REVOKED), TIDIED)):
            if int.from_bytes(raw, "big") < now:
                self._catalog.delete(REVOKED, old)
        self._catalog.put(REVOKED, token, until.to_bytes(8, "big"))

    def revoked(self, token: str) -> bool:
        return self._catalog.get(REVOKED, token) is not None


def without(user: User, role: str) -> User:
    return msgspec.structs.replace(user, roles=tuple(name for name in user.roles if name != role))


def grants(roles: Iterable[Role], cluster: str) -> Grants:
    """What the roles together allow on the cluster of this uuid."""
    everywhere, buckets = 0, dict[str, int]()
    for role in roles:
        for acl in role.clusters:
            if acl.cluster == cluster:
                everywhere |= acl.rights
        for named in role.buckets:
            if (named.cluster, named.provider) == (cluster, OWN_PROVIDER):
                buckets[named.bucket] = buckets.get(named.bucket, 0) | named.rights
    return Grants(everywhere, buckets)
