"""How subcommands speak to a running node over its native API."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from appliance.commands.arguments import hide
from appliance.commands.options import KEPT, setting_options, settings_or_exit
from appliance.settings import Settings
from appliance.terminal.aliases import config_folder
from appliance.terminal.failures import WRONG, fail, told
from nativeapi.client import NativeClient

if TYPE_CHECKING:
    import ssl

TRUTHS = frozenset({"1", "t", "true", "y", "yes", "on"})


def client_of(endpoint: str, token: str, flags: Mapping[str, Sequence[str]]) -> NativeClient:
    """The client of the node at `endpoint`, or without one of the node that the settings describe.

    The token is the one given, else the one in the file that AIS_AUTHN_TOKEN_FILE names or that `sluice auth login`
    has written. The token kept beside the data is sent to that node alone.
    """
    token = token or kept_token()
    if not endpoint:
        settings = settings_or_exit(flags)
        scheme = "https" if settings.tls_certificate else "http"
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.address, settings.address)
        endpoint = f"{scheme}://{host}:{settings.port}"
        token = token or local_token(settings)
    try:
        return NativeClient(endpoint, token, context=tls_context() if endpoint.startswith("https") else None)
    except ValueError as error:
        fail(f"{error}; mend --endpoint or AIS_ENDPOINT", status=WRONG)


def token_file() -> Path:
    """Where `sluice auth login` keeps its token."""
    named = os.environ.get("AIS_AUTHN_TOKEN_FILE", "")
    return Path(named) if named else config_folder() / "auth.token"


def kept_token() -> str:
    """The token of the last `sluice auth login`, or of a file: {"token": "…"}, as AIStore's, or bare; "" for none."""
    path = token_file()
    try:
        text = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        if "AIS_AUTHN_TOKEN_FILE" in os.environ:
            fail(f"{path} does not exist; mend AIS_AUTHN_TOKEN_FILE", status=WRONG)
        return ""
    except OSError as error:
        fail(f"{path} cannot be read: {error.strerror}", status=WRONG)
    if not text.startswith("{"):
        return text
    try:
        return str(json.loads(text)["token"])
    except (ValueError, KeyError):
        fail(f"{path} holds no token; `sluice auth logout` removes it", status=WRONG)


def tls_context() -> ssl.SSLContext:
    """As AIStore's clients find it: AIS_CLIENT_CA, AIS_CRT with AIS_CRT_KEY, AIS_SKIP_VERIFY_CRT."""
    import ssl

    try:
        context = ssl.create_default_context(cafile=os.environ.get("AIS_CLIENT_CA") or None)
        if os.environ.get("AIS_CRT"):
            context.load_cert_chain(os.environ["AIS_CRT"], os.environ.get("AIS_CRT_KEY") or None)
    except OSError as error:
        fail(f"TLS cannot be set up ({error}); mend AIS_CLIENT_CA, AIS_CRT and AIS_CRT_KEY", status=WRONG)
    if os.environ.get("AIS_SKIP_VERIFY_CRT", "").lower() in TRUTHS:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def local_token(settings: Settings) -> str:
    """The token of the node with these settings; "" when its first start has yet to make one."""
    if settings.root_token:
        return settings.root_token
    from appliance import root

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
        *positional: Any, endpoint: str, token: str, config: Sequence[str], data: Sequence[str], **given: Any
    ) -> None:
        hide(filter(None, (token, given.get("password", ""))))
        with told():
            client = client_of(endpoint, token, {"config": config, "data": data})
            command(client, *positional, **given)

    for add in (
        setting_options("data", words=KEPT),
        click.option("--token", envvar="AIS_AUTHN_TOKEN", default="", help="The bearer token.  [env: AIS_AUTHN_TOKEN]"),
        click.option(
            "--endpoint", envvar="AIS_ENDPOINT", default="", metavar="URL", help="The node.  [env: AIS_ENDPOINT]"
        ),
    ):
        run = add(run)
    return run
