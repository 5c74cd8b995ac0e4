"""The environ that WSGI frameworks expect, made from the worker's small one when somebody needs it."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import unquote_to_bytes

_PLAIN = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


def complete(environ: dict[str, Any]) -> None:
    """Add what PEP 3333 asks for. Headers with an underscore in their name stay out: as HTTP_ keys they would be
    taken for the ones with a hyphen. Calling it again changes nothing."""
    if "PATH_INFO" in environ:
        return
    path, _, query = environ["RAW_URI"].partition("?")
    environ["SCRIPT_NAME"] = ""
    environ["PATH_INFO"] = unquote_to_bytes(path).decode("latin-1")
    environ["QUERY_STRING"] = query
    _add_headers(environ)
    host, _, port = environ.get("HTTP_HOST", "").rpartition(":")
    named = port.isdigit()
    environ["SERVER_NAME"] = (host if named else environ.get("HTTP_HOST", "")) or "localhost"
    environ["SERVER_PORT"] = port if named else ("443" if environ["wsgi.url_scheme"] == "https" else "80")
    for name, value in (
        ("wsgi.version", (1, 0)),
        ("wsgi.errors", sys.stderr),
        ("wsgi.multithread", True),
        ("wsgi.multiprocess", True),
        ("wsgi.run_once", False),
        ("wsgi.input_terminated", True),
    ):
        environ.setdefault(name, value)


def _add_headers(environ: dict[str, Any]) -> None:
    for raw_name, raw_value in environ["sluice.headers"]:
        name = raw_name.decode("latin-1").lower()
        if "_" in name:
            continue
        key = _PLAIN.get(name) or "HTTP_" + name.upper().replace("-", "_")
        value = raw_value.decode("latin-1")
        environ[key] = f"{environ[key]},{value}" if key in environ else value
