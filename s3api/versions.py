"""Version ids in buckets that were never versioned: everything is the version `null`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from s3api.errors import S3Error, codes

NULL_VERSION: Final = "null"


def names_missing_version(query: Mapping[str, str]) -> bool:
    """Whether a version is named that cannot exist; InvalidArgument when it is no id at all."""
    version = query.get("versionId", NULL_VERSION)
    if not version:
        raise S3Error(
            codes.InvalidArgument,
            "Version id cannot be the empty string",
            ArgumentName="versionId",
            ArgumentValue=version,
        )
    return version != NULL_VERSION


def refuse_missing_version(query: Mapping[str, str]) -> None:
    if "versionId" in query and names_missing_version(query):
        raise S3Error(codes.NoSuchVersion, VersionId=query["versionId"])
