"""`sluice auth …`: logging in and out; users, roles, clusters, tokens."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import Any

import click

from appliance.commands.connected import connected, tls_context, token_file
from appliance.terminal.failures import fail
from appliance.terminal.kinds import DURATION
from appliance.terminal.names import PLACE, bucket_of
from appliance.terminal.nodes import smap
from appliance.terminal.output import note
from appliance.terminal.properties import RIGHTS, mask
from appliance.terminal.view import View, viewed, yes_option
from nativeapi.client import NativeClient

# Names of several rights, as they are given to roles.
GROUPS = {
    "ro": 771,
    "rw": 831,
    "bucket-admin": 3200,
    "cluster-ro": 12288,
    "cluster-rw": 126976,
    "su": 2**18 - 1,
}


def authenticating(command: Callable[..., Any]) -> Callable[..., Any]:
    """As `connected`, but with the AuthN service as the client's endpoint: AIS_AUTHN_URL, else the node itself."""

    @wraps(command)
    def run(client: NativeClient, *given: Any, authn: str, **named: Any) -> Any:
        if authn:
            context = tls_context() if authn.startswith("https") else None
            try:
                client = client.elsewhere(authn, context)
            except ValueError as error:
                raise click.UsageError(f"{error}; mend --authn or AIS_AUTHN_URL") from error
        return command(client, *given, **named)

    return click.option(
        "--authn", envvar="AIS_AUTHN_URL", default="", metavar="URL", help="The AuthN service, unless it is the node.  "
        "[env: AIS_AUTHN_URL]",
    )(connected(run))


@click.command()
@click.argument("user", metavar="USER_NAME")
@click.option("--password", "-p", envvar="SLUICE_PASSWORD", default="", help="Asked for when it is not given.")
@click.option("--expire", "-e", type=DURATION, metavar="TIME", help="How long the token holds.  [default: the node's]")
@click.option("--file", "-f", "path", default="", metavar="FILE", help="Keep the token there.")
@viewed
@authenticating
def login(client: NativeClient, user: str, password: str, expire: float | None, path: str, view: View) -> None:
    """Log in, and keep the token for later commands.

    \b
        sluice auth login alice
        sluice auth login alice -p "$PASSWORD" --expire 8h --file token.json
    """
    password = password or click.prompt("Password", hide_input=True, err=True)
    lasting = None if expire is None else int(expire * 1e9)
    found = client.json("POST", f"users/{user}", message={"password": password, "expires_in": lasting})
    where = Path(path) if path else token_file()
    keep(where, found["token"])
    used = "" if not path else f"; AIS_AUTHN_TOKEN_FILE={where} uses it"
    view.show({"user": user, "file": str(where)}, lambda: view.say(f"Logged in as {user}{used}"))


def keep(path: Path, token: str) -> None:
    """Write the token into a file that nobody else may read."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            path.unlink()
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump({"token": token}, file)
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror}")


@click.command()
@click.option("--file", "-f", "path", default="", metavar="FILE", help="Where the token was kept.")
@viewed
def logout(path: str, view: View) -> None:
    """Forget the token of the last login. `sluice auth rm token` revokes it, everywhere.

    \b
        sluice auth logout
    """
    where = Path(path) if path else token_file()
    try:
        where.unlink()
    except FileNotFoundError:
        fail(f"nobody is logged in: {where} does not exist")
    view.show({"removed": str(where)}, lambda: view.say("Logged out"))


@click.command()
@click.argument("user", metavar="USER_NAME")
@click.argument("roles", nargs=-1, metavar="[ROLE]...")
@click.option("--password", "-p", default="", help="Asked for when it is not given.")
@viewed
@authenticating
def add_user(client: NativeClient, user: str, roles: tuple[str, ...], password: str, view: View) -> None:
    """Add a user with roles.

    \b
        sluice auth add user alice Guest-main
    """
    password = password or click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    named = [client.json("GET", f"roles/{role}") for role in roles]
    client.text("POST", "users", message={"id": user, "pass": password, "roles": named})
    view.show({"user": user, "roles": list(roles)}, lambda: view.say(f"User {user} added"))


@click.command()
@click.argument("user", metavar="USER_NAME")
@click.argument("roles", nargs=-1, metavar="[ROLE]...")
@click.option("--password", "-p", default="", help="A new password.")
@viewed
@authenticating
def set_user(client: NativeClient, user: str, roles: tuple[str, ...], password: str, view: View) -> None:
    """Give a user other roles, or another password.

    \b
        sluice auth set user alice BucketOwner-main
        sluice auth set user alice -p "$PASSWORD"
    """
    named = [client.json("GET", f"roles/{role}") for role in roles]
    client.text("PUT", f"users/{user}", message={"id": user, "pass": password, "roles": named})
    view.show({"user": user, "roles": list(roles)}, lambda: view.say(f"User {user} updated"))


def rights_of(words: tuple[str, ...]) -> int:
    """The mask of names of rights, of groups of them, or a number."""
    found = 0
    for word in words:
        found |= GROUPS[word.lower()] if word.lower() in GROUPS else mask(word)
    return found


ROLE_HELP = f"Rights are {', '.join(GROUPS)}, a mask, or names: {', '.join(RIGHTS)}."


def role_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for add in (
        click.option("--cluster", default="", metavar="CLUSTER", help="For this cluster: its id or alias."),
        click.option("--bucket", default="", metavar="BUCKET", help="For this bucket of the cluster alone."),
        click.option("--description", "--desc", "description", default="", help="Words about the role."),
    ):
        command = add(command)
    return command


@click.command(epilog=ROLE_HELP)
@click.argument("role", metavar="ROLE")
@click.argument("rights", nargs=-1, metavar="[RIGHT]...")
@role_options
@viewed
@authenticating
def add_role(client: NativeClient, role: str, rights: tuple[str, ...], view: View, **given: str) -> None:
    """Add a role: rights on a cluster, or on one of its buckets.

    \b
        sluice auth add role readers ro --cluster main --desc "may read everything"
        sluice auth add role writers rw --cluster main --bucket ais://photos
    """
    client.text("POST", "roles", message=role_message(client, role, rights, **given))
    view.show({"role": role}, lambda: view.say(f"Role {role} added"))


@click.command(epilog=ROLE_HELP)
@click.argument("role", metavar="ROLE")
@click.argument("rights", nargs=-1, metavar="[RIGHT]...")
@role_options
@viewed
@authenticating
def set_role(client: NativeClient, role: str, rights: tuple[str, ...], view: View, **given: str) -> None:
    """Change the rights that a role gives on a cluster or a bucket; the others stay.

    \b
        sluice auth set role readers ro --cluster main --bucket ais://photos
    """
    client.text("PUT", f"roles/{role}", message=role_message(client, role, rights, **given))
    view.show({"role": role}, lambda: view.say(f"Role {role} updated"))


def role_message(
    client: NativeClient, role: str, rights: tuple[str, ...], cluster: str, bucket: str, description: str
) -> dict[str, Any]:
    message: dict[str, Any] = {"name": role, "desc": description, "clusters": None, "buckets": None, "admin": False}
    if not rights:
        return message
    if not cluster:
        raise click.UsageError("rights are for a cluster: --cluster; `sluice auth show cluster` lists those known")
    found = next(iter(client.json("GET", f"clusters/{cluster}")["clusters"].values()))
    perm = str(rights_of(rights))
    if bucket:
        named = PLACE.convert(bucket, None, None).bucket.json
        named["namespace"]["uuid"] = found["id"]
        return {**message, "buckets": [{"bck": named, "perm": perm}]}
    return {**message, "clusters": [{"id": found["id"], "alias": found.get("alias", ""), "perm": perm}]}


@click.command()
@click.argument("urls", nargs=-1, required=True, metavar="[CLUSTER_ID] [ALIAS] URL...")
@viewed
@authenticating
def add_cluster(client: NativeClient, urls: tuple[str, ...], view: View) -> None:
    """Register a cluster with the AuthN service. Its id is asked of the cluster when it is not given.

    \b
        sluice auth add cluster main http://127.0.0.1:9000
    """
    message = cluster_message(client, urls)
    client.text("POST", "clusters", message=message)
    view.show(message, lambda: view.say(f"Cluster {message['id']} added"))


@click.command()
@click.argument("urls", nargs=-1, required=True, metavar="CLUSTER_ID [ALIAS] URL...")
@viewed
@authenticating
def set_cluster(client: NativeClient, urls: tuple[str, ...], view: View) -> None:
    """Give a registered cluster another alias or other addresses.

    \b
        sluice auth set cluster wROZDobJh main http://10.0.0.7:9000
    """
    message = cluster_message(client, urls)
    client.text("PUT", f"clusters/{message['id']}", message=message)
    view.show(message, lambda: view.say(f"Cluster {message['id']} updated"))


def cluster_message(client: NativeClient, words: tuple[str, ...]) -> dict[str, Any]:
    addresses = [word for word in words if "://" in word]
    names = [word for word in words if "://" not in word]
    if not addresses or len(names) > 2:
        raise click.UsageError("expected [CLUSTER_ID] [ALIAS] URL...")
    if len(names) < 2:
        alias = "".join(names)
        return {"id": smap(client.elsewhere(addresses[0], None))["uuid"], "alias": alias, "urls": addresses}
    return {"id": names[0], "alias": names[1], "urls": addresses}


def remover(kind: str) -> click.Command:
    """The command that removes a user, a role or a cluster."""

    @click.command(kind, help=f"Remove a {kind}.\n\n\b\n    sluice auth rm {kind} NAME --yes")
    @click.argument("name")
    @yes_option
    @viewed
    @authenticating
    def command(client: NativeClient, name: str, yes: bool, view: View) -> None:
        client.text("DELETE", f"{kind}s/{name}")
        view.show({"removed": name}, lambda: view.say(f"{kind.capitalize()} {name} removed"))

    return command


remove_user, remove_role, remove_cluster = remover("user"), remover("role"), remover("cluster")


@click.command("token")
@click.argument("token", required=False, metavar="[TOKEN]")
@click.option("--file", "-f", "path", default="", metavar="FILE", help="The token in this file.")
@yes_option
@viewed
@authenticating
def revoke(client: NativeClient, token: str | None, path: str, yes: bool, view: View) -> None:
    """Revoke a token: from now on it is refused everywhere.

    \b
        sluice auth rm token eyJhbGciOi…
        sluice auth rm token --file token.json
    """
    if bool(token) == bool(path):
        raise click.UsageError("give a token, or a file with --file")
    if path:
        try:
            token = str(json.loads(Path(path).read_text())["token"])
        except (OSError, ValueError, KeyError) as error:
            raise click.UsageError(f"{path} holds no token: {error}") from error
    client.text("DELETE", "tokens", message={"token": token})
    view.show({"revoked": True}, lambda: view.say("Token revoked"))


@click.command()
@click.argument("name", required=False, metavar="[USER_NAME]")
@viewed
@authenticating
def show_user(client: NativeClient, name: str | None, view: View) -> None:
    """Show users and their roles.

    \b
        sluice auth show user
        sluice auth show user alice --json
    """
    found = [client.json("GET", f"users/{name}")] if name else list(client.json("GET", "users").values())
    rows = [(one["id"], ", ".join(role["name"] for role in one.get("roles") or ())) for one in found]
    view.show(found, lambda: view.table(("USER", "ROLES"), rows))


@click.command()
@click.argument("name", required=False, metavar="[ROLE]")
@viewed
@authenticating
def show_role(client: NativeClient, name: str | None, view: View) -> None:
    """Show roles and the rights that they give.

    \b
        sluice auth show role
        sluice auth show role readers
    """
    found = [client.json("GET", f"roles/{name}")] if name else client.json("GET", "roles") or []
    rows = [(one["name"], scope, rights, one.get("desc")) for one in found for scope, rights in grants(one)]
    view.show(found, lambda: view.table(("ROLE", "WHERE", "RIGHTS", "DESCRIPTION"), rows))


def grants(role: dict[str, Any]) -> list[tuple[str, str]]:
    """Where a role gives which rights."""
    clusters = [(one.get("alias") or one["id"], words_of(one["perm"])) for one in role.get("clusters") or ()]
    buckets = [(bucket_of(one["bck"]).uri, words_of(one["perm"])) for one in role.get("buckets") or ()]
    return clusters + buckets or [("everywhere" if role.get("admin") else "", "all" if role.get("admin") else "")]


def words_of(perm: str) -> str:
    """The groups that a mask holds, the largest first, and the rights that are left."""
    bits, found = int(perm), []
    for name, value in sorted(GROUPS.items(), key=lambda group: -group[1].bit_count()):
        if bits & value == value:
            found.append(name)
            bits &= ~value
    return ",".join([*found, *(name for bit, name in enumerate(RIGHTS) if bits >> bit & 1)]) or "none"


@click.command()
@click.argument("name", required=False, metavar="[CLUSTER]")
@viewed
@authenticating
def show_cluster(client: NativeClient, name: str | None, view: View) -> None:
    """Show the clusters that the AuthN service knows.

    \b
        sluice auth show cluster
    """
    found = client.json("GET", f"clusters/{name}" if name else "clusters").get("clusters") or {}
    rows = [(one["id"], one.get("alias"), ", ".join(one.get("urls") or ())) for one in found.values()]
    if not rows and not view.as_json:
        note("No clusters; `sluice auth add cluster ALIAS URL` registers one.")
        return
    view.show(list(found.values()), lambda: view.table(("CLUSTER", "ALIAS", "URLS"), rows))


@click.command()
@viewed
@connected
def whoami(client: NativeClient, view: View) -> None:
    """Show whom the token in use belongs to, without asking the node.

    \b
        sluice auth whoami
    """
    from base64 import urlsafe_b64decode

    parts = client.token.split(".")
    claims: dict[str, Any] = {}
    if len(parts) == 3:
        with suppress(ValueError):
            claims = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    who = claims.get("sub") or ("the holder of a fixed token" if client.token else "nobody: no token is given")
    view.show({"user": claims.get("sub"), "claims": claims}, lambda: view.say(str(who)))
