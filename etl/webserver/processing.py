"""From an object to what its server says of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from etl.webserver.answers import CONTENT_TYPE, OK, Answer
from etl.webserver.base_etl_server import ETLServer
from etl.webserver.client import Client
from etl.webserver.delivery import Delivery, Parcel
from etl.webserver.pipeline import compose_etl_direct_put_url, parse_etl_pipeline
from etl.webserver.sources import Fetched, File, Source


@dataclass(frozen=True, slots=True)
class Call:
    """One object to transform."""

    path: str  # decoded
    arguments: str
    source: Source
    pipeline: str  # the addresses that the result goes to, separated by commas; "" for back


class Processing:
    """Transforms objects with a server's class."""

    def __init__(self, server: ETLServer) -> None:
        self.server = server
        self._client = Client(server.surroundings)
        self._delivery = Delivery(self._client, server.direct_put_retries, server.logger)

    def file(self, fqn: str) -> File:
        """The file that the node names."""
        return File(self.server.sanitize_fqn(fqn))

    def fetched(self, path: str) -> Fetched:
        """The object that the node keeps under the path."""
        return Fetched(self._client, self.server.host_target, path)

    def answer(self, call: Call) -> Answer:
        """The result, or how it was delivered; raises what `etl.webserver.answers.COMPLAINTS` tells."""
        stage, following = parse_etl_pipeline(call.pipeline)
        if stage:
            return self._delivery.send(self._parcel(call, stage, following))
        result = begun(self._streamed(call)) if self.server.use_streaming else self._transformed(call)
        return Answer(OK, result, {CONTENT_TYPE: self.server.get_mime_type()})

    def _parcel(self, call: Call, stage: str, following: str) -> Parcel:
        url = compose_etl_direct_put_url(stage, self.server.host_target, call.path, call.arguments)
        if self.server.use_streaming:
            return Parcel(url, following, partial(self._streamed, call), repeatable=call.source.replayable)
        result = self._transformed(call)
        return Parcel(url, following, lambda: result, repeatable=True)

    def _transformed(self, call: Call) -> bytes:
        if self.server.direct_fqn and isinstance(call.source, File):
            return as_bytes(self.server.transform(call.source.path, call.path, call.arguments))
        with call.source.open() as reader:
            data = reader.read()
        return as_bytes(self.server.transform(data, call.path, call.arguments))

    def _streamed(self, call: Call) -> Iterator[bytes]:
        with call.source.open() as reader:
            yield from self.server.transform_stream(reader, call.path, call.arguments)


def as_bytes(result: bytes | bytearray | memoryview | str) -> bytes:
    """A result as authors may return it: AIStore's framework takes text and buffers, too."""
    return result.encode() if isinstance(result, str) else bytes(result)


def begun(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same pieces, the first of them made already: an error until then still has a status of its own."""
    return resumed(next(pieces, b""), pieces)


def resumed(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
