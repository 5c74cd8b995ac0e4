"""Presigned requests that are sent again, as content networks and data loaders do.

What a request is and who signed it depends on its method, target and headers alone, and on the time and the keyring.
So where the same method, target and headers come again, byte for byte, within the signature's lifetime and while the
key stands, the outcome is taken from the first time. The bucket, the caller's rights and the object are asked anew.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from s3api.auth import Authenticated, Authenticator
from s3api.declare import Declared
from s3api.request import Request

MOST: Final = 2048  # requests; then all are forgotten
LARGEST: Final = 2048  # bytes of target and headers
METHODS: Final = frozenset({"GET", "HEAD"})


class Verified(NamedTuple):
    """A request that was understood, and whose signature was right."""

    request: Request
    declared: Declared
    signed: Authenticated


class Repeats:
    """The last of them in this process."""

    __slots__ = ("_authenticator", "_found")

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator
        self._found: dict[tuple[str, str], tuple[list[tuple[bytes, bytes]], Verified]] = {}

    def find(self, environ: dict[str, Any], now: float) -> Verified | None:
        """What became of the same request before, if that still holds."""
        found = self._found.get((environ["REQUEST_METHOD"], environ["RAW_URI"]))
        if found is not None and found[0] == environ["sluice.headers"]:
            verified = found[1]
            if self._authenticator.holds(verified.signed, now):
                return verified
        return None

    def keep(self, environ: dict[str, Any], verified: Verified) -> None:
        """To be called with what is not found."""
        target, headers = environ["RAW_URI"], environ["sluice.headers"]
        if not verified.signed.lasts or environ["REQUEST_METHOD"] not in METHODS:
            return
        if len(target) + sum([len(name) + len(value) for name, value in headers]) > LARGEST:
            return
        if len(self._found) >= MOST:
            self._found.clear()
        self._found[environ["REQUEST_METHOD"], target] = headers, verified
