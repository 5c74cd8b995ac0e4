"""Times, sizes and expressions as options take them."""

from __future__ import annotations

import re
from typing import Any

import click

SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([kmgt])(i?)b?|b)?", re.IGNORECASE)
POWERS = {"k": 1, "m": 2, "g": 3, "t": 4}


class Duration(click.ParamType[float]):
    """5s, 1m30s, or seconds as a number; the value is in seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        from etl import durations

        text = str(value)
        try:
            return float(text) if text.replace(".", "", 1).isdigit() else durations.parse(text)
        except ValueError:
            self.fail(f"{text!r} is no time: 30s, 5m, 1h30m, or a number of seconds", param, ctx)


class Size(click.ParamType[int]):
    """1MiB, 64k, 1.5gib, or a number of bytes; KB and k mean 1024, as in AIStore's configuration."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = SIZE.fullmatch(str(value))
        if match is None:
            self.fail(f"{value!r} is no size: 4096, 64KiB, 1.5GiB", param, ctx)
        return int(float(match[1]) * 1024 ** POWERS.get((match[2] or "").lower(), 0))


class Expression(click.ParamType[str]):
    """A regular expression; the value is its text, which compiles."""

    name = "regex"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            re.compile(str(value))
        except re.error as error:
            self.fail(f"{value!r} is no regular expression: {error}", param, ctx)
        return str(value)


DURATION, SIZE_TYPE, REGEX = Duration(), Size(), Expression()
