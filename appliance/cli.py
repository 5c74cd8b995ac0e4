"""The `sluice` command. Each subcommand lies in a module of `appliance.commands` and is added by one line here."""

from __future__ import annotations

from importlib import import_module

import click

# Name to module:attribute. Only the command that was asked for is imported, so that `sluice --help` is instant.
COMMANDS = {
    "serve": "appliance.commands.serve:serve",
    "settings": "appliance.commands.settings:settings",
    "credentials": "appliance.commands.credentials:credentials",
    "etl": "appliance.commands.etl:etl",
}


class Commands(click.Group):
    """The group of all commands, imported when needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name].split(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="sluice", message="sluice %(version)s")
def main() -> None:
    """Sluice: an S3 appliance with transforms in the stream.

    Start a node with its data under ./data and see what it prints:

    \b
        sluice serve
    """
