"""What a transform has made of an object, as a source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
from storage.content import Span
from storage.records import ObjectRecord
from storage.source import Source

from etl.activity import Activities
from etl.channel import Answer
from etl.errors import TransformFailed
from etl.giving import Given
from etl.records import ObjectError

LONGEST_KEPT = 1024  # characters of an error's message in the books, which are written anew with every error


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
    given: Given
    answer: Answer

    def close(self) -> None:
        """End the transform's work on the object if it still goes on; closing twice is fine."""
        self.answer.close()
        self.given.close()
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
