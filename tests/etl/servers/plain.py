"""A transform's server on the standard library alone; what it does with an object is the first word of `etl_args`."""

import os
import signal
import socket
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

PIECE = 64 * 1024


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.answer(200, b"Running")

    def do_PUT(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        self.words = (query.get("etl_args") or ["upper"])[0].split(" ")
        self.left = int(self.headers.get("Content-Length", 0))
        getattr(self, self.words[0])()

    def body(self) -> bytes:
        data, self.left = self.rfile.read(self.left), 0
        return data

    def pieces(self):
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        while self.left:
            piece = self.rfile.read1(min(self.left, PIECE))
            self.left -= len(piece)
            yield piece

    def answer(self, status: int, data: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def begin_chunks(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x;note=1\r\n%b\r\n" % (len(data), data))

    def picky(self) -> None:
        data = self.body()
        if data.startswith(b"bad"):
            self.answer(422, b"cannot do that")
        else:
            self.answer(200, data.upper())

    def upper(self) -> None:
        self.answer(200, self.body().upper(), Content_Type="text/plain; charset=utf-8")

    def echo(self) -> None:
        self.begin_chunks()
        for piece in self.pieces():
            self.chunk(piece)
        self.wfile.write(b"0\r\nTrailer: 1\r\n\r\n")

    def path_and_arguments(self) -> None:
        self.body()
        self.answer(200, unquote(urlsplit(self.path).path).encode() + b"\n" + " ".join(self.words[1:]).encode())

    def environment(self) -> None:
        self.body()
        lines = [f"{name}={value}" for name, value in sorted(os.environ.items())]
        lines += [f"cwd={os.getcwd()}", f"argv={sys.argv[1:]}", f"umask={os.umask(0o077):o}"]
        lines += [f"descriptors={sorted(os.listdir('/proc/self/fd'))[:-1]}"]
        self.answer(200, "\n".join(lines).encode())

    def status(self) -> None:
        self.body()
        self.answer(int(self.words[1]), " ".join(self.words[2:]).encode())

    def half(self) -> None:
        """Half of it in chunks, then the connection is cut."""
        self.begin_chunks()
        self.chunk(self.body())
        self.cut()

    def half_sized(self) -> None:
        size = self.left
        self.send_response(200)
        self.send_header("Content-Length", str(2 * size))
        self.end_headers()
        self.wfile.write(self.body())
        self.cut()

    def cut(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def hang(self) -> None:
        self.body()
        time.sleep(float(self.words[1]))
        self.answer(200, b"late")

    def trickle(self) -> None:
        """A chunk each tenth of a second, for so many seconds."""
        self.body()
        self.begin_chunks()
        for _ in range(int(10 * float(self.words[1]))):
            self.chunk(b"." * PIECE)
            time.sleep(0.1)
        self.wfile.write(b"0\r\n\r\n")

    def early(self) -> None:
        """An answer before the body was read, which never is."""
        self.answer(200, b"enough")
        self.close_connection = True

    def refused(self) -> None:
        self.answer(413, b"too much", Connection="close")
        self.close_connection = True

    def until_close(self) -> None:
        data = self.body()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(data)
        self.close_connection = True

    def empty(self) -> None:
        self.body()
        self.send_response(204)
        self.end_headers()

    def redirect(self) -> None:
        self.body()
        self.answer(308, b"", Location=f"http://{self.headers['Host']}/moved?etl_args=upper")

    def nonsense(self) -> None:
        self.body()
        self.wfile.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        self.close_connection = True

    def connection_number(self) -> None:
        """The client's port: the same as long as it keeps its connection."""
        self.body()
        self.answer(200, str(self.client_address[1]).encode())

    def once(self) -> None:
        """Cuts the connection without a word, but not twice."""
        self.body()
        if os.path.exists("been-here"):
            return self.answer(200, b"at last")
        open("been-here", "w").close()
        self.cut()

    def hidden_child(self) -> None:
        """Leaves a process in a session of its own behind."""
        self.body()
        child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
        self.answer(200, str(child.pid).encode())

    def die(self) -> None:
        print("the server takes its leave", flush=True)
        os._exit(3)

    def say(self) -> None:
        self.body()
        print(" ".join(self.words[1:]), flush=True)
        self.answer(200, b"said")

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main() -> None:
    if "--stubborn" in sys.argv:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(1000 if "--hang" in sys.argv else 1 if "--slow" in sys.argv else 0)
    port = int(sys.argv[sys.argv.index("--port") + 1])
    print("listening", port, flush=True)
    Server(("127.0.0.1", port), Handler).serve_forever()


main()
