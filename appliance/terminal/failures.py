"""How commands fail: one line that says why and what to do next, and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

from nativeapi.client import Refused, Unreachable
from nativeapi.client_http import Unreadable

REFUSED, WRONG, SILENT, TIMED_OUT = 1, 2, 3, 4  # exit codes


class Unwritable(Exception):
    """A local file cannot be written; the text names it."""


def fail(line: str, *, status: int = WRONG) -> NoReturn:
    """End the process with one line that says why."""
    print(f"sluice: {line}", file=sys.stderr)
    raise SystemExit(status)


@dataclass(frozen=True, slots=True)
class Step:
    """What to do next after a refusal with this status, whose words contain these."""

    status: int
    words: str
    step: str


CLOUDLESS = "this cluster is not connected to that cloud; `sluice ls ais` lists buckets of its own"

# The first row that fits is told.
NEXT_STEPS = (
    Step(401, "invalid credentials", "check the name and the password"),
    Step(401, "", "give the node's token with --token or AIS_AUTHN_TOKEN, or `sluice auth login`; on its machine "
         "`sluice credentials` shows the administrator's"),
    Step(403, "", "ask an administrator for the right, or use another token (--token)"),
    Step(404, "etl", "`sluice etl show` lists the transforms that exist"),
    Step(400, "backend is missing", CLOUDLESS),
    Step(404, "backend is missing", CLOUDLESS),
    Step(404, "bucket ", "`sluice ls` lists the buckets that exist; `sluice create BUCKET` makes one"),
    Step(404, "x-[", "`sluice show job --all` lists the jobs that are known"),
    Step(404, "://", "`sluice ls BUCKET` lists the objects that exist"),
    Step(409, "etl job", "`sluice etl show` lists the transforms that exist; `sluice etl rm NAME` removes one"),
    Step(409, "bucket", "`sluice ls` lists the buckets that exist"),
    Step(429, "", "the node is busy; try again"),
    Step(501, "", "this node does not offer it"),
    Step(503, "", "the node is starting or busy; try again"),
    Step(507, "", "remove objects, or lower `reserve`; `sluice show storage` says what is free"),
)


@contextmanager
def told() -> Iterator[None]:
    """Within it, what the node refuses, silence and files that cannot be used end the process with one line."""
    try:
        yield
    except Refused as error:
        fail(f"the node refused ({error.status}): {explained(error)}", status=REFUSED)
    except Unreachable as error:
        fail(f"no answer from {error}; `sluice serve` starts a node, --endpoint names another", status=SILENT)
    except (Unreadable, Unwritable) as error:
        fail(str(error))


def explained(error: Refused) -> str:
    """The node's words and the next step."""
    words = error.message.lower()
    step = next((row.step for row in NEXT_STEPS if row.status == error.status and row.words in words), "")
    return f"{error.message}; {step}" if step else error.message
