"""The server's own requests: objects from the node, results to the node or the next stage. Connections are kept."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from urllib3 import BaseHTTPResponse, HTTPConnectionPool, PoolManager

from etl.webserver.surroundings import Surroundings

CONNECTIONS = 128  # kept, to one address


class Client:
    """Speaks to the node and to other stages; safe to use by many greenlets or threads at once.

    Bodies pass as they are, compressed or not; nothing is repeated, and no redirect followed. Errors are urllib3's.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self._headers = {"Authorization": f"Bearer {surroundings.token}"} if surroundings.token else {}
        self._pools = PoolManager(
            maxsize=CONNECTIONS,
            cert_reqs="CERT_REQUIRED" if surroundings.verify else "CERT_NONE",
            ca_certs=surroundings.authorities or None,
            cert_file=surroundings.certificate or None,
            key_file=surroundings.key or None,
        )

    def get(self, url: str) -> BaseHTTPResponse:
        """The answer, its body unread; the caller closes it."""
        pool, target = self._pool(url)
        return pool.urlopen(
            "GET", target, headers=self._headers, retries=False, redirect=False,
            preload_content=False, decode_content=False,
        )

    def put(self, url: str, body: bytes | Iterable[bytes], headers: dict[str, str]) -> BaseHTTPResponse:
        """The answer, read whole. An iterable is sent in chunks."""
        pool, target = self._pool(url)
        return pool.urlopen(
            "PUT", target, body=body, headers={**self._headers, **headers}, retries=False, redirect=False,
            decode_content=False,
        )

    def _pool(self, url: str) -> tuple[HTTPConnectionPool, str]:
        """Asked for by host, since a whole URL would be tidied up: `a/../b` is an object's name, too."""
        parts = urlsplit(url)
        pool = self._pools.connection_from_host(parts.hostname, parts.port, scheme=parts.scheme)
        return pool, parts.path + (f"?{parts.query}" if parts.query else "")
