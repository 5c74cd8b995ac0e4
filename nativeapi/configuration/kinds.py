"""The kinds of values that a configuration holds: how each is read from what clients send, and how it is shown.

Clients send JSON's own types in a document and text in a query; both are taken everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from etl import durations

TRUE = ("1", "t", "true", "y", "yes", "on")
FALSE = ("0", "f", "false", "n", "no", "off")
UNITS = {letter: 1024**power for power, letter in enumerate("bkmgtpe")}
SIZE = re.compile(r"(\d{1,19}(?:\.\d{1,3})?)\s*(?:([kmgtpe])i?)?b?", re.IGNORECASE)
MASK_LIMIT = 2**64


@dataclass(frozen=True, slots=True)
class Kind:
    """`read` gives a value in the form in which it is stored and shown; `ValueError` says what is wrong with it."""

    read: Callable[[Any], Any]
    schema: dict[str, Any]  # of the form in which it is shown


def read_switch(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).lower()
    if text not in TRUE + FALSE:
        raise ValueError("expecting true or false")
    return text in TRUE


SWITCH = Kind(read_switch, {"type": "boolean"})


def whole(least: int, most: int) -> Kind:
    """A whole number, both ends included."""

    def read(value: Any) -> int:
        if isinstance(value, bool | float) or not re.fullmatch(r"[+-]?\d{1,19}", str(value)):
            raise ValueError("expecting a whole number")
        number = int(value)
        if not least <= number <= most:
            raise ValueError(f"expecting a number from {least} to {most}")
        return number

    return Kind(read, {"type": "integer", "minimum": least, "maximum": most})


def choice(*values: str) -> Kind:
    def read(value: Any) -> str:
        if value not in values:
            raise ValueError(f"expecting one of [{' '.join(values)}]")
        return str(value)

    return Kind(read, {"type": "string", "enum": list(values)})


def read_text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("expecting a text")
    return value


TEXT = Kind(read_text, {"type": "string"})


def duration(least: str, most: str) -> Kind:
    """Go's notation, both ends included; shown as AIStore does ("2h0m")."""
    low, high = durations.parse(least), durations.parse(most)

    def read(value: Any) -> str:
        seconds = durations.parse(read_text(value))
        if not low <= seconds <= high:
            raise ValueError(f"expecting a duration from {least} to {most}")
        shown = durations.show(seconds)
        return f"{shown}0m" if shown.endswith("h") else shown

    return Kind(read, {"type": "string", "examples": [least]})


def bytes_of(text: str) -> int:
    """The bytes that a size means; in AIStore's configuration decimal and binary units both mean the binary ones."""
    match = SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'invalid size "{text}"')
    unit = UNITS[(match[2] or "b").lower()]
    return int(float(match[1]) * unit) if "." in match[1] else int(match[1]) * unit


def size_text(size: int) -> str:
    """The size in the largest unit that holds it whole: "64MiB"."""
    power = 0
    while size and size % 1024 == 0 and power < 6:
        size //= 1024
        power += 1
    return f"{size}{'BKMGTPE'[power]}{'iB' if power else ''}"


def size(least: str, most: str) -> Kind:
    """A number of bytes with or without a unit, both ends included."""
    low, high = bytes_of(least), bytes_of(most)

    def read(value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise ValueError("expecting a size")
        number = bytes_of(str(value))
        if not low <= number <= high:
            raise ValueError(f"expecting a size from {least} to {most}")
        return size_text(number)

    return Kind(read, {"type": "string", "examples": [size_text(low)]})


def read_mask(value: Any) -> str:
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,20}", str(value)) or int(value) >= MASK_LIMIT:
        raise ValueError("expecting a 64-bit mask in decimal")
    return str(int(value))


MASK = Kind(read_mask, {"type": "string", "pattern": "^[0-9]+$"})


def read_level(value: Any) -> str:
    """0 to 5, and the modules that it holds for, if not for all."""
    text = str(value)
    if not re.fullmatch(r"[0-5](,[a-z0-9-]+)*", text):
        raise ValueError("expecting a level from 0 to 5")
    return text


LEVEL = Kind(read_level, {"type": "string", "pattern": "^[0-5]"})
