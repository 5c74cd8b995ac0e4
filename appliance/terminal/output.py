"""What commands print: tables, sizes, times, JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

UNITS = ("iec", "si", "raw")
STEPS = {
    "iec": (1024, ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")),
    "si": (1000, ("B", "KB", "MB", "GB", "TB", "PB", "EB")),
}
EMPTY = "-"
PAUSE = 5.0  # seconds before something is shown again


def size(count: int | str | None, units: str = "iec") -> str:
    """Bytes for people: 6B, 153.52KiB; as digits when raw. What is unknown is "-"."""
    if count is None or count == "":
        return EMPTY
    rest = float(count)
    if units == "raw":
        return str(int(rest))
    base, names = STEPS[units]
    for name in names:
        if abs(rest) < base or name == names[-1]:
            break
        rest /= base
    return f"{int(rest)}{name}" if name == "B" else f"{rest:.2f}{name}"


def duration(seconds: float) -> str:
    """45ms, 3.2s, 5m12s, 2h03m."""
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest:02}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02}m"


def table(
    header: Sequence[str], rows: Iterable[Sequence[Any]], *, headers: bool = True, least: Sequence[int] = ()
) -> list[int]:
    """Columns, aligned; the last one as it is, so that lines have no blanks at their ends.

    Columns are not narrower than `least`; returns how wide they are, for a table that goes on.
    """
    cells = [[EMPTY if cell in (None, "") else str(cell) for cell in row] for row in rows]
    if headers:
        cells.insert(0, list(header))
    widths = [max(map(len, column)) for column in zip(*cells)] or list(least)
    widths = list(map(max, widths, least)) if least else widths
    lines = ("   ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip() for row in cells)
    text = "\n".join(lines)
    if text:
        click.echo(text)
    return widths


def show_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def show_json_array(values: Iterable[Any]) -> None:
    """The same of a list that need not be in memory."""
    separator = "[\n"
    for value in values:
        click.echo(f"{separator}  {json.dumps(value, ensure_ascii=False)}", nl=False)
        separator = ",\n"
    click.echo("[]" if separator == "[\n" else "\n]")


def say(text: str) -> None:
    """One line for people."""
    click.echo(text)


def note(text: str) -> None:
    """One line beside the result, on standard error."""
    click.echo(text, err=True)


def sure(question: str, yes: bool) -> None:
    """Return when the user agrees; without a terminal only --yes does."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question} Say so with --yes.")
    click.confirm(question, abort=True)


def repeat(show: Callable[[], Any], every: float | None, count: int | None) -> None:
    """Show once; or again `every` so many seconds, until Ctrl-C or `count` times."""
    times = 0
    while True:
        if every and times and sys.stdout.isatty():
            click.clear()
        show()
        times += 1
        if times == (count or 1) and (count or not every):
            return
        sys.stdout.flush()
        time.sleep(every or PAUSE)
