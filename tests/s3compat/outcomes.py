"""What a refused call of an SDK says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError


@contextmanager
def refused(status: int, code: str) -> Iterator[Any]:
    """The block must end in this refusal; `.response` of what is yielded has the rest of it afterwards."""
    with pytest.raises(ClientError) as caught:
        yield caught
    told = caught.value.response
    assert (told["ResponseMetadata"]["HTTPStatusCode"], told["Error"]["Code"]) == (status, code)


def outcome(call: Callable[..., Any], **arguments: Any) -> tuple[int, str]:
    """Status and code of the call, (200, "") and the like when it succeeds."""
    try:
        told = call(**arguments)
    except ClientError as error:
        told = error.response
    return told["ResponseMetadata"]["HTTPStatusCode"], told.get("Error", {}).get("Code", "")
