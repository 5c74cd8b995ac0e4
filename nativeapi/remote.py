"""What AIStore offers for buckets with a backend only, and its refusal where there is none."""

from __future__ import annotations

from typing import NoReturn

from nativeapi.call import Action, Call, Reply, json_reply
from nativeapi.errors import NativeError
from nativeapi.native import Native
from storage.records import Bucket

EVICT = "evict-listrange"
CALLED = {EVICT: "evict-remote-bck"}  # actions whose refusal names another one


def expecting_remote(action: str, bucket: Bucket) -> NativeError:
    said = CALLED.get(action, action)
    return NativeError(400, f"{said}: expecting remote bucket (have ais://{bucket.name})", code="ErrNotRemoteBck")


def remote_bucket(native: Native, call: Call, bucket: Bucket, action: Action) -> NoReturn:
    """An action on a bucket, or on many of its objects."""
    raise expecting_remote(action.action, bucket)


def remote_object(native: Native, call: Call, bucket: Bucket, key: str) -> NoReturn:
    """An action on an object."""
    raise expecting_remote(call.action().action, bucket)


def no_inventory(native: Native, call: Call, bucket: Bucket, action: Action) -> Reply:
    """Inventories are made of buckets with a backend: others have none."""
    return json_reply({})
