"""`sluice volumes`: the data directories of a node that does not run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from appliance.commands.options import setting_options, settings_or_exit
from appliance.terminal.failures import fail

DATA = {"data": "All data directories that the node has now."}
DIRECTORY = click.argument("directory", type=click.Path(path_type=Path))


@click.command(short_help="Add an empty directory to a node that does not run.")
@DIRECTORY
@setting_options("data", "reserve", words=DATA)
def attach(directory: Path, **flags: tuple[str, ...]) -> None:
    """Add an empty DIRECTORY to a node that does not run. What belongs there from now on is moved to it.

    Cut short, it goes on when it is called again; until it has ended the node does not start.

    \b
        sluice volumes attach /disk3 --data /disk1 --data /disk2
        sluice serve --data /disk1 --data /disk2 --data /disk3
    """
    settings = settings_or_exit(flags)
    from appliance.parts import options
    from storage import reshape

    paths = [path.absolute() for path in settings.data]
    watch(reshape.attach(paths, directory.absolute(), options(settings)))
    click.echo(f"{directory} is attached; from now on start the node with it as one more --data")


@click.command(short_help="Take a directory out of a node that does not run.")
@DIRECTORY
@setting_options("data", "reserve", words=DATA)
def detach(directory: Path, **flags: tuple[str, ...]) -> None:
    """Take DIRECTORY out of a node that does not run. What it holds is copied to the others; its files stay.

    Cut short, it goes on when it is called again; until it has ended the node does not start. The first directory that
    the node was made with stays.

    \b
        sluice volumes detach /disk2 --data /disk1 --data /disk2
        sluice serve --data /disk1
    """
    settings = settings_or_exit(flags)
    from appliance.parts import options
    from storage import reshape

    paths = [path.absolute() for path in settings.data]
    watch(reshape.detach(paths, directory.absolute(), options(settings)))
    click.echo(f"{directory} is detached; from now on start the node without it")


def watch(steps: Iterator[object]) -> None:
    """Take the steps; what stops them ends the process with one line."""
    from storage.errors import OutOfSpace, VolumeFailed
    from storage.layout import UnusableDirectory

    try:
        for _ in steps:
            pass
    except UnusableDirectory as error:
        fail(str(error))
    except OutOfSpace as error:
        fail(f"{error.volume} is full; make room there and run the same command again")
    except VolumeFailed as error:
        fail(f"{error.volume} failed: {error.reason}; mend it and run the same command again")
