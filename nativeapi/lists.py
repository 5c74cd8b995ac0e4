"""Actions on many objects of a bucket, named, by a template or all of them: each is a job, whose id is the answer."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from etl.errors import NoSuchTransform
from nativeapi import names
from nativeapi.call import Action, Call, Number, Reply, text_reply
from nativeapi.errors import NativeError
from nativeapi.native import Native
from nativeapi.renaming import refuse_moving
from storage import rights
from storage.access import Principal
from storage.errors import BucketExists, NoSuchBucket
from storage.jobs.buckets import DESTINATION, SOURCE
from storage.records import Bucket
from storage.templates import parse


class Many(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What jobs over many objects have in common."""

    num_workers: Number | None = msgspec.field(default=None, name="num-workers")
    coer: bool = False  # continue on error
    non_recurs: bool = msgspec.field(default=False, name="non-recurs")


class Selected(Many, kw_only=True):
    """Which objects: the names; without any the template; an empty one means every object. (Structs with fields have
    one base: the lists below repeat these two.)"""

    objnames: list[str] | None = None
    template: str | None = None


class Copy(Many, kw_only=True):
    """What copying jobs have in common. `latest-ver` and `synchronize` are about remote sources, `force` about
    conflicts with other jobs, of which there are none here."""

    prefix: str = ""
    prepend: str = ""
    ext: dict[str, str] | None = None
    dry_run: bool = False
    force: bool = False
    latest_ver: bool = msgspec.field(default=False, name="latest-ver")
    synchronize: bool = False


class CopyList(Copy, kw_only=True):
    tobck: Any
    objnames: list[str] | None = None
    template: str | None = None


class Transform(Copy, kw_only=True):
    """`request_timeout` is overruled by the transform's own, as AIStore does."""

    id: str
    pipeline: list[str] | None = None
    request_timeout: str | Number = ""
    etl_args: str = ""


class TransformList(Transform, kw_only=True):
    tobck: Any
    objnames: list[str] | None = None
    template: str | None = None


def delete(native: Native, call: Call, bucket: Bucket, action: Action) -> Reply:
    wanted = action.read(Selected)
    check_selection(wanted)
    return started(native, call, bucket, action, wanted)


def copy(native: Native, call: Call, bucket: Bucket, action: Action) -> Reply:
    wanted = action.read(CopyList)
    check_selection(wanted)
    return copying(native, call, bucket, action, wanted, destination(native, wanted.tobck))


def transform(native: Native, call: Call, bucket: Bucket, action: Action) -> Reply:
    wanted = action.read(TransformList)
    check_selection(wanted)
    check_transform(native, wanted)
    return copying(native, call, bucket, action, wanted, destination(native, wanted.tobck))


def copy_bucket(native: Native, call: Call, bucket: Bucket, action: Action) -> Reply:
    wanted = action.read(Copy)
    target = names.parse_bucket_path(call.query.get("bck_to", ""), native.nodes)
    if target == bucket.name:
        raise onto_itself(action, bucket)
    return copying(native, call, bucket, action, wanted, target)


def transform_bucket(native: Native, call: Call, bucket: Bucket, action: Action) -> Reply:
    wanted = action.read(Transform)
    check_transform(native, wanted)
    target = names.parse_bucket_path(call.query.get("bck_to", ""), native.nodes)
    if target == bucket.name and not wanted.dry_run:
        raise onto_itself(action, bucket)
    return copying(native, call, bucket, action, wanted, target)


def onto_itself(action: Action, bucket: Bucket) -> NativeError:
    return NativeError(400, f'cannot {action.action} bucket "ais://{bucket.name}" onto itself')


def destination(native: Native, document: Any) -> str:
    """The bucket that `tobck` names."""
    name = names.bucket_in(document, native.nodes)
    if not name:
        raise NativeError(400, "the destination bucket (tobck) is missing")
    return name


def check_selection(wanted: Selected | CopyList | TransformList) -> None:
    """Raise unless the selection is one. Every object is meant by an empty template only, not by saying nothing."""
    if not wanted.objnames and wanted.template is None:
        raise NativeError(400, "neither objnames nor a template: which objects?")
    for name in wanted.objnames or ():
        names.check_object_name(name)
    parse(wanted.template or "")


def check_transform(native: Native, wanted: Transform) -> None:
    for name in (wanted.id, *(wanted.pipeline or ())):
        try:
            native.transforms.view(name)
        except NoSuchTransform as error:
            raise NativeError(404, f"ETL {name} doesn't exist") from error


def copying(
    native: Native, call: Call, source: Bucket, action: Action, wanted: Copy, target: str
) -> Reply:
    """Start a job that copies into the bucket called `target`, which is made when it does not exist."""
    if wanted.prepend and wanted.synchronize:
        raise NativeError(400, "prepend and synchronize exclude each other")
    if wanted.prepend:
        names.check_object_name(wanted.prepend)
    for extension in (wanted.ext or {}).values():
        names.check_object_name(f"x{extension}")
    if not wanted.force:
        refuse_moving(native, action.action, source.name, target)
    assert call.principal is not None
    into = None if wanted.dry_run else writable(native, call.principal, source, target)
    return started(native, call, source, action, wanted, target=target, into=into)


def writable(native: Native, principal: Principal, source: Bucket, name: str) -> Bucket:
    """The bucket to copy into, with the source's properties when it has to be made."""
    try:
        return native.bucket(principal, name, rights.PUT)
    except NoSuchBucket:
        native.require(principal, rights.CREATE_BUCKET)
    names.check_bucket_name(name)
    try:
        return native.store.buckets.create(name, owner=principal.id, properties=source.properties)
    except BucketExists:  # somebody was faster
        return native.bucket(principal, name, rights.PUT)


def started(
    native: Native, call: Call, bucket: Bucket, action: Action, wanted: Many, *, target: str = "",
    into: Bucket | None = None,
) -> Reply:
    """Start the job; its id. `target` is the name of the destination, `into` the one that it writes to."""
    assert call.principal is not None
    meant = {SOURCE: bucket.id} if into is None else {SOURCE: bucket.id, DESTINATION: into.id}
    value: dict[str, Any] = msgspec.to_builtins(wanted) | meant | {"asked": time.time_ns()}
    job = native.jobs.start(
        action.action, owner=call.principal.id, bucket=bucket.name, destination=target, value=value
    )
    return text_reply(job)
