"""What the catalog keeps of users, roles, clusters and tokens."""

from __future__ import annotations

import msgspec

from storage.records import Codec

# Kinds of the catalog, whose names are the user's, the role's, the cluster's uuid and the token's id.
USERS = "user"
ROLES = "role"
CLUSTERS = "cluster"
REVOKED = "revoked"
AUTHN = "authn"  # single records: the signing key, failed logins

ADMIN = "admin"  # the user that always is, and is root
ADMIN_ROLE = "Admin"


class User(msgspec.Struct, array_like=True, frozen=True):
    """An account that logs in by a password. Its name is the account's id, with S3 keys too."""

    name: str
    password: str  # its hash, see storage.identities.passwords; "": none was set
    roles: tuple[str, ...] = ()
    created: int = 0  # ns


class ClusterAcl(msgspec.Struct, array_like=True, frozen=True):
    """Rights (of storage.rights) on everything in a cluster."""

    cluster: str  # uuid
    rights: int


class BucketAcl(msgspec.Struct, array_like=True, frozen=True):
    """Rights on one bucket of a cluster."""

    cluster: str  # uuid
    provider: str
    bucket: str  # the name under which the cluster keeps it
    rights: int


class Role(msgspec.Struct, array_like=True, frozen=True):
    """Rights under a name, for users to hold."""

    name: str
    description: str = ""
    clusters: tuple[ClusterAcl, ...] = ()
    buckets: tuple[BucketAcl, ...] = ()
    administrator: bool = False  # whoever holds it may do everything


class Cluster(msgspec.Struct, array_like=True, frozen=True):
    """A cluster that roles may name; this node is one, once it is registered."""

    id: str  # uuid
    alias: str = ""
    urls: tuple[str, ...] = ()


USER = Codec(User)
ROLE = Codec(Role)
CLUSTER = Codec(Cluster)
