"""Jobs that copy objects from bucket to bucket, as they are or seen through a lens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

from storage.attributes import Attributes, kept
from storage.buckets import Buckets
from storage.conditions import ALWAYS
from storage.errors import NoSuchKey
from storage.jobs import buckets as meant
from storage.jobs.records import Value
from storage.jobs.run import Run, Step
from storage.jobs.selection import named, units
from storage.keys import composed
from storage.objects import Objects
from storage.records import Bucket, ObjectRecord
from storage.source import Opener, Source, close_content


def destination_name(name: str, value: Value) -> str:
    """The name of an object's copy: with another extension where `ext` maps its own, behind what is to be prepended;
    `KeyTooLong`."""
    stem, dot, extension = name.rpartition(".")
    extensions = value.get("ext") or {}
    if dot and extension in extensions:
        name = f"{stem}.{extensions[extension].lstrip('.')}"
    return composed(value.get("prepend") or "", name)


def copied(record: ObjectRecord, owner: str) -> Attributes:
    """What a plain copy has beside its bytes: all that its source has."""
    return kept(record, owner, record.metadata)


def computed(record: ObjectRecord, owner: str) -> Attributes:
    """What the result of a transform has beside its bytes."""
    return Attributes(owner, content=record.content)


@dataclass(frozen=True, slots=True)
class Look:
    """How a job sees its objects: how it opens them, what their copies keep, and what it reads of them when it only
    tries (the number of bytes)."""

    open: Opener
    attributes: Callable[[ObjectRecord, str], Attributes]
    tried: Callable[[Source], int]


def as_stored(objects: Objects) -> Callable[[Value], Look]:
    """Objects as they are, of which a trial need read nothing."""
    look = Look(objects.open, copied, lambda source: source.record.size)
    return lambda value: look


@dataclass(frozen=True, slots=True)
class Copying:
    """Copies what its value selects; with `dry_run` it reads, counts and stores nothing.

    A copy takes the place of what has its name. An object that is named one by one and does not exist is an error.
    """

    buckets: Buckets
    objects: Objects
    look: Callable[[Value], Look]

    def __call__(self, run: Run) -> Iterator[Step]:
        source = meant.source(self.buckets, run)
        look = self.look(run.value)
        work: Callable[[str], Step]
        if run.value.get("dry_run"):
            work = Trial(source, look)
        else:
            work = Transfer(source, look, self.objects, meant.destination(self.buckets, run), run)
        left = units(self.objects, source, run.value, run.cursor)
        return run.each(left, work if named(run.value) else passing_over(work))


def passing_over(work: Callable[[str], Step]) -> Callable[[str], Step]:
    """The work, for names of which nobody has said that they exist."""

    def lenient(name: str) -> Step:
        try:
            return work(name)
        except NoSuchKey:
            return Step()

    return lenient


@dataclass(frozen=True, slots=True)
class Transfer:
    """Copies one object after another."""

    source: Bucket
    look: Look
    objects: Objects
    destination: Bucket
    run: Run

    def __call__(self, name: str) -> Step:
        target = destination_name(name, self.run.value)
        with closing(self.look.open(self.source, name, ALWAYS)) as source:
            attributes = self.look.attributes(source.record, self.run.owner)
            record = self.objects.copy(source, self.destination, target, attributes)
        return Step(objects=1, size=record.size)


@dataclass(frozen=True, slots=True)
class Trial:
    """Reads one object after another as if it were copied."""

    source: Bucket
    look: Look

    def __call__(self, name: str) -> Step:
        with closing(self.look.open(self.source, name, ALWAYS)) as source:
            return Step(objects=1, size=self.look.tried(source))


def drained(source: Source) -> int:
    """Read to the end and forget: the number of bytes."""
    content = source.content()
    try:
        pieces = (content,) if isinstance(content, bytes) else content
        return sum(len(piece) for piece in pieces)
    finally:
        close_content(content)
