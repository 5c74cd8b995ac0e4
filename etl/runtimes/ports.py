"""Which port a server listens on, and how its command line is made to say so.

Commands are written for containers, where the port is always 8000. On a node many servers share one address, so the
node picks a port for each and puts it, with 127.0.0.1, in the place of 8000 wherever an argument says it as a port:

    --port 8000   --port=8000   -p 8000   0.0.0.0:8000   :8000   (also within the text of `sh -c`)

and 127.0.0.1 in the place of `0.0.0.0` or `::` after `--host` or `--bind`. The server finds it in its environment as
well, as PORT, and `$(PORT)` in an argument stands for it, as `$(NAME)` does for every variable of its environment
(Kubernetes' rule).
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping, Sequence

HOST = "127.0.0.1"
CONTAINER_PORT = "8000"
PORT_RULE = (
    f"the server must listen on the port that its environment names as PORT; {CONTAINER_PORT} in its command line is"
    " replaced by that, a port in its code is not"
)

ANY_ADDRESS = r"(?:0\.0\.0\.0|\[::\]|::|127\.0\.0\.1|localhost)"
BOUND = re.compile(rf"(?<![\w.\]:])(?:{ANY_ADDRESS})?:{CONTAINER_PORT}(?![\w.:])")
FLAG_WITH_PORT = re.compile(rf"(?<![\w-])(--port[= ]|-p ){CONTAINER_PORT}(?![\w.])")
FLAG_WITH_HOST = re.compile(rf"(?<![\w-])(--host[= ]|--bind[= ]){ANY_ADDRESS}(?![\w.:])")
VARIABLE = re.compile(r"\$(\$)?\(([A-Za-z_][A-Za-z0-9_.-]*)\)")


def free_port() -> int:
    """A port that nobody listens on now; somebody else may be faster to take it."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def addressed(command: Sequence[str], port: int, environment: Mapping[str, str]) -> list[str]:
    """The command line with the port of this server in it."""
    arguments: list[str] = []
    for argument in command:
        previous = command[len(arguments) - 1] if arguments else ""
        arguments.append(_expanded(_with_port(previous, argument, port), environment))
    return arguments


def _with_port(previous: str, argument: str, port: int) -> str:
    """A flag and its value are usually two arguments, so they are looked at together."""
    lead = f"{previous} " if previous in ("--port", "-p", "--host", "--bind", "-b") else ""
    text = FLAG_WITH_PORT.sub(rf"\g<1>{port}", lead + argument)
    text = FLAG_WITH_HOST.sub(rf"\g<1>{HOST}", text)
    return BOUND.sub(f"{HOST}:{port}", text)[len(lead):]


def _expanded(argument: str, environment: Mapping[str, str]) -> str:
    """`$(NAME)` replaced where NAME is known, `$$(NAME)` being the way to write `$(NAME)`."""

    def value(found: re.Match[str]) -> str:
        if found[1]:
            return found[0][1:]
        return environment.get(found[2], found[0])

    return VARIABLE.sub(value, argument)
