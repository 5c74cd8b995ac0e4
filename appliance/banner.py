"""What the node prints when it is ready: where it is, and lines to paste for each kind of client."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from urllib.parse import urlsplit

from appliance.root import Root


def client_settings(url: str, region: str, root: Root) -> str:
    """Lines that make the AWS tools and SDKs, s3cmd and the AIStore tools work against the node."""
    exports = {
        "AWS_ACCESS_KEY_ID": root.access_key,
        "AWS_SECRET_ACCESS_KEY": root.secret_key,
        "AWS_DEFAULT_REGION": region,
        "AWS_ENDPOINT_URL": url,
    }
    native = {"AIS_ENDPOINT": url, "AIS_AUTHN_TOKEN": root.token}
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
    return [f"export {name}={quote(value)}" for name, value in values.items()]


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


def first_start(url: str, region: str, root: Root, kept: Path) -> str:
    """For the start that made the keys: the only time that secrets are printed unasked."""
    return "\n".join((
        f"Sluice is ready at {url}",
        "",
        client_settings(url, region, root),
        "",
        f"# These keys were made just now and are kept in {kept}, readable by you alone.",
        "# This is the only time they are printed; `sluice credentials` shows them again. Ctrl-C stops the node.",
    ))


def later_start(url: str, root: Root) -> str:
    return "\n".join((
        f"Sluice is ready at {url}",
        f"# access key {root.access_key}; `sluice credentials` prints the settings for clients. Ctrl-C stops the node.",
    ))
