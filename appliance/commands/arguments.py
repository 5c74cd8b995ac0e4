"""The command line of this process, which every user of the machine may read."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable

ARGUMENTS = 45  # where /proc/self/stat says, behind the name, at which address they begin and at which they end
BLOT = b"*"


def hide(secrets: Iterable[str]) -> None:
    """Blot the secrets out of the arguments, of this process and of those that it forks from now on.

    Until then, which is the time that Python takes to start, they can be seen.
    """
    with open("/proc/self/stat", "rb") as stat:
        start, stop = map(int, stat.read().rpartition(b")")[2].split()[ARGUMENTS : ARGUMENTS + 2])
    if start == stop:
        return
    blotted = ctypes.string_at(start, stop - start)
    for secret in map(str.encode, secrets):
        for lead in (b"\0", b"="):
            blotted = blotted.replace(lead + secret + b"\0", lead + BLOT * len(secret) + b"\0")
    ctypes.memmove(start, blotted, len(blotted))
