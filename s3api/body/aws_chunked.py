"""aws-chunked: S3's own transfer coding inside of the HTTP body, whose chunks and trailers may be signed.

    body     = *(size [";chunk-signature=" 64HEX] CRLF size-bytes CRLF) "0" [";chunk-signature=" 64HEX] CRLF trailers
    trailers = *(name ":" value CRLF) ["x-amz-trailer-signature:" 64HEX CRLF] CRLF

Clients are seen that end lines with LF alone and that leave out the last line end; both are accepted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from s3api.checksums import Integrity, checksum_value
from s3api.body.chunk_signatures import SignatureChain
from s3api.errors import S3Error, codes
from storage.payload import Reader

LOOKAHEAD = 256  # bytes read beyond a chunk, so that one read brings its data and the next chunk's line
LONGEST_LINE = 1024  # bytes
LONGEST_TRAILERS = 16 * 1024  # bytes
SMALLEST_CHUNK = 8192  # bytes; only the last one may be smaller
_SCRATCH = 4096  # bytes

_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;chunk-signature=([0-9a-f]{64}))?")
_TRAILER_SIGNATURE = "x-amz-trailer-signature"


class ChunkedPayload:
    """The decoded body. Memory is constant: the bulk of each chunk goes from the socket into the caller's buffer."""

    __slots__ = ("_ahead", "_at", "_body", "_chain", "_chunk", "_ended", "_integrity", "_left", "_received",
                 "_trailing", "algorithms", "size")

    def __init__(
        self,
        body: Reader,
        *,
        size: int,
        integrity: Integrity,
        algorithms: frozenset[str],
        chain: SignatureChain | None,
    ) -> None:
        self._body = body
        self._integrity = integrity
        self._chain = chain
        self._ahead = b""  # read but not decoded from `_at` on
        self._at = 0
        self._chunk: int | None = None  # size of the current chunk; None before the first
        self._left = 0  # bytes of it still to come
        self._received = 0  # bytes in all chunks begun so far
        self._ended = False
        self._trailing: bytes | None = None  # the checksum that the trailer brought
        self.size: int = size
        self.algorithms = algorithms

    def readinto(self, buffer: memoryview, /) -> int:
        filled = 0
        room = len(buffer)
        while filled < room and (self._left or self._next_chunk()):
            filled += self._take(buffer[filled:] if filled else buffer)
        return filled

    def verify(self, digests: Mapping[str, bytes]) -> Mapping[str, str]:
        if not self._ended and self.readinto(memoryview(bytearray(1))):
            raise S3Error(codes.IncompleteBody)
        return self._integrity.check(digests, trailing=self._trailing)

    def _take(self, view: memoryview) -> int:
        """Put bytes of the current chunk at the start of `view`; at least one."""
        left = self._left
        at = self._at
        if at < len(self._ahead):
            piece = self._ahead[at : at + min(left, len(view))]
            got = len(piece)
            view[:got] = piece
            self._at = at + got
        else:
            got = self._body.readinto(view[: left + LOOKAHEAD])
            if not got:
                raise S3Error(codes.IncompleteBody)
            if got > left:
                self._ahead = bytes(view[left:got])
                self._at = 0
                got = left
        if self._chain is not None:
            self._chain.update(view[:got])
        self._left = left - got
        return got

    def _next_chunk(self) -> bool:
        """Begin the chunk that follows; False when the body ended, its trailers read."""
        if self._ended:
            return False
        if self._chunk is not None:
            if self._chain is not None:
                self._chain.finish()
            if self._line():
                raise _malformed("A chunk must end with CRLF.")
        size = self._begin_chunk(self._line())
        if size:
            return True
        if self._received != self.size:
            raise S3Error(codes.IncompleteBody)
        if self._chain is not None:
            self._chain.finish()
        self._ended = True
        self._read_trailers()
        return False

    def _begin_chunk(self, line: bytes) -> int:
        match = _CHUNK.fullmatch(line)
        if match is None:
            raise _malformed("The line before a chunk is malformed.")
        size = int(match[1], 16)
        if size and self._chunk is not None and self._chunk < SMALLEST_CHUNK:
            raise S3Error(codes.InvalidChunkSizeError, Chunk=self._received, BadChunkSize=self._chunk)
        if self._chain is not None:
            if match[2] is None:
                raise _malformed("A chunk must have a chunk-signature.")
            self._chain.begin(match[2].decode())
        self._received += size
        if self._received > self.size:
            raise S3Error(codes.IncompleteBody)
        self._chunk = self._left = size
        return size

    def _line(self) -> bytes:
        """The next line without its end."""
        while True:
            end = self._ahead.find(b"\n", self._at, self._at + LONGEST_LINE)
            if end >= 0:
                line = self._ahead[self._at : end]
                self._at = end + 1
                return line.removesuffix(b"\r")
            if len(self._ahead) - self._at >= LONGEST_LINE:
                raise _malformed("The line before a chunk is too long.")
            if not self._read_ahead():
                raise S3Error(codes.IncompleteBody)

    def _read_ahead(self) -> int:
        scratch = memoryview(bytearray(_SCRATCH))
        got = self._body.readinto(scratch)
        self._ahead = self._ahead[self._at :] + scratch[:got]
        self._at = 0
        return got

    def _read_trailers(self) -> None:
        while self._read_ahead():
            if len(self._ahead) > LONGEST_TRAILERS:
                raise S3Error(codes.MalformedTrailerError)
        trailers = parse_trailers(self._ahead)
        self._ahead = b""
        signature = trailers.pop(_TRAILER_SIGNATURE, "")
        wanted = self._integrity.trailer
        if list(trailers) != ([wanted] if wanted else []):
            raise S3Error(codes.MalformedTrailerError)
        if not wanted:
            return
        if self._chain is not None:
            self._chain.check_trailers(f"{wanted}:{trailers[wanted]}\n", signature)
        algorithm = self._integrity.algorithm
        if algorithm is not None:
            self._trailing = checksum_value(algorithm, trailers[wanted])


def parse_trailers(raw: bytes) -> dict[str, str]:
    """The trailers by lower-case name; MalformedTrailerError when a line is none or a name comes twice."""
    trailers: dict[str, str] = {}
    for line in raw.decode("latin-1").split("\n"):
        line = line.strip(" \r")
        if not line:
            continue
        name, colon, value = line.partition(":")
        name = name.strip(" ").lower()
        if not colon or not name or name in trailers:
            raise S3Error(codes.MalformedTrailerError)
        trailers[name] = value.strip(" ")
    return trailers


def _malformed(message: str) -> S3Error:
    return S3Error(codes.InvalidRequest, message)
