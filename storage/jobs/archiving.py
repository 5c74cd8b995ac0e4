"""The job that makes one archive of many objects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from storage.archives.formats import Format, named, typed
from storage.archives.making import Beginning, Entry, packed
from storage.archives.reading import at_once
from storage.archives.stored import Archive
from storage.attributes import Attributes, rewritten
from storage.buckets import Buckets
from storage.conditions import ALWAYS, Conditions
from storage.content import Segments
from storage.errors import Conflict, NoSuchKey, PreconditionFailed, StorageError, UnknownFormat
from storage.jobs.buckets import destination, source
from storage.jobs.records import ObjectError, Value
from storage.jobs.run import Run, Step
from storage.jobs.selection import named as named_one_by_one
from storage.jobs.selection import units
from storage.objects import Objects
from storage.records import Bucket
from storage.source import BlobSource, InlineSource, SourcePayload, close_content

SECOND = 1_000_000_000  # ns
ATTEMPTS = 10  # to append to an archive that others change, too
STORED = "stored"  # the cursor when the archive is there
ABSENT = Conditions(if_none_match=("*",))
NEW = "new"  # the cursor before an archive is made that should go on with one, when there is none


@dataclass(slots=True)
class Tally:
    """What went into an archive, and what did not."""

    objects: int = 0
    size: int = 0  # bytes
    errors: list[ObjectError] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Archiving:
    """Makes the archive `archname` of what its value selects; it is seen once it is whole.

    With `aate` the objects come after the members of the archive that is there, if one is; otherwise it is replaced.
    Members are named as their objects, with `bnonly` as the last component, with `isbn` behind the bucket's name. An
    object that is named one by one and does not exist is an error, which with `coer` only leaves that object out.
    """

    buckets: Buckets
    objects: Objects

    def __call__(self, run: Run) -> Iterator[Step]:
        if run.cursor == STORED:
            return
        work = Work(self.objects, source(self.buckets, run), destination(self.buckets, run), run)
        tally = work.append() if run.value.get("aate") else work.replace()
        yield Step(tally.objects, tally.size, STORED)
        for error in tally.errors:
            yield Step(error=error)


@dataclass(frozen=True, slots=True)
class Work:
    objects: Objects
    source: Bucket
    target: Bucket
    run: Run

    @property
    def name(self) -> str:
        name: str = self.run.value["archname"]
        return name

    def replace(self) -> Tally:
        """Done again after a crash it comes to the same."""
        return self._made(ALWAYS)

    def append(self) -> Tally:
        """What must not happen twice: which version is gone on with is recorded before, so that after a crash one sees
        whether that has happened."""
        for _ in range(ATTEMPTS):
            current = self._current()
            with suppress(PreconditionFailed):
                if current is None:
                    return self._counted() if self._is_done(NEW) else self._made(ABSENT)
                with current:
                    return self._counted() if self._is_done(current.record.etag) else self._grown(current)
        raise Conflict(self.name)

    def _is_done(self, version: str) -> bool:
        """Whether an earlier run has replaced the version that it began with; if not, that is `version` from now on."""
        if self.run.cursor not in ("", version):
            return True
        self.run.save(version)
        return False

    def entries(self, tally: Tally) -> Iterator[Entry]:
        """The objects as members; each is closed as the next is asked for."""
        for opened, name in self._opened(tally):
            record = opened.record
            tally.objects += 1
            tally.size += record.size
            content = opened.content()
            opened.close()
            try:
                pieces = at_once(iter(content), record.size) if isinstance(content, Segments) else content
                modified = record.modified // SECOND
                yield Entry(name, record.size, (pieces,) if isinstance(pieces, bytes) else pieces, modified)
            finally:
                close_content(content)

    def _opened(self, tally: Tally) -> Iterator[tuple[InlineSource | BlobSource, str]]:
        must_exist = named_one_by_one(self.run.value)
        itself = self.name if self.source.id == self.target.id else None
        for unit in units(self.objects, self.source, self.run.value, ""):
            self.run.check()
            if unit.name == itself and not must_exist:
                continue
            try:
                yield self.objects.open(self.source, unit.name, ALWAYS), self._member(unit.name)
            except StorageError as error:
                if isinstance(error, NoSuchKey) and not must_exist:
                    continue
                if not self.run.value.get("coer"):
                    raise
                tally.errors.append(self.run.failed(unit.name, error))

    def _member(self, name: str) -> str:
        """What an object is called in the archive."""
        if self.run.value.get("bnonly"):
            name = name.rstrip("/").rpartition("/")[2]
        bucket = self.source.name.rpartition("/")[2]  # without the namespace that it may lie in
        return f"{bucket}/{name}" if self.run.value.get("isbn") else name

    def _current(self) -> InlineSource | BlobSource | None:
        try:
            return self.objects.open(self.target, self.name, ALWAYS)
        except NoSuchKey:
            return None

    def _made(self, given: Conditions) -> Tally:
        tally = Tally()
        made = format_of(self.run.value)
        pieces = packed(Beginning(made.packer()), self.entries(tally), made.codec)
        self._store(pieces, Attributes(self.run.owner), given)
        return tally

    def _grown(self, current: InlineSource | BlobSource) -> Tally:
        tally = Tally()
        record = current.record
        with Archive(self.target, self.name, current, told=typed(self.run.value.get("mime") or "")) as archive:
            pieces = archive.continued(self.entries(tally))
            self._store(pieces, rewritten(record), Conditions(if_match=(record.etag,)))
        return tally

    def _store(self, pieces: Iterator[bytes], attributes: Attributes, given: Conditions) -> None:
        payload = SourcePayload(pieces, size=None, algorithms=frozenset())
        self.objects.put(self.target, self.name, payload, attributes, given=given)

    def _counted(self) -> Tally:
        """What went into an archive that is there already."""
        tally = Tally()
        for opened, _ in self._opened(tally):
            with opened:
                tally.objects += 1
                tally.size += opened.record.size
        return tally


def format_of(value: Value) -> Format:
    """The format that the archive's name or else its type tells; `UnknownFormat`."""
    found = named(value["archname"]) or typed(value.get("mime") or "")
    if found is None:
        raise UnknownFormat(value["archname"])
    return found
