"""What a node prints about itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.banner import credentials_command, first_start, later_start
from appliance.root import Root
from appliance.settings import Settings

ROOT = Root("ACCESS", "secret", "token")
KEPT = Path("/srv/data/identities/root.toml")


def test_a_node_with_defaults_needs_no_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin")
    assert credentials_command(Settings(), ".venv/bin/sluice") == ".venv/bin/sluice credentials"


def test_the_command_names_what_tells_this_node_from_others() -> None:
    settings = Settings(data=(Path("/disk 1"), Path("/disk2")), port=9100, workers=1, log_level="debug")
    expected = "/opt/sluice credentials --data '/disk 1' --data /disk2 --port 9100"
    assert credentials_command(settings, "/opt/sluice") == expected


def test_a_program_that_the_path_finds_is_called_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "sluice"
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert credentials_command(Settings(), str(program)) == "sluice credentials"


def test_all_lines_but_those_to_paste_fit_a_terminal() -> None:
    first = first_start("http://127.0.0.1:9000", "us-east-1", ROOT, KEPT, "sluice credentials")
    later = later_start("http://127.0.0.1:9000", ROOT, "sluice credentials")
    assert max(len(line) for line in (first + "\n" + later).splitlines() if not line.startswith("export")) <= 100
    assert "secret" not in later
