"""What a writer says about an object beside its bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Attributes:
    """Names and values as `storage.records.ObjectRecord` keeps them."""

    owner: str  # canonical id of the account
    content: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    storage_class: str = "STANDARD"
    tags: tuple[tuple[str, str], ...] = ()
    checksum_type: str = "FULL_OBJECT"
