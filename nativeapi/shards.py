"""The index of a bucket's TARs: made by a job, summed up by another."""

from __future__ import annotations

import msgspec

from nativeapi.call import Action, Call, Number, Reply, json_reply, text_reply
from nativeapi.native import Native
from nativeapi.summary import NOTHING_YET, job_about, progress, terms
from storage.jobs.buckets import SOURCE
from storage.jobs.shards import INDEX, SUMMARY, sums_of
from storage.records import Bucket


class IndexShards(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The value of the action that makes the index."""

    prefix: str = ""
    num_workers: Number | None = msgspec.field(default=None, name="num-workers")
    skip_verify: bool = msgspec.field(default=False, name="skip-verify")


def index_shards(native: Native, call: Call, bucket: Bucket, action: Action) -> Reply:
    """Start the job that indexes the bucket's TARs; its id."""
    assert call.principal is not None
    value = msgspec.to_builtins(action.read(IndexShards)) | {"coer": True, SOURCE: bucket.id}
    return text_reply(native.jobs.start(INDEX, owner=call.principal.id, bucket=bucket.name, value=value))


def summarise_shards(native: Native, call: Call, bucket: Bucket, action: Action) -> Reply:
    """First 202 with an id, then, asked with that id, what is counted so far (206) or the result."""
    assert call.principal is not None
    job, prefix = terms(action.value)
    if not job:
        wanted = {"prefix": prefix, SOURCE: bucket.id}
        started = native.jobs.start(SUMMARY, owner=call.principal.id, bucket=bucket.name, value=wanted)
        return text_reply(started, status=NOTHING_YET)
    found = job_about(native, job, SUMMARY, bucket.name)
    shown = msgspec.to_builtins(sums_of(found))
    del shown["after"]
    return json_reply({name: str(count) for name, count in shown.items()}, status=progress(found))
