"""What a property of AIStore may be: each kind reads the JSON that clients write and shows what is kept.

Kept are plain values: durations in nanoseconds, sizes in bytes, masks as numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from storage.records import Value

SECOND = 1_000_000_000  # ns
UNITS = {"ns": 1, "us": 1_000, "µs": 1_000, "ms": 1_000_000, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND}
TERM = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)(ns|us|µs|ms|s|m|h)")
SCALES = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}
SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?) ?([kmgt]?)i?b?", re.IGNORECASE)
NUMBER = re.compile(r"[0-9]{1,20}")
ALL = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Kind:
    """`read` raises `ValueError` for what is not of this kind; `accepts` says in words what is."""

    accepts: str
    read: Callable[[object], Value]
    show: Callable[[Any], object] = lambda value: value


def flag() -> Kind:
    def read(value: object) -> Value:
        if not isinstance(value, bool):
            raise ValueError(value)
        return value

    return Kind("true or false", read)


def whole(least: int, most: int) -> Kind:
    def read(value: object) -> Value:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(value)
        return value

    return Kind(f"a whole number from {least} to {most}", read)


def choice(*words: str) -> Kind:
    def read(value: object) -> Value:
        if not isinstance(value, str) or value not in words:
            raise ValueError(value)
        return value

    return Kind(f"one of [{' '.join(words)}]", read)


def text(*, longest: int = 256, matching: str = r"[^\x00-\x1f\x7f]*") -> Kind:
    pattern = re.compile(matching)

    def read(value: object) -> Value:
        if not isinstance(value, str) or len(value) > longest or not pattern.fullmatch(value):
            raise ValueError(value)
        return value

    return Kind(f"text of at most {longest} characters", read)


def mask(allowed: int = ALL) -> Kind:
    """A set of bits, which JSON shows as a decimal string; a number is understood as well."""

    def read(value: object) -> Value:
        if isinstance(value, str) and NUMBER.fullmatch(value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or value & ~allowed or not 0 <= value <= ALL:
            raise ValueError(value)
        return value

    bits = "" if allowed == ALL else f" of the bits {allowed:#x}"
    return Kind(f"a mask{bits} as a decimal string", read, str)


def duration(least: str, most: str = "") -> Kind:
    """As Go writes it; `most` "": however long."""
    bottom, top = parse_duration(least), parse_duration(most) if most else ALL

    def read(value: object) -> Value:
        found = parse_duration(value) if isinstance(value, str) else -1
        if not bottom <= found <= top:
            raise ValueError(value)
        return found

    limits = f"from {least} to {most}" if most else f"of {least} or more"
    return Kind(f'a duration {limits}, like "2h30m"', read, show_duration)


def size(least: str, most: str) -> Kind:
    bottom, top = parse_size(least), parse_size(most)

    def read(value: object) -> Value:
        found = parse_size(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else -1
        if not bottom <= found <= top:
            raise ValueError(value)
        return found

    return Kind(f'a size from {least} to {most}, like "1GiB"', read, show_size)


def parse_duration(written: str) -> int:
    """Nanoseconds; `ValueError`."""
    terms = TERM.findall(written)
    if written == "0":
        return 0
    if not terms or "".join(count + unit for count, unit in terms) != written:
        raise ValueError(written)
    return sum(round(float(count) * UNITS[unit]) for count, unit in terms)


def show_duration(nanoseconds: int) -> str:
    """As AIStore prints it, which is Go's way but for seconds that are nought: "2h0m", "10m", "1m30s", "100ms"."""
    if 0 < nanoseconds < SECOND:
        unit = next(name for name in ("ms", "µs", "ns") if nanoseconds >= UNITS[name])
        return f"{nanoseconds / UNITS[unit]:g}{unit}"
    minutes, rest = divmod(nanoseconds, UNITS["m"])
    hours, minutes = divmod(minutes, 60)
    whole_minutes = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return whole_minutes + (f"{rest / SECOND:g}s" if rest or not whole_minutes else "")


def parse_size(written: str) -> int:
    """Bytes; units are binary in properties, whether written "MiB", "MB" or "m". `ValueError`."""
    match = SIZE.fullmatch(written.strip())
    if match is None:
        raise ValueError(written)
    count, unit = match.groups()
    shift = SCALES[unit.lower()]
    return round(float(count) * (1 << shift)) if "." in count else int(count) << shift


def show_size(count: int) -> str:
    """In the largest unit that divides it, "1GiB"; else in bytes, "1000B"."""
    for unit, shift in (("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if count and not count % (1 << shift):
            return f"{count >> shift}{unit}"
    return f"{count}B"
