"""What a writer says about an object beside its bytes."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from storage.records import ObjectRecord


class Attributes(msgspec.Struct, frozen=True, gc=False):
    """Names and values as `storage.records.ObjectRecord` keeps them."""

    owner: str  # canonical id of the account
    content: Mapping[str, str] = {}
    metadata: Mapping[str, str] = {}
    storage_class: str = "STANDARD"
    tags: tuple[tuple[str, str], ...] = ()
    checksum_type: str = "FULL_OBJECT"
    version: str = ""  # the number to keep, of an object whose bytes stay what they are; "": the bucket's next one


def kept(record: ObjectRecord, owner: str, metadata: Mapping[str, str]) -> Attributes:
    """The attributes of an object with the bytes and the standing of this one."""
    return Attributes(
        owner,
        content=record.content,
        metadata=metadata,
        storage_class=record.storage_class,
        tags=record.tags,
        checksum_type=record.checksum_type,
    )


def rewritten(record: ObjectRecord) -> Attributes:
    """The attributes of this object with other bytes."""
    return Attributes(
        record.owner,
        content=record.content,
        metadata=record.metadata,
        storage_class=record.storage_class,
        tags=record.tags,
    )
