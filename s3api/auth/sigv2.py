"""AWS Signature Version 2 for S3, in the Authorization header and in the query, for clients that know nothing newer.

The source of the rules is Amazon's "Signing and Authenticating REST Requests". The body is not under the signature, and
a request can be said in several ways that clients sign differently; each of them is tried.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Iterator
from hmac import compare_digest, digest

from s3api.auth.encoding import decoded
from s3api.auth.keys import Authenticated, Credential, Keyring, find_credential
from s3api.auth.moved import STANDARD, moved_headers
from s3api.auth.times import check_skew, extended, header_time
from s3api.errors import S3Error, codes

ALIAS = "/s3"  # the root answers under this prefix too

# The parameters under the signature. Whatever selects an operation, or a transform, must be here, else a signed address
# of one operation could be turned into one of another.
SUBRESOURCES = frozenset(
    """
    abac accelerate acl analytics append attributes cors defaultObjectAcl delete encryption etl_args etl_name
    etl_pipeline fetch-owner intelligent-tiering inventory legal-hold lifecycle location logging metadataConfiguration
    metadataInventoryTable metadataJournalTable metadataTable metrics notification object-lock ownershipControls
    partNumber policy policyStatus publicAccessBlock renameObject replication requestPayment response-cache-control
    response-content-disposition response-content-encoding response-content-language response-content-type
    response-expires restore retention select select-type session storageClass tagging torrent uploadId uploads
    versionId versioning versions website
    """.split()
)


class SignatureV2:
    """Verifies requests against one keyring; a signature of this version is bound to no region."""

    __slots__ = ("_keyring",)

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def header(
        self, method: str, path: str, query: str, headers: dict[str, str], *, now: float, bucket: str | None
    ) -> Authenticated:
        """Who signed with the Authorization header; `bucket` is the one in the host's name, if any."""
        text = headers["authorization"].removeprefix("AWS").strip(" ")
        access_key, colon, signature = text.rpartition(":")
        if not colon or not access_key:
            raise S3Error(
                codes.InvalidArgument,
                "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature",
                ArgumentName="Authorization",
                ArgumentValue=headers["authorization"],
            )
        credential = find_credential(self._keyring, access_key, headers.get("x-amz-security-token"))
        seconds, _ = header_time(headers)
        check_skew(seconds, stated=headers.get("x-amz-date") or headers["date"], now=now)
        date = "" if "x-amz-date" in headers else headers["date"]
        candidates = (
            to_sign(method, headers, date, resource) for resource in resources(path, query, bucket)
        )
        _check(candidates, credential, access_key=access_key, provided=signature)
        return Authenticated(credential.principal, access_key, signature, False)

    def presigned(
        self, method: str, path: str, query: str, headers: dict[str, str], *, now: float, bucket: str | None
    ) -> Authenticated:
        """Who signed with the parameters of the query."""
        fields = {decoded(name): decoded(value or "") for name, value in _pairs(query)}
        access_key, signature, expires = (fields.get(name) for name in ("AWSAccessKeyId", "Signature", "Expires"))
        if not access_key or not signature or not expires:
            raise S3Error(
                codes.AccessDenied,
                "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters",
            )
        headers = {**moved_headers(query), **headers}
        credential = find_credential(self._keyring, access_key, headers.get("x-amz-security-token"))
        _check_expiry(expires, now=now)
        candidates = (to_sign(method, headers, expires, resource) for resource in resources(path, query, bucket))
        _check(candidates, credential, access_key=access_key, provided=signature)
        return Authenticated(credential.principal, access_key, signature, True)


def to_sign(method: str, headers: dict[str, str], date: str, resource: str) -> str:
    amz = sorted(name for name in headers if name.startswith("x-amz-"))
    custom = "".join(f"{name}:{headers[name].strip(' ')}\n" for name in amz)
    standard = "\n".join(headers.get(name, "").strip(" ") for name in STANDARD)
    return f"{method}\n{standard}\n{date}\n{custom}{resource}"


def resources(path: str, query: str, bucket: str | None) -> Iterator[str]:
    """What a client may take for the resource: with and without the alias, a bucket with and without its slash."""
    pairs = [(name, value) for raw, value in _pairs(query) if (name := decoded(raw)) in SUBRESOURCES]
    pairs.sort(key=lambda pair: pair[0])
    terms = "&".join(name if value is None else f"{name}={decoded(value)}" for name, value in pairs)
    suffix = f"?{terms}" if terms else ""
    paths = [path]
    if path == ALIAS or path.startswith(f"{ALIAS}/"):
        paths.append(path[len(ALIAS) :] or "/")
    for sent in paths:
        whole = sent if bucket is None else f"/{bucket}{sent}"
        yield whole + suffix
        if whole.count("/") == 1 and whole != "/":
            yield f"{whole}/{suffix}"


def _pairs(query: str) -> Iterator[tuple[str, str | None]]:
    """The parameters as sent; None: without an equals sign."""
    for piece in query.split("&"):
        name, equals, value = piece.partition("=")
        if name:
            yield name, value if equals else None


def _check_expiry(expires: str, *, now: float) -> None:
    if not expires.isascii() or not expires.isdigit() or len(expires) > 12:
        raise S3Error(codes.AccessDenied, f"Invalid date (should be seconds since epoch): {expires}")
    if now > int(expires):
        raise S3Error(
            codes.AccessDenied, "Request has expired", Expires=extended(int(expires)), ServerTime=extended(now)
        )


def _check(candidates: Iterator[str], credential: Credential, *, access_key: str, provided: str) -> None:
    """SignatureDoesNotMatch unless the secret signed one of the strings; the first is shown to the client."""
    secret = credential.secret.encode()
    first = ""
    for candidate in candidates:
        first = first or candidate
        expected = b2a_base64(digest(secret, candidate.encode("latin-1"), "sha1"), newline=False)
        if compare_digest(expected, provided.encode("utf-8")):
            return
    raise S3Error(
        codes.SignatureDoesNotMatch,
        AWSAccessKeyId=access_key,
        StringToSign=first,
        SignatureProvided=provided,
        StringToSignBytes=first.encode("latin-1").hex(" "),
    )
