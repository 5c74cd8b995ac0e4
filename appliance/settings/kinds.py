"""What a setting may be: each kind turns an operator's text into a value, or says what to write instead."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_UNITS = {"": 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_REGION = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_SECRET = re.compile(r"[\x21-\x7e]+")
_ACCESS_KEY = re.compile(r"[A-Za-z0-9_.@+-]{3,128}")


@dataclass(frozen=True, slots=True)
class Kind:
    """`parse` raises `ValueError` for a wrong text; `accepts` completes "give …" in the line for the operator."""

    metavar: str
    accepts: str
    parse: Callable[[str], object]
    show: Callable[[object], str] = str


def choice(*words: str) -> Kind:
    def parse(text: str) -> object:
        if text not in words:
            raise ValueError("is not known")
        return text

    return Kind("|".join(words), " or ".join(words), parse)


def whole(least: int, most: int) -> Kind:
    def parse(text: str) -> object:
        if not re.fullmatch(r"-?[0-9]{1,18}", text):
            raise ValueError("is not a whole number")
        if not least <= int(text) <= most:
            raise ValueError("is out of range")
        return int(text)

    return Kind("NUMBER", f"a whole number from {least} to {most}", parse)


def seconds(least: float, most: float) -> Kind:
    def parse(text: str) -> object:
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", text):
            raise ValueError("is not a number of seconds")
        if not least <= float(text) <= most:
            raise ValueError("is out of range")
        return float(text)

    return Kind("SECONDS", f"seconds from {least:g} to {most:g}", parse, lambda value: f"{value:g}")


def size(least: int, most: int) -> Kind:
    def parse(text: str) -> object:
        match = re.fullmatch(r"([0-9]{1,15}) ?([KMGT]iB|B|)", text)
        if match is None:
            raise ValueError("is not a size")
        value = int(match[1]) * _UNITS[match[2]]
        if not least <= value <= most:
            raise ValueError("is out of range")
        return value

    accepts = f"bytes from {show_size(least)} to {show_size(most)}, such as 4096, 32KiB or 1GiB"
    return Kind("BYTES", accepts, parse, show_size)


def show_size(value: object) -> str:
    """The size with the largest unit that divides it; a number alone is bytes."""
    assert isinstance(value, int)
    for unit, factor in reversed(_UNITS.items()):
        if factor > 1 and value and value % factor == 0:
            return f"{value // factor}{unit}"
    return str(value)


def _pattern(pattern: re.Pattern[str], complaint: str) -> Callable[[str], object]:
    def parse(text: str) -> object:
        if not pattern.fullmatch(text):
            raise ValueError(complaint)
        return text

    return parse


def _switch(text: str) -> object:
    if text not in ("on", "off"):
        raise ValueError("is neither on nor off")
    return text == "on"


def _directory(text: str) -> object:
    if not text:
        raise ValueError("is empty")
    return Path(os.path.abspath(text))


def _file(text: str) -> object:
    path = Path(os.path.abspath(text))
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from error


def _log(text: str) -> object:
    if text in ("-", "off"):
        return text
    path = os.path.abspath(text)
    if not text or not os.path.isdir(os.path.dirname(path)):
        raise ValueError("lies in a directory that does not exist")
    return path


SWITCH = Kind("on|off", "on or off", _switch, lambda value: "on" if value else "off")
DIRECTORY = Kind("DIRECTORY", "the path of a directory", _directory)
FILE = Kind("FILE", "the path of a file that the node may read", _file)
LOG = Kind("FILE", "a file in a directory that exists, - for standard output, or off", _log)
ADDRESS = Kind("ADDRESS", "an IP address or a host name", _pattern(re.compile(r"[0-9A-Za-z.:-]+"), "is not an address"))
DOMAIN = Kind("DOMAIN", "a domain in lower case, such as s3.example.com", _pattern(_DOMAIN, "is not a domain"))
REGION = Kind("REGION", "lower-case letters, digits and hyphens", _pattern(_REGION, "is not a region"))
ACCESS_KEY = Kind("KEY", "3 to 128 letters, digits or any of _ . @ + -", _pattern(_ACCESS_KEY, "is not an access key"))
SECRET = Kind("SECRET", "printable ASCII characters without spaces", _pattern(_SECRET, "is not a secret"))
