"""The key that signs the node's tokens: made when first needed, kept in the catalog, the same in all processes."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from joserfc.jwk import RSAKey

from storage.catalog import Catalog, Changed
from storage.identities.records import AUTHN
from storage.threads import run

NAME = "signing-key"
ALGORITHM = "RS256"
BITS = 2048


class SigningKey:
    """An RSA pair. Only its public half leaves the node."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    @cached_property
    def pair(self) -> RSAKey:
        pem = self._catalog.get(AUTHN, NAME) or self._made()
        return RSAKey.import_key(pem)

    @cached_property
    def id(self) -> str:
        return self.pair.thumbprint()

    def public(self) -> dict[str, Any]:
        """The public half as a JSON Web Key."""
        return {**self.pair.as_dict(private=False), "kid": self.id, "alg": ALGORITHM, "use": "sig"}

    def _made(self) -> bytes:
        pem: bytes = run(RSAKey.generate_key, BITS).as_pem(private=True)
        try:
            self._catalog.put(AUTHN, NAME, pem, expected=None)
            return pem
        except Changed as first:
            assert first.found is not None
            return first.found
