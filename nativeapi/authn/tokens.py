"""Bearer tokens: root's own, and JSON Web Tokens that a login issues.

A token says who its holder is; what the holder may do is looked up, so that a changed role or a removed user counts for
tokens in use, too. The claims repeat the rights of the moment of the login, for those who read tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

from joserfc import jwt
from joserfc.errors import JoseError

from nativeapi.authn.documents import bucket_permission
from nativeapi.authn.keys import ALGORITHM, SigningKey
from nativeapi.errors import NativeError
from storage.access import Principal
from storage.identities.directory import Directory, grants
from storage.identities.records import ADMIN, Role, User

BEARER = "bearer "
SECOND = 1_000_000_000  # ns
MINUTE = 60 * SECOND
USUAL = 24 * 60 * MINUTE  # how long a token is good unless the login asks otherwise
LONGEST = 30 * USUAL
REMEMBERED = 4096  # verified tokens
NAMED_BUCKETS = 64  # as many ACLs fit in a token that is sent as a header


class Keyring(Protocol):
    """Who holds the node's own token."""

    def token(self, token: str, /) -> Principal | None:
        """The principal of the token, compared in constant time; None when nobody's."""
        ...


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a token stands for."""

    user: str
    principal: Principal
    audience: tuple[str, ...] = ()  # uuids of the clusters that the token is for; none: any
    id: str = ""  # of the token; "": it is the node's own and cannot be revoked
    issued: int = 0  # ns
    expires: int = 0  # ns


class Seen(NamedTuple):
    """A token whose signature was right, and the directory's version when its holder was looked up."""

    holder: Holder
    version: int


class Tokens:
    """Issues, verifies and revokes. `root` is the node's administrator, `cluster` the uuid of this cluster."""

    def __init__(
        self,
        directory: Directory,
        key: SigningKey,
        keyring: Keyring,
        *,
        root: Principal,
        cluster: str,
        clock: Callable[[], int],
        random: Callable[[int], bytes],
    ) -> None:
        self._directory = directory
        self._key = key
        self._keyring = keyring
        self.root = root
        self._cluster = cluster
        self._clock = clock
        self._random = random
        self._seen: dict[str, Seen] = {}

    def admit(self, authorization: str) -> Principal:
        """Who may use this cluster by an Authorization header; 401."""
        token = bearer(authorization)
        root = self._keyring.token(token)
        if root is not None:
            return root
        holder = self._holder(token)
        if holder.audience and self._cluster not in holder.audience:
            raise NativeError(401, "invalid token: it is not for this cluster")
        return holder.principal

    def holder(self, token: str) -> Holder:
        """Whose token it is, whatever cluster it is for; 401."""
        root = self._keyring.token(token)
        return self._holder(token) if root is None else Holder(ADMIN, root)

    def issue(self, user: User, lifetime: int, issuer: str) -> str:
        """A token for the user, good for `lifetime` ns."""
        now = self._clock()
        expires = (now + lifetime) // SECOND
        claims = {
            "sub": user.name,
            "iss": issuer,
            "iat": now // SECOND,
            "exp": expires,
            "jti": f"{expires:010x}-{self._random(12).hex()}",
            **self._claims_of(self._directory.roles_of(user)),
        }
        return jwt.encode({"alg": ALGORITHM, "kid": self._key.id}, claims, self._key.pair)

    def revoke(self, token: str) -> None:
        """401 unless it is a token that could still be used."""
        holder = self.holder(token)
        if not holder.id:
            raise NativeError(401, "invalid token: root's own is revoked by a new one in its place")
        self._directory.revoke(holder.id, until=holder.expires)

    def principal(self, user: User) -> Principal:
        """The user as both doors know it."""
        if user.name == ADMIN:
            return self.root
        roles = self._directory.roles_of(user)
        if any(role.administrator for role in roles):
            return Principal(user.name, user.name, administrator=True, beyond=self.root.beyond)
        return Principal(user.name, user.name, grants=grants(roles, self._cluster))

    def _holder(self, token: str) -> Holder:
        seen = self._seen.get(token)
        version = self._directory.version()  # before what is looked up, so that no change in between is missed
        if seen is None or seen.version != version:
            holder = self._verified(token) if seen is None else seen.holder
            seen = Seen(self._looked_up(holder), version)
            if len(self._seen) >= REMEMBERED:
                self._seen.clear()
            self._seen[token] = seen
        if seen.holder.expires <= self._clock():
            raise NativeError(401, "invalid token: it has expired")
        return seen.holder

    def _verified(self, token: str) -> Holder:
        try:
            claims = jwt.decode(token, self._key.pair, algorithms=[ALGORITHM]).claims
            user, times = claims["sub"], (int(claims["iat"]) * SECOND, int(claims["exp"]) * SECOND)
            return Holder(user, Principal(user, user), tuple(claims["aud"]), claims["jti"], *times)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise NativeError(401, "invalid token") from error

    def _looked_up(self, holder: Holder) -> Holder:
        """The holder with the rights of now; 401 when the token was revoked, or the user removed."""
        if self._directory.revoked(holder.id):
            raise NativeError(401, "token revoked")
        user = self._directory.user(holder.user)
        if user is None or holder.issued + SECOND <= user.created:
            raise NativeError(401, f"invalid token: {holder.user}, whom it was issued to, was removed")
        return replace(holder, principal=self.principal(user))

    def _claims_of(self, roles: list[Role]) -> dict[str, Any]:
        clusters: dict[str, int] = {}
        for acl in (acl for role in roles for acl in role.clusters):
            clusters[acl.cluster] = clusters.get(acl.cluster, 0) | acl.rights
        buckets = [acl for role in roles for acl in role.buckets]
        administrator = any(role.administrator for role in roles)
        named = {*clusters, *(acl.cluster for acl in buckets)}
        return {
            "aud": sorted(named | {self._cluster}) if administrator else sorted(named),
            "admin": administrator,
            "clusters": [{"id": cluster, "perm": str(rights)} for cluster, rights in clusters.items()],
            "buckets": [bucket_permission(acl) for acl in buckets[:NAMED_BUCKETS]],
        }


def bearer(authorization: str) -> str:
    """The token of an Authorization header; 401 when there is none."""
    if not authorization:
        raise NativeError(401, "token required")
    if not authorization.lower().startswith(BEARER):
        raise NativeError(401, "invalid token: expecting 'Authorization: Bearer TOKEN'")
    return authorization[len(BEARER) :].strip()


class Tokenless:
    """Admits everybody as one principal, where authentication is switched off."""

    def __init__(self, everybody: Principal) -> None:
        self._everybody = everybody

    def admit(self, authorization: str) -> Principal:
        return self._everybody
