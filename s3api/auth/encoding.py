"""The parts of a request as signatures see them: percent-encoded once, everything but RFC 3986's unreserved characters.

Raw paths and queries come as they were sent, latin-1 text that stands for bytes. Most clients send what they sign, so
one regular expression tells whether anything must be done at all.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_to_bytes

# Sorts below every character of an encoded name, so that "name<SEPARATOR>value" strings order by name, then by value.
SEPARATOR = "\x01"

_UNRESERVED = r"A-Za-z0-9_.~\-"
# Upper-case escapes of all that must be escaped; an escaped slash stands only in queries.
_ESCAPED = "2[0-9A-C]|[0189A-F][0-9A-F]|3[A-F]|40|5[B-E]|60|7[B-DF]"
# Groups repeat without a possessive +, which Python before 3.11.5 matches wrongly. What a repetition gives back cannot
# begin anything else here, so that nothing is looked at more than twice all the same.
TERM = rf"[{_UNRESERVED}]*+(?:%(?:2F|{_ESCAPED})[{_UNRESERVED}]*+)*"
_PATH = re.compile(rf"[{_UNRESERVED}/]*+(?:%(?:{_ESCAPED})[{_UNRESERVED}/]*+)*")
_QUERY = re.compile(rf"{TERM}={TERM}(?:&{TERM}={TERM})*")
_SPACES = re.compile("[ \t\n\v\f\r]+")


def canonical_path(path: str) -> str:
    """The path decoded once and encoded once; slashes and dots stay as they are."""
    if _PATH.fullmatch(path):
        return path or "/"
    return quote(unquote_to_bytes(path.encode("latin-1")), safe="/~")


def decoded(term: str) -> str:
    """A query's name or value without its escapes, as latin-1 text; a plus is a space."""
    return unquote_to_bytes(term.replace("+", " ").encode("latin-1")).decode("latin-1")


def _encoded(term: str) -> str:
    return quote(unquote_to_bytes(term.replace("+", " ").encode("latin-1")), safe="~")


def query_terms(query: str) -> list[str]:
    """The query's parameters in canonical order, each its encoded name, SEPARATOR and its encoded value."""
    if _QUERY.fullmatch(query):
        terms = query.replace("=", SEPARATOR).split("&")
    else:
        pairs = [piece.partition("=") for piece in query.split("&") if piece]
        terms = [f"{_encoded(name)}{SEPARATOR}{_encoded(value)}" for name, _, value in pairs]
    terms.sort()
    return terms


def joined(terms: list[str]) -> str:
    return "&".join(terms).replace(SEPARATOR, "=")


def canonical_query(query: str) -> str:
    """All parameters, sorted by name, then by value; `name=` where there is no value."""
    return joined(query_terms(query)) if query else ""


def canonical_value(value: str) -> str:
    """A header's value, trimmed, inner runs of white space being one space."""
    if "  " in value or "\t" in value:
        value = _SPACES.sub(" ", value)
    return value.strip(" ")
