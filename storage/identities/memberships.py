"""What the roles of a user give to the account of the same name, however it came in."""

from __future__ import annotations

from dataclasses import replace

from storage.access import Principal
from storage.identities.directory import Directory, grants

REMEMBERED = 4096  # accounts


class Memberships:
    """Looked up anew whenever users or roles have changed."""

    def __init__(self, directory: Directory, *, cluster: str) -> None:
        self._directory = directory
        self._cluster = cluster
        self._known: dict[str, tuple[int, Principal]] = {}

    def of(self, principal: Principal, /) -> Principal:
        """The principal with the rights of its roles."""
        version = self._directory.version()  # before what is looked up, so that no change in between is missed
        known = self._known.get(principal.id)
        if known is not None and known[0] == version:
            return known[1]
        user = self._directory.user(principal.id)
        roles = [] if user is None else self._directory.roles_of(user)
        found = replace(principal, grants=grants(roles, self._cluster))
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[principal.id] = version, found
        return found
