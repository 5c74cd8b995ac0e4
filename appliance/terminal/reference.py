"""The page about the command line, made from the commands themselves."""

from __future__ import annotations

import inspect
import re

import click

from appliance.cli import loaded
from appliance.commands.table import GROUPS, ROWS, Row

COMMON = ("endpoint", "token", "config", "data", "as_json", "units", "no_headers", "refresh", "count", "help")

HEAD = """\
# The command line

Made by `make cli-reference` from the commands themselves; `sluice COMMAND --help` says the same.

`sluice` starts a node, and it is the client of one: of a Sluice node or of an AIStore cluster, since both speak the
same `/v1`. Commands, arguments and options are those of AIStore's `ais`, wherever both have them.

```sh
export AIS_ENDPOINT=http://127.0.0.1:9000 AIS_AUTHN_TOKEN=…    # `sluice credentials` prints both
sluice create ais://photos
sluice put ./2026 ais://photos/2026/ --recursive --progress
sluice ls ais://photos --prefix 2026/
sluice cp ais://photos ais://backup --wait
sluice get ais://photos/2026/ ./again --resume
```

On the machine of a node that is set up by `SLUICE_…` variables, by a file, or by `--data`, nothing need be exported:
address and token are found as the node finds them.

## Which node, and as whom

| | option | variable | else |
|---|---|---|---|
| the node | `--endpoint` | `AIS_ENDPOINT` | the node that the settings of this machine describe |
| the token | `--token` | `AIS_AUTHN_TOKEN` | the file that `AIS_AUTHN_TOKEN_FILE` names; what `sluice auth login` \
has kept; for the node of this machine the administrator's, beside its data |
| the AuthN service | `--authn` | `AIS_AUTHN_URL` | the node itself |
| TLS | | `AIS_CLIENT_CA`, `AIS_CRT` with `AIS_CRT_KEY`, `AIS_SKIP_VERIFY_CRT` | the system's authorities |

Without a token, requests go without one, which is what a node wants whose authentication is off.

## Names

    [PROVIDER://][@UUID][#NAMESPACE/]BUCKET[/OBJECT]

Providers are ais, aws (s3), gcp (gs), azure (az), oci (oc); without one a bucket is an `ais://` bucket. Behind the
bucket stands an object, a prefix (when it ends with `/` or `*`) or a template in braces, which needs quotes, because
shells know braces, too. `--list`, `--prefix`, `--all` and `--template` say the same beside the bucket's name:

| template | names | behind a bucket |
|---|---|---|
| `shard-{000..099..3}.tar` | every third number, padded; any number of ranges | yes |
| `shard-@999.tar` | 0 to 999, padded to the digits given | with `--template` alone: `@` and `%` are in many names |
| `shard-%03d.tar` | 0 and all that follow | with `--template` alone |

## What all commands have in common

- `--json` prints JSON on standard output, and nothing else there; what is beside the result goes to standard error.
- `--units iec|si|raw` says how sizes are shown, `--no-headers` leaves the first line of tables out.
- `--refresh 5s` shows something again and again, `--count 3` so often.
- `--dry-run` says what would be done, and changes nothing.
- `--wait` returns when a job has ended, `--timeout 5m` not later; `--progress` shows a bar meanwhile.
- `--yes` answers questions, which are asked before much is removed.
- Sizes are `4096`, `64KiB`, `1.5GiB`; times `30s`, `5m`, `1h30m`.

Exit codes:

| | |
|---|---|
| 0 | done |
| 1 | the node refused, or a job or a transfer failed |
| 2 | wrong usage: an option, an argument, a local file, a setting |
| 3 | no answer from the node |
| 4 | it still goes on: `--timeout` has passed |

What fails is told in one line on standard error, with the next step to take.

**Completion.** `eval "$(sluice completion bash)"` completes commands, options, buckets and objects; zsh and fish, too.
"""


def markdown() -> str:
    """The whole page, with its last line's end."""
    grouped: dict[str, list[Row]] = {}
    for row in ROWS:
        grouped.setdefault(row.words.rpartition(" ")[0], []).append(row)
    parts = [HEAD]
    for group, rows in grouped.items():
        parts.append(f"\n## sluice {group}\n\n{GROUPS[group]}\n" if group else "\n## The node and the shell\n")
        parts += map(entry, rows)
    return "".join(parts)


def entry(row: Row) -> str:
    command = loaded(row)
    arguments = [
        parameter.make_metavar(click.Context(command))
        for parameter in command.params
        if isinstance(parameter, click.Argument)
    ]
    title = " ".join(["sluice", row.words, *arguments])
    also = f"Also: {', '.join(f'`sluice {alias}`' for alias in row.aliases)}.\n\n" if row.aliases else ""
    return f"\n### `{title}`\n\n{also}{prose(command)}{options(command)}"


def prose(command: click.Command) -> str:
    """The help, its examples as code; what click is told by \\b is no concern of Markdown's."""
    text = inspect.cleandoc(command.help or "").replace("\b\n", "").replace("\b", "")
    lines = text.splitlines()
    return "\n".join(line.rstrip() for line in lines).strip() + (f"\n\n{command.epilog}" * bool(command.epilog)) + "\n"


def options(command: click.Command) -> str:
    found = [
        parameter
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.hidden and parameter.name not in COMMON
    ]
    if not found or command.name in ("serve", "credentials"):  # theirs are the settings, on a page of their own
        return ""
    rows = [f"| `{names(option)}` | {re.sub(' +', ' ', option.help or '')} |" for option in found]
    return "\n| option | |\n|---|---|\n" + "\n".join(rows) + "\n"


def names(option: click.Option) -> str:
    words = ", ".join(sorted((*option.opts, *option.secondary_opts), key=len, reverse=True))
    if option.is_flag:
        return words
    metavar = option.make_metavar(click.Context(click.Command("")))
    return f"{words} {metavar}".replace("|", "\\|")


if __name__ == "__main__":
    print(markdown(), end="")
