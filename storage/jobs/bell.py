"""Waking the process for jobs from any other: an event counter of the kernel, made before the fork."""

from __future__ import annotations

import os
from contextlib import suppress

from gevent.socket import wait_read


class Bell:
    """Rung by any process, heard by the one that waits. Made before the fork, and never closed by hand."""

    def __init__(self) -> None:
        self._descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def ring(self) -> None:
        """Let who waits go on, or, when nobody does, whoever waits next."""
        with suppress(BlockingIOError):  # rung so often that it is sure to be heard
            os.eventfd_write(self._descriptor, 1)

    def wait(self, seconds: float) -> bool:
        """Wait until it has been rung since the last call, at most so long; whether it was. Other greenlets go on."""
        with suppress(TimeoutError):
            wait_read(self._descriptor, timeout=seconds)
        try:
            os.eventfd_read(self._descriptor)
        except BlockingIOError:
            return False
        return True
