"""AIStore's `presence` parameter: where what is asked for must be."""

from __future__ import annotations

from enum import IntEnum

from nativeapi.call import Call
from nativeapi.errors import NativeError


class Presence(IntEnum):
    """Of a bucket or an object. On a node without backends everything that exists is present."""

    EXISTS = 0
    EXISTS_NO_PROPS = 1
    PRESENT = 2
    PRESENT_NO_PROPS = 3
    PRESENT_IN_CLUSTER = 4
    OUTSIDE = 5


def presence(call: Call) -> Presence:
    """What the parameter says, `EXISTS` when there is none; 400 for anything else."""
    text = call.query.get("presence") or "0"
    try:
        return Presence(int(text))
    except ValueError as error:
        raise NativeError(400, f'invalid presence "{text}": expecting 0 to {Presence.OUTSIDE}') from error
