"""Status lines."""

from __future__ import annotations

from functools import cache
from http import HTTPStatus


@cache
def status_line(status: int) -> str:
    return f"{status} {HTTPStatus(status).phrase}"
