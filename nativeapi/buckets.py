"""Buckets under /v1/buckets: actions by name, properties, summaries."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from json import dumps

from nativeapi import lists, names, renaming
from nativeapi.bucket_properties import changes, header, inherited, merged, reset_properties, set_properties
from nativeapi.call import EMPTY, PREFIX, Action, Call, Reply, decode, json_reply, text_reply
from nativeapi.errors import NativeError, unsupported
from nativeapi.listing import list_objects
from nativeapi.native import Native, method_not_allowed
from nativeapi.remote import no_inventory, remote_bucket
from nativeapi.summary import Summary, job_id, prefix_of, summarise
from storage import rights
from storage.access import Principal
from storage.records import Bucket

BUCKETS = PREFIX + "buckets/"
PURGE_SECONDS = 0.5  # that a bucket's content may take to go while the client waits; then a job does it

Handler = Callable[[Native, Call, Bucket, Action], Reply]


def destroy(native: Native, call: Call, bucket: Bucket, action: Action) -> Reply:
    """Remove the bucket and all that is in it. It is gone when this answers; the bytes of a large one follow."""
    assert call.principal is not None
    native.store.buckets.abandon(bucket)
    deadline = time.monotonic() + PURGE_SECONDS
    for _ in native.store.buckets.purge(bucket.id):
        if time.monotonic() > deadline:
            native.jobs.start("destroy-bck", owner=call.principal.id, bucket=bucket.name, value={"id": bucket.id})
            break
    return EMPTY


def list_action(native: Native, call: Call, bucket: Bucket, action: Action) -> Reply:
    return list_objects(native, call, bucket, action.value)


def summary(native: Native, call: Call, bucket: Bucket, action: Action) -> Reply:
    """First 202 with an id, then, asked with that id, the result."""
    value = action.value if isinstance(action.value, dict) else {}
    job = value.get("uuid", "")
    if not job:
        return text_reply(job_id(value.get("prefix", "")), status=202)
    return json_reply([summarise(native, bucket, prefix_of(job)).document(bucket.name)])


def head_bucket(native: Native, call: Call, bucket: Bucket, prefix: str) -> Reply:
    """The properties; with `bsumm_remote` a summary too, which is there when the id of the first reply comes back."""
    headers = [header(bucket), ("Content-Length", "0")]
    if not call.query.get("bsumm_remote"):
        return Reply(200, headers)
    job = call.query.get("uuid", "")
    headers.append(("Ais-Xaction-Id", job or job_id(prefix)))
    if not job:
        return Reply(202, headers)
    found: Summary = summarise(native, bucket, prefix_of(job))
    return Reply(200, [*headers, ("Ais-Bucket-Summ", dumps(found.document(bucket.name)))])


@dataclass(frozen=True, slots=True)
class BucketAction:
    """A row: an action on an existing bucket, the rights it takes, who does it (None: AIStore does, this node not)."""

    method: str
    action: str
    right: int
    handler: Handler | None


ROWS = (
    BucketAction("GET", "", rights.OBJ_LIST, list_action),  # no message at all
    BucketAction("GET", "list", rights.OBJ_LIST, list_action),
    BucketAction("GET", "summary-bck", rights.OBJ_LIST | rights.BCK_HEAD, summary),
    BucketAction("DELETE", "destroy-bck", rights.DESTROY_BUCKET, destroy),
    BucketAction("DELETE", "evict-remote-bck", rights.DESTROY_BUCKET, remote_bucket),
    BucketAction("DELETE", "delete-listrange", rights.OBJ_DELETE, lists.delete),
    BucketAction("DELETE", "evict-listrange", rights.OBJ_DELETE, remote_bucket),
    BucketAction("DELETE", "destroy-inventory", rights.DESTROY_BUCKET | rights.ADMIN, remote_bucket),
    BucketAction("GET", "show-inventory", rights.BCK_HEAD, no_inventory),
    BucketAction("GET", "summary-shard", rights.OBJ_LIST | rights.BCK_HEAD, None),
    BucketAction("POST", "move-bck", rights.MOVE_BUCKET, renaming.move),
    BucketAction("POST", "copy-bck", rights.RW, lists.copy_bucket),
    BucketAction("POST", "etl-bck", rights.RW, lists.transform_bucket),
    BucketAction("POST", "copy-listrange", rights.RW, lists.copy),
    BucketAction("POST", "etl-listrange", rights.RW, lists.transform),
    BucketAction("POST", "prefetch-listrange", rights.RW, remote_bucket),
    BucketAction("POST", "create-inventory", rights.ADMIN, remote_bucket),
    BucketAction("POST", "make-n-copies", rights.PATCH, None),
    BucketAction("POST", "ec-encode", rights.PATCH, None),
    BucketAction("POST", "rechunk", rights.RW, None),
    BucketAction("POST", "index-shard", rights.RW, None),
    BucketAction("PUT", "archive", rights.RW, None),
    BucketAction("PATCH", "set-bprops", rights.PATCH, set_properties),
    BucketAction("PATCH", "reset-bprops", rights.PATCH, reset_properties),
)
ACTIONS = {(row.method, row.action): row for row in ROWS}
assert len(ACTIONS) == len(ROWS), "an action is declared twice"

CREATE = ("POST", "create-bck")


def create(native: Native, principal: Principal, name: str, action: Action) -> Reply:
    """A new bucket, with what AIStore's buckets have and the properties that the value names."""
    names.check_bucket_name(name)
    wanted = changes(native, Bucket(0, name, principal.id, 0), action.value or {})
    native.store.buckets.create(name, owner=principal.id, properties=merged(inherited(native), wanted))
    return EMPTY


def answer_bucket(native: Native, call: Call) -> Reply:
    """/v1/buckets/NAME[/PREFIX]"""
    call.log(f"native.{call.method}Bucket")
    principal = native.authenticate(call)
    name, _, prefix = (decode(part) for part in call.path[len(BUCKETS) :].partition("/"))
    names.own_bucket(name, call.query, native.nodes)
    if call.method == "HEAD":
        call.log("native.HeadBucket", name)
        return head_bucket(native, call, native.bucket(principal, name, rights.BCK_HEAD), prefix)
    action = call.action()
    if (call.method, action.action) == CREATE:
        call.log("native.create-bck", name)
        native.require(principal, rights.CREATE_BUCKET)
        return create(native, principal, name, action)
    row = ACTIONS.get((call.method, action.action))
    if row is None:
        raise NativeError(400, f'invalid action "{action.action}"')
    call.log(f"native.{row.action or 'list'}", name)
    bucket = native.bucket(principal, name, row.right)
    if row.handler is None:
        raise unsupported(row.action)
    return row.handler(native, call, bucket, action)


def answer_buckets(native: Native, call: Call) -> Reply:
    """/v1/buckets: the names of all buckets."""
    if call.method != "GET":
        return method_not_allowed(["GET"])
    call.log("native.ListBuckets")
    principal = native.authenticate(call)
    action = call.action()
    if action.action not in ("", "list"):
        raise unsupported(action.action)
    check_provider(call.query.get("provider", ""))
    native.require(principal, rights.LIST_BUCKETS)
    return json_reply(
        [
            {"name": bucket.name, "provider": "ais", "namespace": {"uuid": "", "name": ""}}
            for bucket in native.store.buckets.all()
            if not action.name or bucket.name == action.name
        ]
    )


def check_provider(name: str) -> None:
    """Raise AIStore's refusal to list the buckets of a backend that is not there; "" means all providers."""
    known = names.provider_called(name)
    if known.name != names.OWN:
        raise NativeError(400, names.missing_backend(known), code="ErrMissingBackend")
