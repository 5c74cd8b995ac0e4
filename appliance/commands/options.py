"""Command-line options made from the table of settings."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

import click

from appliance.commands.arguments import hide
from appliance.settings import ROWS, Settings, default_text, flag, variable
from appliance.settings.sources import CONFIG, WrongSetting, load
from appliance.terminal.failures import fail

Command = TypeVar("Command", bound=Callable[..., Any])


# What --data is to a command that only looks for the node's keys.
KEPT = MappingProxyType({"data": "A data directory of the node on this machine, where its keys are kept."})


def setting_options(
    *names: str, words: Mapping[str, str] = MappingProxyType({})
) -> Callable[[Command], Command]:
    """The flags of the named settings, and --config, for a command that hands them to `settings_or_exit`.

    Every flag takes text as often as it is given; what it may be is the table's matter, as with the other sources.
    `words` replace the table's help where that is about starting a node.
    """

    def add(command: Command) -> Command:
        for name in reversed(names):
            command = _option(name, words.get(name, ROWS[name].help))(command)
        return click.option(
            "--config", metavar="FILE", multiple=True, help=f"A TOML file of settings.  [env: {variable(CONFIG)}]"
        )(command)

    return add


def _option(name: str, words: str) -> Callable[[Command], Command]:
    row = ROWS[name]
    default = default_text(name)
    notes = f"[env: {variable(name)}{'; default: ' + default if default else ''}{'; repeatable' if row.many else ''}]"
    return click.option(flag(name), name, metavar=row.kind.metavar, multiple=True, help=f"{words}  {notes}")


def settings_or_exit(flags: Mapping[str, Sequence[str]]) -> Settings:
    """The settings; a wrong one ends the process with status 2 and one line on standard error.

    From then on the command line shows no secrets.
    """
    hide(text for name, texts in flags.items() if name in ROWS and ROWS[name].secret for text in texts)
    try:
        return load(flags, os.environ)
    except WrongSetting as error:
        fail(str(error))
