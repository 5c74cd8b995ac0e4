"""What the AuthN service works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nativeapi.authn.keys import SigningKey
from nativeapi.authn.tokens import Keyring, Tokens
from nativeapi.nodes import Nodes
from storage.access import Principal
from storage.catalog import Catalog
from storage.identities.attempts import Guesses
from storage.identities.directory import Directory
from storage.identities.passwords import Passwords


@dataclass(frozen=True, slots=True)
class Authn:
    """One per process, made after the fork."""

    directory: Directory
    key: SigningKey
    tokens: Tokens
    passwords: Passwords
    guesses: Guesses
    keyring: Keyring
    clock: Callable[[], int]


def authn(
    catalog: Catalog,
    nodes: Nodes,
    keyring: Keyring,
    *,
    root: Principal,
    clock: Callable[[], int],
    random: Callable[[int], bytes],
) -> Authn:
    """The service over a node's catalog; `root` is whom the user `admin` and the keyring's token stand for."""
    directory, key = Directory(catalog, clock=clock), SigningKey(catalog)
    tokens = Tokens(directory, key, keyring, root=root, cluster=nodes.cluster, clock=clock, random=random)
    return Authn(directory, key, tokens, Passwords(), Guesses(catalog, clock=clock), keyring, clock)
