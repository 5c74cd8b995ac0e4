"""A node's cluster as an administrator's HTTP client sees it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import requests

from tests.node import Node


@dataclass(frozen=True)
class Cluster:
    node: Node

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.request(
            method,
            f"{self.node.endpoint}/v1/{path}",
            headers={"Authorization": f"Bearer {self.node.token}", **named},
            data=None if body is None else json.dumps(body),
            timeout=20,
        )

    def ask(self, path: str, what: str, **headers: str) -> Any:
        answer = self("GET", f"{path}?what={what}", **headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def act(self, path: str, action: str, value: Any = None) -> requests.Response:
        return self("PUT", path, {"action": action, "name": "", "value": value})

    def config(self, section: str) -> Any:
        return self.ask("cluster", "cluster_config")[section]

    @property
    def target(self) -> str:
        (name,) = self.ask("daemon", "smap")["tmap"]
        return str(name)

    @property
    def data(self) -> str:
        return str(self.node.folder / "data")
