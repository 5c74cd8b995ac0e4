"""Words of the user's own for commands, in a file of his configuration."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

from appliance.terminal.failures import fail


def config_folder() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "sluice"


def alias_file() -> Path:
    return config_folder() / "aliases.json"


def load() -> dict[str, str]:
    path = alias_file()
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        fail(f"{path} cannot be read: {error}; mend or remove it")
    return {str(name): str(command) for name, command in found.items()}


def save(aliases: dict[str, str]) -> None:
    path = alias_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(aliases, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror}")


def expanded(words: list[str]) -> list[str]:
    """The words, the first one replaced by the command that it stands for."""
    command = load().get(words[0])
    return words if command is None else [*shlex.split(command), *words[1:]]
