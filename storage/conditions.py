"""Conditional reads and writes, as RFC 9110 §13 and S3 order them; pure functions over the record that is current."""

from __future__ import annotations

from dataclasses import dataclass

from storage.errors import MissingForMatch, NotModified, PreconditionFailed
from storage.records import ObjectRecord

SECOND = 1_000_000_000  # ns
ANY = "*"


@dataclass(frozen=True, slots=True)
class Conditions:
    """What must hold. ETags are without quotes and weakness marks, `*` means any; times are ns, compared by the second;
    None: not asked for."""

    if_match: tuple[str, ...] | None = None
    if_none_match: tuple[str, ...] | None = None
    if_modified_since: int | None = None
    if_unmodified_since: int | None = None
    if_size: int | None = None  # DeleteObject's x-amz-if-match-size
    if_last_modified: int | None = None  # DeleteObject's x-amz-if-match-last-modified-time


ALWAYS = Conditions()


def matches(etags: tuple[str, ...], record: ObjectRecord) -> bool:
    return ANY in etags or record.etag in etags


def check_read(given: Conditions, record: ObjectRecord) -> None:
    """Raise `PreconditionFailed` or `NotModified` unless the reader wants this record.

    A true If-Match overrules If-Unmodified-Since, a failed If-None-Match overrules If-Modified-Since.
    """
    if given is ALWAYS:
        return
    modified = record.modified // SECOND
    if given.if_match is not None:
        if not matches(given.if_match, record):
            raise PreconditionFailed("If-Match")
    elif given.if_unmodified_since is not None and modified > given.if_unmodified_since // SECOND:
        raise PreconditionFailed("If-Unmodified-Since")
    if given.if_none_match is not None:
        if matches(given.if_none_match, record):
            raise NotModified(record)
    elif given.if_modified_since is not None and modified <= given.if_modified_since // SECOND:
        raise NotModified(record)


def check_copy(given: Conditions, record: ObjectRecord) -> None:
    """`check_read` for the source of a copy, where every failure is `PreconditionFailed`."""
    try:
        check_read(given, record)
    except NotModified as error:
        name = "If-None-Match" if given.if_none_match is not None else "If-Modified-Since"
        raise PreconditionFailed(f"x-amz-copy-source-{name}") from error


def check_write(given: Conditions, current: ObjectRecord | None) -> None:
    """Raise `PreconditionFailed` unless `current` (None: no such key) may be replaced."""
    if given is ALWAYS:
        return
    if given.if_match is not None:
        if current is None:
            raise MissingForMatch("If-Match")
        if not matches(given.if_match, current):
            raise PreconditionFailed("If-Match")
    if given.if_none_match is not None and current is not None and matches(given.if_none_match, current):
        raise PreconditionFailed("If-None-Match")


def check_delete(given: Conditions, current: ObjectRecord) -> None:
    """Raise `PreconditionFailed` unless the existing `current` may be deleted."""
    if given is ALWAYS:
        return
    if given.if_match is not None and not matches(given.if_match, current):
        raise PreconditionFailed("If-Match")
    if given.if_last_modified is not None and current.modified // SECOND != given.if_last_modified // SECOND:
        raise PreconditionFailed("x-amz-if-match-last-modified-time")
    if given.if_size is not None and current.size != given.if_size:
        raise PreconditionFailed("x-amz-if-match-size")
