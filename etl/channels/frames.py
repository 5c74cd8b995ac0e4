"""The messages of a WebSocket as they come, however large: `websockets` itself holds a whole frame in memory."""

from __future__ import annotations

from collections.abc import Iterator

from websockets.frames import Close, Frame, Opcode
from websockets.exceptions import ProtocolError

from etl.channels.exchange import Exchange
from etl.errors import TransformBroken

FIN, RESERVED, OPCODE = 0x80, 0x70, 0x0F
MASKED, LENGTH = 0x80, 0x7F
LENGTH_OF_TWO, LENGTH_OF_EIGHT = 126, 127  # bytes of the length that follows
LONGEST_CONTROL = 125  # bytes


class Closed(Exception):
    """The server has closed the WebSocket, as the text says."""


class Incoming:
    """One message from a server: `begin` tells its kind, then `payload` gives its bytes."""

    __slots__ = ("_exchange", "_fin", "_left", "rest")

    def __init__(self, exchange: Exchange, rest: bytes) -> None:
        """`rest` is what was received before; afterwards, what lies behind the message."""
        self._exchange = exchange
        self._fin = False
        self._left = 0  # bytes of the frame
        self.rest = rest

    @property
    def size(self) -> int | None:
        """Of the message, in bytes, once it has begun; None: in several frames, so nobody knows."""
        return self._left if self._fin else None

    def begin(self) -> Opcode:
        """BINARY or TEXT. `OSError` or `Closed` when the connection ends."""
        opcode = self._head()
        if opcode is Opcode.CONT:
            raise strange()
        return opcode

    def payload(self) -> Iterator[bytes]:
        while True:
            while self._left:
                piece = self.rest or self._more()
                taken = piece[:self._left]
                self.rest = piece[len(taken):]
                self._left -= len(taken)
                yield taken
            if self._fin:
                return
            if self._head() is not Opcode.CONT:
                raise strange()

    def _head(self) -> Opcode:
        """The head of the next frame with data; control frames before it are dealt with."""
        while True:
            first, second = self._take(2)
            try:
                opcode = Opcode(first & OPCODE)
            except ValueError as error:
                raise strange() from error
            if first & RESERVED or second & MASKED:
                raise strange()
            length = self._length(second & LENGTH)
            if opcode in (Opcode.CONT, Opcode.TEXT, Opcode.BINARY):
                self._fin, self._left = bool(first & FIN), length
                return opcode
            self._control(opcode, length)

    def _length(self, announced: int) -> int:
        if announced == LENGTH_OF_TWO:
            return int.from_bytes(self._take(2), "big")
        if announced == LENGTH_OF_EIGHT:
            return int.from_bytes(self._take(8), "big")
        return announced

    def _control(self, opcode: Opcode, length: int) -> None:
        if length > LONGEST_CONTROL:
            raise strange()
        data = self._take(length)
        if opcode is Opcode.CLOSE:
            raise Closed(reason(data))
        if opcode is Opcode.PING and self._exchange.sent:  # before that it would cut a frame in two
            self._exchange.send_at_once(Frame(Opcode.PONG, data).serialize(mask=True))

    def _take(self, size: int) -> bytes:
        while len(self.rest) < size:
            self.rest += self._more()
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken

    def _more(self) -> bytes:
        piece = self._exchange.receive()
        if not piece:
            raise ConnectionResetError("the server closed the connection")
        return piece


def reason(data: bytes) -> str:
    try:
        return str(Close.parse(data))
    except (ProtocolError, UnicodeDecodeError):
        return "without a reason"


def strange() -> TransformBroken:
    return TransformBroken("the transform's server sent what is no frame of a WebSocket")
