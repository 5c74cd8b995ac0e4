"""From flags, the environment and a TOML file to `Settings`, the first of them that names a setting deciding."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.settings import PREFIX, ROWS, Row, Settings, flag, variable

CONFIG = "config"  # names the TOML file itself, hence no setting of its own


class WrongSetting(Exception):
    """The start ends here. Its text is one line: which setting and where it came from, why, and how to mend it."""

    def __init__(self, where: str, reason: str, mend: str) -> None:
        super().__init__(f"{where} {reason}; {mend}")


@dataclass(frozen=True, slots=True)
class Given:
    """What an operator wrote for one setting, and the words to find it by."""

    where: str
    texts: tuple[str, ...]


def load(flags: Mapping[str, Sequence[str]], environment: Mapping[str, str]) -> Settings:
    """The settings of a node; `WrongSetting` for the first that is wrong or unknown.

    `flags` maps names of settings (and "config") to the texts given, in order.
    """
    given = _from_file(_config(flags, environment))
    given |= _from_environment(environment)
    given |= _from_flags(flags)
    values: dict[str, Any] = {name: _value(ROWS[name], one) for name, one in given.items()}
    settings = Settings(**values)
    _check_together(settings, given)
    return settings


def _from_flags(flags: Mapping[str, Sequence[str]]) -> dict[str, Given]:
    return {name: Given(flag(name), tuple(texts)) for name, texts in flags.items() if texts and name in ROWS}


def _from_environment(environment: Mapping[str, str]) -> dict[str, Given]:
    names = {variable(name): name for name in ROWS}
    given = {}
    for key in sorted(environment):
        if not key.startswith(PREFIX) or key == variable(CONFIG):
            continue
        text = environment[key]
        if key not in names or text.startswith("tcp://"):
            raise _unknown_variable(key)
        name = names[key]
        texts = tuple(part.strip() for part in text.split(",")) if ROWS[name].many else (text,)
        given[name] = Given(f"{key} (environment)", texts)
    return given


def _unknown_variable(key: str) -> WrongSetting:
    if "_SERVICE_" in key or "_PORT" in key:
        return WrongSetting(
            f"{key} (environment)",
            "was set by Kubernetes for a Service named sluice",
            "put enableServiceLinks: false into the pod's spec",
        )
    return WrongSetting(f"{key} (environment)", "is no setting", "unset it, or see `sluice settings` for the names")


def _config(flags: Mapping[str, Sequence[str]], environment: Mapping[str, str]) -> Given | None:
    if flags.get(CONFIG):
        return Given(flag(CONFIG), tuple(flags[CONFIG]))
    if variable(CONFIG) in environment:
        return Given(f"{variable(CONFIG)} (environment)", (environment[variable(CONFIG)],))
    return None


def _from_file(config: Given | None) -> dict[str, Given]:
    if config is None:
        return {}
    path = config.texts[-1]
    try:
        table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        reason = f"names {path!r}, which cannot be read ({error.strerror})"
        raise WrongSetting(config.where, reason, "give a file that exists") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        reason = f"names {path!r}, which is not TOML ({error})"
        raise WrongSetting(config.where, reason, "mend that line") from error
    for key in table:
        if key not in ROWS:
            raise WrongSetting(f"{key} in {path}", "is no setting", "remove it, or see `sluice settings` for the names")
    return {key: Given(f"{key} in {path}", _texts(key, value, path)) for key, value in table.items()}


def _texts(key: str, value: object, path: str) -> tuple[str, ...]:
    """A TOML value as the texts that a flag would have given, so that one parser serves all sources."""
    if isinstance(value, bool):
        return ("on" if value else "off",)
    if isinstance(value, str | int | float):
        return (str(value),)
    if isinstance(value, list) and ROWS[key].many and all(isinstance(one, str) for one in value):
        return tuple(value)
    wanted = "a list of strings" if ROWS[key].many else ROWS[key].kind.accepts
    raise WrongSetting(f"{key} in {path}", "has a value of the wrong type", f"give {wanted}")


def _value(row: Row, given: Given) -> object:
    if row.many:
        return tuple(dict.fromkeys(_parsed(row, given.where, text) for text in given.texts))
    return _parsed(row, given.where, given.texts[-1])


def _parsed(row: Row, where: str, text: str) -> object:
    try:
        return row.kind.parse(text)
    except ValueError as error:
        shown = where if row.secret else f"{where}: {text!r}"
        raise WrongSetting(shown, str(error), f"give {row.kind.accepts}") from error


def _check_together(settings: Settings, given: Mapping[str, Given]) -> None:
    """Refuse settings that are right each for itself and wrong together."""
    for one, other in (("tls_certificate", "tls_key"), ("root_access_key", "root_secret_key")):
        for present, absent in ((one, other), (other, one)):
            if getattr(settings, present) is not None and getattr(settings, absent) is None:
                mend = f"give {flag(absent)} or {variable(absent)} too"
                raise WrongSetting(given[present].where, f"was given without {absent}", mend)
    if not settings.data:
        raise WrongSetting(given["data"].where, "names no directory", "give at least one")
