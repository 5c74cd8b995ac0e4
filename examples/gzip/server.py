"""An object compressed, piece by piece: memory does not grow with the object. `etl_args` may be a level ("9")."""

import zlib
from collections.abc import Iterator
from typing import BinaryIO

from etl.webserver.flask_server import FlaskServer

PIECE = 256 * 1024
GZIP = 16 + zlib.MAX_WBITS


class Gzip(FlaskServer):
    def transform_stream(self, reader: BinaryIO, _path: str, etl_args: str) -> Iterator[bytes]:
        packing = zlib.compressobj(int(etl_args or 6), zlib.DEFLATED, GZIP)
        while piece := reader.read(PIECE):
            yield packing.compress(piece)
        yield packing.flush()

    def get_mime_type(self) -> str:
        return "application/gzip"


if __name__ == "__main__":
    Gzip().start()
