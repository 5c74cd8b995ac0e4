"""Durations as Go writes them: "5m", "1h2m3.5s", "500ms"."""

from __future__ import annotations

import re
from functools import lru_cache

SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
TERM = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
LARGEST = float(2**63 - 1) / 1e9  # seconds; Go counts nanoseconds in 63 bits


@lru_cache(maxsize=1024)
def parse(text: str) -> float:
    """The seconds that `text` means, as Go's time.ParseDuration; `ValueError` when it means none."""
    unsigned = text[1:] if text[:1] in ("+", "-") else text
    sign = -1.0 if text[:1] == "-" else 1.0
    if unsigned == "0":
        return 0.0
    terms = TERM.findall(unsigned)
    if not terms or "".join(number + unit for number, unit in terms) != unsigned:
        raise ValueError(f'invalid duration "{text}"')
    seconds = sum(float(number) * SECONDS[unit] for number, unit in terms)
    if seconds > LARGEST:
        raise ValueError(f'invalid duration "{text}"')
    return sign * seconds


def show(seconds: float) -> str:
    """`seconds` as Go prints a duration, without the units that are nought at its end: "5m", "1m30s", "1.5s"."""
    if seconds < 0:
        return "-" + show(-seconds)
    nanoseconds = round(seconds * 1e9)
    if nanoseconds < 1_000_000_000:
        return _below_a_second(nanoseconds)
    minutes, rest = divmod(nanoseconds, 60_000_000_000)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "m")]
    return "".join(f"{count}{unit}" for count, unit in parts if count) + (f"{_decimal(rest, 9)}s" if rest else "")


def _below_a_second(nanoseconds: int) -> str:
    for unit, digits in (("ms", 6), ("µs", 3)):
        if nanoseconds >= 10**digits:
            return _decimal(nanoseconds, digits) + unit
    return f"{nanoseconds}ns" if nanoseconds else "0s"


def _decimal(count: int, digits: int) -> str:
    whole, part = divmod(count, 10**digits)
    return f"{whole}.{part:0{digits}d}".rstrip("0").rstrip(".") if part else str(whole)
