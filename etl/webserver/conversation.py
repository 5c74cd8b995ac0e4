"""A WebSocket: objects come one after the other, and are answered in their order.

For each a binary message says what is to be done (JSON), and another holds the object unless it lies in a file. The
answer is binary when it is the result. Text says what has become of a result that was to be delivered: the number of
its bytes when it was, the error when not. Other errors are told as text, too; the next object has its chance.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import msgspec
from geventwebsocket.exceptions import WebSocketError
from geventwebsocket.websocket import WebSocket

from etl.webserver.answers import DELIVERED, DIRECT_PUT_LENGTH, OK, Answer, failure
from etl.webserver.processing import Call, Processing
from etl.webserver.sources import Message


class Control(msgspec.Struct, frozen=True):
    """What is to be done with the object that follows."""

    path: str = ""
    fqn: str = ""
    etl_args: str = ""
    pipeline: str = ""


CONTROL = msgspec.json.Decoder(Control)


def converse(processing: Processing, socket: WebSocket) -> None:
    """Answer until the peer has gone. A message that cannot be read ends it: nobody knows whether an object follows."""
    with contextlib.suppress(WebSocketError):
        for call in calls(processing, socket):
            socket.send(reply(processing, call))


def calls(processing: Processing, socket: WebSocket) -> Iterator[Call]:
    while (message := next_message(socket)) is not None:
        try:
            control = CONTROL.decode(message)
        except msgspec.MsgspecError as error:
            processing.server.logger.error("WebSocket: a message that says nothing of an object: %s", error)
            socket.close()
            return
        if control.fqn:
            yield Call(control.path, control.etl_args.strip(), processing.file(control.fqn), control.pipeline)
        elif (data := socket.receive()) is not None:
            yield Call(control.path, control.etl_args.strip(), Message(binary(data)), control.pipeline)
        else:
            return


def next_message(socket: WebSocket) -> bytearray | str | None:
    """What the next object is; None when there is none, as when the server ends meanwhile."""
    with socket.handler.waiting():
        message: bytearray | str | None = socket.receive()
    return message


def binary(data: bytearray | str) -> bytes:
    return data.encode() if isinstance(data, str) else bytes(data)


def reply(processing: Processing, call: Call) -> bytes | str:
    try:
        return told(processing.answer(call))
    except Exception as error:  # of the transform's author: anything
        message = failure(error, call.path).message
        processing.server.logger.error("%s: %s", call.path, message)
        return f"Transform error: {message}"


def told(answer: Answer) -> bytes | str:
    if answer.status == DELIVERED:
        return answer.headers.get(DIRECT_PUT_LENGTH, "0")
    body = answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)
    return body if answer.status == OK else f"Direct put failed: {answer.status} {body.decode(errors='replace')}"
