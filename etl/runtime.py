"""Where the servers of transforms run: what the rest of the code knows about it.

A runtime is one file under `etl/runtimes/` and a setting; nothing else asks which one it is.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Protocol

from etl.spec import TransformSpec


class Health(Enum):
    STARTING = auto()  # not ready yet
    READY = auto()  # answered `GET /health` with 200
    EXITED = auto()  # ended, on its own or because it was told to


@dataclass(frozen=True, slots=True)
class Launch:
    """Everything that a runtime needs to start a server."""

    name: str
    job: str
    spec: TransformSpec
    target_url: str  # where the server finds objects and puts results: AIS_TARGET_URL


class Server(Protocol):
    """A server that was started. No method waits."""

    @property
    def address(self) -> str:
        """host:port, reachable from the node."""
        ...

    def health(self) -> Health:
        """Where it stands; READY is never taken back but by EXITED."""
        ...

    def account(self) -> str:
        """Why it ended, or how far it came, for the error that users see; ends with the tail of its log."""
        ...

    def stop(self) -> None:
        """Tell it to end, politely first; calling again is fine."""
        ...

    def gone(self) -> bool:
        """Whether it has ended and nothing of it is left but its log. Call until it says so."""
        ...


class Runtime(Protocol):
    """Starts servers (in the one process that supervises) and shows what they logged (in any)."""

    def admit(self, spec: TransformSpec) -> None:
        """Raise `InvalidSpec` when this runtime could never start such a transform."""
        ...

    def occupy(self) -> AbstractContextManager[None]:
        """Within it this process, and no other of the node, starts servers. On entry nothing is left of any server
        that another process has started; on leaving, nothing of those started within."""
        ...

    def start(self, launch: Launch) -> Server:
        """A server on its way up; `OSError` when it could not even be tried."""
        ...

    def keep_only(self, jobs: Collection[str]) -> None:
        """Forget the logs of all other jobs."""
        ...

    def folder(self, job: str) -> Path:
        """Where, in any process, files can be put for the server of `job`, which sees them under the same path and need
        not write there. It may not exist yet; its parent is gone when the server is."""
        ...

    def log(self, job: str) -> bytes:
        """What the server of `job` has written, bounded: the latest; b"" when nothing."""
        ...
