"""What is installed: pinned by hashes, from wherever the machine gets its packages."""

from __future__ import annotations

import re
from configparser import ConfigParser
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
RUNTIME, TEST = (REPOSITORY / name for name in ("requirements.txt", "requirements-test.txt"))


def pins(lock: Path) -> dict[str, str]:
    """The versions, by normalised name."""
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", lock.read_text(), re.MULTILINE))


def wanted(text: str) -> set[str]:
    """The normalised names in a list of requirements."""
    names = (re.match(r"[A-Za-z0-9._-]+", line.strip()) for line in text.splitlines())
    return {re.sub(r"[-_.]+", "-", found[0]).lower() for found in names if found}


@pytest.mark.parametrize("lock", [RUNTIME, TEST], ids=lambda lock: lock.name)
def test_every_line_of_a_lock_is_a_pin_or_a_hash(lock: Path) -> None:
    wrong = [
        line
        for line in lock.read_text().splitlines()
        if not re.fullmatch(r"[a-z0-9.-]+==\S+( ;.*)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?|\s*|#.*", line)
    ]
    assert wrong == []


def test_whatever_setup_cfg_asks_for_is_pinned() -> None:
    config = ConfigParser()
    config.read(REPOSITORY / "setup.cfg")
    extras = config["options.extras_require"]
    assert wanted(config["options"]["install_requires"]) | wanted(extras["build"]) <= set(pins(RUNTIME))
    assert wanted(extras["test"]) <= set(pins(TEST))


def test_tests_run_with_what_the_node_runs_with() -> None:
    assert pins(RUNTIME).items() <= pins(TEST).items()
