"""A request's body as storage wants it: decoded, and with every check that the client asked for.

What is read may be handed on before its signature or digest is known to be right: a wrong one raises before the end
of the body is reported or, at the latest, from `verify`, and until then nothing is visible to anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from hmac import compare_digest

from s3api.auth import Authenticated, PayloadMode, payload_mode
from s3api.body.aws_chunked import ChunkedPayload
from s3api.checksums import Integrity
from s3api.body.chunk_signatures import SignatureChain
from s3api.errors import S3Error, codes
from s3api.request import Body
from storage.checksums import ALGORITHMS, hasher
from storage.payload import Payload

_PIECE = 64 * 1024  # bytes
_NONE: frozenset[str] = frozenset()
_ALONE = {name: frozenset({name}) for name in ALGORITHMS}
_WITH_SHA256 = {name: frozenset({name, "sha256"}) for name in ALGORITHMS}
_SHA256 = frozenset({"sha256"})


class PlainPayload:
    """A body that is the object, byte for byte; `content_sha256` is what was signed for it, "" for nothing."""

    __slots__ = ("_content_sha256", "_integrity", "algorithms", "read", "readinto", "size")

    def __init__(self, body: Body, *, integrity: Integrity, content_sha256: str) -> None:
        self.size = body.size
        self.read = body.read
        self.readinto = body.readinto
        self._integrity = integrity
        self._content_sha256 = content_sha256
        algorithm = integrity.algorithm
        if content_sha256:
            self.algorithms = _WITH_SHA256[algorithm] if algorithm else _SHA256
        else:
            self.algorithms = _ALONE[algorithm] if algorithm else _NONE

    def verify(self, digests: Mapping[str, bytes]) -> Mapping[str, str]:
        if self._content_sha256:
            computed = digests["sha256"].hex()
            if not compare_digest(computed, self._content_sha256.lower()):
                raise S3Error(
                    codes.XAmzContentSHA256Mismatch,
                    ClientComputedContentSHA256=self._content_sha256,
                    S3ComputedContentSHA256=computed,
                )
        return self._integrity.check(digests)


def body_mode(headers: Mapping[str, str], signed: Authenticated | None) -> PayloadMode:
    """How the body is sent. Where no V4 signature says it, the headers do: anonymous clients send trailers too."""
    if signed is not None and signed.signing_key:
        return signed.payload_mode
    content = headers.get("x-amz-content-sha256")
    if content is not None:
        return payload_mode(content)
    if "aws-chunked" in headers.get("content-encoding", "") and "x-amz-decoded-content-length" in headers:
        return PayloadMode.CHUNKS_UNSIGNED_TRAILER
    return PayloadMode.UNSIGNED


def payload(
    body: Body, *, headers: Mapping[str, str], signed: Authenticated | None, integrity: Integrity
) -> Payload:
    """The decoded body with its checks. Reads nothing yet, so refusals here come before a 100 Continue."""
    mode = body_mode(headers, signed)
    if mode is PayloadMode.UNSIGNED or mode is PayloadMode.HASHED:
        if integrity.trailer:
            raise S3Error(codes.InvalidRequest, "x-amz-trailer is only possible with a streaming payload.")
        content = headers.get("x-amz-content-sha256", "") if signed is None else signed.content_sha256
        return PlainPayload(body, integrity=integrity, content_sha256=content if mode is PayloadMode.HASHED else "")
    chain = None
    if mode is not PayloadMode.CHUNKS_UNSIGNED_TRAILER:
        if signed is None or not signed.signing_key:
            raise S3Error(codes.InvalidRequest, f"{mode.value} needs a request signed with Signature Version 4.")
        chain = SignatureChain(signed)
        if mode is PayloadMode.CHUNKS_SIGNED and integrity.trailer:
            raise S3Error(codes.InvalidRequest, f"x-amz-trailer is not possible with {mode.value}.")
    algorithms = _ALONE[integrity.algorithm] if integrity.algorithm else _NONE
    return ChunkedPayload(
        body,
        size=_decoded_length(headers),
        integrity=integrity,
        algorithms=algorithms,
        chain=chain,
    )


def _decoded_length(headers: Mapping[str, str]) -> int:
    text = headers.get("x-amz-decoded-content-length", "")
    if not text:
        raise S3Error(codes.MissingContentLength)
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise S3Error(
            codes.InvalidArgument,
            "x-amz-decoded-content-length must be a number of bytes.",
            ArgumentName="x-amz-decoded-content-length",
            ArgumentValue=text,
        )
    return int(text)


def read_whole(payload: Payload, *, limit: int) -> bytes:
    """All bytes of a document, at most `limit`, after their checks; MaxMessageLengthExceeded when there are more."""
    hashers = {name: hasher(name) for name in payload.algorithms | {"md5"}}
    if payload.size is not None and payload.size > limit:
        raise too_long(limit)
    data = bytearray()
    piece = memoryview(bytearray(min(_PIECE, limit + 1)))
    while got := payload.readinto(piece):
        data += piece[:got]
        if len(data) > limit:
            raise too_long(limit)
    for each in hashers.values():
        each.update(data)
    payload.verify({name: each.digest() for name, each in hashers.items()})
    return bytes(data)


def too_long(limit: int) -> S3Error:
    return S3Error(codes.MaxMessageLengthExceeded, MaxMessageLengthBytes=limit)
