"""Other AIStore clusters that this node knows by an alias.

Which they are lies in the catalog; how they are is asked whenever somebody wants to know. A token for a cluster that
asks for one travels in the address, `http://:TOKEN@host:port`, and is never shown again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

from nativeapi.call import EMPTY, Call, Reply, json_reply
from nativeapi.client import NativeClient, Refused, Unreachable
from nativeapi.errors import NativeError
from nativeapi.native import Native
from storage.catalog import Catalog
from storage.records import Codec

KIND = "attached-cluster"  # of the records in the catalog; their names are the aliases
ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
SECOND = 1_000_000_000  # ns
PATIENCE = 5.0  # seconds at most for an answer, lest who asks gives up first
ALIAS_HEADER, URL_HEADER = b"ais-remote-ais-alias", b"ais-remote-ais-url"


class Cluster(msgspec.Struct, array_like=True, frozen=True):
    """An attached cluster; `uuid` is "" while it has never answered."""

    alias: str
    url: str  # without the token
    token: str
    uuid: str
    attached: int  # ns


CLUSTERS = Codec(Cluster)


class Map(msgspec.Struct, frozen=True):
    """What is read of another cluster's map."""

    uuid: str
    version: str
    pmap: dict[str, Any]
    tmap: dict[str, Any]


class AttachedCluster(msgspec.Struct, frozen=True):
    """How an attached cluster is: without its map it does not answer."""

    smap: dict[str, Any] | None
    url: str
    alias: str
    uuid: str


class Attached(msgspec.Struct, frozen=True):
    a: list[AttachedCluster] | None
    ver: int


def attach(native: Native, call: Call) -> Reply:
    """Know the cluster by its alias from now on. One that does not answer now may later; what answers otherwise than
    AIStore, or is this node, is refused."""
    alias, address = call.header(ALIAS_HEADER), call.header(URL_HEADER)
    if not ALIAS.fullmatch(alias):
        raise NativeError(400, f'invalid alias "{alias}" of a remote cluster: expecting letters, digits, "-" and "_"')
    url, token = parsed(address)
    smap = cluster_map(native, url, token)
    uuid = smap["uuid"] if smap else ""
    if uuid == native.nodes.map(call.origin())["uuid"]:
        raise NativeError(400, f"cannot attach cluster {url} to itself")
    record = Cluster(alias, url, token, uuid, time.time_ns())
    native.store.catalog.put(KIND, alias, CLUSTERS.encode(record))
    return EMPTY


def detach(native: Native, call: Call) -> Reply:
    """Forget the cluster of this alias, or of this uuid."""
    wanted = call.header(ALIAS_HEADER)
    cluster = named(native.store.catalog, wanted)
    if cluster is not None:
        native.store.catalog.delete(KIND, cluster.alias)
        return EMPTY
    raise NativeError(
        404, f'{native.nodes.proxy}: failed to detach remote cluster: "{wanted}" does not exist', code="ErrFailedTo"
    )


def remote(native: Native, _call: Call) -> Reply:
    """The attached clusters, each with its map when it answers."""
    found = [
        AttachedCluster(smap, cluster.url, cluster.alias, smap["uuid"] if smap else cluster.uuid)
        for cluster in all_of(native.store.catalog)
        for smap in [seen(native, cluster)]
    ]
    return json_reply(Attached(found or None, native.store.catalog.version() if found else 0))


def backends(_native: Native, _call: Call) -> Reply:
    """The cloud providers that this node reads and writes through: none."""
    return json_reply([])


def backend(native: Native) -> dict[str, Any]:
    """The attached clusters as the configuration shows them."""
    clusters = {cluster.alias: [cluster.url] for cluster in all_of(native.store.catalog)}
    return {"ais": clusters} if clusters else {}


def all_of(catalog: Catalog) -> Iterator[Cluster]:
    return (CLUSTERS.decode(raw) for _, raw in catalog.all(KIND))


def named(catalog: Catalog, name: str) -> Cluster | None:
    """The cluster of this alias or uuid."""
    return next((cluster for cluster in all_of(catalog) if name and name in (cluster.alias, cluster.uuid)), None)


def called(catalog: Catalog) -> set[str]:
    """The aliases and uuids by which clients may name the attached clusters."""
    return {name for cluster in all_of(catalog) for name in (cluster.alias, cluster.uuid) if name}


def parsed(address: str) -> tuple[str, str]:
    """The URL as it may be shown, and the token in it."""
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port else ""
    except ValueError as error:
        raise NativeError(400, f'invalid URL "{address}" of a remote cluster: {error}') from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NativeError(400, f'invalid URL "{address}" of a remote cluster: expecting http://host:port')
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return urlunsplit((parts.scheme, host + port, "", "", "")), parts.password or ""


def cluster_map(native: Native, url: str, token: str) -> dict[str, Any] | None:
    """The cluster's map; None when nothing answers there, or nobody whom the token convinces."""
    patience = min(PATIENCE, native.configuration.values()["client.client_timeout"] / SECOND)
    try:
        answer = NativeClient(url, token).json("GET", "daemon", query={"what": "smap"}, patience=patience)
        msgspec.convert(answer, Map)
    except Unreachable:
        return None
    except Refused as refusal:
        if refusal.status in (401, 403, 503):
            return None
        raise NativeError(400, f"{url} is no AIStore cluster: {refusal.message}") from refusal
    except ValueError as error:  # of msgspec and of json
        raise NativeError(400, f"{url} is no AIStore cluster: it shows no cluster map") from error
    found: dict[str, Any] = answer
    return found


def seen(native: Native, cluster: Cluster) -> dict[str, Any] | None:
    try:
        return cluster_map(native, cluster.url, cluster.token)
    except NativeError:
        return None
