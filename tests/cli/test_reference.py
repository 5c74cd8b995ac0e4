"""The page about the command line says what the commands say."""

from __future__ import annotations

from pathlib import Path

from appliance.terminal.reference import markdown

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


def test_page_about_the_command_line_is_the_one_made_from_it() -> None:
    assert PAGE.read_text() == markdown(), "run `make cli-reference`"
