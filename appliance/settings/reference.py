"""The page about settings, made from their table."""

from __future__ import annotations

from appliance.settings import ROWS, default_text, flag, variable

HEAD = """\
# Settings

Made by `make settings` from the table in `appliance/settings/__init__.py`; `sluice settings` prints the same.

A setting is looked for in this order, and the first place that names it decides:

1. the flag of `sluice serve`: `--port 9100`;
2. the environment: `SLUICE_PORT=9100`;
3. the TOML file given by `--config` or `SLUICE_CONFIG`: `port = 9100`;
4. the default.

Lists are repeated flags (`--data /a --data /b`), commas in the environment (`SLUICE_DATA=/a,/b`) and lists in TOML
(`data = ["/a", "/b"]`). Sizes take a unit (`32KiB`), times are seconds, switches are `on` or `off` (in TOML `true` or
`false` too). Relative paths are taken from the directory in which the
node is started.

A setting that is wrong, a variable `SLUICE_…` that names none and an unknown key in the file end the start with
status 2 and one line that says which one, why, and how to mend it.
"""


def markdown() -> str:
    """The whole page, in the order of the table, with its last line's end."""
    return HEAD + "".join(_entry(name) for name in ROWS)


def _entry(name: str) -> str:
    row = ROWS[name]
    default = default_text(name)
    lines = [
        f"\n## {name}\n",
        row.help + "\n",
        f"- flag: `{flag(name)} {row.kind.metavar}`" + (", repeatable" if row.many else ""),
        f"- environment: `{variable(name)}`",
        f"- value: {row.kind.accepts}",
        f"- default: {default or 'none'}\n",
    ]
    return "\n".join(lines)
