"""AWS Signature Version 4 for S3, in the Authorization header and in the query (presigned).

The source of the rules is Amazon's "Authenticating Requests (AWS Signature Version 4)" in the S3 API reference; where
that is silent, what botocore signs is what is verified. Everything is compared as it was sent: a path under the alias
`/s3` or in virtual-host style is signed with its own Host and path.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from hmac import compare_digest
from typing import Any

from s3api.auth.credential import ALGORITHM, HEADER, QUERY, Form, Terms, header_terms, query_terms, signing_key
from s3api.auth.encoding import canonical_path, canonical_query, canonical_value
from s3api.auth.keys import Authenticated, Credential, Keyring, PayloadMode, find_credential
from s3api.auth.mac import hmac_sha256
from s3api.auth.presigned import Presigned, read_presigned
from s3api.auth.times import SKEW, basic_seconds, check_skew, extended, header_time
from s3api.errors import S3Error, codes

LONGEST_EXPIRY = 7 * 24 * 3600  # seconds

_SHA256 = re.compile("[0-9A-Fa-f]{64}")
_MODES = {mode.value: mode for mode in PayloadMode if mode is not PayloadMode.HASHED}
_ECDSA = "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"
_EXPIRY_OUT_OF_RANGE = replace(codes.AuthorizationQueryParametersError, status=403)
# Headers that no signature need cover: the one that Amazon's own proxy adds, and one that repeats the default.
_ADDED_ON_THE_WAY = frozenset({"x-amz-cf-id"})
_ADDED_WHEN_PRESIGNED = _ADDED_ON_THE_WAY | {"x-amz-content-sha256"}
_UNSIGNED = PayloadMode.UNSIGNED.value
_AMZ = "x-amz-"


def payload_mode(value: str) -> PayloadMode:
    """What an x-amz-content-sha256 announces; InvalidArgument when it is nothing known, 501 for asymmetric keys."""
    mode = _MODES.get(value)
    if mode is not None:
        return mode
    if _SHA256.fullmatch(value):
        return PayloadMode.HASHED
    if value.startswith(_ECDSA):
        raise S3Error(codes.NotImplemented, f"{value} is not implemented")
    raise S3Error(
        codes.InvalidArgument,
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, or a valid sha256 value.",
        ArgumentName="x-amz-content-sha256",
        ArgumentValue=value,
    )


class SignatureV4:
    """Verifies the requests of one region against one keyring."""

    __slots__ = ("_keyring", "_region")

    def __init__(self, keyring: Keyring, *, region: str) -> None:
        self._keyring = keyring
        self._region = region

    def header(self, method: str, path: str, query: str, headers: dict[str, str], *, now: float) -> Authenticated:
        """Who signed with the Authorization header."""
        terms, signature = header_terms(headers["authorization"])
        content = headers.get("x-amz-content-sha256")
        if content is None:
            raise S3Error(codes.InvalidRequest, "Missing required header for this request: x-amz-content-sha256")
        mode = payload_mode(content)
        credential = self._credential(terms, HEADER, headers.get("x-amz-security-token"))
        seconds, timestamp = header_time(headers)
        if timestamp[:8] != terms.date:
            HEADER.refuse(f'Invalid credential date "{terms.date}". This date is not the same as X-Amz-Date: '
                          f'"{timestamp[:8]}".')
        check_skew(seconds, stated=timestamp, now=now)
        check_signed(terms, headers, _ADDED_ON_THE_WAY)
        request = canonical_request(method, path, canonical_query(query), headers, terms.signed, content)
        key = signing_key(credential.secret, terms.date, terms.region)
        check_signature(request, terms, headers, key=key, timestamp=timestamp, provided=signature)
        return Authenticated(
            credential.principal, terms.access_key, signature, False, mode, content, timestamp, terms.scope, key
        )

    def presigned(self, method: str, path: str, query: str, headers: dict[str, str], *, now: float) -> Authenticated:
        """Who signed with the parameters of the query."""
        asked = read_presigned(query)
        terms = query_terms(asked.credential, asked.signed_headers)
        content = _presigned_content(asked, headers, terms)
        mode = payload_mode(content)
        credential = self._credential(terms, QUERY, asked.token or headers.get("x-amz-security-token"))
        timestamp = asked.timestamp
        begins, ends = lifetime(asked.expires, timestamp, terms, now=now)
        says_nothing = headers.get("x-amz-content-sha256", _UNSIGNED) == _UNSIGNED
        check_signed(terms, headers, _ADDED_WHEN_PRESIGNED if says_nothing else _ADDED_ON_THE_WAY)
        request = canonical_request(method, path, asked.signed_query, headers, terms.signed, content)
        key = signing_key(credential.secret, terms.date, terms.region)
        check_signature(request, terms, headers, key=key, timestamp=timestamp, provided=asked.signature)
        return Authenticated(
            credential.principal, terms.access_key, asked.signature, True, mode, content, timestamp, terms.scope, key,
            credential, begins, ends,
        )

    def has(self, signed: Authenticated) -> bool:
        """Whether the access key still is the one that it was."""
        return self._keyring.credential(signed.access_key) is signed.credential

    def _credential(self, terms: Terms, form: Form, token: str | None) -> Credential:
        if terms.region != self._region:
            form.refuse(f"the region '{terms.region}' is wrong; expecting '{self._region}'", Region=self._region)
        return find_credential(self._keyring, terms.access_key, token)


def _presigned_content(asked: Presigned, headers: dict[str, str], terms: Terms) -> str:
    """The payload hash of a presigned request: in the query, in a signed header, or none."""
    if asked.content_sha256 is not None:
        return asked.content_sha256
    if "x-amz-content-sha256" in terms.signed:
        return headers.get("x-amz-content-sha256", "")
    return _UNSIGNED


def lifetime(expires: str, timestamp: str, terms: Terms, *, now: float) -> tuple[int, int]:
    """From when until when (seconds since the epoch) the request may be sent, which includes now.

    AuthorizationQueryParametersError for a wrong date or lifetime, AccessDenied outside of the lifetime.
    """
    try:
        signed_at = basic_seconds(timestamp)
    except ValueError:
        raise S3Error(
            codes.AuthorizationQueryParametersError,
            'X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd\'T\'HHmmss\'Z\'"',
        ) from None
    if timestamp[:8] != terms.date:
        QUERY.refuse(f'Invalid credential date "{terms.date}". This date is not the same as X-Amz-Date: '
                     f'"{timestamp[:8]}".')
    begins, ends = signed_at - SKEW, signed_at + _seconds(expires)
    if now > ends:
        details: dict[str, Any] = {"X-Amz-Expires": ends - signed_at}
        details |= {"Expires": extended(ends), "ServerTime": extended(now)}
        raise S3Error(codes.AccessDenied, "Request has expired", **details)
    if now < begins:
        raise S3Error(codes.AccessDenied, "Request is not valid yet")
    return begins, ends


@lru_cache(maxsize=64)
def _seconds(expires: str) -> int:
    if not expires.isascii() or not expires.removeprefix("-").isdigit():
        raise S3Error(codes.AuthorizationQueryParametersError, "X-Amz-Expires should be a number")
    if expires.startswith("-") or len(expires) > 9 or not 1 <= int(expires) <= LONGEST_EXPIRY:
        raise S3Error(_EXPIRY_OUT_OF_RANGE, "X-Amz-Expires must be between 1 and 604800 seconds (a week)")
    return int(expires)


def check_signed(terms: Terms, headers: dict[str, str], added: frozenset[str]) -> None:
    """AccessDenied unless Host and every x-amz-* header, but those `added` on the way, are under the signature."""
    signed = terms.signed
    if "host" in signed and _AMZ not in "".join(headers):  # so it is with most presigned requests
        return
    unsigned = [name for name in headers if name[:6] == _AMZ and name not in signed and name not in added]
    if "host" not in signed:
        unsigned.append("host")
    if unsigned:
        raise S3Error(
            codes.AccessDenied,
            "There were headers present in the request which were not signed",
            HeadersNotSigned=", ".join(sorted(unsigned)),
        )


def canonical_request(
    method: str, path: str, canonical_query: str, headers: dict[str, str], signed: tuple[str, ...], content: str
) -> str:
    lines = [f"{name}:{canonical_value(headers.get(name, ''))}\n" for name in signed]
    return (
        f"{method}\n{canonical_path(path)}\n{canonical_query}\n{''.join(lines)}\n{';'.join(signed)}\n{content}"
    )


def check_signature(
    request: str, terms: Terms, headers: dict[str, str], *, key: bytes, timestamp: str, provided: str
) -> None:
    """SignatureDoesNotMatch unless `key` signed this canonical request, of which no signed header is missing."""
    raw = request.encode("latin-1")
    to_sign = f"{ALGORITHM}\n{timestamp}\n{terms.scope}\n{sha256(raw).hexdigest()}".encode("latin-1")
    expected = hmac_sha256(key, to_sign)
    if compare_digest(expected.encode(), provided.encode()) and all(map(headers.__contains__, terms.signed)):
        return
    raise S3Error(
        codes.SignatureDoesNotMatch,
        AWSAccessKeyId=terms.access_key,
        StringToSign=to_sign.decode("latin-1"),
        SignatureProvided=provided,
        StringToSignBytes=to_sign.hex(" "),
        CanonicalRequest=request,
        CanonicalRequestBytes=raw.hex(" "),
    )
