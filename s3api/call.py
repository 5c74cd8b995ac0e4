"""What a handler is given: the request that was authenticated and allowed, and the services it may use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec

from s3api.auth import Authenticated
from s3api.bucket_names import is_bucket_name
from s3api.body import payload, read_whole
from s3api.checksums import Integrity, integrity
from s3api.errors import S3Error, codes
from s3api.model import Operation
from s3api.reader import LARGEST_BODY, Members, read_members
from s3api.request import Body, Request
from storage.access import Principal, decide
from storage.pace import Pace
from storage.payload import Payload
from storage.records import Bucket
from storage.source import Opener
from storage.store import Store

NATIVE_NAME = "S3 allows no bucket of this name. The bucket can be reached through the native API."
ETL_NAME = "etl_name"
ETL_ARGS = "etl_args"
ETL_PIPELINE = "etl_pipeline"
ETL_NAME_HEADER = "x-amz-etl-name"  # this server's own; for clients that cannot put parameters behind a copy's source
ETL_ARGS_HEADER = "x-amz-etl-args"


class Lenses(Protocol):
    """Objects seen through transforms; package etl has them."""

    def open(self, name: str, args: str, principal: Principal, /) -> Opener:
        """What opens objects through the transform `name`; `etl.errors` when it does not run."""
        ...


class Memberships(Protocol):
    """The roles that accounts hold."""

    def of(self, principal: Principal, /) -> Principal:
        """The principal with what its roles grant."""
        ...


@dataclass(frozen=True, slots=True)
class Service:
    """What the operations work with, for the life of the process."""

    store: Store
    lenses: Lenses
    memberships: Memberships
    pace: Pace
    region: str
    bucket_defaults: str  # "classic" or "aws2023"
    reserved_names: frozenset[str]  # paths of the node that a bucket would hide, or be hidden by
    clock: Callable[[], int]  # ns since the epoch

    def names(self, bucket: str) -> bool:
        """Whether S3 knows buckets of this name; the native API has others."""
        return is_bucket_name(bucket) and bucket not in self.reserved_names

    def bucket(self, name: str) -> Bucket:
        """The bucket; `NoSuchBucket`, and InvalidBucketName for one that only the native API can name."""
        found = self.store.buckets.get(name)
        if not self.names(name):
            raise S3Error(codes.InvalidBucketName, NATIVE_NAME, BucketName=name)
        return found

    def authorise(self, principal: Principal, right: int, bucket: Bucket) -> None:
        """AccessDenied unless the account has this right (of storage.rights), its own or by its roles, which are
        looked up for the buckets of others alone."""
        if not decide(principal, right, bucket) and not decide(self.memberships.of(principal), right, bucket):
            raise S3Error(codes.AccessDenied)


NO_BUCKET = Bucket(0, "", "", 0)  # stands where an operation is decided on the account


class Call(msgspec.Struct, frozen=True):
    """One request in its handler."""

    service: Service
    request: Request
    body: Body  # nothing has been read from it
    operation: Operation
    signed: Authenticated
    bucket: Bucket

    @property
    def store(self) -> Store:
        return self.service.store

    @property
    def principal(self) -> Principal:
        return self.signed.principal

    @property
    def headers(self) -> Mapping[str, str]:
        return self.request.headers

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query

    def authorise(self, right: int, bucket: Bucket) -> None:
        """AccessDenied unless the caller has this right (of storage.rights), too."""
        self.service.authorise(self.principal, right, bucket)

    def lens(self, query: Mapping[str, str]) -> Opener:
        """What opens the object that is read: plainly, or through the transform that the parameters name."""
        name = query.get(ETL_NAME)
        if query.get(ETL_PIPELINE):
            raise S3Error(codes.NotImplemented, "Pipelines of transforms are not implemented")
        if not name:
            return self.store.objects.open
        return self.service.lenses.open(name, query.get(ETL_ARGS, ""), self.principal)

    def payload(self, checks: Integrity) -> Payload:
        """The body, decoded and checked as it is read. Nothing has been read yet."""
        return payload(self.body, headers=self.headers, signed=self.signed, integrity=checks)

    def document(self, checks: Integrity | None = None) -> bytes:
        """The whole body of an operation that takes XML, after its checks (None: those that the headers announce); ""
        when there is none."""
        if self.body.size == 0:
            return b""
        if checks is None:
            checks = integrity(self.headers, default=None)
        return read_whole(self.payload(checks), limit=LARGEST_BODY)

    def members(self) -> Members:
        """All that the request says, by the names of the model; reads the body where the operation has one."""
        body = self.document() if self.operation.input.payload else b""
        return read_members(self.operation, query=self.query, headers=self.headers, body=body)
