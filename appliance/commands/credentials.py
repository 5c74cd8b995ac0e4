"""`sluice credentials`."""

from __future__ import annotations

import click

from appliance.banner import SHOWN
from appliance.commands.options import KEPT, setting_options, settings_or_exit
from appliance.terminal.failures import fail


@click.command(short_help="Print the root account's keys as settings for clients.")
@setting_options(*SHOWN, "root_access_key", "root_secret_key", "root_token", words=KEPT)
def credentials(**flags: tuple[str, ...]) -> None:
    """Print the root account's keys as settings for clients, to paste or to evaluate.

    Reads what the first start of the node kept in its data directory; the node need not run.

    \b
        sluice credentials --data /disk1
        eval "$(sluice credentials | grep ^export)"
    """
    settings = settings_or_exit(flags)
    from appliance.banner import client_settings
    from appliance.parts import url
    from appliance.root import WrongRoot, load

    try:
        root = load(settings)
    except WrongRoot as error:
        fail(str(error))
    if root is None:
        places = ", ".join(map(str, settings.data))
        fail(f"no keys are kept in {places}; start the node with `sluice serve`, or name its directory with --data")
    click.echo(client_settings(url(settings), settings.region, root))
