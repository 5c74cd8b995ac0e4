"""What a transform's author writes: a class with `transform` or `transform_stream`."""

from __future__ import annotations

import logging
import os
import resource
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import BinaryIO
from urllib.parse import unquote

from etl.webserver.surroundings import Surroundings


class ETLServer(ABC):
    """A server that transforms objects. A subclass that has an `__init__` of its own calls this one.

    `host_target`, `direct_put`, `direct_fqn`, `direct_put_retries` and `token` are what the environment says;
    `logger` writes to the standard output, which the node keeps as the transform's log.
    """

    def __init__(self, host: str | None = None, port: int | None = None) -> None:
        """Where to listen, if the node is not to say. `TypeError` when there is nothing to transform with."""
        allow_open_files()
        self.surroundings = Surroundings.of(os.environ)
        self.host = host or self.surroundings.host
        self.port = port or self.surroundings.port
        self.host_target = self.surroundings.target_url
        self.direct_put = self.surroundings.direct_put
        self.direct_fqn = self.surroundings.direct_fqn
        self.direct_put_retries = self.surroundings.direct_put_retries
        self.token = self.surroundings.token or None
        self.logger = logger(type(self).__name__)
        buffered = type(self).transform is not ETLServer.transform
        streamed = type(self).transform_stream is not ETLServer.transform_stream
        if not buffered and not streamed:
            raise TypeError(f"{type(self).__name__} must override either transform() or transform_stream()")
        self.use_streaming = not buffered

    def transform(self, data: bytes | str, path: str, etl_args: str) -> bytes:
        """What becomes of the object; goes before `transform_stream` when a class has both.

        `data` is the object, or with `direct_fqn` the name of its file where it comes in one. `path` is the bucket
        and the object, decoded; `etl_args` what the user says, or "". `FileNotFoundError` says that there is no such
        object, which a job over many objects passes over; any other exception is an error of this object.
        """
        raise NotImplementedError("Subclass must override either transform() or transform_stream()")

    def transform_stream(self, reader: BinaryIO, path: str, etl_args: str) -> Iterator[bytes]:
        """What becomes of the object, in pieces; neither needs to fit in memory.

        An exception before the first piece is an error as in `transform`; later ones break the answer off. It may be
        called again for the same request, with a reader at the object's beginning, when a result got lost on its way.
        """
        raise NotImplementedError("Subclass must override either transform() or transform_stream()")

    def get_mime_type(self) -> str:
        """The content type of results."""
        return "application/octet-stream"

    def sanitize_fqn(self, fqn: str) -> str:
        """The absolute path that the parameter `etl_fqn` means: the node escapes it once more than a query needs."""
        return os.path.normpath(os.path.join("/", unquote(fqn).lstrip("/")))

    @abstractmethod
    def start(self) -> None:
        """Serve until SIGTERM."""


def logger(name: str) -> logging.Logger:
    layout = "%(asctime)s - %(name)s - %(levelname)s - %(message)s"
    logging.basicConfig(level=logging.INFO, format=layout, stream=sys.stdout)
    made = logging.getLogger(name)
    made.setLevel(logging.INFO)
    return made


def allow_open_files() -> None:
    """As many as the system lets this process have: each request takes a few."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
