"""The object backwards, behind the name of its file, on each of the official frameworks; `python reverse.py` runs the
threaded one."""

import os
from urllib.parse import unquote

from aistore.sdk.etl.webserver.fastapi_server import FastAPIServer
from aistore.sdk.etl.webserver.flask_server import FlaskServer
from aistore.sdk.etl.webserver.http_multi_threaded_server import HTTPMultiThreadedServer


class Reverse:
    def transform(self, data, path, etl_args):
        if isinstance(data, str):
            assert os.path.basename(data) in (os.path.basename(path), os.path.basename(unquote(path))), (data, path)
            with open(data, "rb") as file:
                data = file.read()
        elif self.direct_fqn:
            raise ValueError("no file name")
        if data == b"bad":
            raise ValueError("as told")
        return data[::-1] + etl_args.encode()


class FastApiReverse(Reverse, FastAPIServer):
    pass


class FlaskReverse(Reverse, FlaskServer):
    pass


class HttpReverse(Reverse, HTTPMultiThreadedServer):
    pass


class StreamedSwap(FastAPIServer):
    def transform_stream(self, reader, path, etl_args):
        while piece := reader.read(256 * 1024):
            yield piece.swapcase()


def fastapi():
    return FastApiReverse().app


def flask():
    return FlaskReverse().app


def streamed():
    return StreamedSwap().app


if __name__ == "__main__":
    HttpReverse(port=int(os.environ["PORT"])).start()
