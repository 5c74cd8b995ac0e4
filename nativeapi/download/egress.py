"""Where the node goes when it fetches what clients name, and where it refuses to: guards against being used to reach
what only the node can reach.

The host's addresses are looked at before connecting, and the one that was connected to again before anything is sent:
a name that resolves otherwise the second time gains nothing. Redirects go through the same doors.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from types import MappingProxyType
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, Retry, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection

from storage.jobs.run import MOST_WORKERS

Address = IPv4Address | IPv6Address
Guard = Callable[[Address], bool]

TRANSLATED = IPv6Network("64:ff9b::/96")
REDIRECTS = 10
CONNECT_SECONDS = 30.0
SILENCE_SECONDS = 60.0


class EgressBlocked(Exception):
    """The node may not connect to this address."""

    def __init__(self, address: Address) -> None:
        super().__init__(str(address))
        self.address = address
        self.network = f"tcp{address.version}"


def _public(address: Address) -> bool:
    return address.is_global and not address.is_multicast


def _private(address: Address) -> bool:
    never = (address.is_loopback, address.is_link_local, address.is_multicast, address.is_unspecified)
    return not any(never)


def _any(address: Address) -> bool:
    return True


# What the setting may say, and which addresses may be connected to then.
GUARDS: Mapping[str, Guard] = MappingProxyType({"public": _public, "private": _private, "anywhere": _any})


def check(text: str, guard: Guard) -> None:
    """`EgressBlocked` unless the guard lets this address pass, whichever way it is written."""
    address = reached(ip_address(text.partition("%")[0]))
    if not guard(address):
        raise EgressBlocked(address)


def reached(address: Address) -> Address:
    """Where packets to the address end: an IPv4 one, where that is written in it or a gateway (RFC 6052) takes it from
    there."""
    if not isinstance(address, IPv6Address):
        return address
    translated = IPv4Address(int(address) & 2**32 - 1) if address in TRANSLATED else None
    return address.ipv4_mapped or translated or address


def check_host(host: str, port: int, guard: Guard) -> None:
    for *_, where in socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM):
        check(str(where[0]), guard)


def pools(guard: Guard) -> PoolManager:
    """Connections to wherever the guard lets through. Close it (`clear`) after use."""

    class Guarded(HTTPConnection):
        def connect(self) -> None:
            check_host(self.host, self.port or self.default_port, guard)
            super().connect()
            check(self.sock.getpeername()[0], guard)

    class GuardedTls(HTTPSConnection):
        def connect(self) -> None:
            check_host(self.host, self.port or self.default_port, guard)
            super().connect()
            check(self.sock.getpeername()[0], guard)

    class Pool(HTTPConnectionPool):
        ConnectionCls: Any = Guarded

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls: Any = GuardedTls

    made = PoolManager(
        retries=Retry(total=None, connect=0, read=0, other=0, status=0, redirect=REDIRECTS),
        timeout=Timeout(connect=CONNECT_SECONDS, read=SILENCE_SECONDS),
        maxsize=MOST_WORKERS,
    )
    made.pool_classes_by_scheme = {"http": Pool, "https": TlsPool}
    return made
