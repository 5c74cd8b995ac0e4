"""The README's commands, as they stand there, one after the other."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from appliance.banner import client_settings
from appliance.root import Root
from tests.conftest import StartNode

REPOSITORY = Path(__file__).parents[1]
PROGRAMS = Path(sys.executable).parent
# What sets up the machine and the node: the test has done it in its own way.
DONE = re.compile(r"^(make |python3 -m venv |examples/flac_to_wav/\.venv/bin/pip |eval )")
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def script(readme: str) -> str:
    """All blocks as one program for the shell."""
    pieces = ["set -euo pipefail\n"]
    for language, text in BLOCK.findall(readme):
        if language == "python":
            pieces.append(f"python - <<'END OF PYTHON'\n{text}END OF PYTHON\n")
        else:
            pieces += [line for line in text.splitlines(keepends=True) if not DONE.match(line)]
    return "".join(pieces)


def test_the_commands_of_the_readme_work_as_they_stand_there(start_node: StartNode, tmp_path: Path) -> None:
    """Fed to a shell as one pastes them, so that a program that reads its input would swallow the next command."""
    node = start_node()
    settings = client_settings(node.endpoint, "us-east-1", Root(node.access_key, node.secret_key, node.token))
    (tmp_path / ".s3cfg").write_text(settings[settings.index("[default]"):settings.index("# ais")])
    (tmp_path / ".venv").symlink_to(PROGRAMS.parent)
    (tmp_path / "examples").symlink_to(REPOSITORY / "examples")
    exports = "".join(line + "\n" for line in settings.splitlines() if line.startswith("export"))
    commands = script((REPOSITORY / "README.md").read_text())
    environment = {"PATH": f"{PROGRAMS}{os.pathsep}/usr/bin{os.pathsep}/bin", "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    done = subprocess.run(
        ["bash", "-x"], input=exports + commands, cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert {"hello.txt", "song.flac", "song.wav", "song-16k.wav"} <= {path.name for path in tmp_path.iterdir()}
    listed = node.client().list_objects_v2(Bucket="music")["Contents"]
    assert [entry["Key"] for entry in listed] == ["song-16k.wav", "song-s3cmd.wav", "song.flac", "song.wav"]
