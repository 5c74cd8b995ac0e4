"""What the node prints when it is ready: where it is, and lines to paste for each kind of client."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from appliance.root import Root
from appliance.settings import DEFAULTS, ROWS, Settings, flag

NAME = "sluice"
SHOWN = ("data", "address", "port", "region", "tls_certificate", "tls_key")  # settings that clients' settings tell of


def client_settings(url: str, region: str, root: Root) -> str:
    """Lines that make the AWS tools and SDKs, s3cmd and the AIStore tools work against the node."""
    exports = {
        "AWS_ACCESS_KEY_ID": root.access_key,
        "AWS_SECRET_ACCESS_KEY": root.secret_key,
        "AWS_DEFAULT_REGION": region,
        "AWS_ENDPOINT_URL": url,
    }
    native = {"AIS_ENDPOINT": url, "AIS_AUTHN_URL": url, "AIS_AUTHN_TOKEN": root.token}
    return "\n".join((
        "# aws, boto3 and every other AWS SDK: paste into a shell",
        *_exports(exports),
        "",
        "# s3cmd: put into ~/.s3cfg",
        *_s3cfg(url, region, root),
        "",
        "# ais, the aistore SDK and `sluice etl`: paste into a shell",
        *_exports(native),
    ))


def _exports(values: dict[str, str]) -> list[str]:
    return [f"export {name}={shlex.quote(value)}" for name, value in values.items()]


def _s3cfg(url: str, region: str, root: Root) -> list[str]:
    parts = urlsplit(url)
    return [
        "[default]",
        f"access_key = {root.access_key}",
        f"secret_key = {root.secret_key}",
        f"host_base = {parts.netloc}",
        f"host_bucket = {parts.netloc}",
        f"bucket_location = {region}",
        f"use_https = {parts.scheme == 'https'}",
        "signature_v2 = False",
    ]


def first_start(url: str, region: str, root: Root, kept: Path, again: str) -> str:
    """For the start that made the keys: the only time that secrets are printed unasked. `again` is the command that
    prints them then."""
    return "\n".join((
        f"Sluice is ready at {url}",
        "",
        client_settings(url, region, root),
        "",
        "# These keys were made just now and are printed this once. They are kept, readable by you alone, in",
        f"#     {kept}",
        "# and printed again by",
        f"#     {again}",
        "# Ctrl-C stops the node.",
    ))


def later_start(url: str, root: Root, again: str) -> str:
    return "\n".join((
        f"Sluice is ready at {url}",
        f"# The settings for clients, with access key {root.access_key}, are printed by",
        f"#     {again}",
        "# Ctrl-C stops the node.",
    ))


def credentials_command(settings: Settings, called: str) -> str:
    """The command that prints the settings for clients of this very node, to be run in the same directory; `called` is
    how this program was called."""
    found = shutil.which(NAME)
    words = [NAME if found and os.path.realpath(called) == os.path.realpath(found) else called, "credentials"]
    for name in SHOWN:
        value = getattr(settings, name)
        if value != DEFAULTS[name]:
            for one in value if ROWS[name].many else (value,):
                words += [flag(name), str(one)]
    return shlex.join(words)
