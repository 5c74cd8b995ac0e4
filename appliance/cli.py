"""The `sluice` command: a tree of groups made from the table of commands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import click
from click.exceptions import NoArgsIsHelpError

from appliance.commands.table import GROUPS, ROWS, Row

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


def by_words(rows: Iterable[Row]) -> dict[str, Row]:
    """Each row under all the words that call it; words that call two commands are a mistake."""
    found: dict[str, Row] = {}
    for row in rows:
        for words in (row.words, *row.aliases):
            if words in found or words in GROUPS:
                raise ValueError(f"two commands are called {words!r}")
            found[words] = row
    return found


COMMANDS = by_words(ROWS)


class Branch(click.Group):
    """A group of commands, imported when they are run, so that `sluice --help` is instant."""

    @property
    def path(self) -> str:
        """The words that lead here, "" for the root."""
        return "" if self.name in (None, "main") else f"{self.name} "

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The main names first in the help of their own group; aliases of other groups' commands are listed, too."""
        return sorted({words.removeprefix(self.path) for words in (*GROUPS, *COMMANDS) if self.is_mine(words)})

    def is_mine(self, words: str) -> bool:
        return words.startswith(self.path) and " " not in words[len(self.path) :]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        words = f"{self.path}{cmd_name}"
        if words in GROUPS:
            return branch(words)
        row = COMMANDS.get(words)
        return None if row is None else loaded(row)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The lines of the table, without importing what they are about."""
        lines = []
        for name in self.list_commands(ctx):
            words = f"{self.path}{name}"
            lines.append((name, first_line(GROUPS[words]) if words in GROUPS else short_help(COMMANDS[words], words)))
        with formatter.section("Commands"):
            formatter.write_dl(lines)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """At the root, words of the user's own are replaced by what they stand for."""
        if not self.path and args and not self.get_command(ctx, args[0]):
            from appliance.terminal.aliases import expanded

            args = expanded(args)
        return super().resolve_command(ctx, args)


def first_line(text: str) -> str:
    return text.partition("\n")[0]


def short_help(row: Row, words: str) -> str:
    return row.help if words == row.words else f"{row.help}  [{row.words}]"


def loaded(row: Row) -> click.Command:
    module, attribute = row.where.split(":")
    command = getattr(import_module(f"appliance.commands.{module}"), attribute)
    assert isinstance(command, click.Command)
    return command


def branch(words: str) -> Branch:
    """The group that these words call. Its name is all of them, as it is how its commands are found."""
    return Branch(name=words, help=GROUPS[words], context_settings=SETTINGS)


@contextmanager
def one_line() -> Iterator[None]:
    """Within it wrong usage is told as everything that fails: in one line, with the next step."""
    try:
        yield
    except NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        from appliance.terminal.failures import fail

        path = error.ctx.command_path if error.ctx else "sluice"
        fail(f"{error.format_message().rstrip('.')}; see `{path} --help`")


class Root(Branch):
    def make_context(self, *given: Any, **named: Any) -> click.Context:
        with one_line():
            return super().make_context(*given, **named)

    def invoke(self, ctx: click.Context) -> Any:
        with one_line():
            return super().invoke(ctx)


@click.command(name="main", cls=Root, context_settings=SETTINGS)
@click.version_option(package_name="sluice", message="sluice %(version)s")
def main() -> None:
    """Sluice: an S3 appliance with transforms in the stream.

    Start a node with its data under ./data and see what it prints:

    \b
        sluice serve

    Use it, from here or from another machine (AIS_ENDPOINT, AIS_AUTHN_TOKEN):

    \b
        sluice create ais://photos
        sluice put ./2026 ais://photos/2026/ --recursive
        sluice ls ais://photos --prefix 2026/
        sluice get ais://photos/2026/a.jpg .

    Every command says more with --help. `sluice completion bash` completes words in the shell.

    Exit codes: 0 done, 1 refused by the node or failed there, 2 wrong usage, 3 no answer, 4 timed out.
    """
