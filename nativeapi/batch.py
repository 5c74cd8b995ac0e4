"""Batch get: many objects, parts of them and members of archives as one archive, in the order in which they are asked
for.

The archive is streamed as it is made, or, when the client wants to know about each entry first, kept until it is whole
and sent after what there is to know.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import Any

import msgspec

from nativeapi.archived import format_called, started
from nativeapi.call import PREFIX, UNREADABLE, Call, Reply, decode
from nativeapi.delivery import Delivery, Found, Sought
from nativeapi.errors import NativeError
from nativeapi.names import check_object_name, own_bucket, parse_unified
from nativeapi.native import Native, method_not_allowed
from nativeapi.transfer import Streamed
from storage import rights
from storage.access import Principal
from storage.archives.codecs import PIECE, compressed
from storage.archives.formats import TAR, Format
from storage.archives.reading import gathered
from storage.jobs.attendance import Attended
from storage.records import Bucket
from storage.threads import run

KIND = "get-batch"
MOSS = PREFIX + "ml/moss"
IN_MEMORY = 4 * 1024 * 1024  # bytes of an archive that is kept; a larger one goes to a file
HINTS = ("", "0", "1", "2")  # about where the objects lie, of which there is but one place here


class Asked(msgspec.Struct, gc=False):
    """An entry of the request. `bucket` and `provider`, or `uname` with the whole name, overrule the request's path."""

    objname: str = ""
    bucket: str | None = ""
    provider: str | None = ""
    uname: str | None = ""
    archpath: str | None = ""
    start: int | None = 0
    length: int | None = 0
    opaque: str | None = ""


class Request(msgspec.Struct):
    entries: list[Asked] | None = msgspec.field(default=None, name="in")
    mime: str | None = ""
    coer: bool | None = False  # what is missing is left out, and said to be
    onob: bool | None = False  # members are named without the bucket
    strm: bool | None = False
    coloc: int | None = 0


class Told(msgspec.Struct, omit_defaults=True):
    """What a kept archive's metadata tell of an entry."""

    objname: str
    bucket: str
    provider: str
    size: int
    archpath: str = ""
    opaque: str = ""
    err_msg: str = ""


class Metadata(msgspec.Struct):
    uuid: str
    out: list[Told]


DECODE = msgspec.json.Decoder(Request).decode


@dataclass(slots=True)
class Batch:
    """A request whose every part is known to be allowed."""

    native: Native
    principal: Principal
    request: Request
    format: Format
    default: Bucket | None  # the path's
    buckets: dict[tuple[str, str], Bucket] = field(default_factory=dict)

    def entries(self) -> list[tuple[Sought, Asked]]:
        asked = self.request.entries or []
        return [(self._sought(one), one) for one in asked]

    def _sought(self, asked: Asked) -> Sought:
        name, provider, key = asked.bucket or "", asked.provider or "", asked.objname
        if asked.uname:
            parsed = parse_unified(asked.uname, self.native.nodes)
            name, provider, key = parsed.bucket, "", parsed.key
        start, length = asked.start or 0, asked.length or 0
        if start < 0 or length < -1 or (start and not length):
            raise NativeError(400, f'invalid byte range for object "{key}": start={start}, length={length}')
        bucket = (self.buckets.get((name, provider)) or self._bucket(name, provider)) if name else self.default
        if bucket is None:
            raise NativeError(400, f'missing bucket specification for object "{key}"')
        check_object_name(key)
        return Sought(bucket, key, asked.archpath or "", start, length)

    def _bucket(self, name: str, provider: str) -> Bucket:
        """The bucket, from which the caller may get objects; 404, 403."""
        own = own_bucket(name, {"provider": provider}, self.native.nodes)
        bucket = self.native.bucket(self.principal, own, rights.GET)
        self.buckets[name, provider] = bucket
        return bucket


def answer(native: Native, call: Call) -> Reply:
    """/v1/ml/moss[/BUCKET]"""
    if call.method != "GET":
        return method_not_allowed(["GET"])
    call.log("native.get-batch")
    principal = native.authenticate(call)
    name = decode(call.path[len(MOSS) :].strip("/"))
    default = None
    if name:
        call.log("native.get-batch", name)
        default = native.bucket(principal, own_bucket(name, call.query, native.nodes), rights.GET)
    request = parse(call)
    batch = Batch(native, principal, request, format_called(request.mime or TAR.name), default)
    entries = batch.entries()
    with ExitStack() as stack:
        bucket = "" if default is None else default.name
        attended = stack.enter_context(native.attendance.attend(KIND, owner=principal.id, bucket=bucket))
        delivery = Delivery(native, [sought for sought, _ in entries], tolerant=bool(request.coer))
        stack.callback(delivery.close)
        if not request.strm:
            return kept(batch, delivery, [asked for _, asked in entries], attended)
        pieces = started(archive(batch, delivery, attended, []))
        media_type = batch.format.media_type
        return Reply(200, [("Content-Type", media_type)], Streamed(pieces, stack.pop_all()))


def parse(call: Call) -> Request:
    raw = call.body()
    try:
        request = DECODE(raw or b"{}")
    except UNREADABLE as error:
        raise NativeError(400, f"failed to unmarshal the batch request: {error}") from error
    hint = call.query.get("coloc", "")
    if hint not in HINTS or str(request.coloc or 0) not in HINTS:
        raise NativeError(400, f'invalid colocation hint "{hint or request.coloc}"')
    if not request.entries:
        raise NativeError(400, "moss: empty input")
    return request


def archive(batch: Batch, delivery: Delivery, attended: Attended, seen: list[Found]) -> Iterator[bytes]:
    """The archive in pieces of about 256 KiB; what became of each entry is added to `seen`, but for its content."""
    pieces = gathered(members(batch, delivery, attended, seen))
    return pieces if batch.format.codec is None else compressed(pieces, batch.format.codec)


def members(batch: Batch, delivery: Delivery, attended: Attended, seen: list[Found]) -> Iterator[bytes]:
    packer = batch.format.packer()
    with_bucket = not batch.request.onob
    for found in delivery:
        yield packer.begin(found.name(with_bucket), found.size)
        if isinstance(found.content, bytes):
            yield packer.data(found.content)
        else:
            for piece in found.content:
                yield packer.data(piece)
        yield packer.end()
        attended.count(objects=1, size=found.size)
        found.content = b""
        seen.append(found)
    yield packer.finish()


def kept(batch: Batch, delivery: Delivery, asked: list[Asked], attended: Attended) -> Reply:
    """What there is to know of each entry, then the archive, as the two parts of a multipart body."""
    seen: list[Found] = []
    volume = batch.native.store.partitions.primary
    with ExitStack() as stack:
        file = stack.enter_context(SpooledTemporaryFile(IN_MEMORY, dir=str(volume.path)))
        for piece in archive(batch, delivery, attended, seen):
            volume.space.admit(len(piece))
            run(file.write, piece)
        told = [told_of(one, found) for one, found in zip(asked, seen, strict=True)]
        head, tail, kind = around(attended.job, msgspec.json.encode(Metadata(attended.job, told)))
        size = len(head) + file.tell() + len(tail)
        file.seek(0)
        pieces = sent(head, file, tail)
        headers = [("Content-Type", kind), ("Content-Length", str(size))]
        return Reply(200, headers, Streamed(pieces, stack.pop_all()))


def told_of(asked: Asked, found: Found) -> Told:
    sought = found.sought
    return Told(
        sought.key, sought.bucket_name, "ais", found.size, asked.archpath or "", asked.opaque or "", found.message
    )


def around(job: str, metadata: bytes) -> tuple[bytes, bytes, str]:
    """What comes before the archive, what after it, and the type of it all."""
    boundary = os.urandom(30).hex()
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n'.encode()
        + metadata
        + f'\n\r\n--{boundary}\r\nContent-Disposition: form-data; name="archive"; filename="{KIND}[{job}]"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n".encode()
    )
    return head, f"\r\n--{boundary}--\r\n".encode(), f"multipart/mixed; boundary={boundary}"


def sent(head: bytes, file: Any, tail: bytes) -> Iterator[bytes]:
    yield head
    while piece := run(file.read, PIECE):
        yield piece
    yield tail
