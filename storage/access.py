"""Who may do what: one pure decision for both doors.

Today a bucket and everything in it belong to the account that created the bucket, and nobody else gets in; the rows
that later widen this (policies, ACLs, public access) extend `decide` alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from storage.records import Bucket


@dataclass(frozen=True, slots=True)
class Principal:
    """An account as both protocols see it."""

    id: str  # canonical user id
    name: str  # display name
    email: str = ""
    administrator: bool = False  # came with the node's administrator token: may do everything through the native door


def decide(principal: Principal | None, action: str, bucket: Bucket) -> bool:
    """Whether `principal` (None: anonymous) may perform `action` ("s3:GetObject") on the bucket or an object in it."""
    if principal is None:
        return False
    return principal.administrator or principal.id == bucket.owner
