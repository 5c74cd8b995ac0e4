"""Who sent a request: Signature V4 and V2, in the header or in the query; pure functions of request and clock."""

from __future__ import annotations

import re

from s3api.auth.credential import ALGORITHM
from s3api.auth.keys import Authenticated, Credential, Keyring, PayloadMode
from s3api.auth.sigv2 import SignatureV2
from s3api.auth.sigv4 import SignatureV4, payload_mode
from s3api.errors import S3Error, codes

__all__ = [
    "Authenticated",
    "Authenticator",
    "Credential",
    "Keyring",
    "PayloadMode",
    "SignatureV2",
    "SignatureV4",
    "payload_mode",
]

_IN_QUERY = re.compile(r"(?:^|&)(?:(X-Amz-(?:Algorithm|Credential|Signature))|AWSAccessKeyId|Signature)=")


class Authenticator:
    """Verifies every form of request. `v2` is None where Signature V2 is switched off."""

    __slots__ = ("_v2", "_v4")

    def __init__(self, v4: SignatureV4, v2: SignatureV2 | None) -> None:
        self._v4 = v4
        self._v2 = v2

    def authenticate(
        self, method: str, path: str, query: str, headers: dict[str, str], *, now: float, bucket: str | None = None
    ) -> Authenticated | None:
        """Who signed the request; None: nobody, it is anonymous. Raises `S3Error` when a signature is not right.

        `path` and `query` are as sent, `headers` have lower-case names and repeated ones joined by commas, all latin-1.
        `now` is in seconds since the epoch, `bucket` the one that was found in the host's name.
        """
        authorization = headers.get("authorization")
        in_query = _IN_QUERY.search(query) if query else None
        if not authorization:
            if in_query is None:
                return None
            if in_query[1]:
                return self._v4.presigned(method, path, query, headers, now=now)
            return self._allowed_v2().presigned(method, path, query, headers, now=now, bucket=bucket)
        if in_query is not None:
            raise _refused(
                authorization,
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string "
                "parameter or the Authorization header should be specified",
            )
        scheme = authorization.partition(" ")[0]
        if scheme == ALGORITHM:
            return self._v4.header(method, path, query, headers, now=now)
        if scheme == "AWS":
            return self._allowed_v2().header(method, path, query, headers, now=now, bucket=bucket)
        if scheme == "AWS4-ECDSA-P256-SHA256":
            raise S3Error(codes.NotImplemented, f"{scheme} is not implemented")
        raise _refused(authorization, "Unsupported Authorization Type")

    def holds(self, signed: Authenticated, now: float) -> bool:
        """Whether the same request, sent again now, would be authenticated as it was before."""
        return signed.begins <= now <= signed.ends and self._v4.has(signed)

    def _allowed_v2(self) -> SignatureV2:
        if self._v2 is None:
            raise S3Error(
                codes.InvalidRequest,
                "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
            )
        return self._v2


def _refused(authorization: str, message: str) -> S3Error:
    return S3Error(codes.InvalidArgument, message, ArgumentName="Authorization", ArgumentValue=authorization)
