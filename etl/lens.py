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
from etl.errors import NoSuchTransform, TransformFailed
from etl.records import ObjectError, Stage, Transform

MOST_RETRIES = 10
FIRST_WAIT_SECONDS = 1.0
WAIT_STEP_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 4.0  # AIStore's timeout.max_keepalive
LOOK_SECONDS = 0.02
FAILED = 400  # the first status that means so
LONGEST_MESSAGE = 64 * 1024  # bytes of an error's body that are shown
BAD_GATEWAY = 502
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
        `TransformFailed` when the server refuses; what it returns may raise that as well while it is read.
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
        opened = TransformedSource(passage, source, content, answer)
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
        waits = 0
        while True:
            spec = transform.spec
            request = Request(
                transform.address, passage.bucket, passage.key, arguments, spec.obj_timeout, spec.object_seconds
            )
            try:
                return self._channels[spec.communication].send(request, content, size)
            except ConnectionFailed as error:
                if waits == MOST_RETRIES or isinstance(content, Iterator):
                    raise TransformFailed(BAD_GATEWAY, f"ETL error: {error}") from error
                if not error.stale:
                    self._pause(min(FIRST_WAIT_SECONDS + waits * WAIT_STEP_SECONDS, LONGEST_WAIT_SECONDS))
                    waits += 1
            transform = self._running(transform.name)  # it may have ended, or come back at another address


class Passage(NamedTuple):
    """An object on its way through a job, for the books."""

    activities: Activities
    job: str
    bucket: str
    key: str

    def done(self, in_bytes: int, out_bytes: int) -> None:
        self.activities.done(self.job, in_bytes=in_bytes, out_bytes=out_bytes)

    def failed(self, status: int, text: str) -> None:
        self.activities.failed(self.job, ObjectError(f"ais://{self.bucket}/{self.key}", text, status))


class TransformedSource:
    """The result of a transform, as far as it is there. Closing it before its end ends the transform's work on it."""

    __slots__ = ("_answer", "_content", "_passage", "_source", "record", "size")

    def __init__(
        self, passage: Passage, source: Source, content: Content | Iterator[bytes], answer: Answer
    ) -> None:
        self._passage = passage
        self._source = source
        self._content = content
        self._answer = answer
        self.size: int | None = answer.size
        self.record = shown(source.record, answer)

    def content(self, span: Span | None = None) -> bytes | Iterator[bytes]:
        body = self._answer.body()
        if isinstance(body, bytes):
            self._passage.done(self._source.size or 0, len(body))
            return body if span is None else body[span.start:span.stop]
        pieces = self._counted(body)
        return pieces if span is None else within(pieces, span)

    def close(self) -> None:
        self._answer.close()
        close_content(self._content)
        self._source.close()

    def __enter__(self) -> TransformedSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _counted(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        out_bytes = 0
        try:
            for piece in pieces:
                out_bytes += len(piece)
                yield piece
        except TransformFailed as error:
            self._passage.failed(error.status, error.message)
            raise
        finally:
            self.close()
        self._passage.done(self._source.size or 0, out_bytes)


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
