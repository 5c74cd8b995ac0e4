"""Who may do what: one pure decision for both doors, in AIStore's rights.

A bucket and everything in it belong to the account that created it. Others get in by the roles that they hold. What the
bucket's own `access` property closes is closed to all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from storage.properties import access
from storage.records import Bucket
from storage.rights import OF_CLUSTER


@dataclass(frozen=True, slots=True)
class Grants:
    """The rights that somebody's roles give: on the whole cluster, and on single buckets by their names."""

    cluster: int = 0
    buckets: Mapping[str, int] = field(default_factory=dict, hash=False)

    def on(self, bucket: Bucket) -> int:
        """The rights on a bucket: where a role names it, that decides, but for the rights over the cluster."""
        named = self.buckets.get(bucket.name)
        return self.cluster if named is None else named | self.cluster & OF_CLUSTER


NOTHING = Grants()


@dataclass(frozen=True, slots=True)
class Principal:
    """An account as both protocols see it."""

    id: str  # canonical user id
    name: str  # display name
    email: str = ""
    administrator: bool = False  # came as the node's administrator: may do everything through the native door
    beyond: int = 0  # the rights that no bucket's `access` takes away
    grants: Grants = NOTHING


def decide(principal: Principal | None, right: int, bucket: Bucket) -> bool:
    """Whether `principal` (None: anonymous) has the right, or all of several, on the bucket or an object in it."""
    if principal is None:
        return False
    if bucket.properties and right & ~access(bucket) & ~principal.beyond:
        return False
    if principal.id == bucket.owner or principal.administrator:
        return True
    return not right & ~principal.grants.on(bucket)


def decide_on_cluster(principal: Principal, right: int) -> bool:
    """Whether `principal` has the right, or all of several, over the whole cluster."""
    return principal.administrator or not right & ~principal.grants.cluster
