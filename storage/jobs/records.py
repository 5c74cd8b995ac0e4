"""What the index holds about jobs, and a job as one sees it.

    j d id          what the job is: written once
    j l id          where it stands, while it lives
    j e id          where it stood when it ended
    j x id          what its kind tells of it beside that
    j q id number   what a request asks of it: the first one comes with the job, an idling job is joined by more

All of it lies in the primary volume. A job has exactly one of `l` and `e`, and passes from the one to the other once.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import msgspec

from storage.keys import JOBS
from storage.records import Codec

DEFINITIONS, LIVE, ENDED, REQUESTS, DETAILS = (JOBS + space for space in (b"d", b"l", b"e", b"q", b"x"))
MOST_ERRORS = 64  # that are kept, the latest
LONGEST_ERROR = 512  # characters of each

Value: TypeAlias = dict[str, Any]  # an action's value, as JSON has it


class Definition(msgspec.Struct, array_like=True, frozen=True):
    """What a job is."""

    id: str  # AIStore's shape: nine characters or more, letters and digits, within them hyphens and underscores
    kind: str
    started: int  # ns
    owner: str  # canonical id of the account that started it
    bucket: str = ""  # the source, or the only one
    destination: str = ""


class Request(msgspec.Struct, array_like=True, frozen=True):
    """What a request asks of a job."""

    owner: str
    value: Value


class ObjectError(msgspec.Struct, array_like=True, frozen=True):
    """An object that could not be processed."""

    object: str  # its name
    message: str
    status: int = 0  # HTTP's, that says the same; 0: none does

    @property
    def words(self) -> str:
        return f"{self.object}: {self.message}"


class State(msgspec.Struct, array_like=True, frozen=True):
    """Where a job stands. Counts and cursor are of one moment: what lies before the cursor is counted, nothing else."""

    touched: int  # ns, when something was done last
    requests: int = 1  # how many there have been
    done: int = 0  # how many of them are over; the cursor belongs to the next one
    cursor: str = ""
    objects: int = 0
    size: int = 0  # bytes of these objects
    failed: int = 0  # objects that could not be processed
    errors: tuple[ObjectError, ...] = ()
    error: str = ""  # the first error
    aborted: str = ""  # why it was aborted; "" when it was not
    workers: int = 0  # that were asked for; 0: the node's choice
    note: str = ""  # for operators
    ended: int = 0  # ns; 0 while it lives
    deaths: int = 0  # processes that have begun with it since there was progress; all but the last have died


class Job(NamedTuple):
    """A job as it stands."""

    definition: Definition
    state: State

    @property
    def id(self) -> str:
        return self.definition.id

    @property
    def kind(self) -> str:
        return self.definition.kind

    @property
    def waiting(self) -> bool:
        """Whether there is something left to do."""
        return not self.state.ended and self.state.done < self.state.requests


DEFINITION = Codec(Definition)
REQUEST = Codec(Request)
STATE = Codec(State)


def key(space: bytes, job: str) -> bytes:
    return space + job.encode()


def request_key(job: str, number: int) -> bytes:
    return REQUESTS + job.encode() + b"\0" + number.to_bytes(4, "big")


def requests_of(job: str) -> tuple[bytes, bytes]:
    """The half-open range of a job's requests."""
    return REQUESTS + job.encode() + b"\0", REQUESTS + job.encode() + b"\x01"
