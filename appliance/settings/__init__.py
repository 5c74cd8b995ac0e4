"""Every setting of a node, in one table: the fields of `Settings`.

A field's name gives the flag (`--root-access-key`), the environment's variable (`SLUICE_ROOT_ACCESS_KEY`) and
the key in the TOML file (`root_access_key`). To add a setting, add a field.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from appliance.settings import kinds
from appliance.settings.kinds import Kind

PREFIX = "SLUICE_"


@dataclass(frozen=True, slots=True)
class Row:
    """What the table says about a setting beside its default."""

    kind: Kind
    help: str
    many: bool = False  # repeatable; a list in TOML, separated by commas in the environment
    secret: bool = False
    default_text: str | None = None  # for a default that depends on the machine


def setting(
    default: object, kind: Kind, help: str, *, many: bool = False, secret: bool = False, default_text: str | None = None
) -> Any:
    return field(default=default, metadata={"row": Row(kind, help, many, secret, default_text)})


@dataclass(frozen=True, slots=True)
class Settings:
    data: tuple[Path, ...] = setting(
        (Path("data"),),
        kinds.DIRECTORY,
        "Where the data lies: one directory a disk, created when missing. Objects are spread over all of them.",
        many=True,
    )
    missing_volumes: str = setting(
        "refuse",
        kinds.choice("refuse", "ignore"),
        "What to do at start when a data directory that belongs to the node is missing or cannot be written: refuse to "
        "start, or start without it, answering errors for the keys that lie there.",
    )
    address: str = setting("127.0.0.1", kinds.ADDRESS, "The address to listen on; 0.0.0.0 or :: for all of them.")
    port: int = setting(9000, kinds.whole(1, 65535), "The TCP port to listen on, for both S3 and /v1.")
    workers: int = setting(
        os.cpu_count() or 1,
        kinds.whole(1, 512),
        "Processes that answer requests. One more process runs the background jobs.",
        default_text="the number of cores",
    )
    region: str = setting("us-east-1", kinds.REGION, "The region that clients sign for and that buckets are in.")
    domain: tuple[str, ...] = setting(
        (),
        kinds.DOMAIN,
        "A domain under which buckets are host names too (bucket.s3.example.com for s3.example.com).",
        many=True,
    )
    tls_certificate: Path | None = setting(
        None, kinds.FILE, "Serve HTTPS with this certificate chain (PEM). Needs tls_key as well."
    )
    tls_key: Path | None = setting(None, kinds.FILE, "The private key of tls_certificate (PEM).")
    identities: Path | None = setting(
        None,
        kinds.FILE,
        "A TOML file of accounts beside root: [[account]] tables with id, name, email and "
        'keys = [{access = "…", secret = "…"}].',
    )
    root_access_key: str | None = setting(
        None,
        kinds.ACCESS_KEY,
        "The access key of the root account, instead of the generated one. Needs root_secret_key as well.",
    )
    root_secret_key: str | None = setting(
        None,
        kinds.SECRET,
        "The secret key of the root account. Every user of the machine can see flags for a moment: prefer the "
        "environment or the file.",
        secret=True,
    )
    root_token: str | None = setting(
        None,
        kinds.SECRET,
        "The bearer token of the root account for /v1, instead of the generated one. See root_secret_key about flags.",
        secret=True,
    )
    authentication: bool = setting(
        True,
        kinds.SWITCH,
        "Ask for a token at /v1, as AIStore does with auth.enabled. off: everybody who can reach the node may do "
        "everything there that a bucket's access property leaves open; S3 requests are signed all the same.",
    )
    bucket_defaults: str = setting(
        "classic",
        kinds.choice("classic", "aws2023"),
        "What a new bucket starts with: classic allows ACLs and has no public access block, as most S3 clients and "
        "tools expect; aws2023 is what AWS does since April 2023 (ownership enforced, public access blocked).",
    )
    signature_v2: bool = setting(True, kinds.SWITCH, "Accept requests signed with signature version 2 too.")
    durability: str = setting(
        "sync",
        kinds.choice("sync", "relaxed"),
        "sync: what was acknowledged is on disk and survives a power cut. relaxed: what was acknowledged survives the "
        "death of any process, but a crash of the machine or a power cut may lose the writes of the last seconds, and "
        "may leave an object above inline_limit that was written then with wrong bytes.",
    )
    inline_limit: int = setting(
        32768,
        kinds.size(0, 2**20),
        "Objects up to this size lie inside their record in the index, larger ones in files of their own.",
    )
    reserve: int = setting(
        2**28,
        kinds.size(0, 2**50),
        "Bytes to keep free on each disk: below it writes are refused, reads and deletes go on.",
    )
    promote_root: Path = setting(
        Path("/var/lib/ais/promote"),
        kinds.DIRECTORY,
        "Files of this machine can be promoted to objects when they lie below this directory, which need not exist.",
    )
    download_from: str = setting(
        "public",
        kinds.choice("public", "private", "anywhere"),
        "From which addresses clients may have the node download objects: public ones; private networks as well; or "
        "anywhere, the node's own machine and link-local addresses (where clouds keep credentials) included.",
    )
    max_connections: int = setting(
        4096,
        kinds.whole(1, 1_000_000),
        "Connections that one worker holds open at once; further ones wait to be accepted. A full worker closes those "
        "that have waited longest for a request.",
    )
    max_head_bytes: int = setting(
        65536, kinds.size(16384, 2**20), "The most that a request's line and headers may take together."
    )
    head_seconds: float = setting(
        30.0, kinds.seconds(1, 3600), "How long a request's head may take to arrive, from its first byte on."
    )
    body_stall_seconds: float = setting(
        60.0,
        kinds.seconds(1, 3600),
        "How long a client may pause within a body, sending or receiving, before it is cut off.",
    )
    keep_alive_seconds: float = setting(
        90.0, kinds.seconds(75, 86400), "How long a connection without a request under way is kept open."
    )
    graceful_seconds: float = setting(
        30.0, kinds.seconds(0, 86400), "How long requests under way may go on when the node is told to stop."
    )
    access_log: str = setting(
        "-", kinds.LOG, "Where the access log goes, one line a request: a file, - for standard output, or off."
    )
    log_format: str = setting(
        "json", kinds.choice("json", "text"), "The form of both logs: a JSON object a line, or plain text."
    )
    log_level: str = setting(
        "info",
        kinds.choice("debug", "info", "warning", "error"),
        "The least level that the node's own log (standard error) shows.",
    )


ROWS: dict[str, Row] = {each.name: each.metadata["row"] for each in fields(Settings)}
DEFAULTS: dict[str, Any] = {each.name: each.default for each in fields(Settings)}


def default_text(name: str) -> str:
    """The default as documentation shows it; "" when there is none."""
    row, value = ROWS[name], DEFAULTS[name]
    if row.default_text is not None:
        return row.default_text
    if row.many:
        return ", ".join(row.kind.show(one) for one in value)
    return "" if value is None else row.kind.show(value)


def flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def variable(name: str) -> str:
    return PREFIX + name.upper()
