"""Finding the processes of servers by a mark in their environment, whoever their parent is by now."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time
from collections.abc import Iterator

MARK = "SLUICE_TRANSFORM"  # in a server's environment: the folder of its job
LOOK_SECONDS = 0.01
MOST_LOOKS = 500

log = logging.getLogger(__name__)


def marked(folder: str) -> Iterator[int]:
    """The living processes whose mark is `folder` or lies in it."""
    exactly = f"\0{MARK}={folder}".encode()
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{entry}/environ", "rb") as environment:
                _, found, rest = (b"\0" + environment.read()).partition(exactly)
                if found and rest[:1] in (b"\0", b"/", b""):
                    yield int(entry)


def kill_marked(folder: str) -> None:
    """End them all at once; returns when there are none, or when one that the kernel holds has not gone in time."""
    for _ in range(MOST_LOOKS):
        processes = list(marked(folder))
        if not processes:
            return
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(LOOK_SECONDS)
    log.error("processes of a transform do not go: %s", processes)
