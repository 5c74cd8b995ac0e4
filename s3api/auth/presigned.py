"""What the query of a request that was presigned with Signature V4 says."""

from __future__ import annotations

import re
from operator import itemgetter
from typing import NoReturn

import msgspec

from s3api.auth.credential import ALGORITHM
from s3api.auth.encoding import SEPARATOR, TERM, decoded, joined, query_terms
from s3api.errors import S3Error, codes

_REQUIRED = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders",
             "X-Amz-Signature")
_required = itemgetter(*_REQUIRED)
_SIGNATURE = f"X-Amz-Signature{SEPARATOR}"
# As the SDKs write it: in canonical order, but for the lifetime, which has two places, and the signature at the end.
_USUAL = re.compile(
    rf"(X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential=({TERM})&X-Amz-Date=([0-9TZ]++))(?:&X-Amz-Expires=([0-9]++))?"
    rf"&X-Amz-SignedHeaders=({TERM})(?:&X-Amz-Expires=([0-9]++))?&X-Amz-Signature=([0-9a-f]{{64}})"
)


class Presigned(msgspec.Struct, frozen=True, gc=False):
    """The parameters, encoded as in the canonical query."""

    signed_query: str  # canonical, without the signature
    credential: str
    timestamp: str
    expires: str
    signed_headers: str
    signature: str
    content_sha256: str | None = None  # decoded; None: not in the query
    token: str = ""


def read_presigned(query: str) -> Presigned:
    """AuthorizationQueryParametersError when a parameter is missing or the algorithm another one."""
    usual = _USUAL.fullmatch(query)
    if usual is not None:
        start, credential, timestamp, before, signed_headers, after, signature = usual.groups()
        expires = before or after
        if expires and not (before and after):
            signed_query = f"{start}&X-Amz-Expires={expires}&X-Amz-SignedHeaders={signed_headers}"
            return Presigned(signed_query, credential, timestamp, expires, signed_headers, signature)
    return _read(query)


def _read(query: str) -> Presigned:
    terms = query_terms(query)
    fields: dict[str, str] = dict([term.split(SEPARATOR, 1) for term in terms])
    try:
        algorithm, credential, timestamp, expires, signed_headers, signature = _required(fields)
    except KeyError:
        _refuse(f"Query-string authentication version 4 requires the {', '.join(_REQUIRED)} parameters.")
    if algorithm != ALGORITHM:
        _refuse(f'X-Amz-Algorithm only supports "{ALGORITHM}"')
    terms.remove(_SIGNATURE + signature)
    content = fields.get("X-Amz-Content-Sha256")
    return Presigned(
        joined(terms),
        credential,
        timestamp,
        expires,
        signed_headers,
        signature,
        None if content is None else decoded(content),
        fields.get("X-Amz-Security-Token", ""),
    )


def _refuse(message: str) -> NoReturn:
    raise S3Error(codes.AuthorizationQueryParametersError, message)
