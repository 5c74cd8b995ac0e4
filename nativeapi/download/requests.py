"""Requests under /v1/download: start, look at, abort and remove downloads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from nativeapi import names
from nativeapi.call import EMPTY, UNREADABLE, Call, Reply, json_reply, text_reply
from nativeapi.download.message import Message, job_value, last_component
from nativeapi.download.progress import DOWNLOADS, Downloads, Task
from nativeapi.errors import NativeError
from nativeapi.native import Native, method_not_allowed
from nativeapi.remote import expecting_remote
from nativeapi.snapshots import rfc3339
from storage import rights
from storage.archives.matching import by_expression
from storage.jobs import Job, NoSuchJob
from storage.jobs.buckets import SOURCE

KIND = "download"
SECOND = 1_000_000_000  # ns
DECODE = msgspec.json.Decoder(Message).decode


class Query(msgspec.Struct, forbid_unknown_fields=True):
    """Which downloads are meant: the one, or those whose description has the pattern in it."""

    id: str = ""
    regex: str = ""
    only_active_tasks: bool = False
    only_active: bool = False


DECODE_QUERY = msgspec.json.Decoder(Query).decode


def start(native: Native, call: Call) -> Reply:
    """Start a download into a bucket that exists; its id."""
    assert call.principal is not None
    try:
        message = DECODE(call.body())
    except UNREADABLE as error:
        raise NativeError(400, f"invalid download request: {error}") from error
    name = names.bucket_in(message.bucket, native.nodes)
    if not name:
        raise NativeError(400, "the bucket to download into is missing")
    bucket = native.bucket(call.principal, name, rights.PUT)
    if message.type == "backend":
        raise expecting_remote(KIND, bucket)
    message.description = message.description or described(message, name)
    timeout = native.configuration.values()["downloader.timeout"] / SECOND
    value = job_value(message, timeout=timeout) | {SOURCE: bucket.id}
    return json_reply({"id": native.jobs.start(KIND, owner=call.principal.id, bucket=bucket.name, value=value)})


def described(message: Message, bucket: str) -> str:
    """What AIStore calls a download that nobody described."""
    source = message.link or message.template or "several links"
    name = message.object_name or message.subdir or last_component(message.link)
    return f"{source} -> ais://{bucket}/{name}"


def look(native: Native, call: Call) -> Reply:
    """One download with its links, or all of them without; AIStore calls this JSON plain text."""
    assert call.principal is not None
    native.require(call.principal, rights.SHOW_CLUSTER)
    query = read_query(call)
    if query.id:
        document = detailed(native, job_called(native, query.id), active=query.only_active_tasks)
        return text_reply(msgspec.json.encode(document).decode())
    shown = [outline(native, job) for job in matching(native, query) if not (query.only_active and job.state.ended)]
    return text_reply(msgspec.json.encode(shown).decode())


def abort(native: Native, call: Call) -> Reply:
    job = job_called(native, read_query(call).id)
    require_hold(native, call, job)
    native.jobs.abort(job.id)
    return EMPTY


def remove(native: Native, call: Call) -> Reply:
    """Forget the download, or those of the pattern, that have ended."""
    query = read_query(call)
    found = [job_called(native, query.id)] if query.id or not query.regex else list(matching(native, query))
    for job in found:
        require_hold(native, call, job)
        if job.state.ended:
            native.jobs.forget(job.id)
        elif query.id:
            raise NativeError(400, f'download job "{job.id}" is still running')
    return EMPTY


def require_hold(native: Native, call: Call, job: Job) -> None:
    """403 unless the download is the caller's own or the caller may stop any job."""
    assert call.principal is not None
    if call.principal.id != job.definition.owner:
        native.require(call.principal, rights.ADMIN)


def read_query(call: Call) -> Query:
    try:
        return DECODE_QUERY(call.body())
    except UNREADABLE as error:
        raise NativeError(400, f"failed to unmarshal the download query: {error}") from error


def job_called(native: Native, job: str) -> Job:
    try:
        found = native.jobs.get(job)
    except NoSuchJob:
        found = None
    if found is None or found.kind != KIND:
        raise NativeError(404, f'download job "{job}" does not exist', code="ErrNotFound")
    return found


def matching(native: Native, query: Query) -> Iterator[Job]:
    """The downloads whose description has the pattern in it, those that ended first and then by their start."""
    test = by_expression(query.regex)
    found = [job for job in native.jobs.all() if job.kind == KIND]
    found.sort(key=lambda job: (not job.state.ended, job.state.ended, job.definition.started))
    return (job for job in found if test(told(native, job).description))


def told(native: Native, job: Job) -> Downloads:
    """What the download has told of itself; of one that has not begun what it was asked for."""
    raw = native.jobs.details(job.id)
    if raw is not None:
        return DOWNLOADS.decode(raw)
    return Downloads(native.jobs.value(job.id).get("description", ""), 0)


def outline(native: Native, job: Job) -> dict[str, Any]:
    """A download as lists show it."""
    state, downloads = job.state, told(native, job)
    finished = state.objects + downloads.skipped
    return {
        "id": job.id,
        "xaction_id": job.id,
        "description": downloads.description,
        "started_time": rfc3339(job.definition.started),
        "finished_time": rfc3339(state.ended),
        "finished_cnt": finished,
        "scheduled_cnt": finished + state.failed + len(downloads.current),
        "skipped_cnt": downloads.skipped,
        "error_cnt": state.failed,
        "total": downloads.total,
        "all_dispatched": bool(state.ended) or finished + state.failed + len(downloads.current) >= downloads.total > 0,
        "aborted": bool(state.aborted),
    }


def detailed(native: Native, job: Job, *, active: bool) -> dict[str, Any]:
    """The same with its links; with `active` without those that are over."""
    downloads = told(native, job)
    current = [] if job.state.ended else downloads.current
    return outline(native, job) | {
        "current_tasks": [task_document(task) for task in current],
        "finished_tasks": [] if active else [task_document(task) for task in downloads.finished],
        "download_errors": [{"name": error.object, "error": error.message} for error in job.state.errors],
    }


def task_document(task: Task) -> dict[str, Any]:
    size = {} if task.total < 0 else {"total": str(task.total)}
    times = {"start_time": rfc3339(task.started), "end_time": rfc3339(task.ended)}
    return {"name": task.name, "downloaded": str(task.downloaded), **size, **times}


Handler = Callable[[Native, Call], Reply]

# By the path after /v1/download and the method.
ROWS: dict[str, dict[str, Handler]] = {
    "": {"POST": start, "GET": look},
    "abort": {"DELETE": abort},
    "remove": {"DELETE": remove},
}


def answer(native: Native, call: Call) -> Reply:
    """/v1/download[/abort|/remove]"""
    call.log("native.Download")
    methods = ROWS.get("/".join(call.items()[1:]))
    if methods is None:
        raise NativeError(400, f"invalid request URI: '{call.method} {call.path}'")
    handler = methods.get(call.method)
    if handler is None:
        return method_not_allowed(list(methods))
    native.authenticate(call)
    call.log(f"native.{handler.__name__.title()}Download")
    return handler(native, call)
