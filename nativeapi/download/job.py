"""The job that downloads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException

from urllib3 import BaseHTTPResponse, PoolManager
from urllib3.exceptions import HTTPError, MaxRetryError

from nativeapi import names
from nativeapi.download.egress import EgressBlocked, Guard, pools
from nativeapi.download.message import Links
from nativeapi.download.progress import Board, Downloads, Task
from nativeapi.errors import NativeError
from storage.attributes import Attributes
from storage.buckets import Buckets
from storage.checksums import DEFAULT
from storage.errors import NoSuchKey, StorageError
from storage.jobs import Jobs, Run, Step, Unit
from storage.jobs.buckets import source
from storage.objects import Objects
from storage.payload import encoded
from storage.records import Bucket, ObjectRecord
from storage.threads import pause

CONNECTIONS = 8  # at a time, where the request leaves it to the node
ATTEMPTS = 3
ALGORITHMS = frozenset((DEFAULT,))
AGENT = {"User-Agent": "sluice", "Accept-Encoding": "identity"}
# What tells a version of the bytes behind a link from another, by the names that objects keep it under.
VALIDATORS = {"etag": "ETag", "lastmodified": "Last-Modified"}
BROKEN = (HTTPError, HTTPException, OSError, UnicodeError)


class DownloadFailed(NativeError):
    """Nothing was stored of the bytes behind a link."""

    def __init__(self, message: str) -> None:
        super().__init__(400, message)


class Refused(DownloadFailed):
    """Another attempt would fare no better."""


class Throttle:
    """Keeps the average of all links of a job under so many bytes an hour; 0: there is no limit."""

    def __init__(self, bytes_per_hour: int) -> None:
        self._seconds = 3600 / bytes_per_hour if bytes_per_hour else 0.0  # a byte
        self._free_at = time.monotonic()

    def take(self, size: int) -> None:
        """Wait until the next bytes may be asked for."""
        now = time.monotonic()
        self._free_at = max(self._free_at, now) + size * self._seconds
        if self._free_at > now:
            pause(self._free_at - now)


class ReplyPayload:
    """The bytes of a reply as an object's."""

    def __init__(self, reply: BaseHTTPResponse, took: Callable[[int], None], deadline: float) -> None:
        length = reply.headers.get("Content-Length", "")
        self._reply = reply
        self._took = took
        self._deadline = deadline
        self.size = int(length) if length.isdecimal() else None
        self.algorithms = ALGORITHMS

    def readinto(self, buffer: memoryview, /) -> int:
        if time.monotonic() > self._deadline:
            raise Refused("the link's time is over")
        data = self._reply.read(len(buffer), decode_content=False)
        buffer[: len(data)] = data
        self._took(len(data))
        return len(data)

    def verify(self, digests: Mapping[str, bytes]) -> Mapping[str, str]:
        return encoded(digests, self.algorithms)


@dataclass(frozen=True, slots=True)
class Fetch:
    """Gets the bytes behind one link after the other."""

    run: Run
    links: Links
    bucket: Bucket
    objects: Objects
    pools: PoolManager
    board: Board
    throttle: Throttle

    def __call__(self, position: str) -> Step:
        name, link = self.links.at(int(position))
        task = self.board.begin(name)
        try:
            names.check_new_object_name(name)
            return self._fetched(task, link)
        except (NativeError, StorageError) as error:
            return Step(error=self.run.failed(name, error))
        finally:
            self.board.leave(task)

    def _fetched(self, task: Task, link: str) -> Step:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._attempt(task, link)
            except Refused:
                raise
            except DownloadFailed:
                if attempt == ATTEMPTS:
                    raise
            self.run.check()
            pause(attempt)
            task.downloaded = 0
        raise AssertionError("the last attempt returns or raises")

    def _attempt(self, task: Task, link: str) -> Step:
        if self._is_there(task.name, link):
            self.board.skip()
            return Step()
        with self._reply("GET", link) as reply:
            if reply.status != 200:
                kind = DownloadFailed if reply.status >= 500 else Refused
                raise kind(f"request failed with {reply.status} status code ({reply.reason})")
            payload = ReplyPayload(reply, lambda size: self._took(task, size), self._deadline())
            task.total = -1 if payload.size is None else payload.size
            record = self.objects.put(self.bucket, task.name, payload, self._attributes(reply))
        self.board.done(task)
        return Step(objects=1, size=record.size)

    def _is_there(self, name: str, link: str) -> bool:
        """Whether the object has the very bytes that the link has now."""
        try:
            record = self.objects.head(self.bucket, name)
        except NoSuchKey:
            return False
        with self._reply("HEAD", link) as reply:
            return reply.status == 200 and same(record, reply)

    @contextmanager
    def _reply(self, method: str, link: str) -> Iterator[BaseHTTPResponse]:
        try:
            headers = AGENT | self.run.value["headers"]
            reply = self.pools.request(method, link, headers=headers, preload_content=False)
            try:
                yield reply
            except BaseException:
                reply.close()
                raise
            finally:
                reply.release_conn()
        except BROKEN as error:
            raise DownloadFailed(reason(error)) from error
        except EgressBlocked as error:
            raise Refused(f"dload: egress blocked: {error.address} ({error.network})") from error

    def _took(self, task: Task, size: int) -> None:
        self.run.check()
        self.throttle.take(size)
        self.board.took(task, size)

    def _deadline(self) -> float:
        return time.monotonic() + float(self.run.value["timeout"])

    def _attributes(self, reply: BaseHTTPResponse) -> Attributes:
        kept = {name: reply.headers[header] for name, header in VALIDATORS.items() if reply.headers.get(header)}
        content = reply.headers.get("Content-Type")
        return Attributes(
            self.run.owner, content={"content-type": content} if content else {}, metadata={"source": "web", **kept}
        )


def same(record: ObjectRecord, reply: BaseHTTPResponse) -> bool:
    """Whether the object was made of what the reply describes: the size and the strongest validator that it has."""
    if reply.headers.get("Content-Length") != str(record.size):
        return False
    told = ((record.metadata.get(name), reply.headers.get(header)) for name, header in VALIDATORS.items())
    return next((had == has for had, has in told if has), False)


def reason(error: Exception) -> str:
    """What a library says of a failed request, without its wrapping."""
    inner = error.reason if isinstance(error, MaxRetryError) and error.reason is not None else error
    text = str(inner.args[0]) if isinstance(inner, HTTPError) and inner.args else str(inner)
    return text.rpartition("): ")[2] or type(inner).__name__


@dataclass(frozen=True, slots=True)
class Download:
    """Fetches what its value links to. A link that fails is told; the others go on."""

    buckets: Buckets
    objects: Objects
    jobs: Jobs
    guard: Guard

    def __call__(self, run: Run) -> Iterator[Step]:
        links = Links(run.value)
        fresh = Downloads(run.value["description"], len(links))
        board = Board(self.jobs, run.job.id, fresh, clock=time.time_ns, monotonic=time.monotonic)
        connections = pools(self.guard)
        throttle = Throttle(run.value["bytes_per_hour"])
        fetch = Fetch(run, links, source(self.buckets, run), self.objects, connections, board, throttle)
        run.value["num-workers"] = run.value["num-workers"] or CONNECTIONS
        try:
            yield from run.each((Unit(str(at), str(at + 1)) for at in range(int(run.cursor or 0), len(links))), fetch)
        finally:
            connections.clear()
            board.tell()
