"""What a call of an SDK comes to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError


def outcome(call: Callable[..., Any], **arguments: Any) -> tuple[int, str]:
    """Status and code of the call; the code is "" when it succeeds."""
    try:
        told = call(**arguments)
    except ClientError as error:
        told = error.response
    return told["ResponseMetadata"]["HTTPStatusCode"], told.get("Error", {}).get("Code", "")
