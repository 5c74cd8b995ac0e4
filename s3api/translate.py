"""Errors of storage and of transforms in S3's words: the one place where status codes meet them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from etl import errors as etl
from s3api.errors import S3Error, codes
from s3api.headers import validators
from storage import errors as storage
from storage.records import ObjectRecord

RETRY_AFTER: Final = (("Retry-After", "1"),)
_REFUSED: Final = replace(codes.TransformFailed, status=400)


def _not_modified(error: storage.NotModified) -> S3Error:
    assert isinstance(error.record, ObjectRecord)
    return S3Error(codes.NotModified, headers=tuple(validators(error.record)))


def _part_too_small(error: storage.PartTooSmall) -> S3Error:
    return S3Error(
        codes.EntityTooSmall,
        ProposedSize=error.size,
        MinSizeAllowed=error.minimum,
        PartNumber=error.number,
        ETag=error.etag,
    )


def _incomplete(error: storage.IncompleteBody) -> S3Error:
    return S3Error(codes.IncompleteBody, NumberBytesExpected=error.expected, NumberBytesProvided=error.received)


def _checksum_mismatch(error: storage.ChecksumMismatch) -> S3Error:
    name = error.algorithm.upper()
    return S3Error(codes.BadDigest, f"The {name} you specified did not match the calculated checksum.")


def _size_mismatch(error: storage.SizeMismatch) -> S3Error:
    return S3Error(
        codes.InvalidRequest,
        "The provided 'x-amz-mp-object-size' header does not match what was computed.",
        ExpectedSize=error.expected,
        ComputedSize=error.found,
    )


def _transform_failed(error: etl.TransformFailed) -> S3Error:
    """400 where the transform's server refuses the object, so that SDKs do not send it again; else 500."""
    code = _REFUSED if 400 <= error.status < 500 else codes.TransformFailed
    return S3Error(code, error.message, TransformStatus=error.status)


FROM_STORAGE: Final[Mapping[type[Exception], Callable[[Any], S3Error]]] = {
    storage.NoSuchBucket: lambda error: S3Error(codes.NoSuchBucket, BucketName=error.bucket),
    storage.NoSuchKey: lambda error: S3Error(codes.NoSuchKey, Key=error.key),
    storage.NoSuchUpload: lambda error: S3Error(codes.NoSuchUpload, UploadId=error.upload),
    storage.NotFound: lambda error: S3Error(codes.NoSuchKey),
    storage.BucketExists: lambda error: S3Error(codes.BucketAlreadyExists, BucketName=error.bucket),
    storage.BucketNotEmpty: lambda error: S3Error(codes.BucketNotEmpty, BucketName=error.bucket),
    storage.MissingForMatch: lambda error: S3Error(codes.NoSuchKey),
    storage.PreconditionFailed: lambda error: S3Error(codes.PreconditionFailed, Condition=error.condition),
    storage.NotModified: _not_modified,
    storage.Conflict: lambda error: S3Error(codes.ConditionalRequestConflict, Key=error.key),
    storage.InvalidPart: lambda error: S3Error(codes.InvalidPart, PartNumber=error.number),
    storage.InvalidPartOrder: lambda error: S3Error(codes.InvalidPartOrder, PartNumber=error.number),
    storage.PartTooSmall: _part_too_small,
    storage.InvalidRange: lambda error: S3Error(codes.InvalidRange, ActualObjectSize=error.size),
    storage.IncompleteBody: _incomplete,
    storage.BodyTimeout: lambda error: S3Error(codes.RequestTimeout),
    storage.SizeMismatch: _size_mismatch,
    storage.ChecksumMismatch: _checksum_mismatch,
    storage.PayloadError: lambda error: S3Error(codes.IncompleteBody),
    storage.OutOfSpace: lambda error: S3Error(codes.StorageFull),
    storage.VolumeFailed: lambda error: S3Error(codes.ServiceUnavailable, headers=RETRY_AFTER),
    storage.Corrupt: lambda error: S3Error(codes.InternalError),
    storage.TooSoon: lambda error: S3Error(codes.SlowDown, headers=(("Retry-After", str(error.seconds)),)),
    storage.StorageError: lambda error: S3Error(codes.InternalError),
}

FROM_ETL: Final[Mapping[type[Exception], Callable[[Any], S3Error]]] = {
    etl.NoSuchTransform: lambda error: S3Error(codes.NoSuchTransform, TransformName=error.name),
    etl.TransformTimeout: lambda error: S3Error(codes.TransformTimeout, error.message),
    etl.TransformFailed: _transform_failed,
    etl.EtlError: lambda error: S3Error(codes.InternalError),
}

_TRANSLATIONS: Final = {**FROM_STORAGE, **FROM_ETL}
TRANSLATED: Final = (storage.StorageError, etl.EtlError)


def translate(error: Exception) -> S3Error:
    """The refusal that tells a client of this error; it must be one of TRANSLATED."""
    for kind in type(error).__mro__:
        found = _TRANSLATIONS.get(kind)
        if found is not None:
            return found(error)
    raise error
