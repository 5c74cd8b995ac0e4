"""Jobs about whole buckets, but for their copies; and which buckets the requests of all jobs mean."""

from __future__ import annotations

from collections.abc import Iterator

from storage.buckets import Buckets
from storage.errors import NoSuchBucket
from storage.jobs.run import Body, Run, Step
from storage.objects import Objects
from storage.records import Bucket

PAGE = 1000  # keys
SOURCE, DESTINATION = "bucket-id", "destination-id"  # keys of a request's value


def source(buckets: Buckets, run: Run) -> Bucket:
    """The bucket that the request was allowed to use; `NoSuchBucket` when that is gone, though another has its name."""
    return _meant(buckets, run.bucket, run.value.get(SOURCE))


def destination(buckets: Buckets, run: Run) -> Bucket:
    """As `source`, of the bucket that is written to."""
    return _meant(buckets, run.destination, run.value.get(DESTINATION))


def _meant(buckets: Buckets, name: str, wanted: int | None) -> Bucket:
    """`wanted` None: the request was kept by a release that did not say."""
    found = buckets.get(name)
    if wanted not in (None, found.id):
        raise NoSuchBucket(name)
    return found


def rename(buckets: Buckets) -> Body:
    """Gives the bucket of the value's `id` the destination's name: one change of the catalog, whatever is in it."""

    def body(run: Run) -> Iterator[Step]:
        try:
            bucket = buckets.get(run.bucket)
            if bucket.id != run.value["id"]:
                raise NoSuchBucket(run.bucket)
            buckets.rename(bucket, run.destination)
        except NoSuchBucket:
            if not is_renamed(buckets, run):
                raise
        yield Step(cursor="renamed")

    return body


def is_renamed(buckets: Buckets, run: Run) -> bool:
    """Whether a run before this one has come so far."""
    try:
        return buckets.get(run.destination).id == int(run.value["id"])
    except NoSuchBucket:
        return False


def purge(buckets: Buckets) -> Body:
    """Removes what is left of the bucket of the value's `id`, which is gone."""

    def body(run: Run) -> Iterator[Step]:
        for removed in buckets.purge(run.value["id"]):
            yield Step(objects=removed)
            run.check()

    return body


def warm_up(buckets: Buckets, objects: Objects) -> Body:
    """Reads what the index knows of every object of the value's `buckets`, so that it lies in the system's memory."""

    def body(run: Run) -> Iterator[Step]:
        position, _, after = run.cursor.partition(" ")
        for number, name in enumerate(run.value["buckets"][int(position or 0):], int(position or 0)):
            bucket, more = buckets.get(name), True
            while more:
                run.check()
                page = objects.list(bucket, after=after, limit=PAGE)
                after, more = page.last, page.truncated
                yield Step(len(page.entries), sum(listed.size for _, listed in page.entries), f"{number} {after}")
            after = ""

    return body


def nothing(why: str) -> Body:
    """Ends at once: there is nothing to do, for the reason given."""

    def body(run: Run) -> Iterator[Step]:
        yield Step(note=why)

    return body
