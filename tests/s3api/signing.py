"""What the tests of authentication and of bodies share: a keyring with the published key, bodies and their signing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from hmac import digest

from s3api.auth import Authenticated, Authenticator, Credential, PayloadMode, SignatureV2, SignatureV4
from storage.access import Principal

ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
REGION = "us-east-1"
PUBLISHED = 1369353600  # 2013-05-24T00:00:00Z, when Amazon's examples are signed
EMPTY = sha256().hexdigest()
OWNER = Principal("canonical-id", "Owner")


@dataclass(frozen=True, slots=True)
class Key:
    secret: str
    principal: Principal


class Ring:
    """A keyring with the one key of Amazon's examples."""

    def credential(self, access_key: str, /) -> Credential | None:
        return Key(SECRET, OWNER) if access_key == ACCESS_KEY else None


def authenticator(region: str = REGION) -> Authenticator:
    return Authenticator(SignatureV4(Ring(), region=region), SignatureV2(Ring()))


def authorization(signed: str, signature: str, *, scope: str = "20130524/us-east-1/s3/aws4_request") -> str:
    return f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{scope},SignedHeaders={signed},Signature={signature}"


SIGNED = Authenticated(
    OWNER,
    ACCESS_KEY,
    "5" * 64,
    False,
    PayloadMode.CHUNKS_SIGNED,
    PayloadMode.CHUNKS_SIGNED.value,
    "20130524T000000Z",
    "20130524/us-east-1/s3/aws4_request",
    b"k" * 32,
)


class Body:
    """Bytes as a worker hands them out: at most `step` at a time."""

    def __init__(self, data: bytes, *, step: int = 1 << 20) -> None:
        self.size: int | None = len(data)
        self._rest = memoryview(data)
        self._step = step

    def readinto(self, buffer: memoryview, /) -> int:
        assert len(buffer)
        taken = min(len(buffer), len(self._rest), self._step)
        buffer[:taken] = self._rest[:taken]
        self._rest = self._rest[taken:]
        return taken

    def read(self, size: int = -1, /) -> bytes:
        data = bytes(self._rest if size < 0 else self._rest[:size])
        self._rest = self._rest[len(data) :]
        return data


def signed_chunks(chunks: Iterable[bytes], *, signed: Authenticated = SIGNED, trailer: str = "") -> bytes:
    """An aws-chunked body as a client signs it; `trailer` is a `name:value` line, if there is one."""
    previous = signed.signature
    body = b""

    def sign(algorithm: str, hashed: str) -> str:
        to_sign = f"{algorithm}\n{signed.timestamp}\n{signed.scope}\n{previous}\n{hashed}"
        return digest(signed.signing_key, to_sign.encode(), "sha256").hex()

    for chunk in [*chunks, b""]:
        previous = sign("AWS4-HMAC-SHA256-PAYLOAD", f"{EMPTY}\n{sha256(chunk).hexdigest()}")
        body += f"{len(chunk):x};chunk-signature={previous}\r\n".encode()
        body += chunk + b"\r\n" if chunk else b""
    if trailer:
        signature = sign("AWS4-HMAC-SHA256-TRAILER", sha256(f"{trailer}\n".encode()).hexdigest())
        body += f"{trailer}\r\nx-amz-trailer-signature:{signature}\r\n".encode()
    return body + b"\r\n"


def unsigned_chunks(chunks: Iterable[bytes], *, trailer: str = "") -> bytes:
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return body + b"0\r\n" + (f"{trailer}\r\n".encode() if trailer else b"") + b"\r\n"
