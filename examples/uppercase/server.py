"""A text in capitals, over a WebSocket: a job's objects share a few connections."""

from etl.webserver.flask_server import FlaskServer


class Uppercase(FlaskServer):
    def transform(self, data: bytes, _path: str, _etl_args: str) -> bytes:
        return data.decode().upper().encode()

    def get_mime_type(self) -> str:
        return "text/plain; charset=utf-8"


if __name__ == "__main__":
    Uppercase().start()
