"""What a server is told by its environment: AIStore's variables, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

YES = frozenset({"true", "1", "yes", "y", "t", "on"})
CONTAINER_PORT = 8000
ANY_ADDRESS = "0.0.0.0"
OWN_MACHINE = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The node that a server works for, and how to speak to it."""

    target_url: str  # where the node gives and takes objects; holds a secret
    direct_put: bool  # the transform's spec says that it is supported
    direct_fqn: bool  # transform() is given the names of files instead of their contents
    direct_put_retries: int
    token: str  # "" when the node wants none
    verify: bool  # the certificates of those that are spoken to
    authorities: str  # the file with whom to trust, "" for the system's own
    certificate: str  # this server's, "" when it has none
    key: str
    port: int
    workers: int  # processes, 0 for one a core

    @property
    def host(self) -> str:
        """Where to listen: a node on this machine's own address is the only one that needs to reach the server."""
        return OWN_MACHINE if is_own_machine(urlsplit(self.target_url).hostname or "") else ANY_ADDRESS

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Surroundings:
        """`OSError`, as in AIStore's framework, when it is not said which node the server works for."""
        target_url = environment.get("AIS_TARGET_URL")
        if not target_url:
            raise OSError("Environment variable 'AIS_TARGET_URL' must be set.")
        skip = environment.get("AIS_SKIP_VERIFY_CRT", environment.get("AIS_SKIP_VERIFY", ""))
        return cls(
            target_url=target_url,
            direct_put=said(environment.get("DIRECT_PUT", "")),
            direct_fqn=said(environment.get("ETL_DIRECT_FQN", "")),
            direct_put_retries=int(environment.get("AIS_DIRECT_PUT_RETRIES", "3")),
            token=environment.get("AIS_AUTHN_TOKEN", ""),
            verify=not said(skip),
            authorities=environment.get("AIS_CLIENT_CA", ""),
            certificate=environment.get("AIS_CRT", ""),
            key=environment.get("AIS_CRT_KEY", ""),
            port=int(environment.get("PORT", CONTAINER_PORT)),
            workers=int(environment.get("NUM_WORKERS", "0")),
        )


def said(text: str) -> bool:
    return text.strip().lower() in YES


def is_own_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
