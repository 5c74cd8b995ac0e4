"""Every command, a row each. To add one: its function in a module of this package, and its row here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """The words that call the command, where it lies (module:attribute, below this package), what it does in a line,
    and other words that call it, as AIStore's `ais` has them."""

    words: str
    where: str
    help: str
    aliases: tuple[str, ...] = ()


# The groups, with the line that each has in the help of the one above.
GROUPS = {
    "bucket": "Create, list, copy, rename, remove buckets; their properties.",
    "bucket props": "Show, set and reset the properties of a bucket.",
    "object": "Put, get, copy, rename, remove, describe objects.",
    "object multipart-upload": "Upload an object in parts, step by step.",
    "archive": "List, read, write archives (tar, tgz, zip, tar.lz4) and what is in them.",
    "etl": "Start, look at, use and stop transforms.",
    "job": "Start, stop, wait for, show jobs.",
    "job start": "Start a job.",
    "job rm": "Forget jobs that have ended.",
    "show": "Look at buckets, objects, jobs, the cluster, its storage and its logs.",
    "show auth": "Look at users, roles and clusters.",
    "cluster": "Look at the cluster; attach others.",
    "config": "Look at the configuration and change it.",
    "storage": "Look at disks and mountpaths, and change them.",
    "storage mountpath": "Show, attach, detach, enable, disable mountpaths.",
    "log": "Read the logs of nodes.",
    "remote-cluster": "Attach, detach, show other clusters.",
    "auth": "Log in and out; users, roles, clusters, tokens.",
    "auth add": "Add a user, a role, a cluster.",
    "auth set": "Change a user, a role, a cluster.",
    "auth rm": "Remove a user, a role, a cluster; revoke a token.",
    "auth show": "Look at users, roles and clusters.",
    "ml": "Read many objects at once, for training.",
    "alias": "Words of your own for commands.",
}

ROWS = (
    # the node
    Row("serve", "serve:serve", "Start a node; serve S3 and /v1 until Ctrl-C."),
    Row("settings", "settings:settings", "Print the reference of all settings."),
    Row("credentials", "credentials:credentials", "Print the root account's keys as settings for clients."),
)
