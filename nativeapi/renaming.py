"""Buckets get another name, and what must not run beside that."""

from __future__ import annotations

from nativeapi import names
from nativeapi.call import Action, Call, Reply, text_reply
from nativeapi.errors import NativeError
from nativeapi.native import Native
from storage.errors import NoSuchBucket
from storage.jobs import KINDS, Job, Trait
from storage.records import Bucket

MOVE = "move-bck"
DESTROY = "destroy-bck"  # a job of this kind is about a bucket that is gone, whatever has its name now


def move(native: Native, call: Call, bucket: Bucket, action: Action) -> Reply:
    """Rename the bucket, by a job: when that has ended the new name is there and the old one gone."""
    assert call.principal is not None
    target = names.parse_bucket_path(call.query.get("bck_to", ""), native.nodes)
    if target == bucket.name:
        raise NativeError(400, f'cannot rename bucket "ais://{target}" to itself ("ais://{target}")')
    names.check_bucket_name(target)
    refuse_existing(native, target)
    for job in working(native, bucket.name, target):
        raise busy(action.action, bucket.name, job)
    value = {"id": bucket.id}
    return text_reply(
        native.jobs.start(MOVE, owner=call.principal.id, bucket=bucket.name, destination=target, value=value)
    )


def refuse_existing(native: Native, name: str) -> None:
    """AIStore's refusal when there is such a bucket: of this action's it is no conflict."""
    try:
        taken = native.store.buckets.get(name)
    except NoSuchBucket:
        return
    raise NativeError(400, f'bucket "ais://{taken.name}" already exists', code="ErrBucketAlreadyExists")


def refuse_moving(native: Native, action: str, *buckets: str) -> None:
    """409 while one of the buckets is on its way to another name."""
    for job in working(native, *buckets):
        if job.kind == MOVE:
            raise busy(action, buckets[0], job)


def working(native: Native, *buckets: str) -> list[Job]:
    """The jobs that have something to do in one of the buckets; requests, which see a bucket as they find it, apart."""
    return [
        job
        for job in native.jobs.live()
        if job.waiting
        and job.kind != DESTROY
        and Trait.ATTENDED not in KINDS[job.kind].traits
        and (job.definition.bucket in buckets or job.definition.destination in buckets)
    ]


def abort_all(native: Native, bucket: str, reason: str) -> None:
    """Abort the jobs that have something to do in the bucket."""
    for job in working(native, bucket):
        native.jobs.abort(job.id, reason)


def busy(action: str, bucket: str, job: Job) -> NativeError:
    return NativeError(
        409,
        f'{action}: bucket "ais://{bucket}" is busy: {job.kind}[{job.id}] is running, try again when it has ended',
        code="ErrLimitedCoexistence",
    )
