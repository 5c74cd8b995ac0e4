"""Points in time as S3 writes and reads them. Both forms show whole seconds, cut: a listing and a HEAD agree."""

from __future__ import annotations

import calendar
import time
from datetime import datetime, timezone
from email.utils import parsedate_tz
from functools import lru_cache

SECOND = 1_000_000_000  # ns

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@lru_cache(maxsize=4096)
def http_date(seconds: int) -> str:
    """RFC 9110's preferred form: `Sun, 06 Nov 1994 08:49:37 GMT`."""
    year, month, day, hour, minute, second, weekday, _, _ = time.gmtime(seconds)
    return f"{_DAYS[weekday]}, {day:02} {_MONTHS[month]} {year:04} {hour:02}:{minute:02}:{second:02} GMT"


@lru_cache(maxsize=256)
def _iso_day(day: int) -> str:
    year, month, date = time.gmtime(day * 86400)[:3]
    return f"{year:04}-{month:02}-{date:02}T"


@lru_cache(maxsize=4096)
def iso_date(seconds: int) -> str:
    """`1994-11-06T08:49:37.000Z`."""
    day, second = divmod(seconds, 86400)
    return "%s%02d:%02d:%02d.000Z" % (_iso_day(day), second // 3600, second // 60 % 60, second % 60)


def parse_http_date(text: str) -> int | None:
    """Nanoseconds since the epoch, or None when it is no date in any of HTTP's forms."""
    fields = parsedate_tz(text)
    if fields is None:
        return parse_iso_date(text)
    try:
        return (calendar.timegm(fields[:6]) - (fields[9] or 0)) * SECOND
    except (ValueError, OverflowError):
        return None


def parse_iso_date(text: str) -> int | None:
    """Nanoseconds since the epoch, or None when it is no ISO 8601 date with a time; no zone means UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return calendar.timegm(moment.utctimetuple()) * SECOND + moment.microsecond * 1000
