"""How subcommands speak to a running node over its native API."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

import click

from appliance import root
from appliance.commands.options import KEPT, fail, setting_options, settings_or_exit
from appliance.settings import Settings
from nativeapi.client import NativeClient, Refused, Unreachable

REFUSED, WRONG, SILENT = 1, 2, 3  # exit codes

# What to do next, by the status that the node answered, where its words are about that.
NEXT_STEPS = {
    401: ("", "give the node's token with --token or AIS_AUTHN_TOKEN; on its machine `sluice credentials` shows it"),
    403: ("", "this takes the administrator's token"),
    404: ("etl", "`sluice etl show` lists the transforms that exist"),
    409: ("etl job", "`sluice etl show` lists the transforms that exist; `sluice etl rm NAME` removes one"),
}


def client_of(endpoint: str, token: str, flags: Mapping[str, Sequence[str]]) -> NativeClient:
    """The client of the node at `endpoint`, or without one of the node that the settings describe.

    The token kept beside the data is sent to that node alone.
    """
    if not endpoint:
        settings = settings_or_exit(flags)
        scheme = "https" if settings.tls_certificate else "http"
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.address, settings.address)
        endpoint = f"{scheme}://{host}:{settings.port}"
        token = token or local_token(settings)
    if not token:
        fail(f"no token for {endpoint}: {NEXT_STEPS[401][1]}", status=WRONG)
    try:
        return NativeClient(endpoint, token)
    except ValueError as error:
        fail(f"{error}; mend --endpoint or AIS_ENDPOINT", status=WRONG)


def local_token(settings: Settings) -> str:
    """The token of the node with these settings; "" when its first start has yet to make one."""
    if settings.root_token:
        return settings.root_token
    try:
        found = root.load(settings)
    except root.WrongRoot as error:
        fail(str(error), status=WRONG)
    return found.token if found else ""


def connected(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say which node it speaks to, and as its first argument the client.

    What the node refuses, and silence, end the process with one line that says the next step.
    """

    @wraps(command)
    def run(
        endpoint: str, token: str, config: Sequence[str], data: Sequence[str], **given: Any
    ) -> None:
        client = client_of(endpoint, token, {"config": config, "data": data})
        try:
            command(client, **given)
        except Refused as error:
            fail(f"the node refused ({error.status}): {explained(error)}", status=REFUSED)
        except Unreachable as error:
            fail(f"no answer from {error}; `sluice serve` starts a node, --endpoint names another", status=SILENT)

    for add in (
        setting_options("data", words=KEPT),
        click.option("--token", envvar="AIS_AUTHN_TOKEN", default="", help="The bearer token.  [env: AIS_AUTHN_TOKEN]"),
        click.option(
            "--endpoint", envvar="AIS_ENDPOINT", default="", metavar="URL", help="The node.  [env: AIS_ENDPOINT]"
        ),
    ):
        run = add(run)
    return run


def explained(error: Refused) -> str:
    """The node's words and the next step."""
    about, step = NEXT_STEPS.get(error.status, ("", ""))
    return f"{error.message}; {step}" if step and about in error.message else error.message


as_json = click.option("--json", "-j", "as_json", is_flag=True, help="Print JSON.")


def show_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2))
