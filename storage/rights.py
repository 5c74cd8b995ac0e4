"""AIStore's rights, a bit each: what roles grant, what a bucket's `access` lets through, what an operation takes.

Plain integers rather than an IntFlag, whose operators are a hundred times dearer and lie on the way of every request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

GET: Final = 1 << 0
OBJ_HEAD: Final = 1 << 1
PUT: Final = 1 << 2
APPEND: Final = 1 << 3
OBJ_DELETE: Final = 1 << 4
OBJ_MOVE: Final = 1 << 5
PROMOTE: Final = 1 << 6
OBJ_UPDATE: Final = 1 << 7
BCK_HEAD: Final = 1 << 8
OBJ_LIST: Final = 1 << 9
PATCH: Final = 1 << 10
BCK_SET_ACL: Final = 1 << 11
LIST_BUCKETS: Final = 1 << 12
SHOW_CLUSTER: Final = 1 << 13
CREATE_BUCKET: Final = 1 << 14
DESTROY_BUCKET: Final = 1 << 15
MOVE_BUCKET: Final = 1 << 16
ADMIN: Final = 1 << 17

RO: Final = GET | OBJ_HEAD | BCK_HEAD | OBJ_LIST
RW: Final = RO | PUT | APPEND | OBJ_DELETE | OBJ_MOVE
BUCKET_ADMIN: Final = PATCH | BCK_SET_ACL | OBJ_UPDATE
CLUSTER_RO: Final = LIST_BUCKETS | SHOW_CLUSTER
CLUSTER_RW: Final = CLUSTER_RO | CREATE_BUCKET | DESTROY_BUCKET | MOVE_BUCKET
SU: Final = RW | PROMOTE | BUCKET_ADMIN | CLUSTER_RW | ADMIN
EVERYTHING: Final = 2**64 - 1  # a new bucket's `access`

# Rights over the cluster: an ACL that names a bucket adds to them and takes none of them away.
OF_CLUSTER: Final = CLUSTER_RW | ADMIN

NAMES: Final[Mapping[int, str]] = {
    GET: "GET",
    OBJ_HEAD: "HEAD-OBJECT",
    PUT: "PUT",
    APPEND: "APPEND",
    OBJ_DELETE: "DELETE-OBJECT",
    OBJ_MOVE: "MOVE-OBJECT",
    PROMOTE: "PROMOTE",
    OBJ_UPDATE: "UPDATE-OBJECT",
    BCK_HEAD: "HEAD-BUCKET",
    OBJ_LIST: "LIST-OBJECTS",
    PATCH: "PATCH",
    BCK_SET_ACL: "SET-BUCKET-ACL",
    LIST_BUCKETS: "LIST-BUCKETS",
    SHOW_CLUSTER: "SHOW-CLUSTER",
    CREATE_BUCKET: "CREATE-BUCKET",
    DESTROY_BUCKET: "DESTROY-BUCKET",
    MOVE_BUCKET: "MOVE-BUCKET",
    ADMIN: "ADMIN",
}


def describe(rights: int) -> str:
    """The rights by AIStore's names, "GET,HEAD-OBJECT"."""
    return ",".join(name for right, name in NAMES.items() if rights & right)
