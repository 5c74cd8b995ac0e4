"""The gunicorn worker: a fast lane for requests of the common shape, gunicorn's own machinery for the rest."""

from __future__ import annotations

import contextlib
import itertools
import random
import signal
import socket
import ssl
from functools import partial
from typing import Any, Protocol

import gevent
import gevent.socket
from gevent import monkey
from gevent.event import Event
from gevent.pool import Pool
from gevent.server import StreamServer
from gunicorn.sock import ssl_context
from gunicorn.workers.ggevent import GeventWorker

from appliance.connection import Connection, Handover, unobserved
from appliance.full_lane import FullLane
from appliance.http.head import Limits
from appliance.http.pulse import BEAT_SECONDS, Pulse
from appliance.http.transport import PeerGone, SecureTransport, Transport


class Node(Protocol):
    """What the processes need of the application beside being a WSGI callable. Each is called if it is there."""

    limits: Limits

    def open(self) -> None:
        """Called in every process after the fork: open what must not be shared with a parent."""

    def close(self) -> None:
        """Called once before the process exits."""

    def observe(self, environ: dict[str, Any], status: int, sent: int, seconds: float) -> None:
        """Called after each reply."""

    def run_jobs(self, stop: Event) -> None:
        """The work of the process for background jobs; returns soon after `stop` is set."""


class SluiceWorker(GeventWorker):  # type: ignore[misc]
    """Serves HTTP until SIGTERM or SIGINT; then answers what is in flight, closes idle connections and returns."""

    def init_process(self) -> None:
        self.stop_event: Event | None = None
        super().init_process()

    def init_signals(self) -> None:
        super().init_signals()
        self.stop_event = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            gevent.signal_handler(number, self.handle_exit, number, None)

    def handle_exit(self, sig: int, frame: Any) -> None:
        self.alive = False
        if self.stop_event is not None:
            self.stop_event.set()

    def load_wsgi(self) -> None:
        super().load_wsgi()
        self.limits: Limits = getattr(self.wsgi, "limits", Limits())
        self.observe = getattr(self.wsgi, "observe", unobserved)
        call_if_there(self.wsgi, "open")

    def run(self) -> None:
        try:
            self.serve()
        finally:
            call_if_there(self.wsgi, "close")

    def serve(self) -> None:
        self.pulse = Pulse()
        self.ids = itertools.count(random.SystemRandom().getrandbits(63))
        self.tls = ssl_context(self.cfg) if self.cfg.is_ssl else None
        servers = [self._server(listener) for listener in self.sockets]
        while not self.stop_event.wait(BEAT_SECONDS):
            self._beat()
        self._drain(servers)

    def _server(self, listener: Any) -> StreamServer:
        listener.setblocking(True)
        server = StreamServer(listener, handle=partial(self.handle, listener), spawn=Pool(self.worker_connections))
        # One connection a turn of the loop: a burst of them spreads over the workers instead of filling the first.
        server.max_accept = 1
        server.start()
        return server

    def _beat(self) -> None:
        self.notify()
        gevent.get_hub().loop.run_callback(self.pulse.beat)

    def _drain(self, servers: list[StreamServer]) -> None:
        for server in servers:
            server.close()
        loop = gevent.get_hub().loop
        loop.run_callback(self.pulse.stop)
        with gevent.Timeout(self.cfg.graceful_timeout, False):
            for server in servers:
                while not server.pool.join(timeout=BEAT_SECONDS):
                    self._beat()
            return
        self.log.warning("Worker graceful timeout (pid:%s)", self.pid)
        for server in servers:
            server.stop(timeout=BEAT_SECONDS)

    # -- a connection ------------------------------------------------------------------------------------------------

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        transport = self._transport(client)
        try:
            if isinstance(transport, SecureTransport):
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
            scheme="https" if transport.secure else "http",
        )
        with contextlib.closing(sock):
            lane.serve(sock, addr, data)

    def _transport(self, client: Any) -> Transport:
        native = monkey.get_original("socket", "socket")
        family = client.family
        sock: socket.socket = native(family, socket.SOCK_STREAM, client.proto, fileno=client.detach())
        sock.setblocking(False)
        if family in (socket.AF_INET, socket.AF_INET6):
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
