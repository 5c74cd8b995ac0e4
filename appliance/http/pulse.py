"""What a worker's connections share: the time, the reply line that changes once a second, and their deadlines."""

from __future__ import annotations

import time
from email.utils import formatdate
from heapq import nsmallest
from typing import TYPE_CHECKING

import gevent
from greenlet import greenlet

if TYPE_CHECKING:
    from appliance.http.transport import Transport

BEAT_SECONDS = 1.0


class Pulse:
    """One per process. `beat` is to be called once a second from the event loop; it costs what the connections need
    instead of a timer for each wait, and makes every deadline, and the time that replies tell, up to a second late."""

    __slots__ = ("dated", "resting", "stopping", "transports")

    def __init__(self) -> None:
        self.stopping = False
        self.transports: set[Transport] = set()
        self.resting: set[greenlet] = set()  # those that wait for a request in the full lane
        self.dated = dated()  # the header lines that every reply carries

    def beat(self) -> None:
        """Wake every connection whose deadline has passed."""
        self.dated = dated()
        now = time.monotonic()
        for transport in [one for one in self.transports if one.deadline < now]:
            transport.wake()

    def shed(self, count: int) -> None:
        """Close so many of the connections that wait for a request, those first that have waited longest."""
        idle = [one for one in self.transports if one.idle]
        for transport in nsmallest(count, idle, key=lambda one: one.deadline):
            transport.wake()

    def stop(self) -> None:
        """From now on every reply is its connection's last; connections that wait for a request close at once."""
        self.stopping = True
        for transport in [one for one in self.transports if one.idle]:
            transport.wake()
        for resting in self.resting:
            gevent.kill(resting)


def dated() -> str:
    return f"Server: Sluice\r\nDate: {formatdate(usegmt=True)}\r\n"
