"""Archives that objects are: opened, searched, listed, packed anew with what is selected.

What blocks runs in threads here; callers are greenlets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from storage.archives import tar
from storage.archives.formats import Format, recognised
from storage.archives.making import Entry, packed
from storage.archives.matching import Test
from storage.archives.reading import Member, gathered, offloaded
from storage.content import Content, Segments
from storage.errors import NoSuchMember
from storage.records import Bucket
from storage.source import Source, close_content
from storage.threads import run


REMEMBERED = 50_000  # members of an archive, once they were passed


class Listed(NamedTuple):
    """What a listing shows of a member."""

    name: str
    size: int


class Archive:
    """An object opened as an archive; closing it closes the object's content. A context manager.

    `UnknownFormat` when it is none. Where the bytes turn out to be no archive, or another one, `CorruptArchive` comes
    from whoever reads them.
    """

    def __init__(self, bucket: Bucket, key: str, source: Source, *, told: Format | None = None) -> None:
        self._bucket = bucket
        self._key = key
        self.record = source.record
        content = source.content()
        source.close()
        assert isinstance(content, bytes | Segments), "archives are read from stored objects"
        self.content: Content = content
        self._walk: Iterator[Member] = iter(())
        self._passed: dict[str, Member] = {}  # by name, those of `_walk` that can be read again
        self._forgotten = False  # some were passed that are not in there
        try:
            self.format = recognised(key, content, told=told)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        close_content(self.content)

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def member(self, name: str) -> Member:
        """What `find` finds."""
        return run(self.find, name)

    def matching(self, test: Test, shown: str) -> Iterator[bytes]:
        """A TAR of the members whose names pass the test, with the headers that they have here, in pieces of about 256
        KiB. `shown` is how messages call the test: `NoSuchMember` before the first piece when nothing passes."""
        return offloaded(gathered(self._repacked(test, shown)))

    def listed(self, skip: int, limit: int) -> list[Listed]:
        """At most `limit` members from the one with number `skip` on."""
        return run(self._listed, skip, limit)

    def continued(self, entries: Iterable[Entry]) -> Iterator[bytes]:
        """The archive with these members after those that it has, in pieces of about 256 KiB."""
        return packed(run(self.format.after, self.content), entries, self.format.codec)

    def find(self, name: str) -> Member:
        """A member of that name, readable until the next one is asked for; `NoSuchMember`. Blocks: call it in a thread.

        Of several with the name it is the first, when this is the first that is asked for. To ask for many in the
        archive's order takes no longer than to read it once.
        """
        name = name.removeprefix("/")
        found = self._passed.get(name) or self._walk_to(name)
        if found is None and (self._forgotten or not self._passed):
            self._walk = self.format.members(self.content)
            found = self._walk_to(name)
        if found is None:
            raise NoSuchMember(self._bucket.name, self._key, name)
        return found

    def _walk_to(self, name: str) -> Member | None:
        for member in self._walk:
            own = member.name.removeprefix("/")
            if member.lasting and len(self._passed) < REMEMBERED:
                self._passed.setdefault(own, member)
            else:
                self._forgotten = True
            if own == name:
                return member
        return None

    def _repacked(self, test: Test, shown: str) -> Iterator[bytes]:
        found = False
        for member in self.format.members(self.content):
            if test(member.name):
                found = True
                yield from as_tar(member)
        if not found:
            raise NoSuchMember(self._bucket.name, self._key, shown)
        yield tar.END

    def _listed(self, skip: int, limit: int) -> list[Listed]:
        members = islice(self.format.members(self.content), skip, skip + limit)
        return [Listed(member.name, member.size) for member in members]


def as_tar(member: Member) -> Iterator[bytes]:
    """What a TAR with the member holds of it."""
    yield member.head or tar.header(member.name, member.size, member.modified)
    yield from member.read(member.whole)
    yield tar.padding(member.size)
