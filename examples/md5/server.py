"""The MD5 of an object in hexadecimal, by the plain server: hashlib computes outside of Python's lock."""

import hashlib

from etl.webserver.http_multi_threaded_server import HTTPMultiThreadedServer


class Md5(HTTPMultiThreadedServer):
    def transform(self, data: bytes, _path: str, _etl_args: str) -> bytes:
        return hashlib.md5(data).hexdigest().encode()

    def get_mime_type(self) -> str:
        return "text/plain"


if __name__ == "__main__":
    Md5().start()
