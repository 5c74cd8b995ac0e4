"""The gunicorn worker: a fast lane for requests of the common shape, gunicorn's own machinery for the rest."""

from __future__ import annotations

import contextlib
import itertools
import random
import signal
import socket
import ssl
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Final, Protocol

import gevent
import gevent.socket
from gevent.event import Event
from gunicorn.sock import ssl_context
from gunicorn.workers.ggevent import GeventWorker

from appliance.connection import Connection, Environ, Handover, Observer, unobserved
from appliance.full_lane import FullLane
from appliance.http.head import Limits
from appliance.http.listener import Listener, Loads, NativeSocket
from appliance.http.pulse import BEAT_SECONDS, Pulse
from appliance.http.transport import PeerGone, SecureTransport, Transport

SHED: Final = 4  # a full worker closes this part of its connections each second, as far as they are idle
STOPPING: Final = (signal.SIGTERM, signal.SIGINT)


class Node(Protocol):
    """What the processes use of the application, beside calling it, if it offers it."""

    limits: Limits

    def open(self) -> None:
        """Called in every process after the fork: open what must not be shared with a parent."""

    def close(self) -> None:
        """Called once before the process exits."""

    def observe(self, environ: Environ, status: int, sent: int, seconds: float) -> None:
        """Called after each reply."""

    def run_jobs(self, stop: Event) -> None:
        """The work of the process for background jobs; returns soon after `stop` is set."""


class SluiceWorker(GeventWorker):
    """Serves HTTP until SIGTERM or SIGINT; then answers what is in flight, closes idle connections and returns."""

    serves_requests = True
    loads = Loads()  # shared with the other workers: made at import, which comes before the fork
    wsgi: Any  # a WSGI callable that is as much of a Node as it likes

    @staticmethod
    def check_config(cfg: Any, log: Any) -> None:
        """Set what the full lane needs, whatever the command line said: every header kept, no lenient parsing."""
        cfg.set("header_map", "dangerous")
        cfg.set("http_parser", "python")

    def patch(self) -> None:
        before = ssl.SSLContext
        super().patch()
        # The application was loaded before the fork. What it imported by name must be the patched class too: the
        # standard library's setters recurse without end in instances of the original one.
        for module in list(sys.modules.values()):
            if getattr(module, "__dict__", {}).get("SSLContext") is before:
                vars(module)["SSLContext"] = ssl.SSLContext

    def init_signals(self) -> None:
        super().init_signals()
        self.stop_event = Event()
        for number in STOPPING:
            gevent.signal_handler(number, self.handle_exit, number, None)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.alive = False
        self.stop_event.set()

    def load_wsgi(self) -> None:
        super().load_wsgi()
        self.limits: Limits = getattr(self.wsgi, "limits", Limits())
        self.observe: Observer = getattr(self.wsgi, "observe", unobserved)
        call_if_there(self.wsgi, "open")

    def run(self) -> None:
        try:
            self.serve()
        finally:
            call_if_there(self.wsgi, "close")
            for number in STOPPING:  # without the loop a second one would kill the process on its way out
                signal.signal(number, signal.SIG_IGN)

    def serve(self) -> None:
        """Accept and answer until told to stop."""
        self.pulse = Pulse()
        self.ids = itertools.count(random.SystemRandom().getrandbits(63))
        self.tls = ssl_context(self.cfg) if self.cfg.is_ssl else None
        listeners = [self._listener(sock) for sock in self.sockets]
        while not self.stop_event.wait(BEAT_SECONDS):
            self._beat()
            self._make_room(listeners)
        self._drain(listeners)

    def _listener(self, sock: Any) -> Listener:
        return Listener(
            NativeSocket(sock.family, sock.type, sock.proto, fileno=sock.detach()),
            self.converse,
            room=self.worker_connections,
            process=self.age,
            loads=self.loads,
        )

    def _beat(self) -> None:
        self.notify()
        gevent.get_hub().loop.run_callback(self.pulse.beat)

    def _make_room(self, listeners: list[Listener]) -> None:
        """Connections that say nothing must not keep out those that would, however many somebody opens."""
        if any(len(listener.connections) >= self.worker_connections for listener in listeners):
            count = max(1, self.worker_connections // SHED)
            gevent.get_hub().loop.run_callback(self.pulse.shed, count)

    def _drain(self, listeners: list[Listener]) -> None:
        """Take no more connections, and give those that are there until the graceful timeout."""
        for listener in listeners:
            listener.close()
        gevent.get_hub().loop.run_callback(self.pulse.stop)
        deadline = time.monotonic() + self.cfg.graceful_timeout
        for listener in listeners:
            while not listener.connections.join(timeout=BEAT_SECONDS) and time.monotonic() < deadline:
                self._beat()
            if listener.connections:
                self.log.warning("%d connections cut after the graceful timeout", len(listener.connections))
                listener.connections.kill(timeout=BEAT_SECONDS)

    # -- a connection ------------------------------------------------------------------------------------------------

    def converse(self, client: socket.socket, addr: Any) -> None:
        """Serve a connection until it is closed."""
        try:
            transport = self._transport(client)
        except OSError:  # gone already
            client.close()
            return
        try:
            if isinstance(transport, SecureTransport):
                transport.deadline = time.monotonic() + self.limits.head_seconds
                transport.handshake()
            self._connection(transport, addr).serve()
        except Handover as handover:
            self._serve_full(transport, addr, handover.data)
        except (OSError, PeerGone) as error:
            self.log.debug("Connection lost: %r", error)
        finally:
            transport.close()

    def _serve_full(self, transport: Transport, addr: Any, data: bytes) -> None:
        sock: Any = transport.detach()
        if not transport.secure:
            sock = gevent.socket.socket(sock.family, sock.type, sock.proto, fileno=sock.detach())
        sock.setblocking(True)
        lane = FullLane(
            self.wsgi,
            cfg=self.cfg,
            limits=self.limits,
            observe=self.observe,
            ids=self.ids,
            pulse=self.pulse,
            scheme="https" if transport.secure else "http",
        )
        with contextlib.closing(sock):
            lane.serve(sock, addr, data)

    def _transport(self, sock: socket.socket) -> Transport:
        sock.setblocking(False)
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.tls is None:
            return Transport(sock, self.pulse, stall_seconds=self.limits.stall_seconds)
        secure = self.tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        return SecureTransport(secure, self.pulse, stall_seconds=self.limits.stall_seconds)

    def _connection(self, transport: Transport, addr: Any) -> Connection:
        return Connection(
            transport,
            self.wsgi,
            remote=addr[0] if isinstance(addr, tuple) else "",
            limits=self.limits,
            observe=self.observe,
            ids=self.ids,
        )


def call_if_there(application: Any, name: str) -> None:
    hook = getattr(application, name, None)
    if hook is not None:
        hook()


class JobsWorker(SluiceWorker):
    """Accepts nothing; does the application's background jobs, supervised like the others."""

    serves_requests = False

    def init_process(self) -> None:
        listeners: list[Any] = self.sockets
        for listener in listeners:
            listener.sock.close()
        self.sockets = []
        super().init_process()

    def serve(self) -> None:
        run_jobs: Callable[[Event], object] = getattr(self.wsgi, "run_jobs", Event.wait)
        jobs = gevent.spawn(run_jobs, self.stop_event)
        while not jobs.ready() and not self.stop_event.wait(BEAT_SECONDS):
            self.notify()
        deadline = time.monotonic() + self.cfg.graceful_timeout
        while not jobs.ready() and time.monotonic() < deadline:
            self.notify()
            jobs.join(timeout=BEAT_SECONDS)
        jobs.kill()
        if not jobs.successful():
            raise SystemExit(1)
