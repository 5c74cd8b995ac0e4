"""What holds between values of the configuration, beside each one's own range."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Check:
    """A rule; `text` says it as the client is told when it does not hold."""

    text: str
    holds: Callable[[Values], bool]


def rising(*names: str) -> Check:
    return Check(
        f"expecting {' < '.join(names)}",
        lambda values: all(values[low] < values[high] for low, high in zip(names, names[1:])),
    )


def twice(name: str, other: str) -> Check:
    return Check(
        f"expecting {name} to be at least twice {other}",
        lambda values: bool(values[name] >= 2 * values[other]),
    )


def exclusive(*bits: int) -> Check:
    mask = sum(1 << bit for bit in bits)
    return Check(
        f"features {' and '.join(map(str, bits))} exclude each other",
        lambda values: bool(values["features"] & mask != mask),
    )


CHECKS = (
    twice("log.max_total", "log.max_size"),
    rising("space.cleanupwm", "space.lowwm", "space.highwm", "space.out_of_space"),
    rising("disk.disk_util_low_wm", "disk.disk_util_high_wm", "disk.disk_util_max_wm"),
    twice("timeout.max_keepalive", "timeout.cplane_operation"),
    twice("timeout.join_startup_time", "timeout.startup_time"),
    Check(
        "versioning.validate_warm_get requires versioning.enabled",
        lambda values: bool(values["versioning.enabled"] or not values["versioning.validate_warm_get"]),
    ),
    Check(
        "expecting rate_limit.frontend.burst_size to be at most half of rate_limit.frontend.max_tokens",
        lambda values: bool(
            2 * values["rate_limit.frontend.burst_size"] <= values["rate_limit.frontend.max_tokens"]
        ),
    ),
    exclusive(11, 12),
    exclusive(13, 27),
)
