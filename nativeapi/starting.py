"""Jobs started and stopped by their kind or id, with a message to the cluster."""

from __future__ import annotations

from collections.abc import Callable

from nativeapi.call import EMPTY, Action, Call, Reply, text_reply
from nativeapi.errors import NativeError, unsupported
from nativeapi.inline import KIND, stop_inline
from nativeapi.jobs import Query, found, read_query
from nativeapi.native import Native
from nativeapi.remote import expecting_remote
from storage.jobs import CALLED, Kind, Trait

Starter = Callable[[Native, str, Kind, Query], str]  # whose it is to be; the job's id


def start(native: Native, call: Call, action: Action) -> Reply:
    """Start a job of a kind that needs no more to be told than its buckets; its id."""
    assert call.principal is not None
    query = read_query(native, action.value)
    kind = CALLED.get(query.kind)
    if kind is None:
        raise NativeError(400, f'invalid xaction (job) kind "{query.kind}"')
    if not kind.traits & (Trait.GLOBAL | Trait.TARGET) and not query.buckets:
        raise NativeError(400, f'xaction "{kind.name}" requires a bucket to start')
    if Trait.STARTABLE not in kind.traits:
        raise NativeError(400, f'invalid xaction (job) kind "{kind.name}": cannot be started by its kind alone')
    for name in query.buckets:
        native.store.buckets.get(name)
    starter = STARTERS.get(kind.name)
    if starter is None:
        raise unsupported(kind.name)
    return text_reply(starter(native, call.principal.id, kind, query))


def plain(native: Native, owner: str, kind: Kind, query: Query) -> str:
    """Of the bucket, or of all of them."""
    value = {"buckets": list(query.buckets)}
    return native.jobs.start(kind.name, owner=owner, bucket=query.buckets[0] if query.buckets else "", value=value)


def on_target(native: Native, owner: str, kind: Kind, query: Query) -> str:
    if not query.node:
        raise unsupported(f"{kind.name} of all targets at once")
    if query.node != native.nodes.target:
        raise NativeError(404, f'target "{query.node}" does not exist', code="errNodeNotFound")
    return native.jobs.start(kind.name, owner=owner)


def remote_only(native: Native, owner: str, kind: Kind, query: Query) -> str:
    raise expecting_remote(kind.name, native.store.buckets.get(query.buckets[0]))


# Kinds that AIStore starts and this node does not are not supported.
STARTERS: dict[str, Starter] = {
    "lru": plain,
    "cleanup-store": plain,
    "load-lom-cache": plain,
    "rebalance": plain,
    "resilver": on_target,
    "prefetch-listrange": remote_only,
    "blob-download": remote_only,
}


def stop(native: Native, call: Call, action: Action) -> Reply:
    """Abort the jobs that are meant, by id, or by kind and bucket; that there is none is no error."""
    query = read_query(native, action.value)
    if not query.job and not query.kind:
        raise NativeError(400, "cannot stop: neither the id nor the kind of a job is given")
    if query.kind and query.kind not in CALLED:
        raise NativeError(400, f'invalid xaction (job) kind "{query.kind}"')
    for job in found(native, query):
        if job.kind == KIND:
            stop_inline(native, job)
        else:
            native.jobs.abort(job.id)
    return EMPTY
