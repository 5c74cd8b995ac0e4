"""Starting a node: from its settings to the processes that serve."""

from __future__ import annotations

import errno
import logging
import os
import resource
import socket
import ssl
import sys
from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import Any, NoReturn

from appliance import banner, certificates, logs
from appliance.arbiter import GENERATIONS, Server
from appliance.identities import Keyring, WrongIdentities, read_accounts
from appliance.journal import FileJournal
from appliance.machine import NodeMachine
from appliance.metrics import Shared
from appliance.node import Node
from appliance.parts import options, url
from appliance.root import ADMINISTRATOR, FILE, WrongRoot, keyring_accounts, load_or_make
from appliance.settings import Settings
from storage.errors import OutOfSpace, VolumeFailed
from storage.layout import Layout, UnusableDirectory, claim, unusable
from storage.store import Store

LOGS = "logs"  # the folder, in the first volume, of the log's files
BACKLOG = 2048
FIELD_BYTES = 16 * 1024  # the most that one header may take
DESCRIPTORS = 1 << 20  # files that a process may have open, where the system leaves the choice
FILES_PER_CONNECTION = 2  # a socket, and a file that is sent or received
FILES_BESIDE = 256  # the index, logs, the loop, transforms

log = logging.getLogger("sluice.serve")


class CannotStart(Exception):
    """Why the node does not start, and what to do about it, in one line."""


def serve(settings: Settings, *, say: Callable[[str], None] = print) -> NoReturn:
    """Serve until SIGTERM or SIGINT, let what is under way finish, and leave by `SystemExit` with 0.

    Raises `CannotStart` before anything is served. `say` is told what the operator should see.
    """
    logs.configure(format=settings.log_format, level=settings.log_level)
    _check_address(settings)
    _check_tls(settings)
    try:
        with claim(settings.data, ignore_missing=settings.missing_volumes == "ignore") as held:
            _serve_set(settings, held.layout, say)
    except (UnusableDirectory, WrongIdentities, WrongRoot) as error:
        raise CannotStart(str(error)) from error
    raise SystemExit(0)


def _serve_set(settings: Settings, layout: Layout, say: Callable[[str], None]) -> None:
    folders = [place.path for place in layout.places if place.present]
    accounts = read_accounts(settings.identities) if settings.identities else []
    _check_volumes(settings, layout)
    if not settings.authentication:
        log.warning("authentication is off: whoever reaches this node may do everything through /v1")
    root, made = load_or_make(settings, folders)  # last, since a start that fails later will not print them again
    keyring = Keyring(keyring_accounts(root, accounts), tokens={root.token: ADMINISTRATOR})
    connections = _connections(settings)
    shared = Shared((GENERATIONS + 1) * (settings.workers + 1))
    journal = _journal(folders[0] / LOGS)
    certificate = certificates.read(settings.tls_certificate) if settings.tls_certificate else None
    node = Node(settings, layout, keyring, shared, NodeMachine(shared, journal, certificate))

    def ready(_: object) -> None:
        address, again = url(settings), banner.credentials_command(settings, sys.argv[0])
        if made:
            say(banner.first_start(address, settings.region, root, folders[0] / FILE, again))
        else:
            say(banner.later_start(address, root, again))

    Server(lambda: node, {**server_options(settings), "worker_connections": connections, "when_ready": ready}).run()


def _journal(folder: Path) -> FileJournal:
    """The files of the log, into which the log goes from now on as well."""
    try:
        journal = FileJournal(folder)
    except OSError as error:
        raise unusable(folder, error) from error
    logs.keep(journal)
    return journal


def server_options(settings: Settings) -> dict[str, Any]:
    """Our settings as gunicorn's."""
    host = f"[{settings.address}]" if ":" in settings.address else settings.address
    return {
        "bind": f"{host}:{settings.port}",
        "backlog": BACKLOG,
        "workers": settings.workers,
        "graceful_timeout": ceil(settings.graceful_seconds),
        "keepalive": ceil(settings.keep_alive_seconds),
        "limit_request_field_size": FIELD_BYTES,
        "header_map": "dangerous",  # names with an underscore stay; environ.complete keeps them out of HTTP_*
        "certfile": settings.tls_certificate and str(settings.tls_certificate),
        "keyfile": settings.tls_key and str(settings.tls_key),
        "logger_class": logs.ServerLog,
    }


def _check_address(settings: Settings) -> None:
    """gunicorn tries a busy port for five seconds and then logs several lines; this says it at once."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            settings.address, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
            probe.listen(1)
    except OSError as error:
        where_to = f"{settings.address} port {settings.port}"
        mend = "stop what listens there, or choose another with --port and --address"
        raise CannotStart(f"cannot listen on {where_to} ({error.strerror}); {mend}") from error


def _check_tls(settings: Settings) -> None:
    if settings.tls_certificate is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_certificate, settings.tls_key)
    except (ssl.SSLError, OSError) as error:
        files = f"{settings.tls_certificate} and {settings.tls_key}"
        mend = "give --tls-certificate a PEM chain and --tls-key the PEM key of its first certificate"
        raise CannotStart(f"TLS cannot use {files} ({error}); {mend}") from error


def _check_volumes(settings: Settings, layout: Layout) -> None:
    """Open all volumes once before the fork, so that what is wrong with one is said in one line and not by a worker."""
    try:
        Store(layout, options(settings)).close()
    except OutOfSpace as error:
        raise unusable(error.volume, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))) from error
    except VolumeFailed as error:
        mend = "see the system's log, mend the disk or restore the directory"
        raise UnusableDirectory(error.volume, f"cannot be opened: {error.reason}", mend) from error


def _connections(settings: Settings) -> int:
    """How many connections a worker may hold, after letting every process open as many files as the system allows: most
    are given far fewer to begin with. Without a file to read an accepted connection would be of no use."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    room = max(1, (most - FILES_BESIDE) // FILES_PER_CONNECTION)
    if room < settings.max_connections:
        log.warning(
            "a worker holds %d connections only, since a process may open no more than %d files; raise that limit "
            "(ulimit -Hn, LimitNOFILE= of systemd) or lower --max-connections", room, most,
        )
    return min(room, settings.max_connections)
