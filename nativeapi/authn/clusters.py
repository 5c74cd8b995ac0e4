"""The clusters that roles may name: listed, seen, registered, changed, removed.

A cluster is named by its uuid or its alias.
"""

from __future__ import annotations

import msgspec

from nativeapi.authn.documents import ClusterDocument, cluster_document, nice, read
from nativeapi.authn.service import Authn
from nativeapi.authn.tokens import Holder
from nativeapi.call import EMPTY, Call, Reply, json_reply
from nativeapi.errors import NativeError
from storage import rights
from storage.errors import IdentityExists, NoSuchIdentity
from storage.identities.records import CLUSTERS, Cluster, ClusterAcl, Role

# The roles that a cluster comes with: what their names begin with, what they are for, their rights.
FIRST_ROLES = (
    ("ClusterOwner", "Full access to cluster", rights.SU),
    ("BucketOwner", "Full access to buckets in cluster", rights.RW),
    ("Guest", "Read-only access to buckets in cluster", rights.RO),
)


def list_clusters(authn: Authn, call: Call, caller: Holder, name: str) -> Reply:
    """The registered clusters, by their uuids."""
    return shown(list(authn.directory.clusters.all().values()))


def get_cluster(authn: Authn, call: Call, caller: Holder, name: str) -> Reply:
    """The cluster of this uuid or alias."""
    return shown([find(authn, name)])


def register(authn: Authn, call: Call, caller: Holder, name: str) -> Reply:
    """Add a cluster, and the roles that it comes with. Its address is not tried."""
    asked = read(call, ClusterDocument)
    cluster = Cluster(nice(asked.id, "cluster"), asked.alias or "", tuple(asked.urls or ()))
    if cluster.alias:
        nice(cluster.alias, "cluster")
    known = authn.directory.clusters.all().values()
    if any({cluster.id, cluster.alias or cluster.id} & {one.id, one.alias or one.id} for one in known):
        raise already_registered(cluster)
    try:
        authn.directory.clusters.add(cluster.id, cluster)
    except IdentityExists as error:
        raise already_registered(cluster) from error
    for prefix, purpose, given in FIRST_ROLES:
        role = f"{prefix}-{cluster.alias or cluster.id}"
        try:
            authn.directory.roles.add(
                role, Role(role, f"{purpose} {cluster.alias or cluster.id}", (ClusterAcl(cluster.id, given),))
            )
        except IdentityExists:
            continue
    return EMPTY


def update_cluster(authn: Authn, call: Call, caller: Holder, name: str) -> Reply:
    """A new alias, new addresses, or both; what is left out stays."""
    asked = read(call, ClusterDocument)
    if asked.alias:
        nice(asked.alias, "cluster")
    found = find(authn, name)
    for other in authn.directory.clusters.all().values():
        if other.id != found.id and asked.alias in (other.id, other.alias or other.id):
            raise already_registered(other)

    def changed(cluster: Cluster) -> Cluster:
        urls = tuple(asked.urls or ()) or cluster.urls
        return msgspec.structs.replace(cluster, alias=asked.alias or cluster.alias, urls=urls)

    authn.directory.clusters.change(found.id, changed)
    return EMPTY


def remove_cluster(authn: Authn, call: Call, caller: Holder, name: str) -> Reply:
    """Roles that name it stay, and mean it again when it comes back."""
    authn.directory.clusters.remove(find(authn, name).id)
    return EMPTY


def find(authn: Authn, name: str) -> Cluster:
    found = authn.directory.clusters.find(name)
    if found is not None:
        return found
    for cluster in authn.directory.clusters.all().values():
        if cluster.alias == name:
            return cluster
    raise NoSuchIdentity(CLUSTERS, name)


def shown(clusters: list[Cluster]) -> Reply:
    return json_reply({"clusters": {cluster.id: cluster_document(cluster) for cluster in clusters}})


def already_registered(cluster: Cluster) -> NativeError:
    return NativeError(409, f"cluster {cluster.id}[{cluster.alias}] already registered")
