"""Objects under /v1/objects: a WSGI callable that knows no framework, beside the S3 one on the short way.

What a request means is found in one table: by its method and a parameter that selects among several operations, or,
for POST, by the action in its body.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nativeapi import etl_objects, names
from nativeapi.appending import append_object
from nativeapi.archived import get_matching, get_member, put_member
from nativeapi.call import EMPTY, PREFIX, Call, Headers, Reply, decode, status_line
from nativeapi.copying import copy_object, rename_object, set_custom_metadata
from nativeapi.errors import NativeError, unsupported
from nativeapi.native import Native, method_not_allowed
from nativeapi.presence import Presence, presence
from nativeapi.promotion import promote
from nativeapi.properties import Seen, content_headers, legacy_headers, selected_headers
from nativeapi.relaying import object_elsewhere
from nativeapi.remote import EVICT, expecting_remote, remote_object
from nativeapi.through import transformed
from nativeapi.transfer import OCTETS, attributes, content_reply, payload, requested_span
from nativeapi.uploads import abort_upload, complete_upload, create_upload, put_part
from storage import rights
from storage.content import Segments
from storage.conditions import ALWAYS
from storage.errors import Conflict, NoSuchKey
from storage.keys import object_key
from storage.records import Bucket, ObjectRecord
from storage.reread import is_intact

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

OBJECTS = PREFIX + "objects/"
PREFIXES = (OBJECTS, etl_objects.PATH)  # on which the bytes of objects go in and out
REDIRECTED = "pid"  # the parameter that marks a request which was sent on once
SDK = "ais/python/"

Handler = Callable[[Native, Call, Bucket, str], Reply]


def url(bucket: Bucket, key: str) -> str:
    return f"ais://{bucket.name}/{key}"


def get_object(native: Native, call: Call, bucket: Bucket, key: str) -> Reply:
    if call.query.get("etl_name"):
        return transformed(native, call, bucket, key)
    if call.header(b"ais-blob-download"):
        raise NativeError(400, f"blob-downloader is not supported for local buckets: ais://{bucket.name}")
    source = native.store.objects.open(bucket, key, ALWAYS)
    try:
        record = source.record
        validate(native, call, bucket, key, record)
        span = requested_span(call.header(b"range"), record.size, url(bucket, key))
        headers: Headers = [OCTETS, *content_headers(record)]
        if span is not None:
            headers += [
                ("Accept-Ranges", "bytes"),
                ("Content-Range", f"bytes {span.start}-{span.stop - 1}/{record.size}"),
            ]
        return content_reply(source, headers, span)
    except BaseException:
        source.close()
        raise


def validate(native: Native, call: Call, bucket: Bucket, key: str, record: ObjectRecord) -> None:
    """With `validate-checksum`, raise unless the bytes are those that were stored."""
    if not call.flag("validate-checksum"):
        return
    try:
        intact = is_intact(native.store.partitions.of(object_key(bucket.id, key)), record)
    except FileNotFoundError as error:
        raise Conflict(key) from error
    if not intact:
        raise NativeError(500, f"BAD DATA CHECKSUM: stored bytes (context: {url(bucket, key)})", code="ErrBadCksum")


def head_object(native: Native, call: Call, bucket: Bucket, key: str) -> Reply:
    wanted = presence(call)
    record = native.store.objects.head(bucket, key)
    if wanted is Presence.OUTSIDE:
        raise NoSuchKey(bucket.name, key)
    validate(native, call, bucket, key, record)
    props = call.query.get("props")
    seen = Seen(native, bucket, key, record)
    described = legacy_headers(seen) if props is None else selected_headers(props, seen)
    return Reply(200, [("Content-Length", str(record.size)), ("Ais-Present", "true"), *described])


def put_object(native: Native, call: Call, bucket: Bucket, key: str) -> Reply:
    given = attributes(native, call, bucket, key)
    record = native.store.objects.put(bucket, key, payload(call, url(bucket, key)), given)
    return Reply(200, [("Content-Length", "0"), *content_headers(record)])


def delete_object(native: Native, call: Call, bucket: Bucket, key: str) -> Reply:
    action = call.action().action if call.header(b"content-length") not in ("", "0") else ""
    if action == EVICT:
        raise expecting_remote(EVICT, bucket)
    if action:
        raise NativeError(400, f'invalid action "{action}"')
    if native.store.objects.delete(bucket, key) is None:
        raise NativeError(404, f"{url(bucket, key)} doesn't exist")
    return EMPTY


def check_lock(native: Native, call: Call, bucket: Bucket, key: str) -> Reply:
    """Never locked: readers keep the version that they opened, and writers replace it at once."""
    return EMPTY


def any_name(name: str) -> None:
    """For actions on a whole bucket, whose path ends with it."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A row: the method, what selects it (a parameter, "": none; for POST the action), its name, the rights it takes,
    who does it (None: AIStore offers it, this node does not), and what must be true of the object's name."""

    method: str
    selector: str
    name: str
    right: int
    handler: Handler | None
    check: Callable[[str], None] = names.check_object_name
    query: tuple[str, ...] = ()  # further parameters, for the description


READING = ("etl_name", "etl_args", "etl_pipeline", "latest")

# For each method the first row whose parameter has a value, else the one without.
OPERATIONS = (
    Operation("GET", "archpath", "GetArchived", rights.GET, get_member, query=("archmime",)),
    Operation("GET", "archregx", "GetArchived", rights.GET, get_matching, query=("archmode", "archmime")),
    Operation("GET", "archmode", "GetArchived", rights.GET, get_matching),
    Operation("GET", "", "GetObject", rights.GET, get_object, query=READING),
    Operation("HEAD", "", "HeadObject", rights.OBJ_HEAD, head_object, query=("props",)),
    Operation("PUT", "object_to", "CopyObject", rights.GET, copy_object, query=("etl_name", "etl_args")),
    Operation("PUT", "append_type", "AppendObject", rights.APPEND, append_object, names.check_new_object_name),
    Operation("PUT", "uploadId", "UploadPart", rights.PUT, put_part, query=("partNumber",)),
    Operation("PUT", "archpath", "AppendArchive", rights.PUT, put_member),
    Operation("PUT", "", "PutObject", rights.PUT, put_object, names.check_new_object_name),
    Operation("PATCH", "", "SetCustomMetadata", rights.OBJ_UPDATE, set_custom_metadata, query=("set-new-custom",)),
    Operation("DELETE", "uploadId", "AbortUpload", rights.RW, abort_upload),
    Operation("DELETE", "", "DeleteObject", rights.OBJ_DELETE, delete_object),
    Operation("POST", "mpt-upload", "CreateUpload", rights.RW, create_upload, names.check_new_object_name),
    Operation("POST", "mpt-complete", "CompleteUpload", rights.RW, complete_upload),
    Operation("POST", "rename-obj", "RenameObject", rights.OBJ_MOVE, rename_object),
    Operation("POST", "check-lock", "CheckLock", rights.RO, check_lock),
    Operation("POST", "promote", "Promote", rights.PROMOTE, promote, any_name),
    Operation("POST", "blob-download", "BlobDownload", rights.RW, remote_object, any_name),
)
METHODS = [*dict.fromkeys(row.method for row in OPERATIONS)]
BY_METHOD = {
    method: tuple(row for row in OPERATIONS if row.method == method) for method in METHODS if method != "POST"
}
assert all(not rows[-1].selector for rows in BY_METHOD.values()), "a method's last row is for everything else"
SELECTORS = frozenset(row.selector for rows in BY_METHOD.values() for row in rows if row.selector)
BY_ACTION = {row.selector: row for row in OPERATIONS if row.method == "POST"}


def operation(call: Call) -> Operation:
    """The row that the request's method and parameters, or its action, mean."""
    if call.method != "POST":
        rows = BY_METHOD[call.method]
        for name in call.query:
            if name in SELECTORS:
                return next(row for row in rows if not row.selector or call.query.get(row.selector))
        return rows[-1]
    action = call.action().action
    row = BY_ACTION.get(action)
    if row is None:
        raise NativeError(400, f'invalid action "{action}"')
    return row


def object_path(call: Call) -> tuple[str, str]:
    """The bucket and the key, which is all that follows the bucket's slash."""
    bucket, _, key = call.path[len(OBJECTS) :].partition("/")
    if not bucket or not (key or call.method == "POST"):
        found = 2 + bool(bucket)
        raise NativeError(400, f"URL '{call.path.strip('/')}' is too short: expected 4 items, got {found}")
    return decode(bucket), decode(key)


def must_redirect(call: Call) -> bool:
    """Whether this is the first step of the SDK's upload over TLS: a head that announces a body and is the end of it.

    The SDK sends the body to wherever a redirect points to; any other reply it takes for the upload's result.
    """
    return (
        call.method == "PUT"
        and REDIRECTED not in call.query
        and "object_to" not in call.query
        and call.header(b"user-agent").startswith(SDK)
        and call.origin().startswith("https:")
    )


def redirect(native: Native, call: Call) -> Reply:
    mark = f"{REDIRECTED}={native.nodes.proxy}&utm={time.time_ns():x}"
    target = call.environ["RAW_URI"]
    location = f"{call.origin()}{target}{'&' if '?' in target else '?'}{mark}"
    return Reply(307, [("Location", location), ("Content-Length", "0"), ("Connection", "close")])


def answer(native: Native, call: Call) -> Reply:
    if call.method not in METHODS:
        return method_not_allowed(METHODS)
    call.log(f"native.{call.method}Object")
    principal = native.authenticate(call)
    name, key = object_path(call)
    row = operation(call)
    call.log(f"native.{row.name}", name, key)
    row.check(key)
    try:
        stored = names.own_bucket(name, call.query, native.nodes)
    except names.OtherCluster as other:
        native.require(principal, row.right)
        return redirect(native, call) if must_redirect(call) else object_elsewhere(native, call, other, row.name)
    bucket = native.bucket(principal, stored, row.right)
    native.pace.admit(bucket)
    if row.handler is None:
        raise unsupported(row.name)
    if must_redirect(call):
        return redirect(native, call)
    return row.handler(native, call, bucket, key)


class NativeObjects:
    """The WSGI application for paths that begin with one of `PREFIXES`."""

    def __init__(self, native: Native) -> None:
        self._native = native

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes] | Segments:
        reply = respond(self._native, environ)
        start_response(status_line(reply.status), list(reply.headers))
        return [reply.body] if isinstance(reply.body, bytes) else reply.body


def respond(native: Native, environ: WSGIEnvironment) -> Reply:
    call = Call(environ)
    handler = answer if call.path.startswith(OBJECTS) else etl_objects.answer
    return native.answer(handler, call)
