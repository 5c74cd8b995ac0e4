"""How the workloads address a server: presigned S3 requests on a node, plain paths on nginx."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol
from urllib.parse import urlsplit

from tests.bench.servers import Server

BUCKET = "benchmark"


class Target(Protocol):
    """A server that serves and stores objects under signed or plain request targets (path and query)."""

    server: Server

    def get(self, key: str) -> str: ...

    def put(self, key: str) -> str: ...

    def fill(self, keys: list[str], size: int) -> None:
        """Have objects of `size` random bytes under the keys."""
        ...


class NginxTarget:
    def __init__(self, server: Server) -> None:
        self.server = server

    def get(self, key: str) -> str:
        return f"/{key}"

    put = get

    def fill(self, keys: list[str], size: int) -> None:
        for key in keys:
            path = self.server.files / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(os.urandom(size))


class NodeTarget:
    """A node through S3; every request is authenticated."""

    def __init__(self, server: Server) -> None:
        self.server = server
        assert server.node is not None
        self.s3: Any = server.node.client(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            read_timeout=300,
            max_pool_connections=16,
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        self.s3.create_bucket(Bucket=BUCKET)

    def signed(self, operation: str, **parameters: object) -> str:
        url = self.s3.generate_presigned_url(operation, Params={"Bucket": BUCKET, **parameters}, ExpiresIn=86400)
        parts = urlsplit(url)
        return f"{parts.path}?{parts.query}"

    def get(self, key: str) -> str:
        return self.signed("get_object", Key=key)

    def put(self, key: str) -> str:
        return self.signed("put_object", Key=key)

    def fill(self, keys: list[str], size: int) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda key: self.s3.put_object(Bucket=BUCKET, Key=key, Body=os.urandom(size)), keys))
