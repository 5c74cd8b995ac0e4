"""`sluice settings`."""

from __future__ import annotations

import click

from appliance.settings.reference import markdown


@click.command()
def settings() -> None:
    """Print the reference of all settings, in Markdown."""
    click.echo(markdown(), nl=False)
