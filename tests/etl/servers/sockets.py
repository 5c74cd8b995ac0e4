"""A transform's server by WebSocket alone; what it does with an object is the first word of `etl_args`."""

import json
import os
import sys
import threading
import time
from http import HTTPStatus

from websockets.sync.server import serve


def hang(socket, data, rest):
    time.sleep(float(rest))
    socket.send(b"late")


def half(socket, data, rest):
    socket.socket.sendall(b"\x82\x7e\x10\x00" + data)
    socket.socket.close()


DEEDS = {
    "echo": lambda socket, data, rest: socket.send(data),
    "fragments": lambda socket, data, rest: socket.send(iter([data[:3], b"", data[3:]])),
    "hang": hang,
    "text": lambda socket, data, rest: socket.send(rest),
    "close": lambda socket, data, rest: socket.close(1011, "no more"),
    "half": half,
    "nonsense": lambda socket, data, rest: socket.socket.sendall(b"\xff\xff\xff\xff"),
    "die": lambda socket, data, rest: os._exit(3),
}


def answer(socket):
    while True:
        control = json.loads(socket.recv())
        data = socket.recv()
        word, _, rest = control.get("etl_args", "echo").partition(" ")
        DEEDS[word](socket, data, rest)


def healthy(connection, request):
    if request.path == "/health":
        return connection.respond(HTTPStatus.OK, "Running")
    return None


threading.stack_size(256 * 1024)
serve(answer, "127.0.0.1", int(sys.argv[-1]), process_request=healthy, max_size=None, compression=None).serve_forever()
