"""What tells others how the node is: /healthz, /readyz and /metrics. None of them asks for credentials, as Prometheus
and Kubernetes expect, and none of them names buckets, keys or accounts."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
from flask import Blueprint, Response, request

from appliance.metrics import CONTENT_TYPE
from storage.threads import run
from storage.volume import Volume

JSON = "application/json"
ROOM = (errno.ENOSPC, errno.EDQUOT)  # a full volume still serves reads and deletions: the node is ready


def health(volumes: Callable[[], tuple[Volume, ...]], exposition: Callable[[], bytes]) -> Blueprint:
    made = Blueprint("health", __name__)

    @made.get("/healthz")
    def healthz() -> Response:
        """This process answers."""
        request.environ["sluice.operation"] = "node.Health"
        return Response(b'{"status":"ok"}\n', mimetype=JSON)

    @made.get("/readyz")
    def readyz() -> Response:
        """Every volume that the node has started with can be written to; 503 and the ones that cannot, otherwise."""
        request.environ["sluice.operation"] = "node.Ready"
        failures = run(failing, [volume.path for volume in volumes()])
        body = {"status": "failing" if failures else "ok", "volumes": failures}
        return Response(msgspec.json.encode(body) + b"\n", 503 if failures else 200, mimetype=JSON)

    @made.get("/metrics")
    def metrics() -> Response:
        """All counters of all processes, in Prometheus' text format."""
        request.environ["sluice.operation"] = "node.Metrics"
        return Response(exposition(), content_type=CONTENT_TYPE)

    return made


def failing(paths: list[Path]) -> dict[str, str]:
    """Why a file cannot be made, by the path of each directory where none can."""
    found = {str(path): failure(path) for path in paths}
    return {path: reason for path, reason in found.items() if reason}


def failure(path: Path) -> str:
    """Why no file can be made in the directory; "" when one can. Nothing is left of the attempt."""
    try:
        os.close(os.open(path, os.O_TMPFILE | os.O_WRONLY, 0o600))
    except OSError as error:
        if error.errno == errno.EOPNOTSUPP:  # a filesystem without nameless files
            return "" if os.access(path, os.W_OK) else "not writable"
        return "" if error.errno in ROOM else error.strerror or str(error)
    return ""
