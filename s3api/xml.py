"""XML text as S3 writes it."""

from __future__ import annotations

import re

HEADER = '<?xml version="1.0" encoding="UTF-8"?>\n'
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"

_SPECIAL = re.compile("[\x00-\x1f&<>\"\x7f\ufffe\uffff]")
_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}


def _replacement(found: re.Match[str]) -> str:
    character = found[0]
    return _NAMED.get(character) or f"&#{ord(character)};"


def escape(text: str) -> str:
    """`text` as element content. Control characters become references: XML 1.0 has no other way to say them, and for
    those that it cannot say at all clients ask for `encoding-type=url`."""
    return _SPECIAL.sub(_replacement, text)
