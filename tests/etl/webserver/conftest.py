from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.etl.webserver.surroundings import OFFICIAL, OURS, Server, Target, running, target


@pytest.fixture(scope="session")
def node() -> Iterator[Target]:
    """Not the appliance, but the little of one that a transform's server sees."""
    with target() as made:
        yield made


@pytest.fixture(scope="session")
def servers(node: Target) -> Iterator[dict[str, Server]]:
    """By kind and style; "named" is given the names of files, "official-…" runs AIStore's framework."""
    made = {
        f"{kind}-{style}": Server(("authored.py", *OURS[kind], style), node.url)
        for kind in OURS
        for style in ("buffered", "streamed")
    }
    made["named"] = Server(("authored.py", *OURS["flask"], "buffered"), node.url, ETL_DIRECT_FQN="true")
    for style in ("buffered", "streamed"):
        made[f"official-{style}"] = Server(("authored.py", *OFFICIAL["flask"], style), node.url)
    with running(*made.values()):
        yield made
