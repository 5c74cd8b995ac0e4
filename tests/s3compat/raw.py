"""Requests that SDKs refuse to send, byte for byte, signed by botocore's own signers or by nobody."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from email.utils import format_datetime
from hashlib import sha256
from urllib.parse import quote, urlsplit

from botocore.auth import HmacV1Auth, S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from lxml import etree

TIMESTAMP = "%Y%m%dT%H%M%SZ"
EMPTY = sha256().hexdigest()
UNSIGNED = "UNSIGNED-PAYLOAD"
CHUNKS_SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
CHUNKS_SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
CHUNKS_UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

Pairs = list[tuple[str, str]]
Headers = Mapping[str, str] | Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Account:
    access_key: str
    secret_key: str

    @property
    def credentials(self) -> Credentials:
        return Credentials(self.access_key, self.secret_key)


@dataclass(frozen=True, slots=True)
class Target:
    """The endpoint under test, its region, and two accounts of it."""

    endpoint: str
    region: str
    main: Account
    alt: Account
    domain: str = ""  # under which buckets are host names, with the port; "" is the endpoint's own

    @property
    def host(self) -> str:
        return urlsplit(self.endpoint).netloc

    def bucket_host(self, bucket: str) -> str:
        return f"{bucket}.{self.domain or self.host}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the headers as they were spelled, in order."""

    status: int
    headers: Pairs
    body: bytes = field(repr=False)

    def header(self, name: str) -> str | None:
        """The header's value, repeated ones joined by commas; None without one."""
        values = [value for found, value in self.headers if found.lower() == name.lower()]
        return ",".join(values) if values else None

    @property
    def root(self) -> etree._Element:
        return etree.fromstring(self.body)

    def text(self, element: str) -> str | None:
        """The text of the first element of this local name, "" when it is empty; None without one."""
        found = next(self.root.iter(f"{{*}}{element}"), None)
        return None if found is None else found.text or ""

    def texts(self, path: str) -> list[str]:
        """The texts of all elements on a path of local names: `Contents/Key`."""
        steps = "/".join(f"{{*}}{step}" for step in path.split("/"))
        return [element.text or "" for element in self.root.findall(steps)]

    @property
    def code(self) -> str | None:
        return self.text("Code") if self.body else None

    @property
    def refusal(self) -> tuple[int, str | None]:
        return self.status, self.code


class Connection:
    """One connection, which stays open as long as the server lets it."""

    def __init__(self, endpoint: str) -> None:
        parts = urlsplit(endpoint)
        assert parts.hostname is not None
        port = parts.port or (443 if parts.scheme == "https" else 80)
        self._socket: socket.socket = socket.create_connection((parts.hostname, port), 30)
        if parts.scheme == "https":
            self._socket = ssl.create_default_context().wrap_socket(self._socket, server_hostname=parts.hostname)
        self._ahead = b""

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> Connection:
        self._socket.sendall(data)
        return self

    def end(self) -> Connection:
        """Send nothing more; what the server says can still be read."""
        self._socket.shutdown(socket.SHUT_WR)
        return self

    def says_nothing(self, seconds: float) -> bool:
        """Whether nothing comes within the time."""
        self._socket.settimeout(seconds)
        try:
            self._ahead += self._socket.recv(65536)
        except TimeoutError:
            return True
        finally:
            self._socket.settimeout(30)
        return False

    def closed(self) -> bool:
        """Whether the server has closed, or closes within the time-out, and sends nothing before."""
        try:
            return not self._ahead and self._socket.recv(1) == b""
        except ConnectionError:
            return True

    def answer(self, method: str = "GET") -> Answer:
        """The next answer, a 100 included; `method` is that of its request."""
        head = self._until(b"\r\n\r\n").decode("latin-1")
        status_line, *lines = head[:-4].split("\r\n")
        status = int(status_line.split(" ")[1])
        pairs = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        bodiless = method == "HEAD" or status in (100, 204, 304)
        return Answer(status, pairs, b"" if bodiless else self._body(Answer(status, pairs, b"")))

    def _body(self, head: Answer) -> bytes:
        if head.header("transfer-encoding") == "chunked":
            body = b""
            while size := int(self._until(b"\r\n"), 16):
                body += self._take(size + 2)[:-2]
            self._take(2)
            return body
        length = head.header("content-length")
        return self._take(int(length)) if length is not None else b""

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._ahead:
            self._receive()
        found, _, self._ahead = self._ahead.partition(mark)
        return found + mark

    def _take(self, size: int) -> bytes:
        while len(self._ahead) < size:
            self._receive()
        found, self._ahead = self._ahead[:size], self._ahead[size:]
        return found

    def _receive(self) -> None:
        data = self._socket.recv(1 << 20)
        if not data:
            raise EOFError(self._ahead)
        self._ahead += data


class Signer(S3SigV4Auth):  # type: ignore[misc]  # botocore has no types
    """botocore's signer with the clock and the payload's hash in the test's hands; `content` "" is the body's own."""

    def __init__(self, account: Account, region: str, *, content: str = "", moment: datetime | None = None) -> None:
        super().__init__(account.credentials, "s3", region)
        self._content = content
        self.timestamp = (moment or datetime.now(timezone.utc)).strftime(TIMESTAMP)

    def payload(self, request: AWSRequest) -> str:
        content: str = self._content or super().payload(request)
        return content

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
        """An aws-chunked body whose chunks, and trailer (`name:value`) if there is one, are signed one after another."""
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


def plain_chunks(chunks: Iterable[bytes], trailer: str = "") -> bytes:
    """An aws-chunked body without signatures."""
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return body + b"0\r\n" + (f"{trailer}\r\n".encode() if trailer else b"") + b"\r\n"


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
        now = format_datetime(datetime.now(timezone.utc), usegmt=True)
        request = self._request(method, target, [*_pairs(headers), ("Date", now if date is None else date)], body)
        signer = HmacV1Auth(self.account.credentials)
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
