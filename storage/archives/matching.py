"""Which members of an archive are meant: AIStore's modes of matching a text against their names."""

from __future__ import annotations

from collections.abc import Callable

import re2

from storage.errors import InvalidPattern

Test = Callable[[str], bool]

QUIET = re2.Options()
QUIET.log_errors = False


def by_expression(text: str) -> Test:
    """Found anywhere in the name, in time linear in its length: RE2 never goes back."""
    try:
        search = re2.compile(text, QUIET).search
    except re2.error as error:
        raise InvalidPattern(as_text(error)) from error
    return lambda name: search(name) is not None


def as_text(error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)


def sample_key(name: str) -> str:
    """WebDataset's key: the base name up to its first dot."""
    return name.rpartition("/")[2].partition(".")[0]


MODES: dict[str, Callable[[str], Test]] = {
    "regexp": by_expression,
    "prefix": lambda text: lambda name: name.startswith(text),
    "suffix": lambda text: lambda name: name.endswith(text),
    "substr": lambda text: lambda name: text in name,
    "wdskey": lambda text: lambda name: sample_key(name) == text,
}
