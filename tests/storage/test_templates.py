"""Templates of object names."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.templates import InvalidTemplate, Template, parse

TEXT = st.text(st.characters(exclude_characters="{}@%*0123456789", exclude_categories=("Cs",)), max_size=6)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a{1..3}", ["a1", "a2", "a3"]),
        ("a{001..005..2}.tar", ["a001.tar", "a003.tar", "a005.tar"]),
        ("{0..1}x{8..10}", ["0x8", "0x9", "0x10", "1x8", "1x9", "1x10"]),
        ("a{7..7}", ["a7"]),
        ("a{08..10}b", ["a08b", "a09b", "a10b"]),
        ("a{001..10}", [f"a{n:02d}" for n in range(1, 11)]),
        ("a{1..10..100}", ["a1"]),
        ("p-@2-@01", ["p-0-00", "p-0-01", "p-1-00", "p-1-01", "p-2-00", "p-2-01"]),
        ("@3", ["0", "1", "2", "3"]),
    ],
)
def test_a_template_stands_for_its_names_in_order(text: str, names: list[str]) -> None:
    template = parse(text)
    assert template.counted
    assert len(template) == len(names)
    assert list(template.names()) == names
    assert all(map(template.matcher(), names))


@pytest.mark.parametrize(("text", "prefix"), [("", ""), ("*", ""), ("abc", "abc"), ("dir/*", "dir/"), ("a*b", "a*b")])
def test_a_template_without_ranges_is_a_prefix(text: str, prefix: str) -> None:
    assert parse(text) == Template(prefix)
    assert not parse(text).counted
    assert parse(text).matcher()(prefix + "anything")


def test_a_conversion_has_no_end_of_names() -> None:
    template = parse("a-%03d.tar")
    assert not template.counted
    assert template.prefix == "a-"
    matches = template.matcher()
    assert all(map(matches, ["a-000.tar", "a-999.tar", "a-123456789012345678901234567890.tar"]))
    assert not any(map(matches, ["a-00.tar", "a-0000.tar", "a-000", "b-000.tar", "a-00x.tar"]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a{3..1}", "invalid 'bash' template \"a{3..1}\": 'start' cannot be greater than 'end'"),
        ("a{-3..1}", "invalid 'bash' template \"a{-3..1}\": 'start' cannot be negative"),
        ("a{1..3..0}", "invalid 'bash' template \"a{1..3..0}\": 'step' must be greater than zero"),
        ("a{1..3..-1}", "invalid 'bash' template \"a{1..3..-1}\": 'step' must be greater than zero"),
        ("a{b..c}", "invalid 'bash' template \"a{b..c}\": \"b\" is not a number"),
        ("a{1}", "invalid 'bash' template \"a{1}\": expecting {start..end} or {start..end..step}"),
        ("a{1..2..3..4}", "invalid 'bash' template \"a{1..2..3..4}\": expecting {start..end} or {start..end..step}"),
        ("a{1..2", "invalid 'bash' template \"a{1..2\": '{' and '}' do not match"),
        ("a}1..2{", "invalid 'bash' template \"a}1..2{\": '}' cannot come before '{'"),
        ("a{1..99999999999999999999}", None),
        ("a{0..9999999999}", None),
        ("a{0..9999}{0..9999}", None),
        (
            "{0..9223372036854775807}",
            "invalid 'range' template \"{0..9223372036854775807}\": "
            "9223372036854775808 names exceed the maximum of 10000000",
        ),
        ("@9223372036854775807", None),
        ("a" + "{0..1}" * 2000, None),
        ("a" + "@9" * 20, None),
        ("a" + "{0..0}" * 100_000, None),
        ("a@b", "invalid 'at' template \"a@b\": '@' must be followed by a number"),
        ("a%5d", "invalid 'fmt' template \"a%5d\": expecting one conversion, such as %06d"),
        ("a%d%d", "invalid 'fmt' template \"a%d%d\": expecting one conversion, such as %06d"),
        ("a%s", "invalid 'fmt' template \"a%s\": expecting one conversion, such as %06d"),
    ],
)
def test_a_wrong_template_is_refused_with_the_reason(text: str, message: str | None) -> None:
    with pytest.raises(InvalidTemplate) as refused:
        parse(text)
    assert message in (None, str(refused.value))


def test_a_template_of_ten_million_names_costs_nothing_to_make() -> None:
    template = parse("a{0..9999}b{000..999}")
    assert len(template) == 10_000_000
    assert template.name(9_999_999) == next(template.names(9_999_999)) == "a9999b999"


@st.composite
def ranges(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A range in the bash grammar and what it stands for."""
    start = draw(st.integers(0, 120))
    numbers = range(start, draw(st.integers(start, start + 12)) + 1, draw(st.integers(1, 5)))
    width = draw(st.integers(1, 4))
    first, last = (str(number).zfill(width) for number in (start, numbers.stop - 1))
    padded = [str(number).zfill(min(len(first), len(last))) for number in numbers]
    return f"{{{first}..{last}..{numbers.step}}}", padded


@given(TEXT, st.lists(st.tuples(ranges(), TEXT), min_size=1, max_size=3))
def test_ranges_multiply_and_every_position_has_its_name(
    prefix: str, groups: list[tuple[tuple[str, list[str]], str]]
) -> None:
    text = prefix + "".join(written + gap for (written, _), gap in groups)
    choices = [[number + gap for number in numbers] for (_, numbers), gap in groups]
    expected = [prefix + "".join(one) for one in itertools.product(*choices)]
    template = parse(text)
    assert list(template.names()) == expected
    assert [template.name(position) for position in range(len(template))] == expected
    assert list(template.names(len(expected) // 2)) == expected[len(expected) // 2 :]


@given(TEXT, ranges(), TEXT, st.integers(0, 200), st.integers(1, 5))
def test_one_range_matches_its_names_and_no_other(
    prefix: str, written: tuple[str, list[str]], gap: str, number: int, width: int
) -> None:
    text, numbers = written
    name = f"{prefix}{number:0{width}d}{gap}"
    assert parse(prefix + text + gap).matcher()(name) == (name in {prefix + one + gap for one in numbers})


@given(st.text(max_size=20))
def test_any_text_is_a_template_or_is_refused(text: str) -> None:
    try:
        template = parse(text)
    except InvalidTemplate:
        return
    if template.counted:
        assert template.matcher()(template.name(len(template) - 1))
