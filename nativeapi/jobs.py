"""Questions about jobs, and starting and stopping them, under /v1/cluster.

Go and Python spell the names of a query's fields in different cases, and some of them in different words.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import msgspec

from nativeapi import names
from nativeapi.call import UNREADABLE, Call, Reply, json_reply
from nativeapi.errors import NativeError
from nativeapi.inline import inline_jobs
from nativeapi.native import Native
from nativeapi.snapshots import running_name, snapshot, status
from storage.jobs import CALLED, KINDS, Job, NoSuchJob, Trait
from storage.threads import pause

LOOKS = 25  # for the end of a job that a client asks for by its id
LOOK_SECONDS = 0.004
YOUNG = 250_000_000  # ns; only a job that was started so lately is looked at again


@dataclass(frozen=True, slots=True)
class Query:
    """Which jobs are meant; what is empty says nothing about them."""

    job: str = ""
    kind: str = ""  # or a display name
    node: str = ""
    buckets: tuple[str, ...] = ()
    active: bool | None = None  # None: those that run and those that have ended

    def takes(self, job: Job) -> bool:
        """Whether this is one of them. A kind that nobody knows says nothing, as with AIStore."""
        kind = CALLED.get(self.kind)
        made = job.definition
        return (
            (kind is None or kind.name == job.kind)
            and (self.active is None or self.active is not bool(job.state.ended))
            and (not self.buckets or made.bucket in self.buckets or made.destination in self.buckets)
        )

    def __str__(self) -> str:
        return f"x-{self.kind}[{self.job}]"


def read_query(native: Native, fields: Any) -> Query:
    """The query in a message; 400 when it is none, 404 when it names a node that is not here."""
    if not isinstance(fields, dict):
        raise NativeError(400, "failed to unmarshal the job query: expecting an object")
    lower = {str(name).lower(): value for name, value in fields.items()}
    active, several = lower.get("show_active"), lower.get("buckets") or []
    if not isinstance(several, list) or not isinstance(active, bool | None):
        raise NativeError(400, "failed to unmarshal the job query: a field is of the wrong type")
    query = Query(
        text(lower, "id"),
        text(lower, "kind"),
        text(lower, "daemonid") or text(lower, "node"),
        tuple(name for one in (lower.get("bck"), *several) if (name := names.bucket_in(one, native.nodes))),
        active,
    )
    if query.node not in ("", native.nodes.target, native.nodes.proxy):
        raise NativeError(404, f'node "{query.node}" does not exist', code="errNodeNotFound")
    return query


def text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name) or ""
    if not isinstance(value, str):
        raise NativeError(400, f"failed to unmarshal the job query: {name} is no string")
    return value


def asked(native: Native, call: Call) -> Query:
    """The query of a question, which has to have one, be it empty."""
    try:
        return read_query(native, msgspec.json.decode(call.body()))
    except UNREADABLE as error:
        raise NativeError(400, f"failed to unmarshal the job query: {error}") from error


def found(native: Native, query: Query) -> list[Job]:
    """The jobs that are meant, the newest first; transforms, which are jobs of their own kind, come last."""
    if query.job:
        one = by_id(native, query.job)
        return [] if one is None else [one]
    jobs = native.jobs.live() if query.active else native.jobs.all()
    return [job for job in (*jobs, *inline_jobs(native)) if query.takes(job)]


def by_id(native: Native, name: str) -> Job | None:
    """The job. The end of one that was started just now is waited for, a tenth of a second at most: clients that see
    it run ask again seconds later."""
    for _ in range(LOOKS):
        try:
            job = native.jobs.get(name)
        except NoSuchJob:
            return next((one for one in inline_jobs(native) if one.id == name), None)
        if not job.waiting or native.jobs.age(job) > YOUNG:
            break
        pause(LOOK_SECONDS)
    return job


# -- what is answered ------------------------------------------------------------------------------------------------


def one_status(native: Native, call: Call) -> Reply:
    """That of one job, named by its id, or the newest that is meant."""
    query = asked(native, call)
    for job in found(native, query):
        return json_reply(status(job))
    raise NativeError(404, f"p[{native.nodes.proxy}]: {query} does not exist", code="ErrNotFound")


def all_statuses(native: Native, call: Call) -> Reply:
    """Those of kinds that AIStore keeps the status of; none at all are null. Display names mean nothing here."""
    query = asked(native, call)
    shown = [job for job in found(native, replace(query, kind="")) if Trait.UNTRACKED not in KINDS[job.kind].traits]
    return json_reply([status(job) for job in shown if query.kind in ("", job.kind)] or None)


def running(native: Native, call: Call) -> Reply:
    """The names of those that run or wait for more."""
    return json_reply([running_name(job) for job in found(native, replace(asked(native, call), active=True))])


def snapshots(native: Native, call: Call) -> Reply:
    query = asked(native, call)
    jobs = found(native, query)
    if query.job and not jobs:
        raise NativeError(404, f'"{query}" not found')
    volumes = len(native.store.partitions.present)
    return json_reply({native.nodes.target: [snapshot(job, volumes=volumes) for job in jobs]})
