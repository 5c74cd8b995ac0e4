"""What a V4 request says about its signature: key, scope and signed headers, from the header or from the query.

A client repeats these words all day, so what was read once is remembered; the caches are bounded and hold only short
texts that were well formed.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hmac import digest
from typing import Any, NoReturn

import msgspec

from s3api.auth.encoding import decoded
from s3api.errors import Code, S3Error, codes

ALGORITHM = "AWS4-HMAC-SHA256"
LONGEST_REMEMBERED = 512  # characters

_HEADER_PART = re.compile(r"(?<![A-Za-z])([A-Za-z]++)=([^,]*+)")  # each letter is looked at once: strangers send these
_NAMES = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:;[!#$%&'*+.^_`|~0-9A-Za-z-]+)*")
_DATE = re.compile(r"[0-9]{8}")


class Terms(msgspec.Struct, frozen=True, gc=False):
    access_key: str
    date: str
    region: str
    scope: str
    signed: tuple[str, ...]  # names of headers, in the order in which they were signed


class Form(msgspec.Struct, frozen=True, gc=False):
    """How a form of authentication words its refusals."""

    code: Code
    prefix: str

    def refuse(self, message: str, **details: str) -> NoReturn:
        named: dict[str, Any] = dict(details)
        raise S3Error(self.code, self.prefix + message, **named)


HEADER = Form(codes.AuthorizationHeaderMalformed, "The authorization header is malformed; ")
QUERY = Form(codes.AuthorizationQueryParametersError, "Error parsing the X-Amz-Credential parameter; ")


def _terms(credential: str, signed: str, form: Form) -> Terms:
    pieces = credential.rsplit("/", 4)
    if len(pieces) != 5 or not pieces[0]:
        form.refuse('the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".')
    access_key, date, region, service, terminal = pieces
    if not _DATE.fullmatch(date):
        form.refuse(f'incorrect date format "{date}". This date in the credential must be in the format "yyyyMMdd".')
    if service != "s3":
        form.refuse(f'incorrect service "{service}". This endpoint belongs to "s3".')
    if terminal != "aws4_request":
        form.refuse(f'incorrect terminal "{terminal}". This endpoint uses "aws4_request".')
    if not _NAMES.fullmatch(signed):
        form.refuse("the SignedHeaders are mal-formed.")
    return Terms(access_key, date, region, credential[len(access_key) + 1 :], tuple(signed.lower().split(";")))


def _header_terms(text: str) -> Terms:
    parts = dict(_HEADER_PART.findall(text))
    for name in ("Credential", "SignedHeaders"):
        if name not in parts:
            HEADER.refuse(f"the authorization header requires three components: Credential, SignedHeaders, and "
                          f"Signature; {name} is missing.")
    return _terms(parts["Credential"].strip(" "), parts["SignedHeaders"].strip(" "), HEADER)


_remembered_header_terms = lru_cache(maxsize=1024)(_header_terms)


def header_terms(authorization: str) -> tuple[Terms, str]:
    """The terms and the signature of an Authorization header whose scheme is ALGORITHM."""
    rest, found, signature = authorization.rpartition("Signature=")
    if not found:
        HEADER.refuse("the authorization header requires three components: Credential, SignedHeaders, and "
                      "Signature; Signature is missing.")
    signature, _, after = signature.partition(",")
    if after:  # the signature need not come last
        rest = f"{rest}{after}"
    read = _remembered_header_terms if len(rest) <= LONGEST_REMEMBERED else _header_terms
    return read(rest), signature.strip(" ")


def _query_terms(credential: str, signed: str) -> Terms:
    return _terms(decoded(credential), decoded(signed), QUERY)


_remembered_query_terms = lru_cache(maxsize=1024)(_query_terms)


def query_terms(credential: str, signed: str) -> Terms:
    """The terms of a presigned request, from the encoded values of X-Amz-Credential and X-Amz-SignedHeaders."""
    read = _remembered_query_terms if len(credential) + len(signed) <= LONGEST_REMEMBERED else _query_terms
    return read(credential, signed)


@lru_cache(maxsize=1024)
def signing_key(secret: str, date: str, region: str) -> bytes:
    """The key that signs for a day, a region and S3; by secret, so that a rotated one is never used again."""
    key = f"AWS4{secret}".encode()
    for word in (date, region, "s3", "aws4_request"):
        key = digest(key, word.encode("latin-1"), "sha256")
    return key
