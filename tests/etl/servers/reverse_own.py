"""The object backwards, on each server of our own framework: `reverse_own.py flask|threaded|streamed`."""

import sys

from etl.webserver.flask_server import FlaskServer
from etl.webserver.http_multi_threaded_server import HTTPMultiThreadedServer


class Reverse:
    def transform(self, data, path, etl_args):
        if isinstance(data, str):
            with open(data, "rb") as file:
                data = file.read()
        elif self.direct_fqn:
            raise ValueError("no file name")
        if data == b"bad":
            raise ValueError("as told")
        return data[::-1] + etl_args.encode()


class FlaskReverse(Reverse, FlaskServer):
    pass


class ThreadedReverse(Reverse, HTTPMultiThreadedServer):
    pass


class StreamedReverse(FlaskServer):
    def transform_stream(self, reader, path, etl_args):
        pieces = list(iter(lambda: reader.read(256 * 1024), b""))
        yield from (piece[::-1] for piece in reversed(pieces))
        yield etl_args.encode()


{"flask": FlaskReverse, "threaded": ThreadedReverse, "streamed": StreamedReverse}[sys.argv[1]]().start()
