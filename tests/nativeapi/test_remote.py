"""What AIStore offers for buckets with a backend only."""

from __future__ import annotations

import pytest

from tests.nativeapi.conftest import Api

REFUSALS = [
    ("DELETE", "/v1/buckets/music", "evict-remote-bck", "evict-remote-bck"),
    ("DELETE", "/v1/buckets/music", "evict-listrange", "evict-remote-bck"),
    ("POST", "/v1/buckets/music", "prefetch-listrange", "prefetch-listrange"),
    ("POST", "/v1/buckets/music", "create-inventory", "create-inventory"),
    ("DELETE", "/v1/buckets/music", "destroy-inventory", "destroy-inventory"),
    ("POST", "/v1/objects/music", "blob-download", "blob-download"),
    ("DELETE", "/v1/objects/music/song", "evict-listrange", "evict-remote-bck"),
]


@pytest.mark.parametrize(("method", "path", "action", "said"), REFUSALS)
def test_what_needs_a_backend_is_refused_without_one(
    api: Api, bucket: str, method: str, path: str, action: str, said: str
) -> None:
    api("PUT", "/v1/objects/music/song", b"la")
    refused = api.action(method, path, action, {"objnames": ["song"], "template": ""})
    assert (refused.status, refused.json["tcode"]) == (400, "ErrNotRemoteBck")
    assert refused.message == f"{said}: expecting remote bucket (have ais://music)"
    assert api("GET", "/v1/objects/music/song").body == b"la"


def test_a_bucket_without_a_backend_has_no_inventories(api: Api, bucket: str) -> None:
    shown = api.action("GET", "/v1/buckets/music", "show-inventory", {})
    assert (shown.status, shown.json) == (200, {})
