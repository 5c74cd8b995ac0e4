"""Accounts: the root account of the node, those of the identities file, and the keyring that both doors ask."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage.access import Principal

log = logging.getLogger("sluice.identities")

ACCOUNT_FIELDS = frozenset({"id", "name", "email", "keys"})
KEY_FIELDS = frozenset({"access", "secret"})

# The same on every node and for ever: a disk moved elsewhere, or a lost credentials file, leaves root's buckets root's.
ROOT_ID = hashlib.sha256(b"sluice root account").hexdigest()


class WrongIdentities(Exception):
    """The identities file cannot be used; the text is one line that says where, why and how to mend it."""


@dataclass(frozen=True, slots=True)
class Credential:
    """An access key's secret and whom it stands for."""

    secret: str
    principal: Principal


@dataclass(frozen=True, slots=True)
class Account:
    """An account with its key pairs, access key to secret."""

    principal: Principal
    keys: Mapping[str, str]


class Keyring:
    """Finds the principal of an access key or a bearer token. Never changes; safe to share between greenlets."""

    def __init__(self, accounts: Iterable[Account], *, tokens: Mapping[str, Principal]) -> None:
        self._credentials = {
            access: Credential(secret, account.principal)
            for account in accounts
            for access, secret in account.keys.items()
        }
        self._tokens = [(token.encode(), principal) for token, principal in tokens.items()]

    def credential(self, access_key: str, /) -> Credential | None:
        """The credential of an access key; None when there is none."""
        return self._credentials.get(access_key)

    def token(self, token: str, /) -> Principal | None:
        """The principal of a bearer token; None when there is none. Takes as long for a nearly right one as for any."""
        given = token.encode("utf-8", "surrogateescape")
        found = None
        for known, principal in self._tokens:
            if hmac.compare_digest(known, given):
                found = principal
        return found


def read_accounts(path: Path) -> list[Account]:
    """The accounts of an identities file; `WrongIdentities` when anything in it is missing, unknown or there twice.

    Warns when others than the owner may read the file.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        mend = "give a file that the node may read"
        raise WrongIdentities(f"{path} cannot be read ({error.strerror}); {mend}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongIdentities(f"{path} is not TOML ({error}); mend that line") from error
    _only(table, frozenset({"account"}), str(path), "start each account with [[account]]")
    rows = table.get("account", [])
    if not _tables(rows):
        raise WrongIdentities(f"{path}: account is no list of tables; start each account with [[account]]")
    accounts = [_account(row, f"{path}: account {number}") for number, row in enumerate(rows, 1)]
    _refuse_twice(path, "id", [account.principal.id for account in accounts])
    _refuse_twice(path, "e-mail", [account.principal.email for account in accounts if account.principal.email])
    _refuse_twice(path, "access key", [access for account in accounts for access in account.keys])
    _warn_if_open(path)
    return accounts


def _account(row: dict[str, Any], where: str) -> Account:
    _only(row, ACCOUNT_FIELDS, where, "an account has id, name, email and keys")
    id = _text(row, "id", where)
    name = _text(row, "name", where) if "name" in row else id
    email = _text(row, "email", where) if "email" in row else ""
    keys = row.get("keys", [])
    if not _tables(keys):
        raise WrongIdentities(f'{where}: keys is no list of tables; write keys = [{{access = "…", secret = "…"}}]')
    return Account(Principal(id, name, email), _keys(keys, where))


def _keys(rows: list[dict[str, Any]], where: str) -> dict[str, str]:
    keys: dict[str, str] = {}
    for number, row in enumerate(rows, 1):
        place = f"{where}, key {number}"
        _only(row, KEY_FIELDS, place, "a key has access and secret")
        access = _text(row, "access", place)
        if any(char.isspace() or char in ",/=" for char in access):
            raise WrongIdentities(f"{place}: access contains a space, comma, slash or equals sign; leave it out")
        if access in keys:
            raise WrongIdentities(f"{place}: the access key {access} is there twice; remove one")
        keys[access] = _text(row, "secret", place)
    return keys


def _only(row: Mapping[str, Any], known: frozenset[str], where: str, mend: str) -> None:
    for field in row:
        if field not in known:
            raise WrongIdentities(f"{where}: {field} is not known; {mend}")


def _text(row: Mapping[str, Any], field: str, where: str) -> str:
    value = row.get(field)
    if not isinstance(value, str) or not value:
        reason = "is missing" if field not in row else "is not a text, or empty"
        raise WrongIdentities(f'{where}: {field} {reason}; write {field} = "…"')
    return value


def _tables(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(row, dict) for row in value)


def _refuse_twice(path: Path, what: str, values: list[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise WrongIdentities(f"{path}: the {what} {value} is there twice; give each account its own")
        seen.add(value)


def _warn_if_open(path: Path) -> None:
    mode = os.stat(path).st_mode
    if mode & 0o077:
        log.warning("%s holds secrets and others than its owner may read it; run: chmod 600 %s", path, path)
