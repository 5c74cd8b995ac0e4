"""A transform as an author writes it; `authored.py MODULE CLASS STYLE` runs it on that framework."""

import hashlib
import os
import sys
import time
from importlib import import_module

MODULE, CLASS, STYLE = sys.argv[1:]
Base = getattr(import_module(MODULE), CLASS)


class Buffered(Base):
    def transform(self, data, path, etl_args):
        if isinstance(data, str):
            return f"file {os.path.basename(data)} of {path}".encode()
        if etl_args == "fail":
            raise ValueError("as told")
        if etl_args == "missing":
            raise FileNotFoundError(2, "gone", "/where/it/was")
        if etl_args == "nothing":
            return b""
        if etl_args == "echo":
            return data
        if etl_args == "wait":
            time.sleep(0.5)
        return f"{hashlib.md5(data).hexdigest()} {path} {etl_args}".encode()

    def get_mime_type(self):
        return "text/x-md5"


class Streamed(Base):
    def transform_stream(self, reader, path, etl_args):
        if etl_args == "fail":
            raise ValueError("as told")
        for number, piece in enumerate(iter(lambda: reader.read(64 * 1024), b"")):
            if etl_args == "break" and number == 8:
                raise FileNotFoundError(2, "halfway", "/where/it/was")
            yield piece.upper()

    def get_mime_type(self):
        return "text/x-upper"


{"buffered": Buffered, "streamed": Streamed}[STYLE](port=int(os.environ["PORT"])).start()
