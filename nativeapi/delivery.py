"""The entries of a batch, found one after the other: whole objects, ranges of them, members of archives."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import msgspec

from nativeapi.errors import NativeError, translate
from nativeapi.native import Native
from storage.archives.codecs import PIECE
from storage.archives.reading import at_once, offloaded
from storage.archives.stored import Archive
from storage.conditions import ALWAYS
from storage.content import Content, Span
from storage.errors import NoSuchKey, NoSuchMember, NotFound
from storage.records import Bucket
from storage.source import close_content

MISSING = "__404__/"  # before the names of what was not found
OPEN = 8  # archives that are kept open for entries that follow


class Sought(msgspec.Struct, frozen=True, gc=False):
    """What an entry asks for: of the object, or of the member `archpath` of it, `length` bytes from `start` on."""

    bucket: Bucket
    key: str
    archpath: str = ""
    start: int = 0
    length: int = 0  # -1: to the end; 0: all of it

    @property
    def bucket_name(self) -> str:
        """Without the namespace that it may lie in."""
        return self.bucket.name.rpartition("/")[2]

    def span(self, size: int) -> Span | None:
        """The bytes of so many that are asked for; None for all. AIStore clamps nothing: 400 for what is not there."""
        if not self.length or (self.length < 0 and not self.start):
            return None
        stop = size if self.length < 0 else self.start + self.length
        if self.start >= size or stop > size:
            raise NativeError(
                400,
                f"size={size}: not satisfiable range [start={self.start},length={self.length}]",
                code="ErrRangeNotSatisfiable",
            )
        return Span(self.start, stop)


@dataclass(slots=True)
class Found:
    """What is delivered for an entry: exactly `size` bytes. Nothing, with a message, for what was not found."""

    sought: Sought
    size: int
    content: bytes | Iterator[bytes]
    message: str = ""

    def name(self, with_bucket: bool) -> str:
        """Of the member that the entry becomes."""
        sought = self.sought
        name = f"{sought.bucket_name}/{sought.key}" if with_bucket else sought.key
        if sought.archpath:
            name = f"{name}/{sought.archpath.removeprefix('/')}"
        return MISSING + name if self.message else name


class Delivery:
    """Finds the entries in order; `tolerant`, it goes on where an object or a member is missing. Close it after use."""

    def __init__(self, native: Native, sought: Sequence[Sought], *, tolerant: bool) -> None:
        self._native = native
        self._sought = sought
        self._tolerant = tolerant
        self._archives: OrderedDict[tuple[int, str], Archive] = OrderedDict()
        self._current: Content = b""

    def close(self) -> None:
        close_content(self._current)
        for archive in self._archives.values():
            archive.close()
        self._archives.clear()

    def __iter__(self) -> Iterator[Found]:
        """Each entry as it was found. Its content is to be read before the next one is asked for."""
        for shard, group in groupby(self._sought, archive_of):
            yield from self._objects(group) if shard is None else self._members(list(group))

    def _objects(self, group: Iterable[Sought]) -> Iterator[Found]:
        for sought in group:
            close_content(self._current)
            try:
                yield self._object(sought)
            except NoSuchKey as error:
                yield self._missing(sought, error)

    def _object(self, sought: Sought) -> Found:
        source = self._native.store.objects.open(sought.bucket, sought.key, ALWAYS)
        size = source.record.size
        try:
            span = sought.span(size) if sought.length else None
            self._current = content = source.content(span)
        finally:
            source.close()
        if span is not None:
            size = span.size
        return Found(sought, size, content if isinstance(content, bytes) else at_once(iter(content), size))

    def _members(self, group: Sequence[Sought]) -> Iterator[Found]:
        """Members of one archive, which are read in a thread as many at a time as are worth the change."""
        try:
            archive = self._archive(group[0])
        except NoSuchKey as error:
            yield from (self._missing(sought, error) for sought in group)
            return
        for some in offloaded(self._some(archive, group)):
            for found in some:
                if not isinstance(found.content, bytes):
                    found.content = offloaded(found.content)
                yield found

    def _some(self, archive: Archive, group: Sequence[Sought]) -> Iterator[list[Found]]:
        """The members, as many at a time as make about 256 KiB; a larger one alone, its content still to be read."""
        some: list[Found] = []
        size = 0
        for sought in group:
            try:
                member = archive.find(sought.archpath)
            except NoSuchMember as error:
                some.append(self._missing(sought, error))
                continue
            span = sought.span(member.size) or member.whole
            size += span.size
            if size > PIECE:
                yield some
                some, size = [], span.size
            if span.size > PIECE:
                yield [Found(sought, span.size, member.read(span))]
            else:
                some.append(Found(sought, span.size, b"".join(member.read(span))))
        yield some

    def _missing(self, sought: Sought, error: NotFound) -> Found:
        """What is told of an entry that was not found, where that is no reason to end."""
        if not self._tolerant:
            raise error
        return Found(sought, 0, b"", translate(error, self._native.nodes).message)

    def _archive(self, sought: Sought) -> Archive:
        name = sought.bucket.id, sought.key
        archive = self._archives.get(name)
        if archive is None:
            source = self._native.store.objects.open(sought.bucket, sought.key, ALWAYS)
            archive = self._archives[name] = Archive(sought.bucket, sought.key, source)
            if len(self._archives) > OPEN:
                self._archives.popitem(last=False)[1].close()
        self._archives.move_to_end(name)
        return archive


def archive_of(sought: Sought) -> tuple[int, str] | None:
    """The archive that the entry is a member of; None when it is an object."""
    return (sought.bucket.id, sought.key) if sought.archpath else None
