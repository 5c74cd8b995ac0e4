"""The signatures of aws-chunked bodies: each chunk's covers the one before it, the first chunk's the request's."""

from __future__ import annotations

from hashlib import sha256
from hmac import compare_digest

from s3api.auth import Authenticated
from s3api.auth.mac import hmac_sha256
from s3api.errors import S3Error, codes

_EMPTY = sha256().hexdigest()


class SignatureChain:
    """Verifies chunk after chunk. Between `begin` and `finish`, `update` is given the chunk's bytes."""

    __slots__ = ("_hash", "_key", "_previous", "_provided", "_scope", "update")

    def __init__(self, signed: Authenticated) -> None:
        self._key = signed.signing_key
        self._scope = f"{signed.timestamp}\n{signed.scope}"
        self._previous = signed.signature
        self.begin("")

    def begin(self, signature: str) -> None:
        """A chunk starts that claims this signature."""
        self._provided = signature
        self._hash = sha256()
        self.update = self._hash.update

    def finish(self) -> None:
        """SignatureDoesNotMatch unless the chunk's bytes have the signature it claimed."""
        self._check("AWS4-HMAC-SHA256-PAYLOAD", f"{_EMPTY}\n{self._hash.hexdigest()}", self._provided)

    def check_trailers(self, canonical: str, signature: str) -> None:
        """SignatureDoesNotMatch unless the canonical trailers (`name:value` lines) have this signature."""
        hashed = sha256(canonical.encode("latin-1")).hexdigest()
        self._check("AWS4-HMAC-SHA256-TRAILER", hashed, signature)

    def _check(self, algorithm: str, hashed: str, provided: str) -> None:
        to_sign = f"{algorithm}\n{self._scope}\n{self._previous}\n{hashed}"
        expected = hmac_sha256(self._key, to_sign.encode("latin-1"))
        if not compare_digest(expected.encode(), provided.encode()):
            raise S3Error(codes.SignatureDoesNotMatch, StringToSign=to_sign, SignatureProvided=provided)
        self._previous = expected
