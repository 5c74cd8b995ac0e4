"""How operations are declared: by the name that the vendor's model gives them, and the action that must be allowed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from s3api.call import ETL_ARGS_HEADER, ETL_NAME_HEADER, Call
from s3api.model import OPERATIONS, Operation
from s3api.reply import Reply
from storage import rights

Handler = Callable[[Call], Reply]


class Subject(Enum):
    """What the action of an operation is decided on."""

    ACCOUNT = "the caller's own account: any account may"
    BUCKET = "the bucket, which must exist"


@dataclass(frozen=True, slots=True)
class Declared:
    operation: Operation
    allow: str  # "s3:GetObject"
    right: int  # what it is among AIStore's rights, which roles and a bucket's `access` speak of
    subject: Subject
    refused: frozenset[str]  # headers of the model that ask for something which is not built
    handler: Handler


# Understood, or true of every bucket, whatever the operation.
HARMLESS_HEADERS: Final = frozenset(
    {
        "x-amz-bypass-governance-retention",  # nothing is locked
        "x-amz-expected-bucket-owner",
        "x-amz-source-expected-bucket-owner",
        "x-amz-mfa",  # no bucket asks for it
        "x-amz-optional-object-attributes",  # nothing is archived
        "x-amz-request-payer",  # no bucket has requester pays
    }
)

# Not the model's: refused like those of the model where an operation does not understand them.
OWN_HEADERS: Final = frozenset({ETL_NAME_HEADER, ETL_ARGS_HEADER})

# AIStore's right for each action, and for the operations whose right is narrower than their action's.
RIGHTS: Final[Mapping[str, int]] = {
    "s3:AbortMultipartUpload": rights.PUT,
    "s3:CreateBucket": rights.CREATE_BUCKET,
    "s3:DeleteBucket": rights.DESTROY_BUCKET,
    "s3:DeleteObject": rights.OBJ_DELETE,
    "s3:GetBucketLocation": rights.BCK_HEAD,
    "s3:GetObject": rights.GET,
    "s3:ListAllMyBuckets": rights.LIST_BUCKETS,
    "s3:ListBucket": rights.OBJ_LIST,
    "s3:ListBucketMultipartUploads": rights.OBJ_LIST,
    "s3:ListMultipartUploadParts": rights.OBJ_LIST,
    "s3:PutObject": rights.PUT,
}
NARROWER: Final[Mapping[str, int]] = {"HeadBucket": rights.BCK_HEAD, "HeadObject": rights.OBJ_HEAD}

_declared: dict[str, Declared] = {}
DECLARED: Final[Mapping[str, Declared]] = _declared


def operation(
    name: str, *, allow: str, subject: Subject = Subject.BUCKET, headers: frozenset[str] = frozenset()
) -> Callable[[Handler], Handler]:
    """Declare the decorated function as the handler of an operation; once, and only under a name of the model.

    `headers` are the x-amz-* headers that it understands; others of the model's, and our own, are refused with 501
    before it is called.
    """

    def declare(handler: Handler) -> Handler:
        model = OPERATIONS[name]
        known = model.headers | OWN_HEADERS
        unknown = headers - known
        if name in _declared or unknown:
            raise ValueError(f"{name} is declared twice, or the model does not know its headers {sorted(unknown)}")
        refused = {header for header in known - headers - HARMLESS_HEADERS if header.startswith("x-amz-")}
        right = NARROWER.get(name) or RIGHTS[allow]
        _declared[name] = Declared(model, allow, right, subject, frozenset(refused), handler)
        return handler

    return declare
