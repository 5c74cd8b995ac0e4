"""Buckets of attached clusters: what is asked about them is asked there, and its answer is the answer.

Nothing of them is kept here. What names a second bucket, or a transform, is refused: it would mean two things there.
"""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from nativeapi import attached
from nativeapi.attached import SECOND, Cluster
from nativeapi.call import Action, Call, Headers, Reply, json_reply
from nativeapi.errors import NativeError, unsupported
from nativeapi.names import OtherCluster
from nativeapi.native import Native
from nativeapi.transfer import Streamed
from storage.payload import Reader

PIECE = 256 * 1024  # bytes
OBJECTS = frozenset(
    "GetObject GetArchived HeadObject PutObject AppendObject UploadPart AppendArchive SetCustomMetadata AbortUpload "
    "DeleteObject CreateUpload CompleteUpload RenameObject CheckLock".split()
)
BUCKETS = frozenset(("", "list", "summary-bck", "create-bck", "destroy-bck", "set-bprops", "reset-bprops"))
SAFE = "%/:@!$&'()*+,;=~-._"  # what a path may hold as it was sent
REDIRECTS = frozenset((301, 302, 303, 307, 308))
BODILESS = frozenset(("GET", "HEAD", "DELETE"))
HERE = ("etl_name", "object_to")  # parameters that mean something of this node
# Of a connection, not of what it carries; or said anew by whoever sends it.
UNRELAYED = frozenset(
    "authorization connection content-length date expect host keep-alive server transfer-encoding user-agent".split()
)


def object_elsewhere(native: Native, call: Call, other: OtherCluster, operation: str) -> Reply:
    """The other cluster's answer about an object; 501 for operations that are about more than that."""
    if operation not in OBJECTS or any(call.query.get(name) for name in HERE):
        raise other
    message = call.action() if call.method in ("POST", "PATCH") else None
    return relay(native, call, other, message)


def bucket_elsewhere(native: Native, call: Call, other: OtherCluster, action: Action) -> Reply:
    """The other cluster's answer about a bucket; 501 for what would be a job of this one."""
    if action.action not in BUCKETS:
        raise other
    return relay(native, call, other, None if call.method == "HEAD" else action)


def buckets_elsewhere(native: Native, call: Call, other: OtherCluster, action: Action) -> Reply:
    """The buckets of the cluster, or with none named of all that are attached, each with its cluster's uuid."""
    found: list[Any] = []
    for cluster in attached.all_of(native.store.catalog):
        if other.cluster in ("", cluster.alias, cluster.uuid):
            found += listed(native, call, cluster, action)
    return json_reply(found)


def listed(native: Native, call: Call, cluster: Cluster, action: Action) -> list[Any]:
    connection = connected(native, cluster.url)
    try:
        reply = exchange(connection, call, cluster, target_there(call), action)
        raw = reply.read()
        if reply.status != 200:
            raise NativeError(reply.status, explained(raw))
        buckets: list[Any] = msgspec.json.decode(raw, type=list[Any])
    except (OSError, HTTPException, msgspec.MsgspecError) as error:
        raise silent(cluster, error) from error
    finally:
        connection.close()
    for bucket in buckets:
        bucket["namespace"] = {**(bucket.get("namespace") or {}), "uuid": cluster.uuid}
    return buckets


def relay(native: Native, call: Call, other: OtherCluster, message: Action | None) -> Reply:
    """Send the request on, its body as it comes, and the answer back as it comes."""
    cluster = attached.named(native.store.catalog, other.cluster)
    if cluster is None:
        raise other
    connection = connected(native, cluster.url)
    try:
        reply = exchange(connection, call, cluster, target_there(call), message)
        if reply.status in REDIRECTS:
            location = reply.getheader("Location", "")
            connection.close()
            connection, reply = follow(native, call, cluster, location, message)
        return answer_of(reply, call, connection)
    except (OSError, HTTPException) as error:
        connection.close()
        raise silent(cluster, error) from error
    except BaseException:
        connection.close()
        raise


def follow(
    native: Native, call: Call, cluster: Cluster, location: str, message: Action | None
) -> tuple[HTTPConnection, HTTPResponse]:
    """The answer of the node that the cluster's proxy names. A body that was sent on cannot be sent again: 501."""
    parts = urlsplit(location)
    if message is None and call.method not in BODILESS or parts.scheme not in ("http", "https") or not parts.hostname:
        raise unsupported(f"{call.method} of objects of @{cluster.alias}, whose nodes are apart from its proxy,")
    connection = connected(native, location)
    try:
        return connection, exchange(connection, call, cluster, f"{parts.path}?{parts.query}", message)
    except BaseException:
        connection.close()
        raise


def answer_of(reply: HTTPResponse, call: Call, connection: HTTPConnection) -> Reply:
    """The cluster's answer as ours; the connection is closed with it."""
    headers = [(name, value) for name, value in reply.getheaders() if name.lower() not in UNRELAYED]
    length = reply.getheader("Content-Length")
    if length is not None:
        headers.append(("Content-Length", length))
    if call.method == "HEAD" or length == "0":
        connection.close()
        return Reply(reply.status, headers)
    return Reply(reply.status, headers, Streamed(pieces(reply), connection))


def pieces(reply: HTTPResponse) -> Iterator[bytes]:
    """The body; `HTTPException` when it breaks off, which cuts the client's connection rather than lie."""
    while piece := reply.read(PIECE):
        yield piece
    if reply.length:
        raise HTTPException(f"{reply.length} bytes are missing")


def connected(native: Native, url: str) -> HTTPConnection:
    parts = urlsplit(url)
    patience = native.configuration.values()["client.client_long_timeout"] / SECOND
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    assert parts.hostname is not None
    return kind(parts.hostname, parts.port, timeout=patience, blocksize=PIECE)


def target_there(call: Call) -> str:
    """The path and the query as the other cluster takes them: without the part of the namespace that names it."""
    query = {name: value for name, value in call.query.items() if name != "namespace"}
    name = call.query.get("namespace", "").partition("#")[2]
    if name:
        query["namespace"] = f"@#{name}"
    path = quote(call.path, safe=SAFE, encoding="latin-1")
    return f"{path}?{urlencode(query)}" if query else path


def exchange(
    connection: HTTPConnection, call: Call, cluster: Cluster, target: str, message: Action | None
) -> HTTPResponse:
    """The beginning of the answer."""
    connection.putrequest(call.method, target, skip_accept_encoding=True)
    for name, value in sent_on(call):
        connection.putheader(name, value)
    connection.putheader("User-Agent", "sluice")  # the SDK's would be sent elsewhere first where it uploads over TLS
    if cluster.token:
        connection.putheader("Authorization", f"Bearer {cluster.token}")
    if message is not None:
        raw = msgspec.json.encode(message)
        connection.putheader("Content-Length", str(len(raw)))
        connection.endheaders(raw)
    else:
        send_body(connection, call.environ["wsgi.input"])
    return connection.getresponse()


def sent_on(call: Call) -> Headers:
    named = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in call.headers.items()]
    return [(name, value) for name, value in named if name not in UNRELAYED]


def send_body(connection: HTTPConnection, body: Any) -> None:
    """The body as it comes: with its length, or in chunks where nobody knows that."""
    reader: Reader = body
    if reader.size is None:
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders(iter(lambda: body.read(PIECE), b""), encode_chunked=True)
        return
    connection.putheader("Content-Length", str(reader.size))
    connection.endheaders(body if reader.size else None)


def explained(raw: bytes) -> str:
    try:
        return str(msgspec.json.decode(raw, type=dict[str, Any])["message"])
    except (msgspec.MsgspecError, KeyError):
        return raw[:200].decode(errors="replace")


def silent(cluster: Cluster, error: Exception) -> NativeError:
    """Not a 502, which AIStore's SDK would try again for a minute and a half."""
    return NativeError(400, f"remote ais cluster @{cluster.alias} ({cluster.url}) does not answer: {error}")
