"""How a process learns of changes of the cluster's configuration that it doesn't look up when it needs them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

import gevent

from nativeapi.configuration import Changes, Configuration, Values
from storage.errors import StorageError

PERIOD_SECONDS = 1.0  # a look costs one read of the index


def follow(configuration: Configuration, apply: Callable[[Values], None]) -> NoReturn:
    """Call `apply` with all values now, and within a second after each change, as long as they can be read."""
    seen: Changes | None = None
    while True:
        with suppress(StorageError):  # told by the requests that meet it
            changes = configuration.changes()
            if changes is not seen:
                apply(configuration.values())
                seen = changes
        gevent.sleep(PERIOD_SECONDS)
