"""What goes over the wire and comes back: the endpoint, connections, answers as they were spelled."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from botocore.credentials import Credentials
from lxml import etree

Pairs = list[tuple[str, str]]


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
