"""When a request was signed, in the forms that clients write it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from email.utils import mktime_tz, parsedate_tz
from functools import lru_cache

from s3api.errors import S3Error, codes

SKEW = 15 * 60  # seconds that a client's clock may differ from ours, both ways
LONGEST_DATE = 64  # characters; nothing longer is a date, nor worth remembering

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_BASIC = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z")


def basic(seconds: int) -> str:
    """Seconds since the epoch as 20130524T000000Z."""
    return f"{_EPOCH + timedelta(seconds=seconds):%Y%m%dT%H%M%SZ}"


def extended(seconds: float) -> str:
    """Seconds since the epoch as 2013-05-24T00:00:00Z."""
    return f"{_EPOCH + timedelta(seconds=int(seconds)):%Y-%m-%dT%H:%M:%SZ}"


@lru_cache(maxsize=256)
def basic_seconds(text: str) -> int:
    """Seconds since the epoch of 20130524T000000Z; `ValueError` when it is not of this form."""
    match = _BASIC.fullmatch(text)
    if match is None:
        raise ValueError(text)
    year, month, day, hour, minute, second = map(int, match.groups())
    return int(datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc).timestamp())


@lru_cache(maxsize=256)
def rfc1123_seconds(text: str) -> int:
    """Seconds since the epoch of an e-mail or HTTP date; `ValueError` when it is none or lies before the epoch."""
    try:
        fields = parsedate_tz(text)
        seconds = -1 if fields is None else int(mktime_tz(fields))
    except (IndexError, OverflowError, TypeError) as error:  # what the library lets through for some of the garbage
        raise ValueError(text) from error
    if seconds < 0:
        raise ValueError(text)
    return seconds


def header_time(headers: dict[str, str]) -> tuple[int, str]:
    """When the request says it was signed: seconds since the epoch, and the same in the basic form.

    x-amz-date precedes Date; both may be ISO 8601 basic or RFC 1123. AccessDenied when there is no such time.
    """
    text = headers.get("x-amz-date") or headers.get("date", "")
    if len(text) <= LONGEST_DATE:
        try:
            return basic_seconds(text), text
        except ValueError:
            pass
        try:
            seconds = rfc1123_seconds(text)
            return seconds, basic(seconds)
        except (ValueError, OverflowError):
            pass
    raise S3Error(codes.AccessDenied, "AWS authentication requires a valid Date or x-amz-date header")


def check_skew(seconds: int, *, stated: str, now: float) -> None:
    """RequestTimeTooSkewed unless the request was signed within a quarter of an hour of now."""
    if abs(now - seconds) > SKEW:
        raise S3Error(
            codes.RequestTimeTooSkewed,
            RequestTime=stated,
            ServerTime=extended(now),
            MaxAllowedSkewMilliseconds=SKEW * 1000,
        )
