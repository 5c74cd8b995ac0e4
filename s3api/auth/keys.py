"""Who signed a request: what verification needs to know and what it tells."""

from __future__ import annotations

from enum import Enum
from typing import Any, Protocol

import msgspec

from s3api.errors import S3Error, codes
from storage.access import Principal


class Credential(Protocol):
    """An access key's secret and whom it stands for."""

    @property
    def secret(self) -> str: ...

    @property
    def principal(self) -> Principal: ...


class Keyring(Protocol):
    def credential(self, access_key: str, /) -> Credential | None:
        """The credential of an access key that may be used now; None when there is none."""
        ...


class PayloadMode(Enum):
    """How the body is sent and which part of it the signature covers (x-amz-content-sha256)."""

    HASHED = "hex SHA-256"
    UNSIGNED = "UNSIGNED-PAYLOAD"
    CHUNKS_SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
    CHUNKS_SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
    CHUNKS_UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


class Authenticated(msgspec.Struct, frozen=True, gc=False):
    """A request whose signature was right. Signature V2 has no scope and no signing key."""

    principal: Principal
    access_key: str
    signature: str  # as provided; the seed of signed chunks
    presigned: bool
    payload_mode: PayloadMode = PayloadMode.UNSIGNED
    content_sha256: str = ""  # the body's hash, with PayloadMode.HASHED
    timestamp: str = ""  # as in the string to sign: 20130524T000000Z
    scope: str = ""  # 20130524/us-east-1/s3/aws4_request
    signing_key: bytes = b""
    credential: Credential | None = None  # with which it was verified, of a request that may be sent again
    begins: float = 0.0  # seconds since the epoch: from when
    ends: float = 0.0  # until when it may be

    @property
    def lasts(self) -> bool:
        """Whether the same request may be sent again."""
        return self.credential is not None

    def __repr__(self) -> str:
        return f"<Authenticated {self.access_key}>"  # the signing key is as good as the secret for a day


def find_credential(keyring: Keyring, access_key: str, token: str | None) -> Credential:
    """The credential of a request; InvalidAccessKeyId or InvalidToken when it names none."""
    credential = keyring.credential(access_key)
    if credential is None:
        raise S3Error(codes.InvalidAccessKeyId, AWSAccessKeyId=access_key)
    if token:  # only temporary keys come with one, and there are none
        named: dict[str, Any] = {"Token-0": token}
        raise S3Error(codes.InvalidToken, **named)
    return credential
