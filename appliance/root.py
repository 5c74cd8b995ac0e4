"""The root account's keys: given by settings, or made on the first start and kept on every volume.

Every volume has its copy, so that no single disk takes the keys with it.
"""

from __future__ import annotations

import os
import secrets
import string
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from appliance.identities import ROOT_ID, Account
from appliance.settings import Settings
from storage import rights
from storage.access import Principal
from storage.layout import sync_folder

FILE = Path("identities") / "root.toml"
ROOT = Principal(ROOT_ID, "root")
# What /v1 calls an administrator is whoever holds the token; with its S3 keys root is an account like the others.
ADMINISTRATOR = Principal(ROOT_ID, "root", administrator=True, beyond=rights.PATCH | rights.BCK_SET_ACL)
# Whoever comes through /v1 where authentication is off: as AIStore without AuthN, reading is never closed.
EVERYBODY = replace(ADMINISTRATOR, beyond=ADMINISTRATOR.beyond | rights.RO)

HEAD = "# The root account of this Sluice node, made on its first start. Whoever reads this file owns the data.\n"


class WrongRoot(Exception):
    """The file of root's keys cannot be read or written; the text is one line that says why and how to mend it."""


@dataclass(frozen=True, slots=True)
class Root:
    """What root signs and identifies with."""

    access_key: str
    secret_key: str
    token: str

    def account(self) -> Account:
        return Account(ROOT, {self.access_key: self.secret_key})


def generate(*, choice: Callable[[str], str] = secrets.choice) -> Root:
    """Fresh keys of the usual S3 lengths, of letters and digits alone, so that nothing needs quoting anywhere."""

    def draw(alphabet: str, length: int) -> str:
        return "".join(choice(alphabet) for _ in range(length))

    capitals, mixed = string.ascii_uppercase + string.digits, string.ascii_letters + string.digits
    return Root("SL" + draw(capitals, 18), draw(mixed, 40), draw(mixed, 43))


def load(settings: Settings) -> Root | None:
    """Root's keys, settings before what the data directories keep; None when a first start has yet to make some."""
    return _resolved(settings, settings.data)


def load_or_make(settings: Settings, folders: Sequence[Path]) -> tuple[Root, bool]:
    """Root's keys, and whether some were made just now: then each folder holds them durably, for its owner alone.

    `folders` are the data directories that are there.
    """
    found = _resolved(settings, folders)
    kept = _kept(folders) or (generate() if found is None else None)
    if kept is None:
        assert found is not None
        return found, False
    for folder in folders:
        if not (folder / FILE).exists():
            _write(folder / FILE, kept)
    return found or _overridden(kept, settings), found is None


def _resolved(settings: Settings, folders: Sequence[Path]) -> Root | None:
    if settings.root_access_key and settings.root_secret_key and settings.root_token:
        return Root(settings.root_access_key, settings.root_secret_key, settings.root_token)
    kept = _kept(folders)
    return None if kept is None else _overridden(kept, settings)


def _overridden(kept: Root, settings: Settings) -> Root:
    if settings.root_access_key and settings.root_secret_key:
        kept = replace(kept, access_key=settings.root_access_key, secret_key=settings.root_secret_key)
    return replace(kept, token=settings.root_token) if settings.root_token else kept


def _kept(folders: Sequence[Path]) -> Root | None:
    found = (_read(folder / FILE) for folder in folders)
    return next((root for root in found if root is not None), None)


def _read(path: Path) -> Root | None:
    try:
        table = tomllib.loads(path.read_text(encoding="ascii"))
        return Root(**{each.name: _text(table[each.name]) for each in fields(Root)})
    except FileNotFoundError:
        return None
    except OSError as error:
        raise WrongRoot(f"{path} cannot be read ({error.strerror}); start the node as the user who owns it") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        mend = "restore it, or remove it to have new keys made"
        raise WrongRoot(f"{path} is damaged ({error}); {mend}") from error


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("a value is not a text")
    return value


def _write(path: Path, root: Root) -> None:
    """Durable, whole or not at all, and at no moment readable by others. Keeps what another start made meanwhile."""
    text = HEAD + "".join(f'{each.name} = "{getattr(root, each.name)}"\n' for each in fields(Root))
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        _link(temporary, path)
        sync_folder(path.parent)
        sync_folder(path.parent.parent)
    except OSError as error:
        mend = "make the directory writable, or give root's keys as settings"
        raise WrongRoot(f"{path} cannot be written ({error.strerror}); {mend}") from error


def _link(temporary: Path, path: Path) -> None:
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(temporary)


def keyring_accounts(root: Root, others: list[Account]) -> list[Account]:
    """All accounts; `WrongRoot` when an account of the identities file has root's id or access key."""
    for account in others:
        if account.principal.id == ROOT_ID or root.access_key in account.keys:
            who = account.principal.name
            raise WrongRoot(f"the account {who} of the identities file has root's id or access key; give it its own")
    return [root.account(), *others]
