"""What the native API answers when it refuses: one exception, one table from the layers below, one renderer.

AIStore's clients recognise some errors by their text ("ais://bucket", "etl job"), and its SDK retries 429, 500, 502,
503 and 504 for minutes: words and statuses here are part of the protocol.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from etl import errors as etl
from nativeapi.bucket_name import BucketName
from nativeapi.nodes import Nodes
from storage import errors as storage
from storage.jobs import Aborted
from storage.jobs.run import Told
from storage.promotion import InvalidSource, NoSuchSource
from storage.templates import InvalidTemplate

JSON = "application/json"
HEADER = "Hdr-Error"  # where HEAD, which has no body, says the same


class NativeError(Exception):
    """A refusal as the client sees it; `code` names AIStore's error type, which its command line shows."""

    def __init__(
        self, status: int, message: str, *, code: str = "", headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.headers = tuple(headers)


def unsupported(what: str) -> NativeError:
    """A part of AIStore's protocol that this node knows of and does not offer."""
    return NativeError(501, f"{what} - operation not supported", code="ErrUnsupp")


@dataclass(frozen=True, slots=True)
class Row:
    """How an exception from below is told; `message` is a format over the exception (`e`), its bucket (`b`) and
    the nodes (`n`)."""

    kind: type[Exception]
    status: int | None  # None: the exception's own
    message: str
    code: str = ""


ROWS = (
    Row(storage.NoSuchBucket, 404, 'bucket "ais://{b.name}" does not exist{b.within}', "ErrBckNotFound"),
    Row(storage.NoSuchKey, 404, "t[{n.target}]: ais://{e.bucket}/{e.key} does not exist", "ErrNotFound"),
    Row(storage.NoSuchUpload, 404, "{e.upload} does not exist", "ErrNotFound"),
    Row(
        storage.NoSuchMember,
        404,
        "t[{n.target}]: {e.member} in ais://{e.bucket}/{e.key} does not exist",
        "ErrNotFound",
    ),
    Row(storage.UnknownFormat, 400, 'unrecognized or unsupported file format: "{e.name}"'),
    Row(storage.CorruptArchive, 400, "t[{n.target}]: the archive cannot be read: {e.reason}"),
    Row(storage.InvalidPattern, 400, "invalid regular expression: {e.reason}"),
    Row(storage.BucketExists, 409, 'bucket "ais://{b.name}" already exists{b.within}', "ErrBucketAlreadyExists"),
    Row(storage.BucketNotEmpty, 409, 'bucket "ais://{e.bucket}" is still being written to'),
    Row(storage.PreconditionFailed, 412, "{e.condition} does not hold"),
    Row(storage.Conflict, 409, "{e.key} is being changed by others, try again", "ErrBusy"),
    Row(storage.InvalidHandle, 400, "{e.key}: the append handle {e.reason}"),
    Row(storage.PartTooSmall, 400, "part {e.number} has {e.size} bytes, fewer than {e.minimum}"),
    Row(storage.KeyTooLong, 400, "object name is too long: {e.size} > {e.limit}(max length)"),
    Row(storage.InvalidRange, 416, "size={e.size}: not satisfiable range", "ErrRangeNotSatisfiable"),
    Row(storage.BodyTimeout, 408, "nothing was sent for {e.seconds} seconds"),
    Row(storage.PayloadError, 400, "the body is not what was announced: {e}"),
    Row(storage.NoSuchIdentity, 404, '{e.kind} "{e.name}" not found'),
    Row(storage.IdentityExists, 409, '{e.kind} "{e.name}" already exists'),
    Row(storage.Corrupt, 500, "t[{n.target}]: BAD DATA CHECKSUM: stored bytes are damaged ({e.blob})", "ErrBadCksum"),
    Row(storage.TooManyRequests, 429, 'bucket "ais://{b.name}" limits its requests, try again in {e.seconds} seconds'),
    Row(storage.TooManyAttempts, 429, "too many failed logins, try again in {e.seconds} seconds"),
    Row(storage.OutOfSpace, 507, "t[{n.target}]: out of space", "ErrCapacityExceeded"),
    Row(Aborted, 400, "the job that the request belongs to was aborted"),
    Row(storage.VolumeFailed, 500, "t[{n.target}]: a volume failed: {e.reason}"),
    Row(storage.StorageError, 500, "t[{n.target}]: {e}"),
    Row(InvalidSource, 400, 'invalid promote source "{e.path}": {e.reason}', "errInvalidPromoteSource"),
    Row(NoSuchSource, 404, 'promote source "{e.path}" does not exist', "ErrNotFound"),
    Row(InvalidTemplate, 400, "{e}", "errTemplateInvalid"),
    Row(etl.NoSuchTransform, 404, "p[{n.proxy}]: etl job {e.name} does not exist"),
    Row(etl.TransformExists, 409, "p[{n.proxy}]: etl job {e.name} already exists"),
    Row(etl.InvalidStage, 400, "invalid action \"can't start ETL[{e.name}] during {e.stage} stage\""),
    Row(etl.UnsupportedSpec, 501, "{e.message}", "ErrUnsupp"),
    Row(etl.NotStopped, 409, "etl job {e.name} still runs {e.seconds} seconds after it was told to stop", "ErrBusy"),
    Row(etl.TransformBroken, 400, "{e.message}"),  # not 502: the SDK would send it again, for a minute and a half
    Row(etl.TransformTimeout, 400, "{e.message}"),  # nor 504
    Row(etl.TransformFailed, None, "{e.message}"),  # the server's own, as AIStore does
    Row(etl.EtlError, 400, "{e}"),
)
FROM_BELOW = {row.kind: row for row in ROWS}
assert len(FROM_BELOW) == len(ROWS), "an exception has two rows"
KNOWN = tuple(FROM_BELOW)


def translate(error: Exception, nodes: Nodes) -> NativeError:
    """What the client is told of an exception whose type, or a base of it, is in the table."""
    row = next(FROM_BELOW[kind] for kind in type(error).__mro__ if kind in FROM_BELOW)
    status: int = getattr(error, "status") if row.status is None else row.status
    bucket = BucketName.of(getattr(error, "bucket", ""))
    headers = [("Retry-After", str(error.seconds))] if isinstance(error, storage.TooSoon) else []
    return NativeError(status, row.message.format(e=error, b=bucket, n=nodes), code=row.code, headers=headers)


def describe(error: Exception, *, nodes: Nodes) -> Told:
    """An exception as a job tells it; no words for one that is in no table."""
    if isinstance(error, KNOWN):
        error = translate(error, nodes)
    return Told(error.message, error.status) if isinstance(error, NativeError) else Told("")


def document(error: NativeError, *, method: str, path: str, remote: str, node: str) -> dict[str, str | int]:
    """The fields of an error, in AIStore's order."""
    fields: dict[str, str | int] = {"tcode": error.code} if error.code else {}
    return fields | {
        "message": error.message,
        "method": method,
        "url_path": path,
        "remote_addr": remote,
        "caller": "",
        "node": node,
        "status": error.status,
    }
