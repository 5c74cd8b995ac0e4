"""Jobs: what takes longer than a request. Started by any process, done by one, durable, resumed where they stood.

A kind is a row of `storage.jobs.kinds`; what it does is a body, a generator over a `Run`, that appliance hands to the
`Runner` by the kind's name:

    def touch_all(run: Run) -> Iterator[Step]:
        def touch(key: str) -> Step:
            ...
            return Step(objects=1, size=size)

        units = (Unit(key, cursor=key) for key in keys(run.bucket, after=run.cursor))
        yield from run.each(units, touch)

`Run.each` does units side by side and tells those that fail; the runner counts, records, aborts and resumes.
"""

from storage.jobs.jobs import Jobs, NoSuchJob
from storage.jobs.kinds import CALLED, KINDS, Kind, Trait
from storage.jobs.records import Job, ObjectError, Value
from storage.jobs.run import Aborted, Body, Run, Step, Unit
from storage.jobs.runner import Runner

__all__ = (
    "CALLED", "KINDS", "Aborted", "Body", "Job", "Jobs", "Kind", "NoSuchJob", "ObjectError", "Run", "Runner", "Step",
    "Trait", "Unit", "Value",
)
