"""The S3 protocol as a WSGI application: each request is parsed, matched, authenticated, authorised and handled."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, Final

from s3api.auth import Authenticated, Authenticator, Keyring, SignatureV2, SignatureV4
from s3api.call import ETL_NAME, NO_BUCKET, Call, Lenses, Memberships, Service
from s3api.declare import DECLARED, Declared, Subject
from s3api.errors import S3Error, codes, render
from s3api.operations import LENSED
from s3api.repeats import Repeats, Verified
from s3api.reply import Reply
from s3api.request import Request
from s3api.router import match
from s3api.status import status_line
from s3api.translate import TRANSLATED, translate
from storage.content import Segments
from storage.pace import Pace
from storage.records import Bucket
from storage.store import Store

logger = logging.getLogger("sluice.s3")

StartResponse = Callable[[str, list[tuple[str, str]]], object]

# Values of headers that ask for nothing but what every object and bucket is; any other value is refused.
HARMLESS_VALUES: Final = {
    "x-amz-acl": frozenset({"private", "bucket-owner-full-control"}),
    "x-amz-bucket-object-lock-enabled": frozenset({"false", "False"}),
}
CANNED_ACLS: Final = frozenset(
    {"private", "public-read", "public-read-write", "authenticated-read", "aws-exec-read", "bucket-owner-read",
     "bucket-owner-full-control", "log-delivery-write"}
)
BODILESS: Final = frozenset({204, 304})
SECOND: Final = 1_000_000_000  # ns


class S3Application:
    """Answers every request of the S3 protocol; no exception but the interpreter's own leaves it.

    Whatever can be refused is refused before the first byte of the body is read.
    """

    def __init__(
        self,
        store: Store,
        keyring: Keyring,
        lenses: Lenses,
        memberships: Memberships,
        pace: Pace,
        *,
        region: str,
        domains: tuple[str, ...],
        bucket_defaults: str,
        signature_v2: bool,
        reserved_names: frozenset[str],
        clock: Callable[[], int],
        host_id: str,
    ) -> None:
        self._service = Service(store, lenses, memberships, pace, region, bucket_defaults, reserved_names, clock)
        self._domains = tuple(domain.lower() for domain in domains)
        self._authenticator = Authenticator(
            SignatureV4(keyring, region=region), SignatureV2(keyring) if signature_v2 else None
        )
        self._repeats = Repeats(self._authenticator)
        self._host_id = host_id
        self._host_header = ("x-amz-id-2", host_id)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes] | Segments:
        try:
            status, headers, body = self._answer(environ)
        except S3Error as error:
            status, headers, body = self._refusal(error, environ)
        except TRANSLATED as error:
            log_failure(error)
            status, headers, body = self._refusal(translate(error), environ)
        except Exception:
            logger.exception("request %s failed", environ["sluice.request_id"])
            status, headers, body = self._refusal(S3Error(codes.InternalError), environ)
        headers += (("x-amz-request-id", environ["sluice.request_id"]), self._host_header)
        start_response(status, headers)
        return body

    def _answer(self, environ: dict[str, Any]) -> Reply:
        now = self._service.clock() / SECOND
        verified = self._repeats.find(environ, now)
        if verified is None:
            verified = self._verify(environ, now)
            self._repeats.keep(environ, verified)
        request, declared, signed = verified
        environ["sluice.bucket"] = request.bucket
        environ["sluice.key"] = request.key
        environ["sluice.operation"] = declared.operation.name
        environ["sluice.account"] = signed.principal.id
        bucket = NO_BUCKET if declared.subject is Subject.ACCOUNT else self._admit(declared, request, signed)
        body = environ["wsgi.input"]
        return declared.handler(Call(self._service, request, body, declared.operation, signed, bucket))

    def _verify(self, environ: dict[str, Any], now: float) -> Verified:
        """What the request asks for and who signed it. What is known of it when it is refused is noted for the log."""
        request = Request(environ, domains=self._domains)
        environ["sluice.bucket"] = request.bucket
        environ["sluice.key"] = request.key
        operation = match(request.method, request.level, request.query, request.headers)
        environ["sluice.operation"] = operation.name
        declared = DECLARED.get(operation.name)
        if declared is None:
            raise S3Error(codes.NotImplemented, f"The operation {operation.name} is not implemented")
        if not declared.refused.isdisjoint(request.headers):
            refuse_unsupported(declared, request)
        if request.query:
            refuse_transform(declared, request)
        return Verified(request, declared, self._authenticate(request, declared, now))

    def _authenticate(self, request: Request, declared: Declared, now: float) -> Authenticated:
        signed = self._authenticator.authenticate(
            request.method,
            request.path,
            request.raw_query,
            request.signed_headers,
            now=now,
            bucket=request.host_bucket,
        )
        if signed is not None:
            return signed
        if declared.subject is Subject.BUCKET:
            self._service.bucket(request.bucket)  # a missing bucket is 404, whoever asks
        raise S3Error(codes.AccessDenied)

    def _admit(self, declared: Declared, request: Request, signed: Authenticated) -> Bucket:
        """The bucket, when the caller may do there what the operation does."""
        bucket = self._service.bucket(request.bucket)
        expected = request.headers.get("x-amz-expected-bucket-owner")
        if expected is not None and expected != bucket.owner:
            raise S3Error(codes.AccessDenied)
        self._service.authorise(signed.principal, declared.right, bucket)
        self._service.pace.admit(bucket)
        return bucket

    def _refusal(self, error: S3Error, environ: dict[str, Any]) -> Reply:
        code = error.code
        environ["sluice.error"] = code.name
        headers = list(error.headers)
        if environ["REQUEST_METHOD"] == "HEAD" or code.status in BODILESS:
            return Reply(status_line(code.status), headers)
        resource = environ["RAW_URI"].partition("?")[0]
        body = render(error, resource=resource, request_id=environ["sluice.request_id"], host_id=self._host_id)
        headers += [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))]
        return Reply(status_line(code.status), headers, (body,))


def refuse_unsupported(declared: Declared, request: Request) -> None:
    """501 for headers that ask for what the operation cannot do: silence would be worse."""
    headers = request.headers
    for name in declared.refused.intersection(headers):
        if headers[name] not in HARMLESS_VALUES.get(name, ()):
            raise _unsupported(name, headers[name])


def refuse_transform(declared: Declared, request: Request) -> None:
    """501 where a transform is named and the operation has none."""
    if request.query.get(ETL_NAME) and declared.operation.name not in LENSED:
        raise S3Error(codes.NotImplemented, f"{declared.operation.name} does not go through a transform")


def _unsupported(name: str, value: str) -> S3Error:
    if name == "x-amz-acl" and value not in CANNED_ACLS:
        return S3Error(codes.InvalidArgument, ArgumentName=name, ArgumentValue=value)
    return S3Error(codes.NotImplemented, Header=name)


def log_failure(error: Exception) -> None:
    """Say what an operator must know: refusals are the clients' business, these are not."""
    code = translate(error).code
    if code.status >= 500:
        logger.error("%s: %r", code.name, error)
