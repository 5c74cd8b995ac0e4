"""Names of buckets and objects for the shell's completion, asked of the node that AIS_ENDPOINT names."""

from __future__ import annotations

import os

from appliance.terminal import listing
from appliance.terminal.names import Bucket, bucket_of, parse
from nativeapi.client import NativeClient, Refused, Unreachable

PATIENCE = 2.0  # seconds; nobody waits longer for a completion
MOST = 100


def places(incomplete: str) -> list[str]:
    """What the text may become; [] when the node cannot be asked."""
    endpoint = os.environ.get("AIS_ENDPOINT", "http://127.0.0.1:9000")
    try:
        client = NativeClient(endpoint, os.environ.get("AIS_AUTHN_TOKEN", ""))
        place = parse(incomplete)
        return objects(client, incomplete) if place.key or incomplete.endswith("/") and place.bucket.name else buckets(
            client, place.bucket, incomplete
        )
    except (Refused, Unreachable, ValueError):
        return []


def buckets(client: NativeClient, scope: Bucket, incomplete: str) -> list[str]:
    message = {"action": "list", "name": "", "value": None}
    query = {"provider": scope.provider, "presence": "2"}
    found = client.json("GET", "buckets", query=query, message=message, patience=PATIENCE)
    uris = (bucket_of(value).uri for value in found or ())
    lead = "" if "://" in incomplete else f"{scope.provider}://"
    return [uri.removeprefix(lead) for uri in uris if uri.startswith(lead + incomplete)]


def objects(client: NativeClient, incomplete: str) -> list[str]:
    """One level of directories: what follows the last slash may be an object or a directory."""
    place = parse(incomplete)
    lead = incomplete.removesuffix(place.key)
    query = listing.Query(place.bucket, place.key, "name", listing.NAME_ONLY | listing.NO_RECURSION, limit=MOST)
    return [lead + entry["name"] for entry in listing.first(client, query, MOST)]
