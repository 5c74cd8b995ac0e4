"""Options about what is printed, gathered into one argument: `@viewed` gives a command its `View`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click

from appliance.terminal import output
from appliance.terminal.kinds import DURATION

Command = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class View:
    """How the user wants to see results."""

    as_json: bool = False
    units: str = "iec"
    headers: bool = True

    def size(self, count: int | str | None) -> str:
        return output.size(count, self.units)

    def table(self, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        output.table(header, rows, headers=self.headers)

    def show(self, value: Any, people: Callable[[], None]) -> None:
        """`value` as JSON when that was asked for, else what `people` prints."""
        if self.as_json:
            output.show_json(value)
        else:
            people()

    def say(self, text: str) -> None:
        """A line for people; nothing where JSON was asked for."""
        if not self.as_json:
            output.say(text)


json_option = click.option("--json", "-j", "as_json", is_flag=True, help="Print JSON.")


def viewed(command: Command) -> Command:
    """Add --json, --units and --no-headers; the command gets a `view`."""

    @wraps(command)
    def run(*given: Any, as_json: bool, units: str, no_headers: bool, **named: Any) -> Any:
        return command(*given, view=View(as_json, units, not no_headers), **named)

    for add in (
        click.option("--no-headers", "-H", is_flag=True, help="Print tables without their first line."),
        click.option("--units", type=click.Choice(output.UNITS), default="iec", help="Sizes: iec (KiB), si (KB), raw."),
        json_option,
    ):
        run = add(run)
    return run


def refreshed(command: Command) -> Command:
    """Add --refresh and --count: the command is run again and again."""

    @wraps(command)
    def run(*given: Any, refresh: float | None, count: int | None, **named: Any) -> None:
        output.repeat(lambda: command(*given, **named), refresh, count)

    for add in (
        click.option("--count", type=click.IntRange(1), metavar="N", help="Show it so often, not until Ctrl-C."),
        click.option("--refresh", type=DURATION, metavar="TIME", help="Show it again every 5s, 1m, …"),
    ):
        run = add(run)
    return run


yes_option = click.option("--yes", "-y", is_flag=True, help="Ask no questions.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
progress_option = click.option("--progress", is_flag=True, help="Show a progress bar.")
