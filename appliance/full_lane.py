"""The full lane: HTTP/1.0, upgrades and whatever else is well-formed but uncommon, read and answered by gunicorn's own
parser and response writer. The application sees the same environ as in the fast lane, completed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

import gevent
from gunicorn.http import get_parser
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, NoMoreData, ParseException
from gunicorn.http.message import Request
from gunicorn.http.wsgi import FileWrapper, Response, WSGIErrorsWrapper
from gunicorn.util import write as write_to
from gunicorn.workers.base_async import ALREADY_HANDLED

from appliance import environ as environs
from appliance.connection import Application, Environ, Observer, log
from appliance.http import reply
from appliance.http.head import Limits, Refused, bad, check_as_strictly, path_of_url, too_large
from appliance.http.pulse import Pulse
from storage.errors import IncompleteBody


class Rested(Exception):
    """No request came within the time for one."""


class FullBody:
    """gunicorn's body under the fast lane's contract."""

    def __init__(self, request: Request) -> None:
        length = next((value for name, value in request.headers if name == "CONTENT-LENGTH"), None)
        chunked = any(name == "TRANSFER-ENCODING" for name, _ in request.headers)
        self.size = None if chunked else int(length or 0)
        self._body: Any = request.body
        self.received = 0

    def read(self, size: int = -1) -> bytes:
        try:
            data: bytes = self._body.read(size)
        except (ParseException, OSError, EOFError):
            raise IncompleteBody(self.size, self.received) from None
        self.received += len(data)
        if self.size is not None and self.received < self.size and (size < 0 or len(data) < size):
            raise IncompleteBody(self.size, self.received)
        return data

    def readinto(self, buffer: memoryview | bytearray) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def target(request: Request) -> str:
    """As `appliance.http.head.target`; in HTTP/1.0 the Host header may be missing."""
    sent: str = request.uri or ""
    if sent[:1] == "/" or sent == "*":
        return sent
    own = sent.partition("://")[2].partition("/")[0]
    return path_of_url(sent, host=next((value for name, value in request.headers if name == "HOST"), own))


class FullLane:
    """Serves one connection, beginning with the bytes that the fast lane has received but not answered."""

    def __init__(
        self,
        app: Application,
        *,
        cfg: Any,
        limits: Limits,
        observe: Observer,
        ids: Iterator[int],
        pulse: Pulse,
        scheme: str,
    ) -> None:
        self._app = app
        self._cfg = cfg
        self._limits = limits
        self._observe = observe
        self._ids = ids
        self._pulse = pulse
        self._scheme = scheme

    def serve(self, sock: Any, addr: Any, data: bytes) -> None:
        """Returns when the connection is to be closed; closing it is the caller's."""
        sock.settimeout(self._limits.stall_seconds)
        parser = get_parser(self._cfg, sock, addr)
        parser.unreader.unread(data)
        try:
            while self._answer(self._next(parser), sock, addr):
                pass
        except (StopIteration, NoMoreData, OSError, Rested):
            return
        except (LimitRequestHeaders, LimitRequestLine) as error:
            self._refuse(sock, too_large(str(error)))
        except ParseException as error:
            self._refuse(sock, bad(str(error)))
        except Refused as refused:
            self._refuse(sock, refused)

    def _next(self, parser: Any) -> Request:
        """The next request; `Rested` when it takes the client too long, or the process is stopping."""
        me = gevent.getcurrent()
        timeout = gevent.Timeout.start_new(self._limits.idle_seconds, Rested())
        self._pulse.resting.add(me)
        try:
            request: Request = next(parser)
            return request
        finally:
            self._pulse.resting.discard(me)
            timeout.close()

    def _answer(self, request: Request, sock: Any, addr: Any) -> bool:
        """Reply to one request; whether another may follow. `Refused`: none of it was answered."""
        check_as_strictly(request.version or (1, 0), request.headers, self._limits)
        response = Response(request, sock, self._cfg)
        response.version = "Sluice"
        environ = self._environ(request, sock, addr)
        if self._pulse.stopping:
            response.force_close()
        started = time.perf_counter()
        try:
            result = self._app(environ, response.start_response)
            if result is ALREADY_HANDLED:
                return False
            self._deliver(response, result)
        except OSError:
            response.force_close()
        except Exception:
            log.exception("%s %s failed", environ["REQUEST_METHOD"], reply.shown_path(environ["RAW_URI"]))
            response.force_close()
            self._fail(response, environ["sluice.request_id"])
        finally:
            self._observe(environ, int((response.status or "500")[:3]), response.sent, time.perf_counter() - started)
        return not response.should_close()

    def _deliver(self, response: Response, result: Iterable[bytes]) -> None:
        try:
            for piece in result:
                response.write(piece)
            response.close()
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()

    def _fail(self, response: Response, request_id: str) -> None:
        if response.headers_sent:
            return
        status, code, message = reply.INTERNAL_ERROR
        body = reply.error_body(code, message, request_id)
        response.status = None
        response.headers = []
        response.start_response(status, reply.error_headers(body, request_id))
        response.write(body)

    def _refuse(self, sock: Any, refused: Refused) -> None:
        request_id = f"{next(self._ids):016X}"
        body = reply.error_body(refused.code, refused.reason, request_id)
        headers = [*reply.error_headers(body, request_id), ("Connection", "close")]
        write_to(sock, reply.head(refused.status, headers, "Server: Sluice\r\n", "") + body)

    def _environ(self, request: Request, sock: Any, addr: Any) -> Environ:
        environ: Environ = {
            "REQUEST_METHOD": request.method,
            "RAW_URI": target(request),
            "SERVER_PROTOCOL": "HTTP/{}.{}".format(*(request.version or (1, 0))),
            "REMOTE_ADDR": addr[0] if isinstance(addr, tuple) else "",
            "wsgi.url_scheme": self._scheme,
            "wsgi.input": FullBody(request),
            "wsgi.errors": WSGIErrorsWrapper(self._cfg),
            "wsgi.file_wrapper": FileWrapper,
            "gunicorn.socket": sock,
            "sluice.headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers],
            "sluice.request_id": f"{next(self._ids):016X}",
        }
        environs.complete(environ)
        return environ
