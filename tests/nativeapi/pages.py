"""Pages of listings, as msgpack-speaking clients read them."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.nativeapi.conftest import Api

MSGPACK = "application/msgpack"


def listed(api: Api, **value: Any) -> dict[str, Any]:
    answer = api.action("GET", "/v1/buckets/music?provider=ais", "list", value, accept=MSGPACK)
    assert (answer.status, answer.headers["Content-Type"]) == (200, MSGPACK)
    found = msgspec.msgpack.decode(answer.body)
    assert list(found) == ["UUID", "ContinuationToken", "Entries", "Flags"]
    return dict(found)


def names(page: dict[str, Any]) -> list[str]:
    return [entry["n"] for entry in page["Entries"]]
