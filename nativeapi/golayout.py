"""Times written by example, as Go's `time.Format` does: a layout is how 15:04:05 on 2 January 2006 would look."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import lru_cache

SECOND = 1_000_000_000  # ns
RFC822 = "02 Jan 06 15:04 MST"

# Layouts that may be asked for by Go's name of them.
NAMED = {
    "": RFC822,
    "Layout": "01/02 03:04:05PM '06 -0700",
    "ANSIC": "Mon Jan _2 15:04:05 2006",
    "UnixDate": "Mon Jan _2 15:04:05 MST 2006",
    "RubyDate": "Mon Jan 02 15:04:05 -0700 2006",
    "RFC822": RFC822,
    "RFC822Z": "02 Jan 06 15:04 -0700",
    "RFC850": "Monday, 02-Jan-06 15:04:05 MST",
    "RFC1123": "Mon, 02 Jan 2006 15:04:05 MST",
    "RFC1123Z": "Mon, 02 Jan 2006 15:04:05 -0700",
    "RFC3339": "2006-01-02T15:04:05Z07:00",
    "RFC3339Nano": "2006-01-02T15:04:05.999999999Z07:00",
    "Kitchen": "3:04PM",
    "Stamp": "Jan _2 15:04:05",
    "StampMilli": "Jan _2 15:04:05.000",
    "StampMicro": "Jan _2 15:04:05.000000",
    "StampNano": "Jan _2 15:04:05.000000000",
    "DateTime": "2006-01-02 15:04:05",
    "DateOnly": "2006-01-02",
    "TimeOnly": "15:04:05",
}

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)

Piece = Callable[[time.struct_time], str]  # of a time, always in UTC


def twelve(moment: time.struct_time) -> int:
    return moment.tm_hour % 12 or 12


PIECES: dict[str, Piece] = {
    "January": lambda moment: MONTHS[moment.tm_mon - 1],
    "Jan": lambda moment: MONTHS[moment.tm_mon - 1][:3],
    "Monday": lambda moment: DAYS[moment.tm_wday],
    "Mon": lambda moment: DAYS[moment.tm_wday][:3],
    "2006": lambda moment: f"{moment.tm_year:04}",
    "06": lambda moment: f"{moment.tm_year % 100:02}",
    "002": lambda moment: f"{moment.tm_yday:03}",
    "__2": lambda moment: f"{moment.tm_yday:3}",
    "01": lambda moment: f"{moment.tm_mon:02}",
    "02": lambda moment: f"{moment.tm_mday:02}",
    "_2": lambda moment: f"{moment.tm_mday:2}",
    "03": lambda moment: f"{twelve(moment):02}",
    "04": lambda moment: f"{moment.tm_min:02}",
    "05": lambda moment: f"{moment.tm_sec:02}",
    "15": lambda moment: f"{moment.tm_hour:02}",
    "1": lambda moment: str(moment.tm_mon),
    "2": lambda moment: str(moment.tm_mday),
    "3": lambda moment: str(twelve(moment)),
    "4": lambda moment: str(moment.tm_min),
    "5": lambda moment: str(moment.tm_sec),
    "PM": lambda moment: "PM" if moment.tm_hour >= 12 else "AM",
    "pm": lambda moment: "pm" if moment.tm_hour >= 12 else "am",
    "MST": lambda moment: "UTC",
} | {zone: lambda moment: "Z" for zone in ("Z07:00:00", "Z070000", "Z07:00", "Z0700", "Z07")} | {
    "-07:00:00": lambda moment: "+00:00:00",
    "-070000": lambda moment: "+000000",
    "-07:00": lambda moment: "+00:00",
    "-0700": lambda moment: "+0000",
    "-07": lambda moment: "+00",
}
FRACTION = r"[.,](?:0+|9+)(?![0-9])"
WORDS = ("Jan", "Mon")  # which do not count where a longer word goes on
LONGEST_FIRST = sorted(PIECES, key=len, reverse=True)
TOKEN = re.compile("|".join(["_(?=2006)", FRACTION, *(
    re.escape(piece) + ("(?![a-z])" if piece in WORDS else "") for piece in LONGEST_FIRST
)]))


@lru_cache(128)
def pieces(layout: str) -> tuple[str | Piece, ...]:
    """The layout's literal texts and what stands for a piece of a time; fractions are texts, too, that begin with the
    mark they have."""
    found: list[str | Piece] = []
    end = 0
    for match in TOKEN.finditer(layout):
        found.append(layout[end:match.start()])
        found.append(PIECES.get(match[0], match[0]))
        end = match.end()
    return (*found, layout[end:])


def fraction(text: str, nanoseconds: int) -> str:
    """The digits that ".000" (all of them) or ".999" (without zeros at the end) stand for."""
    digits = f"{nanoseconds:09}"[:len(text) - 1].ljust(len(text) - 1, "0")
    if text[1] == "9":
        digits = digits.rstrip("0")
    return text[0] + digits if digits else ""


IS_FRACTION = re.compile(FRACTION).fullmatch


def formatted(moment: int, layout: str) -> str:
    """The time (ns since the epoch) in UTC, by a layout or Go's name of one; "" is RFC822's."""
    seconds, nanoseconds = divmod(moment, SECOND)
    parts = time.gmtime(seconds)
    text = ""
    for piece in pieces(NAMED.get(layout, layout)):
        if not isinstance(piece, str):
            text += piece(parts)
        elif IS_FRACTION(piece):
            text += fraction(piece, nanoseconds)
        else:
            text += piece
    return text
