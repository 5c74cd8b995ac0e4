"""The same transform on each of the official frameworks; `python official.py` runs the threaded one."""

import hashlib
import os

from aistore.sdk.etl.webserver.fastapi_server import FastAPIServer
from aistore.sdk.etl.webserver.flask_server import FlaskServer
from aistore.sdk.etl.webserver.http_multi_threaded_server import HTTPMultiThreadedServer


class Md5:
    """The MD5 of the object, its path and its arguments; complains about objects that say so."""

    def transform(self, data, path, etl_args):
        if data == b"complain":
            raise ValueError("as told")
        self.logger.info("transforming %s", path)
        return f"{hashlib.md5(data).hexdigest()} {path} {etl_args}".encode()

    def get_mime_type(self):
        return "text/x-md5"


class FastApiMd5(Md5, FastAPIServer):
    pass


class FlaskMd5(Md5, FlaskServer):
    pass


class HttpMd5(Md5, HTTPMultiThreadedServer):
    pass


class StreamedUpper(FastAPIServer):
    def transform_stream(self, reader, path, etl_args):
        while piece := reader.read(256 * 1024):
            if b"complain" in piece:
                raise ValueError("as told")
            yield piece.upper()


def fastapi():
    return FastApiMd5().app


def flask():
    return FlaskMd5().app


def streamed():
    return StreamedUpper().app


if __name__ == "__main__":
    HttpMd5(port=int(os.environ["PORT"])).start()
