"""Members of archives under /v1/objects: one read, several read by pattern, one written."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

from nativeapi.call import EMPTY, Call, Reply
from nativeapi.errors import NativeError
from nativeapi.names import check_object_name
from nativeapi.native import Native
from nativeapi.transfer import OCTETS, NativePayload, Streamed, payload
from storage import checksums
from storage.archives.codecs import PIECE
from storage.archives.formats import TAR, Format, named, typed
from storage.archives.making import Beginning, Entry, packed
from storage.archives.matching import MODES
from storage.archives.reading import offloaded
from storage.archives.stored import Archive
from storage.attributes import Attributes, rewritten
from storage.conditions import ALWAYS, Conditions
from storage.content import Segments, Span
from storage.errors import Conflict, NoSuchKey, PreconditionFailed
from storage.records import Bucket
from storage.source import SourcePayload

PINE = b"ais-pine"  # the header that says what becomes of an archive that exists
REPLACE, APPEND, APPEND_IF_THERE = "0", "1", "2"  # its values


def get_member(native: Native, call: Call, bucket: Bucket, key: str) -> Reply:
    """The bytes of one member and nothing about the object; where they lie as they are, sent from there."""
    name = call.query["archpath"]
    if call.query.get("archregx") or call.query.get("archmode"):
        raise NativeError(400, "archpath, and archregx with archmode, exclude each other")
    archive = open_archive(native, call, bucket, key, f"{key}/{name}")
    try:
        stored = native.store.shards.find(bucket, key, archive.record, name)
        if stored is not None:
            return as_stored(archive, stored)
        member = archive.member(name)
        if member.stored is not None:
            return as_stored(archive, member.stored)
        headers = [OCTETS, ("Content-Length", str(member.size))]
        return Reply(200, headers, Streamed(started(offloaded(member.read(member.whole))), archive))
    except BaseException:
        archive.close()
        raise


def as_stored(archive: Archive, span: Span) -> Reply:
    """A member whose bytes lie in the archive as they are, sent from there."""
    headers = [OCTETS, ("Content-Length", str(span.size))]
    if isinstance(archive.content, Segments):
        return Reply(200, headers, archive.content.cut(span))
    return Reply(200, headers, archive.content[span.start : span.stop])


def get_matching(native: Native, call: Call, bucket: Bucket, key: str) -> Reply:
    """A TAR of the members whose names match, whatever the format that they lie in."""
    text, mode = call.query.get("archregx", ""), call.query.get("archmode", "")
    if not text or not mode:
        raise NativeError(400, "archregx and archmode must both be given")
    if mode not in MODES:
        raise NativeError(400, f'invalid archmode "{mode}": expecting one of [{" ".join(MODES)}]')
    shown = f"(archregx={text}, archmode={mode})"
    test = MODES[mode](text)
    archive = open_archive(native, call, bucket, key, f"{key}/{shown}")
    try:
        pieces = started(archive.matching(test, shown))
        return Reply(200, [("Content-Type", TAR.media_type)], Streamed(pieces, archive))
    except BaseException:
        archive.close()
        raise


def open_archive(native: Native, call: Call, bucket: Bucket, key: str, shown: str) -> Archive:
    """The object as an archive, which the caller closes, unless the request wants more than members have."""
    for refused in (call.header(b"range") and "range-read", call.query.get("etl_name") and "transform"):
        if refused:
            raise NativeError(
                400,
                f"cannot {refused} archived content ais://{bucket.name}/{shown} - operation not supported",
                code="ErrUnsupp",
            )
    return Archive(bucket, key, native.store.objects.open(bucket, key, ALWAYS), told=told_format(call))


def told_format(call: Call) -> Format | None:
    """The format that the request says the archive has, if it does."""
    text = call.query.get("archmime", "")
    return format_called(text) if text else None


def format_called(text: str) -> Format:
    """The format of that suffix or media type; AIStore's refusal for any other."""
    found = typed(text)
    if found is None:
        raise NativeError(400, f'unknown mime type "{text}"', code="errUnknownMime")
    return found


def format_of_name(name: str, told: Format | None) -> Format:
    """The format of an archive to be made; AIStore's refusal where neither its name nor the request tells it."""
    found = named(name) or told
    if found is None:
        base = name.rpartition("/")[2]
        suffix = "." + base.rpartition(".")[2] if "." in base else ""
        raise NativeError(400, f'unknown filename extension ("{name}", "{suffix}")', code="errUnknownFileExt")
    return found


def started(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same pieces, of which the first is made now: what it raises is told before anything is sent."""
    return itertools.chain((next(pieces, b""),), pieces)


def put_member(native: Native, call: Call, bucket: Bucket, key: str) -> Reply:
    """Add the body to the archive as a member, or make an archive of it alone; readers see the one or the other.

    The archive is written anew. 409 when somebody else changes it meanwhile.
    """
    name = call.query["archpath"].removeprefix("/")
    check_object_name(name)
    body = payload(call, f"ais://{bucket.name}/{key}/{name}")
    if body.size is None:
        raise NativeError(400, f"{name}: the length of what becomes a member must be announced")
    entry = Entry(name, body.size, checked(body), time.time_ns() // 1_000_000_000)
    pine = call.header(PINE) or REPLACE
    if pine not in (REPLACE, APPEND, APPEND_IF_THERE):
        raise NativeError(400, f'invalid {PINE.decode()} flags "{pine}"')
    if pine != REPLACE:
        try:
            return append_member(native, call, bucket, key, entry)
        except NoSuchKey:
            if pine == APPEND:
                raise
    given = ALWAYS if pine == REPLACE else Conditions(if_none_match=("*",))
    made = format_of_name(key, told_format(call))
    pieces = packed(Beginning(made.packer()), [entry], made.codec)
    assert call.principal is not None
    store_archive(native, bucket, key, pieces, Attributes(call.principal.id), given)
    return EMPTY


def append_member(native: Native, call: Call, bucket: Bucket, key: str, entry: Entry) -> Reply:
    source = native.store.objects.open(bucket, key, ALWAYS)
    record = source.record
    with Archive(bucket, key, source, told=told_format(call)) as archive:
        attributes = rewritten(record)
        store_archive(
            native, bucket, key, archive.continued([entry]), attributes, Conditions(if_match=(record.etag,))
        )
    return EMPTY


def store_archive(
    native: Native, bucket: Bucket, key: str, pieces: Iterator[bytes], attributes: Attributes, given: Conditions
) -> None:
    """Store the pieces as the object; `Conflict` when the conditions do not hold any more."""
    try:
        made = SourcePayload(pieces, size=None, algorithms=frozenset())
        native.store.objects.put(bucket, key, made, attributes, given=given)
    except PreconditionFailed as error:
        raise Conflict(key) from error


def checked(body: NativePayload) -> Iterator[bytes]:
    """The body in pieces, verified as its sender wished."""
    hashers = {name: checksums.hasher(name) for name in body.algorithms | {"md5"}}
    buffer = bytearray(PIECE)
    view = memoryview(buffer)
    while filled := body.readinto(view):
        for hasher in hashers.values():
            hasher.update(view[:filled])
        yield bytes(view[:filled])
    body.verify({name: hasher.digest() for name, hasher in hashers.items()})
