"""Objects seen through a transform: sources like any other, so that who reads or copies them need not know.

A lens gives what the transform makes of an object; it has no validators of its own, since nobody knows whether the
transform makes the same of it tomorrow.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import NamedTuple

import msgspec
from storage.conditions import Conditions
from storage.content import Content, Span
from storage.errors import NoSuchKey
from storage.records import Bucket, ObjectRecord
from storage.source import Opener, Source, close_content
from storage.threads import pause

from etl.activity import Activities
from etl.catalog import TransformCatalog
from etl.channel import Answer, Channel, ConnectionFailed, Request
from etl.errors import NoSuchTransform, TransformBroken, TransformFailed
from etl.records import ObjectError, Stage, Transform

FIRST_WAIT_SECONDS = 1.0  # between two attempts; AIStore's numbers
WAIT_STEP_SECONDS = 0.5
PATIENCE_SECONDS = 15.0  # for attempts that lose their connection; AIStore's take 30 s, its SDK gives up after 20
LOOK_SECONDS = 0.02
FAILED = 400  # the first status that means so
LONGEST_MESSAGE = 64 * 1024  # bytes of an error's body that are shown
LONGEST_KEPT = 1024  # characters of it in the books, which are written anew with every error
NOT_FOUND = 404


class Lenses:
    """Opens objects through the transforms of a node; one per process, made after the fork, closed before the store."""

    def __init__(
        self,
        opener: Opener,
        catalog: TransformCatalog,
        activities: Activities,
        *,
        channels: Mapping[str, Channel],
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = pause,
    ) -> None:
        """`channels` are by communication type; `opener` opens the objects themselves."""
        self._opener = opener
        self._catalog = catalog
        self._activities = activities
        self._channels = MappingProxyType(dict(channels))
        self._monotonic = monotonic
        self._pause = pause

    def open(self, name: str, arguments: str = "") -> Opener:
        """How to open an object through the transform `name`, which is given `arguments`.

        The opener looks for the transform, then for the object, whose conditions it checks, then has the transform
        begin. It raises `NoSuchTransform` when the transform does not run, what opening an object raises, and
        `TransformFailed` when the server refuses or fails; what it returns may raise that as well while it is read.
        """

        def through(bucket: Bucket, key: str, given: Conditions) -> Source:
            transform = self._running(name)
            passage = Passage(self._activities, transform.job, bucket.name, key)
            try:
                return self._opened(transform, passage, arguments, self._opener(bucket, key, given))
            except NoSuchKey:
                passage.failed(NOT_FOUND, "object not found")
                raise
            except TransformFailed as error:
                passage.failed(error.status, error.message)
                raise

        return through

    def require(self, name: str) -> None:
        """`NoSuchTransform` unless the transform runs or is about to."""
        if self._catalog.get(name).stage is Stage.ABORTED:
            raise NoSuchTransform(name)

    def close(self) -> None:
        for channel in self._channels.values():
            channel.close()
        self._activities.close()

    def _running(self, name: str) -> Transform:
        """The transform; one that is coming up (a node that restarts brings its transforms back) is waited for."""
        transform = self._catalog.get(name)
        if transform.stage is Stage.INITIALIZING:
            deadline = self._monotonic() + transform.spec.object_seconds
            while transform.stage is Stage.INITIALIZING and self._monotonic() < deadline:
                self._pause(LOOK_SECONDS)
                transform = self._catalog.get(name)
        if transform.stage is not Stage.RUNNING:
            raise NoSuchTransform(name)
        return transform

    def _opened(self, transform: Transform, passage: Passage, arguments: str, source: Source) -> TransformedSource:
        """The result as a source, which owns `source` from now on, as this does already when it raises."""
        content: Content | Iterator[bytes] = b""
        try:
            content = source.content()
            answer = self._send(transform, passage, arguments, content, source.size)
        except BaseException:
            close_content(content)
            source.close()
            raise
        opened = TransformedSource(passage, Held(source, content, answer))
        if answer.status >= FAILED:
            with opened:
                raise TransformFailed(answer.status, f"ETL error: {message(answer)}")
        return opened

    def _send(
        self,
        transform: Transform,
        passage: Passage,
        arguments: str,
        content: Content | Iterator[bytes],
        size: int | None,
    ) -> Answer:
        """Send until somebody answers, as AIStore does: again after a lost connection, never after a timeout."""
        spec = transform.spec
        last = self._monotonic() + min(PATIENCE_SECONDS, spec.object_seconds)
        wait = FIRST_WAIT_SECONDS
        while True:
            request = Request(
                transform.address, passage.bucket, passage.key, arguments, spec.obj_timeout, spec.object_seconds
            )
            try:
                return self._channels[spec.communication].send(request, content, size)
            except ConnectionFailed as error:
                late = not error.stale and self._monotonic() + wait > last
                if late or isinstance(content, Iterator):
                    raise TransformBroken(str(error)) from error
                if not error.stale:
                    self._pause(wait)
                    wait += WAIT_STEP_SECONDS
                transform = self._still_running(transform, error)

    def _still_running(self, transform: Transform, lost: ConnectionFailed) -> Transform:
        """The transform, perhaps at another address, after a connection to its server was lost."""
        try:
            return self._running(transform.name)
        except NoSuchTransform as ended:
            raise TransformBroken(f"{lost}, and the transform does not run any more") from ended


class Passage(NamedTuple):
    """An object on its way through a job, for the books."""

    activities: Activities
    job: str
    bucket: str
    key: str

    def done(self, in_bytes: int, out_bytes: int) -> None:
        self.activities.done(self.job, in_bytes=in_bytes, out_bytes=out_bytes)

    def failed(self, status: int, text: str) -> None:
        name = f"ais://{self.bucket}/{self.key}"
        self.activities.failed(self.job, ObjectError(name, text[:LONGEST_KEPT], status))


class Held(NamedTuple):
    """What must be closed once nothing more is wanted of a result."""

    source: Source
    content: Content | Iterator[bytes]  # the source's
    answer: Answer

    def close(self) -> None:
        """End the transform's work on the object if it still goes on; closing twice is fine."""
        self.answer.close()
        close_content(self.content)
        self.source.close()


class TransformedSource:
    """The result of a transform, as far as it is there."""

    __slots__ = ("_held", "_passage", "_taken", "record", "size")

    def __init__(self, passage: Passage, held: Held) -> None:
        self._passage = passage
        self._held = held
        self._taken = False  # whether what is held belongs to the content that was handed out
        self.size: int | None = held.answer.size
        self.record = shown(held.source.record, held.answer)

    def content(self, span: Span | None = None) -> bytes | Result:
        body = self._held.answer.body()
        in_bytes = self._held.source.size or 0
        if isinstance(body, bytes):
            self._passage.done(in_bytes, len(body))
            return body if span is None else body[span.start:span.stop]
        self._taken = True
        pieces = counted(body, self._passage, in_bytes)
        return Result(self._held, pieces if span is None else within(pieces, span))

    def close(self) -> None:
        if not self._taken:
            self._held.close()

    def __enter__(self) -> TransformedSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Result:
    """The bytes of a result, or of a span of it, as they come. It closes itself at its end and when it fails; to close
    it earlier ends the transform's work."""

    __slots__ = ("_held", "_pieces")

    def __init__(self, held: Held, pieces: Iterator[bytes]) -> None:
        self._held = held
        self._pieces = pieces

    def __iter__(self) -> Result:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._held.close()


def counted(pieces: Iterator[bytes], passage: Passage, in_bytes: int) -> Iterator[bytes]:
    """The pieces, which the books show as an object that went through, or did not."""
    out_bytes = 0
    try:
        for piece in pieces:
            out_bytes += len(piece)
            yield piece
    except TransformFailed as error:
        passage.failed(error.status, error.message)
        raise
    passage.done(in_bytes, out_bytes)


def shown(record: ObjectRecord, answer: Answer) -> ObjectRecord:
    """The record of a result: the source's without what only holds for its bytes."""
    return msgspec.structs.replace(
        record,
        size=answer.size or 0,
        etag="",
        checksums={},
        checksum_type="FULL_OBJECT",
        version="",
        content={"content-type": answer.content_type} if answer.content_type else {},
        blobs=(),
        parts=(),
        data=b"",
    )


def within(pieces: Iterator[bytes], span: Span) -> Iterator[bytes]:
    """The span's bytes; what lies before it is read and dropped."""
    position = 0
    for piece in pieces:
        start, stop = max(span.start - position, 0), span.stop - position
        if start < len(piece) and stop > 0:
            yield piece[start:stop]
        position += len(piece)
        if position >= span.stop:
            return


def message(answer: Answer) -> str:
    """The text of an error, as the server wrote it."""
    body = answer.body()
    if isinstance(body, bytes):
        return body.decode(errors="replace")
    text = b""
    with suppress(TransformFailed):  # what has come of the message is better than that it broke off
        for piece in body:
            text += piece
            if len(text) >= LONGEST_MESSAGE:
                break
    return text[:LONGEST_MESSAGE].decode(errors="replace")
