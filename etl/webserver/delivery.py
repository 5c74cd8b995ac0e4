"""Results that do not go back to who has asked, but on: to the next stage, or into the node's store (direct put)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from etl.webserver.answers import CONTENT_TYPE, DELIVERED, DIRECT_PUT_LENGTH, OK, Answer
from etl.webserver.client import Client
from etl.webserver.errors import DeliveryFailed, DeliveryInterrupted, SourceSpent
from etl.webserver.pipeline import NODE_URL

LONGEST_PAUSE = 30.0  # s

Result = bytes | Iterator[bytes]


@dataclass(frozen=True, slots=True)
class Parcel:
    """A result, and where it goes."""

    url: str
    following: str  # the stages after that one
    make: Callable[[], Result]  # the result; called again for every attempt
    repeatable: bool  # whether it can be called again


class Delivery:
    """Sends results on. An interrupted one is sent again after 1, 2, 4 … s, `retries` times."""

    def __init__(self, client: Client, retries: int, logger: logging.Logger) -> None:
        self._client = client
        self._retries = retries
        self._logger = logger

    def send(self, parcel: Parcel) -> Answer:
        """What to tell who has asked; `DeliveryFailed`, `SourceSpent`, and whatever making the result raises."""
        attempt = 0
        while True:
            try:
                return self._sent(parcel)
            except DeliveryInterrupted as lost:
                if not parcel.repeatable:
                    raise SourceSpent(str(lost)) from lost
                if attempt == self._retries:
                    raise DeliveryFailed(f"after {attempt} retries: {lost}") from lost
                pause = min(2.0**attempt, LONGEST_PAUSE)
                self._logger.warning("%s; trying again in %.0f s", lost, pause)
                time.sleep(pause)
                attempt += 1

    def _sent(self, parcel: Parcel) -> Answer:
        result = parcel.make()
        counted = Counted(result)
        headers = {NODE_URL: parcel.following} if parcel.following else {}
        try:
            response = self._client.put(parcel.url, result if isinstance(result, bytes) else counted, headers)
        except StreamFailed as failed:
            raise failed.reason
        except HTTPError as error:
            raise interruption(parcel.url, error) from error
        finally:
            counted.close()
        answer = outcome(response, len(result) if isinstance(result, bytes) else counted.size)
        if answer.status >= 400:
            self._logger.error("the result was refused by %s: %d %r", place(parcel.url), answer.status, answer.body)
        return answer


class StreamFailed(Exception):
    """Making the result failed, for a reason that might otherwise pass for the connection's."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Counted:
    """The pieces of a stream, counted; `StreamFailed` when it raises."""

    def __init__(self, result: Result) -> None:
        self._pieces = iter(()) if isinstance(result, bytes) else result
        self.size = 0  # bytes that have gone

    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self._pieces:
                if piece:
                    self.size += len(piece)
                    yield piece
        except Exception as reason:  # of the transform's author: anything
            raise StreamFailed(reason) from reason

    def close(self) -> None:
        """Whatever the stream holds open is closed, although nobody wants the rest."""
        getattr(self._pieces, "close", lambda: None)()


def outcome(response: BaseHTTPResponse, size: int) -> Answer:
    """What the answer of the next stage, or of the node, means to who has asked; `size` bytes were sent.

    A stage that has passed its result on says so with 204 and the length; the node with an empty 200. Anything else,
    be it the last stage's result or an error, goes back as it is.
    """
    if response.status == DELIVERED:
        return delivered(int(response.headers.get(DIRECT_PUT_LENGTH, "0")))
    if response.status == OK and not response.data:
        return delivered(size)
    kind = response.headers.get(CONTENT_TYPE, "application/octet-stream")
    return Answer(response.status, response.data, {CONTENT_TYPE: kind})


def delivered(size: int) -> Answer:
    return Answer(DELIVERED, b"", {DIRECT_PUT_LENGTH: str(size)} if size else {})


def interruption(url: str, error: HTTPError) -> DeliveryFailed:
    """An address where nobody listens is wrong; other failures of a connection pass. The URL holds a secret."""
    said = f"direct put to {place(url)} failed: {error}"
    return DeliveryFailed(said) if isinstance(error.__cause__, ConnectionRefusedError) else DeliveryInterrupted(said)


def place(url: str) -> str:
    return urlsplit(url).netloc
