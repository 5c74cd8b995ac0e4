"""`sluice serve`."""

from __future__ import annotations

from typing import NoReturn

import click

from appliance.commands.options import setting_options, settings_or_exit
from appliance.settings import ROWS
from appliance.terminal.failures import fail


@click.command(short_help="Start a node; serve S3 and /v1 until Ctrl-C.")
@setting_options(*ROWS)
def serve(**flags: tuple[str, ...]) -> NoReturn:
    """Start a node and serve S3 and /v1 until Ctrl-C, which lets requests under way finish.

    The first start makes an access key, a secret and a token for the root account, keeps them beside the data and
    prints them as lines to paste; `sluice credentials` prints them again.

    \b
    Examples:
        sluice serve                                  data in ./data, on 127.0.0.1:9000
        sluice serve --data /disk1 --data /disk2      objects spread over two disks
        sluice serve --address 0.0.0.0 --domain s3.example.com \\
                     --tls-certificate chain.pem --tls-key key.pem
        SLUICE_ROOT_ACCESS_KEY=me SLUICE_ROOT_SECRET_KEY=… sluice serve
        sluice serve --config /etc/sluice.toml        port = 9100, data = ["/disk1"], …

    A flag decides before the environment, that before the file given by --config, that before the default.
    `sluice settings` prints the same list with more words.
    """
    settings = settings_or_exit(flags)
    from appliance.serve import CannotStart, serve as run

    try:
        run(settings, say=lambda text: click.echo(text))
    except CannotStart as error:
        fail(str(error))
