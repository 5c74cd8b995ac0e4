"""Requests that SDKs refuse to send, byte for byte, signed by botocore's own signers or by nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from email.utils import format_datetime
from hashlib import sha256
from urllib.parse import quote, urlsplit

from botocore.auth import HmacV1Auth, S3SigV4Auth
from botocore.awsrequest import AWSRequest

from tests.s3compat.wire import Account, Answer, Connection, Pairs, Target

TIMESTAMP = "%Y%m%dT%H%M%SZ"
EMPTY = sha256().hexdigest()
UNSIGNED = "UNSIGNED-PAYLOAD"
CHUNKS_SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
CHUNKS_SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
CHUNKS_UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

Headers = Mapping[str, str] | Sequence[tuple[str, str]]


class Signer(S3SigV4Auth):  # type: ignore[misc]  # botocore has no types
    """botocore's signer with the clock and the payload's hash in the test's hands.

    `content` "" is the body's own hash; `stated` is how x-amz-date is written, "" for its usual form.
    """

    def __init__(
        self, account: Account, region: str, *, content: str = "", moment: datetime | None = None, stated: str = ""
    ) -> None:
        super().__init__(account.credentials, "s3", region)
        self._content = content
        self._stated = stated
        self.timestamp = (moment or datetime.now(timezone.utc)).strftime(TIMESTAMP)

    def payload(self, request: AWSRequest) -> str:
        content: str = self._content or super().payload(request)
        return content

    def _set_necessary_date_headers(self, request: AWSRequest) -> None:
        super()._set_necessary_date_headers(request)
        if self._stated:
            request.headers.replace_header("X-Amz-Date", self._stated)

    def sign_header(self, request: AWSRequest) -> str:
        """Add what a signed request has; its signature."""
        request.context["timestamp"] = self.timestamp
        self._modify_request_before_signing(request)
        signature = self.sign(request)
        self._inject_signature_to_request(request, signature)
        return signature

    def sign_query(self, request: AWSRequest, expires: str) -> str:
        """The URL of the request with its signature in the query."""
        request.context["timestamp"] = self.timestamp
        signed = self.signed_headers(self.headers_to_sign(request))
        terms = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": self.scope(request),
            "X-Amz-Date": self.timestamp,
            "X-Amz-Expires": expires,
            "X-Amz-SignedHeaders": signed,
        }
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in terms.items())
        request.url += ("&" if "?" in request.url else "?") + query
        return f"{request.url}&X-Amz-Signature={self.sign(request)}"

    def sign(self, request: AWSRequest) -> str:
        signature: str = self.signature(self.string_to_sign(request, self.canonical_request(request)), request)
        return signature

    def sign_chunks(self, request: AWSRequest, seed: str, chunks: Iterable[bytes], trailer: str = "") -> bytes:
        """An aws-chunked body whose chunks, and the trailer (`name:value`) if there is one, are signed in a chain."""
        previous = seed
        body = b""

        def sign(kind: str, hashed: str) -> str:
            head = f"AWS4-HMAC-SHA256-{kind}\n{self.timestamp}\n{self.credential_scope(request)}\n{previous}\n"
            signature: str = self.signature(head + hashed, request)
            return signature

        for chunk in [*chunks, b""]:
            previous = sign("PAYLOAD", f"{EMPTY}\n{sha256(chunk).hexdigest()}")
            body += b"%x;chunk-signature=%b\r\n" % (len(chunk), previous.encode())
            body += chunk + b"\r\n" if chunk else b""
        if trailer:
            signature = sign("TRAILER", sha256(f"{trailer}\n".encode()).hexdigest())
            body += f"{trailer}\r\nx-amz-trailer-signature:{signature}\r\n".encode()
        return body + b"\r\n"


class SignerV2(HmacV1Auth):  # type: ignore[misc]
    """botocore's signer of version 2 with the clock in the test's hands."""

    def __init__(self, account: Account, date: str) -> None:
        super().__init__(account.credentials)
        self._date = date

    def _get_date(self) -> str:
        return self._date


def plain_chunks(chunks: Iterable[bytes], trailer: str = "") -> bytes:
    """An aws-chunked body without signatures."""
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return body + b"0\r\n" + (f"{trailer}\r\n".encode() if trailer else b"") + b"\r\n"


def completion(*parts: tuple[int, str | None]) -> bytes:
    """The body of CompleteMultipartUpload."""
    listed = "".join(f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>" for number, etag in parts)
    return f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request ready to be sent; change it with `replace`."""

    method: str
    target: str
    headers: Pairs
    body: bytes = b""

    def without(self, *names: str) -> Prepared:
        gone = {name.lower() for name in names}
        return replace(self, headers=[pair for pair in self.headers if pair[0].lower() not in gone])

    def adding(self, *pairs: tuple[str, str]) -> Prepared:
        return replace(self, headers=[*self.headers, *pairs])

    @property
    def head(self) -> bytes:
        lines = [f"{self.method} {self.target} HTTP/1.1", *(f"{name}: {value}" for name, value in self.headers)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")

    @property
    def wire(self) -> bytes:
        return self.head + self.body


@dataclass(frozen=True, slots=True)
class Raw:
    """Sends requests to the endpoint as one account, or as nobody when `account` is None."""

    endpoint: Target
    account: Account | None

    def __call__(
        self,
        method: str,
        target: str,
        headers: Headers = (),
        body: bytes = b"",
        *,
        content: str = "",
        moment: datetime | None = None,
    ) -> Answer:
        """The answer to a request for this raw target, signed in its headers."""
        return self.send(self.prepared(method, target, headers, body, content=content, moment=moment))

    def send(self, request: Prepared) -> Answer:
        """The answer to exactly this request, on a connection of its own."""
        with self.connect() as connection:
            return connection.send(request.wire).answer(request.method)

    def connect(self) -> Connection:
        return Connection(self.endpoint.endpoint)

    def prepared(
        self,
        method: str,
        target: str,
        headers: Headers = (),
        body: bytes = b"",
        *,
        content: str = "",
        moment: datetime | None = None,
        framed: bool = True,
    ) -> Prepared:
        """The request, signed for `content` as its payload's hash; `framed` adds a Content-Length where one belongs."""
        request = self._request(method, target, headers, body)
        if self.account is not None:
            Signer(self.account, self.endpoint.region, content=content, moment=moment).sign_header(request)
        return self._framed(request, target, body, framed)

    def presigned(
        self,
        method: str,
        target: str,
        headers: Headers = (),
        body: bytes = b"",
        *,
        expires: str = "60",
        moment: datetime | None = None,
    ) -> Prepared:
        """The request, signed in its query; the headers given are under the signature."""
        assert self.account is not None
        request = self._request(method, target, headers, body)
        signer = Signer(self.account, self.endpoint.region, content=UNSIGNED, moment=moment)
        url = signer.sign_query(request, expires)
        return self._framed(request, url[len(_origin(url)) :], body, True)

    def streamed(
        self,
        target: str,
        chunks: Sequence[bytes],
        headers: Headers = (),
        *,
        mode: str = CHUNKS_SIGNED,
        trailer: str = "",
        method: str = "PUT",
        decoded_length: bool = True,
    ) -> Prepared:
        """An upload in aws-chunked coding; `trailer` is a `name:value` line, announced by x-amz-trailer."""
        assert self.account is not None
        pairs = _pairs(headers)
        names = {name.lower() for name, _ in pairs}
        if "content-encoding" not in names:
            pairs.append(("Content-Encoding", "aws-chunked"))
        if decoded_length:
            pairs.append(("x-amz-decoded-content-length", str(sum(map(len, chunks)))))
        if trailer and "x-amz-trailer" not in names:
            pairs.append(("x-amz-trailer", trailer.partition(":")[0]))
        request = self._request(method, target, pairs, b"")
        signer = Signer(self.account, self.endpoint.region, content=mode)
        seed = signer.sign_header(request)
        if mode == CHUNKS_UNSIGNED_TRAILER:
            body = plain_chunks(chunks, trailer)
        else:
            body = signer.sign_chunks(request, seed, chunks, trailer)
        return self._framed(request, target, body, True)

    def signed_v2(
        self, method: str, target: str, headers: Headers = (), body: bytes = b"", *, date: str | None = None
    ) -> Prepared:
        """The request with a Signature V2 header; `date` is a Date header's text instead of now's."""
        assert self.account is not None
        request = self._request(method, target, headers, body)
        now = format_datetime(datetime.now(timezone.utc), usegmt=True)
        signer = SignerV2(self.account, now if date is None else date)
        signature = signer.get_signature(method, urlsplit(request.url), request.headers)
        request.headers["Authorization"] = f"AWS {self.account.access_key}:{signature}"
        return self._framed(request, target, body, True)

    def _request(self, method: str, target: str, headers: Headers, body: bytes) -> AWSRequest:
        request = AWSRequest(method, f"{_origin(self.endpoint.endpoint)}{target}", data=body)
        for name, value in _pairs(headers):
            request.headers[name] = value
        return request

    def _framed(self, request: AWSRequest, target: str, body: bytes, framed: bool) -> Prepared:
        pairs = [(name, str(value)) for name, value in request.headers.items()]
        names = {name.lower() for name, _ in pairs}
        if "host" not in names:
            pairs.insert(0, ("Host", self.endpoint.host))
        bodied = body or request.method in ("PUT", "POST")
        if framed and bodied and names.isdisjoint({"content-length", "transfer-encoding"}):
            pairs.append(("Content-Length", str(len(body))))
        return Prepared(request.method, target, pairs, body)


def _pairs(headers: Headers) -> Pairs:
    return list(headers.items() if isinstance(headers, Mapping) else headers)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
