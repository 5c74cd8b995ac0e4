"""What the native API works with, and how a request is let in, answered or refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from json import dumps
from pathlib import Path
from typing import Protocol

from etl.lens import Lenses
from etl.transforms import Transforms
from nativeapi.authn.service import Authn
from nativeapi.call import Call, Reply, text_reply
from nativeapi.configuration import Configuration
from nativeapi.errors import HEADER, JSON, KNOWN, NativeError, document, translate
from nativeapi.figures import Machine
from nativeapi.nodes import Nodes
from nativeapi.statistics import Statistics
from storage.access import Principal, decide, decide_on_cluster
from storage.jobs import Jobs
from storage.pace import Pace
from storage.jobs.attendance import Attendance
from storage.promotion import Promoter
from storage.records import Bucket
from storage.rights import describe
from storage.store import Store


class Door(Protocol):
    """Who comes in."""

    def admit(self, authorization: str, /) -> Principal:
        """The principal of a request with this Authorization header ("": it has none); 401."""
        ...


@dataclass(frozen=True, slots=True)
class Native:
    """The node as its native API sees it: one per process, made after the fork."""

    store: Store
    jobs: Jobs
    attendance: Attendance
    transforms: Transforms
    lenses: Lenses
    promoter: Promoter
    door: Door
    authn: Authn
    nodes: Nodes
    machine: Machine
    configuration: Configuration
    statistics: Statistics
    pace: Pace

    def paths(self) -> list[Path]:
        """The directories of the volumes that are there, which AIStore calls mountpaths."""
        return [volume.path for volume in self.store.partitions.present]

    def authenticate(self, call: Call) -> Principal:
        """The caller, noted for the access log; 401 when the door is not opened to them."""
        principal = self.door.admit(call.header(b"authorization"))
        call.environ["sluice.account"] = principal.id
        call.principal = principal
        return principal

    def bucket(self, principal: Principal, name: str, right: int) -> Bucket:
        """The bucket, on which the principal has the right (of storage.rights; all of several); 404, then 403."""
        bucket = self.store.buckets.get(name)
        self.require(principal, right, bucket)
        return bucket

    def require(self, principal: Principal, right: int, bucket: Bucket | None = None) -> None:
        """403 unless the principal has the right on the bucket, or over the cluster when none is given."""
        if bucket is None:
            if not decide_on_cluster(principal, right):
                raise NativeError(403, f"insufficient permissions: {describe(right)}")
        elif not decide(principal, right, bucket):
            raise NativeError(403, f'insufficient permissions for bucket "ais://{bucket.name}": {describe(right)}')

    def refusal(self, error: NativeError, call: Call) -> Reply:
        """The reply that tells an error, as AIStore's clients expect it."""
        facts = document(
            error,
            method=call.method,
            path=call.path.partition("?")[0],
            remote=call.environ.get("REMOTE_ADDR", ""),
            node=f"p[{self.nodes.proxy}]",
        )
        if call.method == "HEAD":
            return Reply(error.status, [(HEADER, dumps(facts)), ("Content-Length", "0"), *error.headers])
        body = dumps(facts).encode() + b"\n"
        fields = [
            ("Content-Type", JSON),
            ("X-Content-Type-Options", "nosniff"),
            ("Content-Length", str(len(body))),
            *error.headers,
        ]
        return Reply(error.status, fields, body)

    def answer(self, handler: Callable[[Native, Call], Reply], call: Call) -> Reply:
        """The handler's reply, or the refusal that it ended with."""
        try:
            return handler(self, call)
        except NativeError as error:
            return self.refusal(error, call)
        except KNOWN as error:
            return self.refusal(translate(error, self.nodes), call)


def method_not_allowed(allowed: list[str]) -> Reply:
    return text_reply("Method Not Allowed\n", status=405, headers=[("Allow", ", ".join(sorted(allowed)))])
