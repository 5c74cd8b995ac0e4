"""Buckets under /v1/buckets: actions by name, properties, summaries."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nativeapi import archiving, lists, names, renaming
from nativeapi.bucket_name import BucketName
from nativeapi.bucket_properties import changes, inherited, merged, reset_properties, set_properties
from nativeapi.call import EMPTY, NO_ACTION, PREFIX, Action, Call, Reply, decode, json_reply
from nativeapi.errors import NativeError, unsupported
from nativeapi.listing import Listing, Request, list_objects
from nativeapi.native import Native, method_not_allowed
from nativeapi.presence import Presence, presence
from nativeapi.relaying import bucket_elsewhere, buckets_elsewhere
from nativeapi.remote import no_inventory, remote_bucket
from nativeapi.shards import IndexShards, index_shards, summarise_shards
from nativeapi.summary import info, summary, summary_of_several
from storage import rights
from storage.access import Principal
from storage.jobs.summary import KIND as SUMMARY
from storage.records import Bucket

BUCKETS = PREFIX + "buckets/"
PURGE_SECONDS = 0.5  # that a bucket's content may take to go while the client waits; then a job does it

Handler = Callable[[Native, Call, Bucket, Action], Reply]


def destroy(native: Native, call: Call, bucket: Bucket, action: Action) -> Reply:
    """Remove the bucket and all that is in it, and abort the jobs that work in it. It is gone when this answers; the
    bytes of a large one follow."""
    assert call.principal is not None
    native.store.buckets.abandon(bucket)
    renaming.abort_all(native, bucket.name, f'bucket "ais://{bucket.name}" was destroyed')
    deadline = time.monotonic() + PURGE_SECONDS
    for _ in native.store.buckets.purge(bucket.id):
        if time.monotonic() > deadline:
            native.jobs.start(renaming.DESTROY, owner=call.principal.id, bucket=bucket.name, value={"id": bucket.id})
            break
    return EMPTY


def list_action(native: Native, call: Call, bucket: Bucket, action: Action) -> Reply:
    return list_objects(native, call, bucket, action.value)


@dataclass(frozen=True, slots=True)
class BucketAction:
    """A row: an action on an existing bucket, the rights it takes, who does it (None: AIStore does, this node not). For
    the description: the types of the action's value and of the reply, where they have some."""

    method: str
    action: str
    right: int
    handler: Handler | None
    value: Any = None
    reply: Any = None


ROWS = (
    BucketAction("GET", "", rights.OBJ_LIST, list_action, reply=Listing),  # no message at all
    BucketAction("GET", "list", rights.OBJ_LIST, list_action, Request, Listing),
    BucketAction("GET", "summary-bck", rights.OBJ_LIST | rights.BCK_HEAD, summary),
    BucketAction("DELETE", "destroy-bck", rights.DESTROY_BUCKET, destroy),
    BucketAction("DELETE", "evict-remote-bck", rights.DESTROY_BUCKET, remote_bucket),
    BucketAction("DELETE", "delete-listrange", rights.OBJ_DELETE, lists.delete, lists.Selected),
    BucketAction("DELETE", "evict-listrange", rights.OBJ_DELETE, remote_bucket),
    BucketAction("DELETE", "destroy-inventory", rights.DESTROY_BUCKET | rights.ADMIN, remote_bucket),
    BucketAction("GET", "show-inventory", rights.BCK_HEAD, no_inventory),
    BucketAction("GET", "summary-shard", rights.OBJ_LIST | rights.BCK_HEAD, summarise_shards),
    BucketAction("POST", "move-bck", rights.MOVE_BUCKET, renaming.move),
    BucketAction("POST", "copy-bck", rights.RW, lists.copy_bucket, lists.Copy),
    BucketAction("POST", "etl-bck", rights.RW, lists.transform_bucket, lists.Transform),
    BucketAction("POST", "copy-listrange", rights.RW, lists.copy, lists.CopyList),
    BucketAction("POST", "etl-listrange", rights.RW, lists.transform, lists.TransformList),
    BucketAction("POST", "prefetch-listrange", rights.RW, remote_bucket),
    BucketAction("POST", "create-inventory", rights.ADMIN, remote_bucket),
    BucketAction("POST", "make-n-copies", rights.PATCH, None),
    BucketAction("POST", "ec-encode", rights.PATCH, None),
    BucketAction("POST", "rechunk", rights.RW, None),
    BucketAction("POST", "index-shard", rights.RW, index_shards, IndexShards),
    BucketAction("PUT", "archive", rights.RW, archiving.archive),
    BucketAction("PATCH", "set-bprops", rights.PATCH, set_properties),
    BucketAction("PATCH", "reset-bprops", rights.PATCH, reset_properties),
)
ACTIONS = {(row.method, row.action): row for row in ROWS}
assert len(ACTIONS) == len(ROWS), "an action is declared twice"

CREATE = ("POST", "create-bck")


def create(native: Native, principal: Principal, stored: str, action: Action) -> Reply:
    """A new bucket, with what AIStore's buckets have and the properties that the value names."""
    wanted = changes(native, Bucket(0, stored, principal.id, 0), action.value or {})
    native.store.buckets.create(stored, owner=principal.id, properties=merged(inherited(native), wanted))
    return EMPTY


def answer_bucket(native: Native, call: Call) -> Reply:
    """/v1/buckets/NAME[/PREFIX]"""
    call.log(f"native.{call.method}Bucket")
    principal = native.authenticate(call)
    name, _, prefix = (decode(part) for part in call.path[len(BUCKETS) :].partition("/"))
    try:
        stored = names.own_bucket(name, call.query, native.nodes)
    except names.OtherCluster as other:
        return elsewhere(native, call, principal, other)
    if call.method == "HEAD":
        call.log("native.HeadBucket", name)
        presence(call)
        return info(native, call, native.bucket(principal, stored, rights.BCK_HEAD), prefix)
    action = call.action()
    if (call.method, action.action) == CREATE:
        call.log("native.create-bck", name)
        native.require(principal, rights.CREATE_BUCKET)
        names.check_bucket_name(stored)
        return create(native, principal, stored, action)
    row = ACTIONS.get((call.method, action.action))
    if row is None:
        raise NativeError(400, f'invalid action "{action.action}"')
    call.log(f"native.{row.action or 'list'}", name)
    bucket = native.bucket(principal, stored, row.right)
    if row.handler is None:
        raise unsupported(row.action)
    return row.handler(native, call, bucket, action)


def elsewhere(native: Native, call: Call, principal: Principal, other: names.OtherCluster) -> Reply:
    """What an attached cluster says of a bucket, with the same rights over this one."""
    action = NO_ACTION if call.method == "HEAD" else call.action()
    row = ACTIONS.get((call.method, action.action))
    creating = rights.CREATE_BUCKET if (call.method, action.action) == CREATE else rights.BCK_HEAD
    native.require(principal, creating if row is None else row.right)
    return bucket_elsewhere(native, call, other, action)


def answer_buckets(native: Native, call: Call) -> Reply:
    """/v1/buckets: the names of all buckets."""
    if call.method != "GET":
        return method_not_allowed(["GET"])
    call.log("native.ListBuckets")
    principal = native.authenticate(call)
    action = call.action()
    if action.action == SUMMARY:
        native.require(principal, rights.OBJ_LIST | rights.BCK_HEAD)
        return summary_of_several(native, call, selected(native, call, ""), action)
    if action.action not in ("", "list"):
        raise NativeError(400, f'invalid action "{action.action}"')
    native.require(principal, rights.LIST_BUCKETS)
    try:
        found = selected(native, call, action.name or "")
    except names.OtherCluster as other:
        return buckets_elsewhere(native, call, other, action)
    return json_reply([names.bucket_document(bucket.name) for bucket in found])


def selected(native: Native, call: Call, name: str) -> list[Bucket]:
    """The buckets that the parameters (provider, namespace, presence) and a name, if there is one, leave; those of the
    global namespace come first."""
    check_provider(call.query.get("provider", ""))
    namespace = call.query.get("namespace")
    wanted = None if not namespace else names.local_namespace(namespace, native.nodes)
    if presence(call) is Presence.OUTSIDE:
        return []
    found = [
        (made, bucket)
        for bucket in native.store.buckets.all()
        if (made := BucketName.of(bucket.name)) and wanted in (None, made.namespace) and name in ("", made.name)
    ]
    return [bucket for _, bucket in sorted(found, key=lambda pair: (pair[0].namespace, pair[0].name))]


def check_provider(name: str) -> None:
    """Raise AIStore's refusal to list the buckets of a backend that is not there; "" means all providers."""
    known = names.provider_called(name)
    if known.name != names.OWN:
        raise NativeError(400, names.missing_backend(known), code="ErrMissingBackend")
