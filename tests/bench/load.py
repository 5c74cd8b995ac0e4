"""Load from outside the measured process: wrk for many small requests, curl for large uploads."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

NO_HEADERS: Mapping[str, str] = MappingProxyType({})
SCRIPT = """
local targets = {}
for line in io.lines("%(targets)s") do targets[#targets + 1] = line end
local at = math.random(#targets)
wrk.method = "%(method)s"
wrk.body = %(body)s
%(headers)s
function request()
  at = at %% #targets + 1
  return wrk.format(nil, targets[at])
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\\nSUMMARY {"requests": %%d, "microseconds": %%d, "bytes": %%d, "errors": %%d, "p50": %%d, "p99": %%d}\\n',
    summary.requests, summary.duration, summary.bytes,
    e.status + e.connect + e.read + e.write + e.timeout, latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk saw. Latencies in microseconds."""

    requests: int
    microseconds: int
    bytes: int
    errors: int
    p50: int
    p99: int

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.microseconds * 1e6


def wrk(
    base: str,
    targets: list[str],
    *,
    connections: int,
    seconds: int,
    scratch: Path,
    method: str = "GET",
    body: int = 0,
    headers: Mapping[str, str] = NO_HEADERS,
) -> Load:
    """Send requests for `targets` (path and query) in turn over so many kept-alive connections, from one thread."""
    listing, script = scratch / "targets.txt", scratch / "load.lua"
    listing.write_text("\n".join(targets))
    text = f'string.rep("x", {body})' if body else "nil"
    lines = "\n".join(f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items())
    script.write_text(SCRIPT % {"targets": listing, "method": method, "body": text, "headers": lines})
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s", "-s", str(script), base]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    summary = out.rsplit("SUMMARY ", 1)[1]
    return Load(**json.loads(summary))


def upload(base: str, targets: list[str], file: Path, *, streams: int) -> None:
    """PUT the file to every target, `streams` at a time."""

    def put(target: str) -> None:
        command = ["curl", "-fsS", "-o", "/dev/null", "-H", "Expect:", "-T", str(file), base + target]
        subprocess.run(command, check=True)

    with ThreadPoolExecutor(streams) as pool:
        list(pool.map(put, targets))
