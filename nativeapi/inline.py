"""Transforms as jobs: AIStore knows each that was started as one of kind `etl-inline`, by the same id."""

from __future__ import annotations

from collections.abc import Iterator

from etl.records import Stage
from etl.transforms import View
from nativeapi.native import Native
from storage.jobs import Job
from storage.jobs.jobs import USER_ABORT
from storage.jobs.records import Definition, State

KIND = "etl-inline"


def inline_jobs(native: Native) -> Iterator[Job]:
    return (as_job(view) for view in native.transforms.list())


def as_job(view: View) -> Job:
    transform, activity = view.transform, view.activity
    aborted = transform.stage is Stage.ABORTED
    state = State(
        transform.changed,
        objects=activity.objects,
        size=activity.out_bytes,
        error=transform.error,
        aborted=(transform.error or USER_ABORT) if aborted else "",
        note=transform.name,
        ended=transform.changed if aborted else 0,
    )
    return Job(Definition(transform.job, KIND, transform.changed, owner=""), state)


def stop_inline(native: Native, job: Job) -> None:
    """Stop the transform whose job this is."""
    native.transforms.stop(job.state.note)
