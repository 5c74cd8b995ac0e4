"""Headers that the signer of a presigned request moved into its query.

There must be one answer to which they are: a header that an operation obeys and Signature V2 does not cover could be
changed by anybody who holds the address.
"""

from __future__ import annotations

import re
from typing import Final

from s3api.auth.encoding import decoded
from s3api.errors import S3Error, codes

# The parameters of the signature itself, and the SDKs' own note of the operation.
SIGNING: Final = frozenset(
    {
        "X-Amz-Algorithm",
        "X-Amz-Content-Sha256",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-Security-Token",
        "X-Amz-Signature",
        "X-Amz-SignedHeaders",
        "AWSAccessKeyId",
        "Expires",
        "Signature",
        "x-id",
    }
)
STANDARD: Final = ("content-md5", "content-type")  # what Signature V2 covers beside the x-amz-* headers

_V2: Final = re.compile("(?:^|&)(?:AWSAccessKeyId|Signature)=")
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
_CONTROL: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f]")


def moved_headers(query: str) -> dict[str, str]:
    """The headers in the raw query of a presigned request, latin-1, by lower-case name; of a repeated one the first.

    A header that was sent as one precedes. V4 signs them where they are; V2 signs no parameters: there they must be
    under the signature as headers. InvalidArgument for what no header can be.
    """
    names = STANDARD if _V2.search(query) else ()
    found: dict[str, str] = {}
    for piece in query.split("&"):
        raw, _, value = piece.partition("=")
        if raw not in SIGNING:
            name = decoded(raw).lower()
            if name[:6] == "x-amz-" or name in names:
                found.setdefault(name, decoded(value))
    for name, value in found.items():
        if not _NAME.fullmatch(name) or _CONTROL.search(value):
            raise S3Error(codes.InvalidArgument, ArgumentName=name, ArgumentValue=value)
    return found
