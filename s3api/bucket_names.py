"""Which names a bucket may have."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_NAME: Final = re.compile("[a-z0-9][a-z0-9.-]*[a-z0-9]")
_ADDRESS: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_PREFIXES: Final = ("xn--", "sthree-", "amzn-s3-demo-")
_SUFFIXES: Final = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


@lru_cache(maxsize=10_000)
def is_bucket_name(name: str) -> bool:
    """Amazon's rules for general-purpose buckets."""
    return (
        3 <= len(name) <= 63
        and _NAME.fullmatch(name) is not None
        and not any(pair in name for pair in ("..", ".-", "-."))
        and _ADDRESS.fullmatch(name) is None
        and not name.startswith(_PREFIXES)
        and not name.endswith(_SUFFIXES)
    )
