"""What buckets hold, counted. AIStore counts in a job and has clients poll: an id first, then what there is."""

from __future__ import annotations

import os
from json import dumps
from typing import Any

from nativeapi.bucket_properties import header
from nativeapi.call import Action, Call, Reply, json_reply, text_reply
from nativeapi.errors import NativeError
from nativeapi.names import bucket_document
from nativeapi.native import Native
from storage.jobs import Job, NoSuchJob
from storage.jobs.summary import BUCKETS, KIND, PREFIX, Totals, found_by
from storage.records import Bucket

JOB = "Ais-Xaction-Id"
NOTHING_YET, PARTIAL, WHOLE = 202, 206, 200


def start(native: Native, call: Call, buckets: list[str], prefix: str, *, bucket: str = "") -> str:
    """Have the buckets counted; the job's id. `bucket` is the only one, when it was named."""
    assert call.principal is not None
    value = {BUCKETS: buckets, PREFIX: prefix}
    return native.jobs.start(KIND, owner=call.principal.id, bucket=bucket, value=value)


def counted(native: Native, job: str, bucket: str = "") -> tuple[int, dict[str, Totals]]:
    """How far the job is, as a status, and what it has counted by bucket; 404 unless it is one about `bucket`."""
    found = job_about(native, job, KIND, bucket)
    return progress(found), found_by(found)


def job_about(native: Native, job: str, kind: str, bucket: str) -> Job:
    """The job; 404 unless it is of this kind and about this bucket, 400 when it has failed."""
    try:
        found = native.jobs.get(job)
    except NoSuchJob as error:
        raise unknown(job) from error
    if (found.kind, found.definition.bucket) != (kind, bucket):
        raise unknown(job)
    if found.state.error or found.state.aborted:
        raise NativeError(400, f"{kind}[{job}]: {found.state.error or found.state.aborted}")
    return found


def progress(job: Job) -> int:
    return WHOLE if job.state.ended else PARTIAL if job.state.cursor else NOTHING_YET


def unknown(job: str) -> NativeError:
    return NativeError(404, f'"x-[{job}]" not found')


def document(native: Native, bucket: str, totals: Totals, *, present: bool) -> dict[str, Any]:
    """A bucket's totals as AIStore shows them: counts and totals are strings."""
    capacity = disks(native)
    return {
        **bucket_document(bucket),
        "ObjCount": {"obj_count_present": str(totals.count), "obj_count_remote": "0"},
        "ObjSize": {
            "obj_min_size": totals.smallest,
            "obj_avg_size": totals.size // totals.count if totals.count else 0,
            "obj_max_size": totals.largest,
        },
        "TotalSize": {
            "size_on_disk": str(totals.on_disk),
            "size_all_present_objs": str(totals.size),
            "size_all_remote_objs": "0",
            "total_disks_size": str(capacity),
        },
        "used_pct": totals.on_disk * 100 // capacity if capacity else 0,
        "is_present": present,
    }


def disks(native: Native) -> int:
    """Bytes of the filesystems that the volumes are on."""
    found = {}
    for volume in native.store.partitions.present:
        facts = os.statvfs(volume.path)
        found[os.stat(volume.path).st_dev] = facts.f_frsize * facts.f_blocks
    return sum(found.values())


def terms(value: Any) -> tuple[str, str]:
    """The id and the prefix that a summary's value names."""
    asked = value if isinstance(value, dict) else {}
    job, prefix = asked.get("uuid") or "", asked.get("prefix") or ""
    if not isinstance(job, str) or not isinstance(prefix, str):
        raise NativeError(400, "bad summary request: uuid and prefix are texts")
    return job, prefix


def summary(native: Native, call: Call, bucket: Bucket, action: Action) -> Reply:
    """First 202 with an id, then, asked with that id, what is counted so far (206) or the result."""
    job, prefix = terms(action.value)
    if not job:
        return text_reply(start(native, call, [bucket.name], prefix, bucket=bucket.name), status=NOTHING_YET)
    return summaries(native, *counted(native, job, bucket.name))


def summary_of_several(native: Native, call: Call, buckets: list[Bucket], action: Action) -> Reply:
    """The same of all the buckets that are selected as it starts."""
    job, prefix = terms(action.value)
    if not job:
        return text_reply(start(native, call, [bucket.name for bucket in buckets], prefix), status=NOTHING_YET)
    return summaries(native, *counted(native, job))


def summaries(native: Native, status: int, found: dict[str, Totals]) -> Reply:
    shown = [document(native, name, totals, present=False) for name, totals in found.items()]
    return json_reply(shown, status=status)


def info(native: Native, call: Call, bucket: Bucket, prefix: str) -> Reply:
    """The properties; with `bsumm_remote` a summary too, which is there when the id of the first reply comes back."""
    headers = [header(bucket), ("Content-Length", "0")]
    if not call.query.get("bsumm_remote"):
        return Reply(200, headers)
    job = call.query.get("uuid", "")
    if not job:
        job = start(native, call, [bucket.name], prefix, bucket=bucket.name)
        return Reply(NOTHING_YET, [*headers, (JOB, job)])
    status, found = counted(native, job, bucket.name)
    headers.append((JOB, job))
    if bucket.name in found:
        told = document(native, bucket.name, found[bucket.name], present=True)
        headers.append(("Ais-Bucket-Summ", dumps(told)))
    return Reply(status, headers)
