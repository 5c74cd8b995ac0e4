"""The node as one application: which of its parts answers a request, and what each of its processes opens."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterable
from functools import partial
from typing import Any, Protocol

import gevent
from flask import Flask
from prometheus_client import CollectorRegistry

from appliance import logs
from appliance.clock import WallClock
from appliance.environ import complete
from appliance.exported import exported
from appliance.follow import follow
from appliance.health import health
from appliance.housekeeping import keep_house
from appliance.http.head import Limits
from appliance.identities import Keyring
from appliance.journal import Bounds
from appliance.machine import NodeMachine
from appliance.metrics import Counters, Requests, Shared, exposition
from appliance.observe import LAYOUTS, AccessLog, Sink
from appliance.parts import Parts, open_parts
from appliance.room import keep_room
from appliance.settings import Settings
from appliance.tally import tally
from nativeapi import easy_urls
from nativeapi.configuration import Values
from nativeapi.objects import PREFIXES
from nativeapi.openapi.served import reader
from nativeapi.routes import blueprint
from storage.errors import NoSuchBucket
from storage.jobs.bell import Bell
from storage.layout import Layout
from storage.volume import Volume

# What the node answers itself. No bucket has such a name: CreateBucket refuses them. (v1 is too short for one.)
RESERVED = frozenset({"console", "metrics", "healthz", "readyz"})

_own = re.compile(rf"/(v1|\.well-known|{'|'.join((*sorted(RESERVED), *easy_urls.SCHEMES))})(?![^/?])").match
DETAILS = "4"  # the level of AIStore's logs from which on they hold details

Environ = dict[str, Any]


class Stop(Protocol):
    """An event that ends the work of a process."""

    def wait(self, timeout: float) -> bool: ...

    def is_set(self) -> bool: ...


def header(environ: Environ, name: bytes) -> str:
    """The first header of this lower-case name, "" when there is none."""
    found = (value for key, value in environ["sluice.headers"] if key.lower() == name)
    return next(found, b"").decode("latin-1")


class Node(Flask):
    """Made before the fork; each process calls `open` after it and `close` at its end."""

    def __init__(
        self, settings: Settings, layout: Layout, keyring: Keyring, shared: Shared, machine: NodeMachine
    ) -> None:
        super().__init__("appliance.node", static_folder=None)
        self.settings = settings
        self.limits = Limits(
            head_bytes=settings.max_head_bytes,
            head_seconds=settings.head_seconds,
            idle_seconds=settings.keep_alive_seconds,
            stall_seconds=settings.body_stall_seconds,
        )
        self._layout = layout
        self._keyring = keyring
        self._shared = shared
        self._clock = WallClock()
        self._bell = Bell()
        self._machine = machine
        self._parts: Parts | None = None
        self._counters: Counters | None = None
        self._log: AccessLog | None = None
        registry = CollectorRegistry(auto_describe=False)
        registry.register(Requests(shared))
        self.register_blueprint(health(self._volumes, lambda: exported(self.parts.native) + exposition(registry)))
        self.register_blueprint(blueprint(lambda: self.parts.native))
        self.register_blueprint(reader())

    # -- the life of a process ---------------------------------------------------------------------------------------

    @property
    def parts(self) -> Parts:
        assert self._parts is not None, "the process has not been opened"
        return self._parts

    def open(self) -> None:
        """Open what must not be shared with a parent process."""
        self._parts = open_parts(
            self.settings, self._layout, self._keyring, self._bell, self._clock, self._machine, reserved=RESERVED
        )
        self._s3 = self._parts.s3
        self._native_objects = self._parts.native_objects
        self._counters = Counters(self._shared.claim())
        if self.settings.access_log != "off":
            sink, layout = Sink(self.settings.access_log), LAYOUTS[self.settings.log_format]
            self._log = AccessLog(sink, layout, later=gevent.spawn_later)
            gevent.signal_handler(signal.SIGUSR1, self._log.reopen)
        self._follower = gevent.spawn(follow, self.parts.native.configuration, self._apply)

    def close(self) -> None:
        self._follower.kill()
        if self._log is not None:
            self._log.close()
        self.parts.close()

    def run_jobs(self, stop: Stop) -> None:
        """The work of the process for background jobs, until `stop` is set; raises as soon as a part of it does."""
        parts = self.parts
        work = (
            partial(keep_house, parts.jobs), partial(keep_room, parts.native), partial(tally, parts.native),
            parts.runner.run, parts.supervisor.run,
        )
        gevent.joinall([gevent.spawn(one, stop) for one in work], raise_error=True)

    # -- requests ----------------------------------------------------------------------------------------------------

    def wsgi_app(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        target = environ["RAW_URI"]
        own = _own(target)
        if own is None or self._is_s3(own[1], environ):
            return self._s3(environ, start_response)
        if target.startswith(PREFIXES):
            return self._native_objects(environ, start_response)
        complete(environ)
        reply: Iterable[bytes] = super().wsgi_app(environ, start_response)
        return reply

    def observe(self, environ: Environ, status: int, sent: int, seconds: float) -> None:
        """Count and log a request that was answered."""
        if self._counters is not None:
            self._counters.observe(environ, status, sent, seconds)
        if self._log is not None:
            self._log.observe(environ, status, sent, seconds)

    def _is_s3(self, name: str, environ: Environ) -> bool:
        """Whether a path that begins as one of ours is meant for S3 all the same: when somebody tries to make a bucket
        of a reserved name, which S3 refuses, when the host is a bucket's and the whole path therefore a key, or when a
        bucket may have the name."""
        if name in RESERVED and environ["REQUEST_METHOD"] == "PUT":
            return True
        if name in easy_urls.SCHEMES and self._means_bucket(name, environ):
            return True
        if not self.settings.domain:
            return False
        host = header(environ, b"host").lower().rpartition(":")
        name = host[0] if host[1] and host[2].isdigit() else "".join(host)
        return name.endswith(tuple(f".{domain}" for domain in self.settings.domain))

    def _means_bucket(self, name: str, environ: Environ) -> bool:
        """Whether a path that could be an easy URL is S3's. Easy URLs never hide a bucket: who comes with a bearer
        token means the native API, who signs means S3, and who does neither means the bucket where there is one."""
        authorization = header(environ, b"authorization")
        if easy_urls.is_certain(name, authorization):
            return False
        if self.settings.authentication or easy_urls.is_signed(environ["RAW_URI"], authorization):
            return True
        try:
            self.parts.store.buckets.get(name)
        except NoSuchBucket:
            return False
        return True

    def _volumes(self) -> tuple[Volume, ...]:
        return self.parts.store.partitions.present

    def _apply(self, values: Values) -> None:
        """What the cluster's configuration means for this process."""
        logs.set_level(self.settings.log_level if values["log.level"] < DETAILS else "debug")
        self._machine.journal.bounds = Bounds(values["log.max_size"], values["log.max_total"])
