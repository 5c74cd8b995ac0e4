"""The entries of a batch, found one after the other: whole objects, ranges of them, members of archives."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from nativeapi.errors import NativeError, translate
from nativeapi.native import Native
from storage.archives.reading import at_once
from storage.archives.stored import Archive
from storage.conditions import ALWAYS
from storage.content import Content, Span
from storage.errors import NoSuchKey, NoSuchMember
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
        for sought in self._sought:
            close_content(self._current)
            try:
                yield self._member(sought) if sought.archpath else self._object(sought)
            except (NoSuchKey, NoSuchMember) as error:
                if not self._tolerant:
                    raise
                yield Found(sought, 0, b"", translate(error, self._native.nodes).message)

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

    def _member(self, sought: Sought) -> Found:
        member = self._archive(sought).member(sought.archpath)
        span = sought.span(member.size) or member.whole
        return Found(sought, span.size, at_once(member.read(span), span.size))

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
