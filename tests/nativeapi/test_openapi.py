"""The description of /v1: complete, valid, readable, and true of a real node."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import validate
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from nativeapi import administration, buckets, objects, questions, routes
from nativeapi.openapi.sources import entries
from tests.conftest import StartNode
from tests.node import Node

UNOFFERED = 501  # what AIStore offers and this node does not
EXAMPLES = 8  # of each path and method
ENDING = ("shutdown", "shutdown-node")  # actions that would end the node under test


@pytest.fixture
def description(node: Node) -> Any:
    return requests.get(f"{node.endpoint}/v1/openapi.json", timeout=5).json()


def test_description_is_valid_and_needs_no_token(description: Any) -> None:
    validate(description)
    assert description["paths"]["/v1/health"]["get"]["security"] == []


def test_every_row_is_described() -> None:
    found = list(entries())
    assert {row.action for row in buckets.ROWS} <= {entry.action for entry in found}
    assert {row.name for row in objects.OPERATIONS} <= {entry.name for entry in found}
    assert {row.what for row in questions.ROWS} == {entry.what for entry in found if entry.what}
    assert {row.action for row in administration.ROWS} <= {entry.action for entry in found}


def test_every_path_of_the_blueprint_is_described(description: Any) -> None:
    described = {path.removeprefix("/v1").split("{")[0].split("/")[1] for path in description["paths"]}
    routed = {re.split(r"[/<]", row.path)[1] for row in routes.ROWS if row.path.strip("/") not in ("", "<path:rest>")}
    assert routed - {"openapi.json"} == described


def test_reader_comes_from_the_node_alone(node: Node) -> None:
    page = requests.get(f"{node.endpoint}/v1/docs/", timeout=5)
    assert page.status_code == 200 and "/v1/openapi.json" in page.text
    sources = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    for source in sources:
        url = urljoin(page.url, source)
        assert url.startswith(f"{node.endpoint}/v1/docs/")
        reply = requests.get(url, timeout=5)
        assert (reply.status_code, len(reply.content) > 0) == (200, True), source


def test_no_described_request_makes_the_node_fail(start_node: StartNode) -> None:
    node = start_node()
    schema = schemathesis.openapi.from_url(f"{node.endpoint}/v1/openapi.json")
    schema.config.update(base_url=node.endpoint)
    for name in ("one", "two"):
        node.client().create_bucket(Bucket=f"described-{name}")
    for operation in schema.get_all_operations():
        explore(node, operation.ok())
    assert requests.get(f"{node.endpoint}/healthz", timeout=5).status_code == 200


def explore(node: Node, operation: Any) -> None:
    """Send requests that the description allows, with a token, and look whether the answers are as it says."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def send(case: Any) -> None:
        if isinstance(case.body, dict) and case.body.get("action") in ENDING:
            return
        reply = case.call(headers={"Authorization": f"Bearer {node.token}"}, timeout=10)
        assert reply.status_code < 500 or reply.status_code == UNOFFERED, (case.as_curl_command(), reply.text)
        case.validate_response(reply, checks=[response_schema_conformance, content_type_conformance])

    send()
