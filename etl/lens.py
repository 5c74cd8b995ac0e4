"""Objects seen through a transform: sources like any other, so that who reads or copies them need not know.

A lens gives what the transform makes of an object; it has no validators of its own, since nobody knows whether the
transform makes the same of it tomorrow.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from types import MappingProxyType

from storage.conditions import Conditions
from storage.errors import NoSuchKey
from storage.records import Bucket
from storage.source import Opener, Source
from storage.threads import pause

from etl.activity import Activities
from etl.catalog import TransformCatalog
from etl.channel import FAILED, Answer, Channel, ConnectionFailed, Request, message
from etl.channels.hpull import location
from etl.channels.landing import Landing
from etl.errors import NoSuchTransform, TransformBroken, TransformFailed
from etl.giving import Given, give
from etl.grants import granted
from etl.records import Stage, Transform
from etl.result import Held, Passage, TransformedSource
from etl.spec import HPULL, WS

FIRST_WAIT_SECONDS = 1.0  # between two attempts; AIStore's numbers
WAIT_STEP_SECONDS = 0.5
PATIENCE_SECONDS = 15.0  # for attempts that lose their connection; AIStore's take 30 s, its SDK gives up after 20
LOOK_SECONDS = 0.02
NOT_FOUND = 404


class Purpose(Enum):
    """What a result is for."""

    SHOW = auto()  # for a client that waits for it
    STORE = auto()  # to become an object, which a server with direct put delivers itself


@dataclass(frozen=True, slots=True)
class Use:
    """How a transform is used."""

    name: str
    arguments: str = ""
    pipeline: tuple[str, ...] = ()  # the transforms that make the result of its result, in order
    purpose: Purpose = Purpose.SHOW
    job: str = ""  # the background job for which it works, "" when a request itself waits


class Lenses:
    """Opens objects through the transforms of a node; one per process, made after the fork, closed before the store."""

    def __init__(
        self,
        opener: Opener,
        catalog: TransformCatalog,
        activities: Activities,
        *,
        channels: Mapping[str, Channel],
        node: str,
        folder: Callable[[str], Path],
        clock: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = pause,
    ) -> None:
        """`channels` are by communication type; `opener` opens the objects themselves; `node` is the host:port where
        servers reach this node; `folder` tells where files for a job's server are put."""
        self._opener = opener
        self._catalog = catalog
        self._activities = activities
        self._channels = MappingProxyType(dict(channels))
        self._node = node
        self._folder = folder
        self._clock = clock
        self._monotonic = monotonic
        self._pause = pause

    def open(self, use: Use) -> Opener:
        """How to open an object through a transform.

        The opener looks for the transform, then for the object, whose conditions it checks, then has the transform
        begin. It raises `NoSuchTransform` when the transform does not run, what opening an object raises, and
        `TransformFailed` when a server refuses or fails; what it returns may raise that as well while it is read.
        """

        def through(bucket: Bucket, key: str, conditions: Conditions) -> Source:
            transform = self._running(use.name)
            passage = Passage(self._activities, transform.job, bucket.name, key)
            try:
                source = self._opener(bucket, key, conditions)
                return self._opened(use, transform, passage, bucket, source)
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

    def location(self, use: Use, bucket: Bucket, key: str) -> str:
        """The URL by which somebody on this machine gets a result from the transform's server itself, good for as long
        as obj_timeout; "" when only the node can get it. `NoSuchTransform`; the object is not looked for."""
        transform = self._running(use.name)
        spec = transform.spec
        if spec.communication != HPULL or spec.file_names or use.pipeline:
            return ""
        name = granted(transform, bucket, key, now=self._clock())
        return location(
            Request(transform.address, bucket.name, key, use.arguments, spec.obj_timeout, spec.object_seconds, name)
        )

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

    def _opened(
        self, use: Use, transform: Transform, passage: Passage, bucket: Bucket, source: Source
    ) -> TransformedSource:
        """The result as a source, which owns `source` from now on, as this does already when it raises."""
        given: Given | None = None
        try:
            given = give(transform, bucket, passage.key, source, folder=self._folder, now=self._clock())
            answer = self._send(use, transform, passage, given)
        except BaseException:
            if given is not None:
                given.close()
            source.close()
            raise
        opened = TransformedSource(passage, Held(source, given, answer))
        if answer.status >= FAILED:
            with opened:
                raise TransformFailed(answer.status, f"ETL error: {message(answer)}")
        return opened

    def _send(self, use: Use, transform: Transform, passage: Passage, given: Given) -> Answer:
        """Send until somebody answers, as AIStore does: again after a lost connection, never after a timeout."""
        last = self._monotonic() + min(PATIENCE_SECONDS, transform.spec.object_seconds)
        wait = FIRST_WAIT_SECONDS
        while True:
            try:
                return self._attempt(use, transform, passage, given)
            except ConnectionFailed as error:
                late = not error.stale and self._monotonic() + wait > last
                if late or isinstance(given.content, Iterator):
                    raise TransformBroken(str(error)) from error
                if not error.stale:
                    self._pause(wait)
                    wait += WAIT_STEP_SECONDS
                transform = self._still_running(transform, error)

    def _attempt(self, use: Use, transform: Transform, passage: Passage, given: Given) -> Answer:
        spec = transform.spec
        stages = [self._stage(name) for name in use.pipeline]
        request = Request(
            transform.address, passage.bucket, passage.key, use.arguments, spec.obj_timeout, spec.object_seconds,
            given.name, given.file, ",".join(f"http://{stage.address}" for stage in stages),
        )
        channel = self._channels[spec.communication]
        if not delivers(use, transform):
            return channel.send(request, given.content, given.size)
        with closing(Landing((stages or [transform])[-1].name)) as landing:
            name = f"ais/@#/{passage.bucket}/{passage.key}"
            entry = landing.url(self._node, name, use.job or transform.job)
            onward = f"{request.onward},{entry}" if stages else entry
            return channel.send(request._replace(onward=onward, landing=landing), given.content, given.size)

    def _stage(self, name: str) -> Transform:
        """A later transform of a pipeline."""
        try:
            return self._running(name)
        except NoSuchTransform as error:
            raise TransformFailed(NOT_FOUND, f'ETL error: etl "{name}": entry not found in the target') from error

    def _still_running(self, transform: Transform, lost: ConnectionFailed) -> Transform:
        """The transform, perhaps at another address, after a connection to its server was lost."""
        try:
            return self._running(transform.name)
        except NoSuchTransform as ended:
            raise TransformBroken(f"{lost}, and the transform does not run any more") from ended


def delivers(use: Use, transform: Transform) -> bool:
    """Whether the last server puts the result itself. Over ws a single one need not, since its connection carries the
    result for a quarter of the cost (313 and 1,240 µs of CPU time for 4 KiB); the last of several must, since the first
    one's words do not tell an empty result of another from its failure."""
    if transform.spec.communication == WS:
        return bool(use.pipeline)
    return use.purpose is Purpose.STORE and transform.spec.support_direct_put
