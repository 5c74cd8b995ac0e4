"""AIStore's templates: one text that stands for many object names, in three grammars or as a mere prefix.

    shard-{000..999..3}.tar     bash: every third number, padded to the shorter of the two bounds; any number of ranges
    shard-@999.tar              at: 0 to 999, padded to the digits given; any number of ranges
    shard-%03d.tar              fmt: 0 and all that follow, which is no end of names
    shard-                      a prefix: what begins with it; "" and "*": everything

Of several ranges the last varies fastest. A name is computed when it is asked for: nothing grows with the ranges.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod

MOST_NAMES = 10_000_000
LONGEST = 16 * 1024  # characters of a text; no name is as long as what a longer one stands for
LARGEST = 2**63 - 1
EVERYTHING = ("", "*")

_NUMBER = re.compile(r"[+-]?[0-9]{1,19}")
_DIGITS = re.compile(r"[0-9]+")
_CONVERSION = re.compile(r"%(?:0([0-9]{1,3}))?d")


class InvalidTemplate(Exception):
    """The text is no template; the message, which is meant for clients, says why."""

    def __init__(self, grammar: str, template: str, reason: str) -> None:
        super().__init__(f"invalid '{grammar}' template \"{template}\": {reason}")


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers start, start + step, … up to `end` inclusive (None: no end), zero-padded to `width` digits, and the
    text that follows each."""

    start: int
    end: int | None
    step: int
    width: int
    gap: str

    @property
    def count(self) -> int:
        """How many numbers there are; more, maybe, than `len` could tell."""
        assert self.end is not None
        return (self.end - self.start) // self.step + 1

    def text(self, position: int) -> str:
        return f"{self.start + position * self.step:0{self.width}d}{self.gap}"

    @property
    def pattern(self) -> str:
        """Of the digits, one group, and the text after them."""
        return rf"([0-9]{{{self.width},}}){re.escape(self.gap)}"

    def has(self, digits: str) -> bool:
        """Whether one of the numbers is written like this."""
        number = int(digits)
        bounded = self.start <= number and (self.end is None or number <= self.end)
        return bounded and (number - self.start) % self.step == 0 and f"{number:0{self.width}d}" == digits


@dataclass(frozen=True, slots=True)
class Template:
    """The names that a template stands for. Without ranges it is a prefix, which stands for what exists."""

    prefix: str
    ranges: tuple[Numbers, ...] = ()

    @property
    def counted(self) -> bool:
        """Whether the names follow from the template alone and have an end; if not, a bucket says which there are."""
        return bool(self.ranges) and all(numbers.end is not None for numbers in self.ranges)

    def __len__(self) -> int:
        """How many names there are; only of a counted template."""
        return prod(numbers.count for numbers in self.ranges)

    def names(self, start: int = 0) -> Iterator[str]:
        """The names from the one at position `start` on; only of a counted template."""
        return (self.name(position) for position in range(start, len(self)))

    def name(self, position: int) -> str:
        parts: list[str] = []
        for numbers in reversed(self.ranges):
            position, digit = divmod(position, numbers.count)
            parts.append(numbers.text(digit))
        return self.prefix + "".join(reversed(parts))

    def matcher(self) -> Callable[[str], bool]:
        """Tells of a name whether the template stands for it."""
        if not self.ranges:
            return lambda name: name.startswith(self.prefix)
        pattern = re.compile(re.escape(self.prefix) + "".join(numbers.pattern for numbers in self.ranges))

        def matches(name: str) -> bool:
            found = pattern.fullmatch(name)
            return found is not None and all(
                numbers.has(digits) for numbers, digits in zip(self.ranges, found.groups(), strict=True)
            )

        return matches


def parse(text: str) -> Template:
    """The template that a text is; `InvalidTemplate` when it begins as one and goes wrong."""
    if text in EVERYTHING:
        return Template("")
    if len(text) > LONGEST:
        raise InvalidTemplate("range", f"{text[:80]}…", f"it is longer than {LONGEST} characters")
    for mark, read in _GRAMMARS:
        if mark in text:
            return _checked(text, read(text))
    return Template(text.removesuffix("*"))


def _checked(text: str, template: Template) -> Template:
    if template.counted:
        _check_count(text, template)
    return template


def _check_count(text: str, template: Template) -> None:
    """Multiplied range by range: the number of names may be one that no computer writes down."""
    count = 1
    for numbers in template.ranges:
        count *= numbers.count
        if count > MOST_NAMES:
            shown = f"{count} names" if numbers is template.ranges[-1] else f"{count} names and more"
            raise InvalidTemplate("range", text, f"{shown} exceed the maximum of {MOST_NAMES}")


def _bash(text: str) -> Template:
    prefix, *groups = text.split("{")
    if "}" in prefix:
        raise InvalidTemplate("bash", text, "'}' cannot come before '{'")
    return Template(prefix, tuple(_group(text, group) for group in groups))


def _group(text: str, group: str) -> Numbers:
    inside, closed, gap = group.partition("}")
    if not closed or "}" in gap:
        raise InvalidTemplate("bash", text, "'{' and '}' do not match")
    fields = inside.split("..")
    if len(fields) not in (2, 3):
        raise InvalidTemplate("bash", text, "expecting {start..end} or {start..end..step}")
    start, end, step = (_number(text, field) for field in (*fields, "1")[:3])
    if start > end:
        raise InvalidTemplate("bash", text, "'start' cannot be greater than 'end'")
    if start < 0:
        raise InvalidTemplate("bash", text, "'start' cannot be negative")
    if step <= 0:
        raise InvalidTemplate("bash", text, "'step' must be greater than zero")
    return Numbers(start, end, step, min(len(fields[0]), len(fields[1])), gap)


def _number(text: str, field: str) -> int:
    if not _NUMBER.fullmatch(field) or abs(int(field)) > LARGEST:
        raise InvalidTemplate("bash", text, f'"{field}" is not a number')
    return int(field)


def _at(text: str) -> Template:
    prefix, *groups = text.split("@")
    ranges = []
    for group in groups:
        digits = _DIGITS.match(group)
        if digits is None or int(digits[0]) > LARGEST:
            raise InvalidTemplate("at", text, "'@' must be followed by a number")
        ranges.append(Numbers(0, int(digits[0]), 1, len(digits[0]), group[digits.end() :]))
    return Template(prefix, tuple(ranges))


def _fmt(text: str) -> Template:
    found = _CONVERSION.findall(text)
    if text.count("%") != 1 or len(found) != 1:
        raise InvalidTemplate("fmt", text, "expecting one conversion, such as %06d")
    prefix, width, gap = _CONVERSION.split(text)
    return Template(prefix, (Numbers(0, None, 1, int(width or 1), gap),))


_GRAMMARS: tuple[tuple[str, Callable[[str], Template]], ...] = (("{", _bash), ("@", _at), ("%", _fmt))
