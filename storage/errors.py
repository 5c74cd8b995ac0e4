"""What storage raises: one type per thing that a caller does differently, with fields instead of prose.

    StorageError
     ├─ NotFound
     │   ├─ NoSuchBucket        .bucket
     │   ├─ NoSuchKey           .bucket .key
     │   ├─ NoSuchUpload        .upload
     │   └─ NoSuchMember        .bucket .key .member
     ├─ BucketExists            .owner
     ├─ BucketNotEmpty          .bucket
     ├─ PreconditionFailed      .condition
     │   └─ MissingForMatch                     If-Match was asked of a key that does not exist
     ├─ NotModified             .record
     ├─ Conflict                .key            concurrent changes kept winning; try again
     ├─ InvalidHandle           .key .reason
     ├─ KeyTooLong              .size .limit
     ├─ InvalidPart             .number
     ├─ InvalidPartOrder        .number
     ├─ PartTooSmall            .number .size .minimum .etag
     ├─ InvalidRange            .size
     ├─ UnknownFormat           .name           what was to be an archive is none that is known
     ├─ CorruptArchive          .reason
     ├─ InvalidPattern          .reason
     ├─ PayloadError                            the incoming bytes are at fault; nothing was stored
     │   ├─ IncompleteBody      .expected .received
     │   ├─ BodyTimeout         .seconds
     │   ├─ SizeMismatch        .expected .found
     │   └─ ChecksumMismatch    .algorithm
     ├─ OutOfSpace              .volume
     ├─ VolumeFailed            .volume .reason
     ├─ Corrupt                 .blob
     ├─ NoSuchIdentity          .kind .name     a user, role or cluster
     ├─ IdentityExists          .kind .name
     └─ TooSoon                 .seconds        not looked at; try again after them
         ├─ TooManyRequests     .bucket         on a bucket that limits them
         └─ TooManyAttempts                     to guess a password

No type carries a status code or text meant for a client; the doors translate.
"""

from __future__ import annotations

from pathlib import Path


class StorageError(Exception):
    """Anything that storage refuses or fails at; unless a type says otherwise nothing was changed."""


class NotFound(StorageError):
    """The thing named does not exist."""


class NoSuchBucket(NotFound):
    def __init__(self, bucket: str) -> None:
        super().__init__(bucket)
        self.bucket = bucket


class NoSuchKey(NotFound):
    def __init__(self, bucket: str, key: str) -> None:
        super().__init__(bucket, key)
        self.bucket = bucket
        self.key = key


class NoSuchUpload(NotFound):
    def __init__(self, upload: str) -> None:
        super().__init__(upload)
        self.upload = upload


class NoSuchMember(NotFound):
    """The archive has no such member; `member` is its name, or how members were asked for."""

    def __init__(self, bucket: str, key: str, member: str) -> None:
        super().__init__(bucket, key, member)
        self.bucket = bucket
        self.key = key
        self.member = member


class BucketExists(StorageError):
    """A bucket of this name exists; `owner` is the canonical id of its owner."""

    def __init__(self, bucket: str, owner: str) -> None:
        super().__init__(bucket, owner)
        self.bucket = bucket
        self.owner = owner


class BucketNotEmpty(StorageError):
    def __init__(self, bucket: str) -> None:
        super().__init__(bucket)
        self.bucket = bucket


class PreconditionFailed(StorageError):
    """`condition` is the name of the condition that did not hold, as HTTP spells it ("If-Match")."""

    def __init__(self, condition: str) -> None:
        super().__init__(condition)
        self.condition = condition


class MissingForMatch(PreconditionFailed):
    """If-Match was asked of a key that does not exist."""


class NotModified(StorageError):
    """The reader's copy is current; the record is given so that its validators can be shown again."""

    def __init__(self, record: object) -> None:
        super().__init__()
        self.record = record


class Conflict(StorageError):
    """Concurrent writers kept winning; nothing was changed and trying again is right."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class InvalidHandle(StorageError):
    """The handle is not the one to append to `key` with: it is malformed, old, or of content that is gone."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(key, reason)
        self.key = key
        self.reason = reason


class KeyTooLong(StorageError):
    """A name that was made here, from others, has `size` bytes and may have `limit`; doors check what clients send."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(size, limit)
        self.size = size
        self.limit = limit


class InvalidPart(StorageError):
    """The part was never uploaded, was replaced since, or is not the one described."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class InvalidPartOrder(StorageError):
    """Parts must be named in ascending order of their numbers; `number` is the first that is not."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class PartTooSmall(StorageError):
    """Only the last part may be smaller than `minimum` bytes."""

    def __init__(self, number: int, size: int, minimum: int, etag: str) -> None:
        super().__init__(number, size, minimum, etag)
        self.number = number
        self.size = size
        self.minimum = minimum
        self.etag = etag


class InvalidRange(StorageError):
    """No byte of the object, which has `size` bytes, lies in the range asked for."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


class UnknownFormat(StorageError):
    """Neither the name nor the first bytes are those of an archive of a known format."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class CorruptArchive(StorageError):
    """An object's bytes are not the archive that they should be, or one that is not read; `reason` is for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class InvalidPattern(StorageError):
    """A regular expression that cannot be used; `reason` is for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class PayloadError(StorageError):
    """The incoming bytes are at fault; nothing was stored."""


class IncompleteBody(PayloadError):
    """The sender stopped after `received` of `expected` bytes (`expected` is None when it announced no length)."""

    def __init__(self, expected: int | None, received: int) -> None:
        super().__init__(expected, received)
        self.expected = expected
        self.received = received


class BodyTimeout(PayloadError):
    """The sender sent nothing for `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class SizeMismatch(PayloadError):
    """The completed upload has `found` bytes where the sender expects `expected`; the upload is untouched."""

    def __init__(self, expected: int, found: int) -> None:
        super().__init__(expected, found)
        self.expected = expected
        self.found = found


class ChecksumMismatch(PayloadError):
    """The completed upload's checksum is not the sender's; the upload is untouched."""

    def __init__(self, algorithm: str) -> None:
        super().__init__(algorithm)
        self.algorithm = algorithm


class OutOfSpace(StorageError):
    """The volume has no room for the write; reads and deletions still work."""

    def __init__(self, volume: Path) -> None:
        super().__init__(str(volume))
        self.volume = volume


class VolumeFailed(StorageError):
    """The volume cannot be read or written; `reason` is the operating system's word."""

    def __init__(self, volume: Path, reason: str) -> None:
        super().__init__(str(volume), reason)
        self.volume = volume
        self.reason = reason


class Corrupt(StorageError):
    """A blob that a record names is missing or shorter than recorded."""

    def __init__(self, blob: str) -> None:
        super().__init__(blob)
        self.blob = blob


class NoSuchIdentity(StorageError):
    """`kind` is "user", "role" or "cluster"."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(kind, name)
        self.kind = kind
        self.name = name


class IdentityExists(StorageError):
    def __init__(self, kind: str, name: str) -> None:
        super().__init__(kind, name)
        self.kind = kind
        self.name = name


class TooSoon(StorageError):
    """What was asked was not looked at; after `seconds` it may be asked again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class TooManyRequests(TooSoon):
    """The bucket has a limit of requests."""

    def __init__(self, bucket: str, seconds: int) -> None:
        super().__init__(seconds)
        self.bucket = bucket


class TooManyAttempts(TooSoon):
    """Wrong passwords came before this one."""
