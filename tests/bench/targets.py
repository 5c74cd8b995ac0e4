"""How the workloads address a server. Both get the same presigned requests; nginx looks at the path alone."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol
from urllib.parse import urlsplit

from tests.bench.servers import Server
from tests.node import Node

BUCKET = "benchmark"


class Target(Protocol):
    """A server that serves and stores objects under signed or plain request targets (path and query)."""

    server: Server

    def get(self, key: str) -> str: ...

    def put(self, key: str) -> str: ...

    def fill(self, keys: list[str], size: int) -> None:
        """Have objects of `size` random bytes under the keys."""
        ...


def client_of(server: Server) -> Any:
    """A boto3 client that signs for the node, or for whoever listens at nginx's address."""
    return (server.node or Node(server.files)).client(
        endpoint_url=server.base,
        signature_version="s3v4",
        s3={"addressing_style": "path"},
        read_timeout=300,
        max_pool_connections=16,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )


class Presigned:
    """Request targets of objects of the bucket, signed."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.s3 = client_of(server)

    def signed(self, operation: str, **parameters: object) -> str:
        url = self.s3.generate_presigned_url(operation, Params={"Bucket": BUCKET, **parameters}, ExpiresIn=86400)
        parts = urlsplit(url)
        return f"{parts.path}?{parts.query}"

    def get(self, key: str) -> str:
        return self.signed("get_object", Key=key)

    def put(self, key: str) -> str:
        return self.signed("put_object", Key=key)


class NginxTarget(Presigned):
    def fill(self, keys: list[str], size: int) -> None:
        for key in keys:
            path = self.server.files / BUCKET / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(os.urandom(size))


class NodeTarget(Presigned):
    """A node through S3; every request is authenticated."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.s3.create_bucket(Bucket=BUCKET)

    def fill(self, keys: list[str], size: int) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda key: self.s3.put_object(Bucket=BUCKET, Key=key, Body=os.urandom(size)), keys))
