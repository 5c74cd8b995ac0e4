"""What a client says about its body's integrity: Content-MD5 and the x-amz-checksum-* headers and trailers."""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from hmac import compare_digest

import msgspec

from s3api.errors import S3Error, codes
from storage.checksums import ALGORITHMS, DEFAULT

PREFIX = "x-amz-checksum-"
HEADERS = {PREFIX + name: name for name in ALGORITHMS}  # header or trailer to algorithm
_ABOUT_CHECKSUMS = frozenset({PREFIX + "algorithm", PREFIX + "mode", PREFIX + "type"})


class Integrity(msgspec.Struct, frozen=True, gc=False):
    """What must be computed over a body and what must come out."""

    algorithm: str | None  # the checksum to compute and keep; None: none
    expected: bytes | None = None  # its value, from the header
    trailer: str = ""  # the name of the trailer that will bring its value
    md5: bytes | None = None

    @property
    def supplied(self) -> bool:
        """Whether the client protected the body at all, as some operations demand."""
        return self.md5 is not None or self.expected is not None or bool(self.trailer)

    def check(self, digests: Mapping[str, bytes], *, trailing: bytes | None = None) -> Mapping[str, str]:
        """The checksums to keep; BadDigest when what came is not what was announced (`trailing`: by the trailer)."""
        if self.md5 is not None and not compare_digest(self.md5, digests["md5"]):
            raise S3Error(
                codes.BadDigest,
                "The Content-MD5 you specified did not match what we received.",
                ExpectedDigest=_base64(self.md5),
                CalculatedDigest=_base64(digests["md5"]),
            )
        algorithm = self.algorithm
        if algorithm is None:
            return {}
        expected = self.expected if trailing is None else trailing
        if expected is not None and not compare_digest(expected, digests[algorithm]):
            raise bad_checksum(algorithm)
        return {algorithm: _base64(digests[algorithm])}


def integrity(headers: Mapping[str, str], *, default: str | None = DEFAULT) -> Integrity:
    """What the headers announce; `default` is computed when they announce no checksum, as S3 does.

    InvalidDigest for a Content-MD5 that is none, InvalidRequest for checksums that contradict each other, BadDigest for
    a checksum that is not even well formed.
    """
    md5 = _content_md5(headers["content-md5"]) if "content-md5" in headers else None
    given = [name for name in headers if name[:15] == PREFIX and name not in _ABOUT_CHECKSUMS]
    trailer = headers.get("x-amz-trailer", "").strip(" ").lower()
    if trailer:
        given.append(trailer)
    wanted = headers.get("x-amz-sdk-checksum-algorithm")
    if not given:
        if wanted is not None:
            algorithm_named(wanted)
            raise S3Error(codes.InvalidRequest, "x-amz-sdk-checksum-algorithm specified, but no corresponding "
                          "x-amz-checksum-* or x-amz-trailer headers were found.")
        return Integrity(default, md5=md5)
    algorithm = _single(given)
    if wanted is not None and wanted.lower() != algorithm:
        raise S3Error(codes.InvalidRequest, "Value for x-amz-sdk-checksum-algorithm header is invalid.")
    if trailer:
        return Integrity(algorithm, None, trailer, md5)
    return Integrity(algorithm, checksum_value(algorithm, headers[given[0]]), md5=md5)


def _single(given: list[str]) -> str:
    if len(given) > 1:
        raise S3Error(codes.InvalidRequest, "Expecting a single x-amz-checksum- header. Multiple checksum Types are "
                      "not allowed.")
    algorithm = HEADERS.get(given[0])
    if algorithm is None:
        raise S3Error(codes.InvalidRequest, "The algorithm type you specified in x-amz-checksum- header is invalid.")
    return algorithm


def algorithm_named(value: str) -> str:
    """The algorithm that x-amz-checksum-algorithm or x-amz-sdk-checksum-algorithm names; else InvalidRequest."""
    name = value.lower()
    if name not in ALGORITHMS:
        raise S3Error(
            codes.InvalidRequest,
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: "
            f"[{', '.join(known.upper() for known in ALGORITHMS)}]",
        )
    return name


def multipart_type(algorithm: str, value: str | None) -> str:
    """The checksum type of an upload: what x-amz-checksum-type says (None: nothing), or the algorithm's default.

    InvalidRequest when the algorithm has no checksum of this type.
    """
    types = ALGORITHMS[algorithm].types
    if value is None:
        return types[0]
    if value.upper() not in types:
        raise S3Error(
            codes.InvalidRequest,
            f"The {value.upper()} checksum type cannot be used with the {algorithm} checksum algorithm.",
        )
    return value.upper()


def checksum_value(algorithm: str, text: str) -> bytes:
    """The digest that `text` encodes; BadDigest when it is not one of the algorithm."""
    value = _from_base64(text)
    if value is None or len(value) != ALGORITHMS[algorithm].size:
        raise bad_checksum(algorithm)
    return value


def bad_checksum(algorithm: str) -> S3Error:
    return S3Error(codes.BadDigest, f"The {algorithm.upper()} you specified did not match the calculated checksum.")


def _content_md5(text: str) -> bytes:
    value = _from_base64(text)
    if value is None or len(value) != 16:
        raise S3Error(codes.InvalidDigest, "The Content-MD5 you specified was invalid.")
    return value


def _from_base64(text: str) -> bytes | None:
    try:
        return a2b_base64(text.strip(" "), strict_mode=True)
    except (Base64Error, ValueError):
        return None


def _base64(value: bytes) -> str:
    return b2a_base64(value, newline=False).decode()
