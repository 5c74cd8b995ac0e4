"""`sluice completion`, `sluice alias`, `sluice search`: what makes the command line itself handier."""

from __future__ import annotations

import re

import click

from appliance.terminal import aliases
from appliance.terminal.output import note
from appliance.terminal.view import View, viewed

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print what makes a shell complete commands, options, buckets and objects.

    \b
        eval "$(sluice completion bash)"                           now; or for good, a line of ~/.bashrc
        sluice completion zsh > ~/.zfunc/_sluice
        sluice completion fish > ~/.config/fish/completions/sluice.fish
    """
    from click.shell_completion import get_completion_class

    from appliance.cli import main

    kind = get_completion_class(shell)
    assert kind is not None, "a choice of those that click has"
    click.echo(kind(main, {}, "sluice", "_SLUICE_COMPLETE").source())


@click.command("help")
@click.argument("words", nargs=-1, metavar="[COMMAND]...")
def help_of(words: tuple[str, ...]) -> None:
    """Print what a command's --help prints.

    \b
        sluice help bucket cp
    """
    from appliance.cli import main

    command: click.Command = main
    context = click.Context(main, info_name="sluice")
    for word in words:
        found = command.get_command(context, word) if isinstance(command, click.Group) else None
        if found is None:
            raise click.UsageError(f"{' '.join(words)} is no command; `sluice search {word}` looks for one")
        command = found
        context = click.Context(command, parent=context, info_name=word)
    click.echo(command.get_help(context))


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="WORD...")
@viewed
def search(words: tuple[str, ...], view: View) -> None:
    """Search the commands for words of their names and of what they do.

    \b
        sluice search rename
        sluice search bucket copy
    """
    from appliance.commands.table import ROWS

    expressions = [re.compile(re.escape(word), re.IGNORECASE) for word in words]
    found = [
        row for row in ROWS if all(one.search(" ".join((row.words, *row.aliases, row.help))) for one in expressions)
    ]
    if not found and not view.as_json:
        note("Nothing is found; `sluice --help` lists the commands.")
        return
    rows = [(f"sluice {row.words}", ", ".join(row.aliases), row.help) for row in found]
    view.show([row.words for row in found], lambda: view.table(("COMMAND", "ALSO", "WHAT IT DOES"), rows))


# What stands behind the word is the other command's, options and all.
@click.command("set", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("name", metavar="ALIAS")
@click.argument("command", nargs=-1, required=True, metavar="COMMAND...")
def set_alias(name: str, command: tuple[str, ...]) -> None:
    """Let a word stand for a command.

    \b
        sluice alias set mine ls ais://photos --limit 5
        sluice mine
    """
    import shlex

    from appliance.cli import COMMANDS
    from appliance.commands.table import GROUPS

    if name in COMMANDS or name in GROUPS:
        raise click.UsageError(f"{name} is a command already")
    aliases.save({**aliases.load(), name: command[0] if len(command) == 1 else shlex.join(command)})


@click.command("rm")
@click.argument("name", metavar="ALIAS")
def remove_alias(name: str) -> None:
    """Forget a word.

    \b
        sluice alias rm mine
    """
    found = aliases.load()
    if name not in found:
        raise click.UsageError(f"{name} stands for nothing; `sluice alias show` lists the words")
    aliases.save({word: command for word, command in found.items() if word != name})


@click.command("show")
@viewed
def show_aliases(view: View) -> None:
    """Show the words and what they stand for, and the other names of commands.

    \b
        sluice alias show
    """
    from appliance.commands.table import ROWS

    mine = aliases.load()
    fixed = {alias: row.words for row in ROWS for alias in row.aliases if " " not in alias}
    rows = [(word, command) for word, command in sorted({**fixed, **mine}.items())]
    view.show({**fixed, **mine}, lambda: view.table(("ALIAS", "COMMAND"), rows))
