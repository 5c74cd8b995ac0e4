"""How often a password may be guessed: the failed logins of late, counted over all processes."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from storage.catalog import Catalog, Changed
from storage.errors import TooManyAttempts
from storage.identities.records import AUTHN
from storage.records import Codec

NAME = "attempts"
FREE = 5  # attempts without a pause
LONGEST = 60  # seconds between two
KEPT = 900  # seconds after which an attempt is forgotten
MOST = 1000  # whoever tries: the longest silent are forgotten
SECOND = 1_000_000_000  # ns


class Tried(msgspec.Struct, array_like=True, frozen=True):
    count: int
    last: int  # ns


class Attempts(msgspec.Struct, array_like=True, frozen=True):
    """Logins that have not succeeded yet, by whoever tries."""

    by: dict[str, Tried] = {}


CODEC = Codec(Attempts)


def pause_after(count: int) -> int:
    """ns for which nobody may try again after so many failures in a row."""
    return 0 if count < FREE else int(min(LONGEST, 2 ** min(count - FREE, 10))) * SECOND


class Guesses:
    """An attempt is counted before its outcome is known, so that many at once gain nothing."""

    def __init__(self, catalog: Catalog, *, clock: Callable[[], int]) -> None:
        self._catalog = catalog
        self._clock = clock

    def begin(self, who: str) -> None:
        """Count an attempt; `TooManyAttempts` when it comes too soon after failed ones, and then it is not counted."""

        def count(tried: dict[str, Tried], now: int) -> None:
            before = tried.get(who, Tried(0, 0))
            left = before.last + pause_after(before.count) - now
            if left > 0:
                raise TooManyAttempts(-(-left // SECOND))
            tried[who] = Tried(before.count + 1, now)

        self._change(count)

    def succeeded(self, who: str) -> None:
        """Forget the attempts."""
        self._change(lambda tried, _: tried.pop(who, None))

    def _change(self, change: Callable[[dict[str, Tried], int], object]) -> None:
        while True:
            raw, now = self._catalog.get(AUTHN, NAME), self._clock()
            found = Attempts() if raw is None else CODEC.decode(raw)
            fresh = sorted(found.by.items(), key=lambda item: item[1].last)[-MOST:]
            tried = {who: one for who, one in fresh if one.last > now - KEPT * SECOND}
            change(tried, now)
            try:
                self._catalog.put(AUTHN, NAME, CODEC.encode(Attempts(tried)), expected=raw)
                return
            except Changed:
                continue
